"""The benchmarks still run, and say what they measured as a table."""

import importlib
import math

import pytest

from benchmarks import Row
from benchmarks.__main__ import HEADER, machine, sections, written


@pytest.mark.slow
@pytest.mark.parametrize("name", sections())
def test_a_section_measures_something(name: str) -> None:
    rows = list(importlib.import_module(f"benchmarks.{name}").rows(True))
    assert rows
    for row in rows:
        assert math.isfinite(row.ratio)
        assert row.ratio > 0


def test_an_aim_is_met_or_missed_by_the_ratio() -> None:
    row = Row("a", 2.0, "b", 1.0, "ms", "<= 2.0")
    assert row.met is True
    assert Row("a", 2.1, "b", 1.0, "ms", "<= 2.0").met is False
    assert Row("a", 0.9, "b", 1.0, "/s", ">= 0.8").met is True
    assert Row("a", 0.7, "b", 1.0, "/s", ">= 0.8").met is False
    assert Row("a", 0.7, "b", 1.0, "/s").met is None


def test_a_section_is_a_table_in_markdown_with_its_notes() -> None:
    row = Row("a call", 2.0, "another", 1.0, "ms", "<= 1.5", "it does more.")
    heading, line, notes = written("replay", [row])
    assert heading.startswith("\n## Replaying and opening a cassette")
    assert heading.endswith(HEADER)
    assert line == "| a call | 2 ms | another | 1 ms | 2 × | <= 1.5 | **missed** |"
    assert notes == "\n- a call: it does more."


def test_the_machine_is_described_by_what_matters_and_not_by_name() -> None:
    described = machine()
    assert "Python 3" in described
    assert "pandas 3" in described
    assert "/" not in described.replace("w/", "")
