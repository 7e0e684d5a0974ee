"""The commands for wanted settings: what they print, ask, and end with."""

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from asking import TOKEN

import privacy_sdk as ps
from privacy_sdk.accounts.http import HttpAccount
from privacy_sdk.cli import output

POLICY = """\
last: none
status: all
exceptions:
  profile: ["+999 11 555 0101"]
timer: 7d
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(POLICY)
    return str(path)


def client_of(url: str) -> ps.Client:
    return ps.Client.from_account(HttpAccount(url, token=TOKEN, account="demo"))


def test_plan_shows_what_would_change_and_changes_nothing(run, policy, gateway):
    assert [line.split() for line in run.out("plan", policy).splitlines()][:3] == [
        ["Plan", "of", "5", "changes", "for", "'demo',", "1", "of", "them", "looser"],
        ["setting", "from", "to", "direction"],
        ["Last", "seen", "everyone", "nobody", "tighter"],
    ]
    assert run.json("plan", policy)["changes"][2] == {
        "change": "exceptions",
        "category": "profile",
        "from": 0,
        "to": 1,
        "direction": "tighter",
        "obstacle": "",
    }
    with client_of(gateway) as client:
        assert not client.plan(ps.Policy(last="all", status="contacts"))


def test_apply_changes_the_settings_and_says_what_became_of_each(run, policy, gateway):
    out = run.out("apply", policy, "--yes")
    assert "Applied to 'demo': 5 applied" in out
    assert run.out("plan", policy) == "Plan for 'demo': nothing is to be changed"
    assert run.out("apply", policy, "--yes") == "Plan for 'demo': nothing is to be changed"
    assert run.json("apply", policy, "--yes") == {
        "account": "demo",
        "is_complete": True,
        "changes": [],
    }


@pytest.mark.parametrize(
    ("fault", "outcome", "code"), [("refused", "refused", 3), ("not_applied", "refused", 3)]
)
def test_a_refused_change_ends_with_its_code(run, policy, gateway, fault, outcome, code):
    with client_of(gateway) as client:
        client.account.emulate(
            ps.testing.NextAnswer(fault, category="last", operation="set_privacy_setting")
        )
    ended, out, err = run("apply", policy, "--yes", "--json")
    assert (ended, err) == (code, "")
    applied = json.loads(out)
    assert applied["is_complete"] is False
    assert [each["outcome"] for each in applied["changes"]] == [outcome] + ["applied"] * 4


def test_an_unknown_outcome_ends_with_its_code(run, policy, gateway):
    with client_of(gateway) as client:
        for fault, times in (("slow", 2), ("lost", 2)):  # the plan and the start are read
            operation = "fetch_default_disappearing_mode"
            client.account.emulate(ps.testing.NextAnswer(fault, operation=operation, times=times))
    ended, out, err = run("apply", policy, "--yes")
    assert (ended, err) == (5, "")
    assert "unknown" in out


def test_apply_asks_first(policy, monkeypatch):
    """In a terminal of its own: no leaves all as it is, yes does not."""
    for answer, last in (
        ("n\n", "Nothing was changed."),
        ("\n", "Nothing was changed."),
        ("y\n", "applied"),
    ):
        main, side = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "privacy_sdk", "apply", policy, "--emulated"],
            stdin=side,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            os.close(side)
            os.write(main, answer.encode())
            out, err = process.communicate(timeout=60)
            os.close(main)
        assert err == "Make these changes? [y/N] "
        assert process.returncode == (0 if last == "applied" else 1)
        assert last in out.splitlines()[-1]


def test_apply_with_nobody_to_ask_wants_a_yes(run, policy, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    code, err = run.error("apply", policy, "--emulated")
    assert (code, err) == (2, "apply asks first, and nobody is there to answer. Add --yes.")


def test_a_policy_with_faults_is_one_line_and_bad_input(run, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("lst: none\nonline: none\n")
    for command in (["plan"], ["apply", "--yes"]):
        code, err = run.error(*command, str(path), "--emulated")
        assert code == 2
        assert f"{path}, line 1, lst: 'lst' is not a known key. Did you mean 'last'?" in err
        assert f"{path}, line 2, online: 'online' cannot be set to 'none'." in err
    code, err = run.error("plan", str(tmp_path / "none.yaml"), "--emulated")
    assert (code, "No such file" in err) == (2, True)


def test_a_snapshot_is_a_policy(run, gateway, tmp_path):
    path = tmp_path / "now.yaml"
    run.out("exclude", "profile", "+999115550101")
    text = run.out("snapshot")
    assert ps.Policy.from_yaml(text).settings["profile"] == "contact_blacklist"
    assert run.out("snapshot", "-o", str(path)) == f"Saved to {path}."
    assert path.read_text().rstrip("\n") == text
    assert run.json("snapshot")["policy"].rstrip("\n") == text
    run.out("set", "last", "none")
    run.out("include", "profile", "+999115550101")
    run.out("apply", str(path), "--yes")
    assert run.out("snapshot") == text
    code, err = run.error("snapshot", "-o", str(tmp_path / "no" / "where.yaml"))
    assert (code, "cannot be written" in err) == (2, True)


def test_people_are_excluded_listed_and_included(run, gateway):
    people = ["+999 11 555 0101", "999000000000002@lid"]
    assert run.out("include", "last", *people) == "Last seen: everyone; nobody is excepted."
    assert run.out("exclude", "last", *people) == (
        "Last seen: my contacts except 2 people (was: everyone)."
    )
    assert "99•••02@lid" in run.out("excluded", "last")
    document = run.json("exclude", "last", people[0])
    assert (document["before"], document["value"], document["people"]) == (
        "contact_blacklist",
        "contact_blacklist",
        2,
    )
    assert document["description"] == "Last seen: my contacts except 2 people"
    assert run.out("include", "last", people[0]) == (
        "Last seen: my contacts except 1 person (was: my contacts except 2 people)."
    )


def test_people_come_from_standard_input_where_nobody_sees_them(run, gateway, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("+999 11 555 0101\n\n  999000000000002@lid \n"))
    assert run.json("exclude", "last", "-", "+999 11 555 0103")["people"] == 3
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert "nobody is named" in run.error("exclude", "last", "-")[1]
    assert "can be read once" in run.error("exclude", "last", "-", "-")[1]


def test_people_are_called_by_name(run, gateway, tmp_path):
    contacts = tmp_path / "contacts.csv"
    contacts.write_text("Name,Phone\nAna Lima,+999 11 555 0101\nBo,+999115550102\n")
    named = ["--names", str(contacts)]
    run.out("exclude", "last", "ana lima", *named)
    assert "Ana Lima  99•••01@lid" in run.out("excluded", "last", *named)
    assert run.json("excluded", "last", *named)["users"][0]["name"] == "Ana Lima"
    assert "name" not in run.json("excluded", "last")["users"][0]
    assert "'Zoe' is not a phone number" in run.error("exclude", "last", "Zoe", *named)[1]
    policy = tmp_path / "mine.yaml"
    policy.write_text("exceptions:\n  last: [Bo]\n")
    assert "Bo 99•••02" in run.out("plan", str(policy), *named)
    assert "cannot be read" in run.error("show", "--names", str(tmp_path / "none.csv"))[1]


def test_only_what_tightens_is_planned_and_applied_on_demand(run, gateway, tmp_path):
    policy = tmp_path / "mine.yaml"
    policy.write_text("last: none\nstatus: all\n")
    assert "1 of them looser" in run.out("plan", str(policy))
    assert len(run.json("plan", str(policy), "--only-tighter")["changes"]) == 1
    run.out("apply", str(policy), "--only-tighter", "--yes")
    values = {each["category"]: each["value"] for each in run.json("show")["settings"]}
    assert (values["last"], values["status"]) == ("none", "contacts")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["exclude", "online", "+999115550101"], "has no list"),
        (["exclude", "lst", "+999115550101"], "Did you mean 'last'?"),
        (["exclude", "last", "11 5550 0101"], "people[0]: '11•••01' is not a phone number"),
        (["include", "last", "+999555550155"], "nobody on WhatsApp has 99•••55."),
        (["exclude", "last"], "Missing argument"),
    ],
)
def test_people_who_cannot_be_meant_are_bad_input(run, arguments, says):
    code, err = run.error(*arguments, "--emulated")
    assert code == 2
    assert says in err


def test_a_narrow_terminal_gets_lines(run, policy, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = run.out("plan", policy, "--emulated")
    assert "\x1b[32m" in out
    assert "Last seen" in out


def test_every_outcome_has_a_code():
    assert {output.EXIT_CODES[cls][0] for cls in (ps.NotAppliedError, ps.OutcomeUnknownError)} == {
        3,
        5,
    }
