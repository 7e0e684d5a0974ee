"""The README's first lines do what it says they do."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from privacy_sdk.accounts.backends import table

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_the_first_code_prints_the_table_below_it():
    (_, code), (_, table) = [block for block in BLOCKS if block[0] in ("python", "")][:2]
    assert len([line for line in code.splitlines() if line]) <= 5
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    said = [line.rstrip() for line in table.splitlines()]
    assert [line.rstrip() for line in printed.getvalue().splitlines()] == said


@pytest.mark.parametrize("code", [code for language, code in BLOCKS if language == "python"])
def test_every_other_code_is_python(code):
    compile(code, "README.md", "exec")


def test_what_each_backend_can_do_is_what_the_package_says():
    head, *rows = (f"| {' | '.join(row)} |" for row in table())
    assert "\n".join([head, "|---|---|---|---|", *rows]) in README


def test_every_link_into_the_repository_leads_somewhere():
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    assert links
    for link in links:
        assert (Path(__file__).parents[1] / link).exists(), link
