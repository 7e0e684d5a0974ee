"""apply and undo on the command line: exit codes, undo files, standard input, a full disk."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Command

import privacy_sdk as ps


def value() -> str:
    with ps.Client() as client:
        return client.fetch_privacy_settings().loc["last", "value"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "policy.yaml"
    path.write_text("last: none\n")
    return str(path)


def test_who_says_no_gets_1_and_nothing_is_changed(
    run: Command, gateway: str, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    code, out, _ = run("apply", policy)
    assert code == 1
    assert "Nothing was changed." in out
    assert value() == "all"


def test_a_plan_tells_by_its_exit_code_whether_anything_would_change(
    run: Command, gateway: str, policy: str
) -> None:
    assert run("plan", policy)[0] == 0
    assert run("plan", policy, "--exit-code")[0] == 7
    assert run("apply", policy, "--yes")[0] == 0
    assert run("plan", policy, "--exit-code")[0] == 0


def test_an_undo_file_takes_back_what_was_made_and_only_that(
    run: Command, gateway: str, policy: str, tmp_path: Path
) -> None:
    file = tmp_path / "undo.json"
    assert run("apply", policy, "--yes", "--undo-file", str(file))[0] == 0
    if os.name == "posix":
        assert file.stat().st_mode & 0o077 == 0
    code, _, err = run("apply", policy, "--yes", "--undo-file", str(file))
    assert code == 2
    assert "Nothing was changed" in err
    assert run("undo", str(file), "--yes")[0] == 0
    with ps.Client() as client:
        assert client.fetch_privacy_settings().loc["last", "value"] == "all"
        client.set_privacy_setting("last", "contacts")
    code, _, err = run("undo", str(file), "--yes")
    assert code == 3
    assert "no longer fits" in err


def test_what_is_no_undo_file_is_bad_input(run: Command, gateway: str, policy: str) -> None:
    for file in (policy, "nowhere.json"):
        assert run("undo", file, "--yes")[0] == 2


def test_dashes_are_standard_input_and_output(
    run: Command, gateway: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = run.out("snapshot", "-o", "-")
    assert "last: all" in text
    monkeypatch.setattr(sys, "stdin", io.StringIO(text.replace("last: all", "last: none")))
    assert run("apply", "-", "--yes")[0] == 0
    assert value() == "none"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["set", "last", "none"], "made all the same"), (["--help"], "cannot be written")],
)
def test_a_full_disk_is_said_in_a_line_and_what_was_made_is_said_too(
    gateway: str, arguments: list[str], says: str
) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "privacy_sdk", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
