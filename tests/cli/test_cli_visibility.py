"""What ``privacy-sdk visibility`` prints."""

import json

import pytest

from privacy_sdk.cli import main as cli


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["visibility", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_setting_is_one_line_of_dots_where_stdout_is_no_terminal(capsys):
    code, out, err = run(capsys, "--emulated")
    assert (code, err) == (0, "")
    assert "  ○ ○ ● –  About          Only your contacts can read your About text.\n" in out
    assert out.rstrip().endswith("Disappearing messages in new chats: off")


def test_one_person_has_two_columns(capsys):
    code, out, _ = run(capsys, "+999 11 555 0101", "--emulated")
    assert code == 0
    assert "  if a contact\n  │ if not\n" in out
    assert "0101" not in out


def test_json_says_yes_no_or_null(capsys):
    document = json.loads(run(capsys, "--emulated", "--json")[1])
    (about,) = [row for row in document["settings"] if row["category"] == "status"]
    assert about == {
        "category": "status",
        "setting": "About",
        "value": "contacts",
        "strangers": False,
        "known": False,
        "contacts": True,
        "excepted": None,
        "meaning": "Only your contacts can read your About text.",
    }
    assert (document["timer"], document["excepted"], document["person"]) == (0, {}, None)


def test_a_person_that_is_none_is_bad_input(capsys):
    code, out, err = run(capsys, "somebody", "--emulated")
    assert (code, out) == (2, "")
    assert "is not a phone number with a country code" in err
