"""Before a cassette is handed on: what is in it, and who."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from commands import Command
from recording_tools import echoing, recording

from privacy_sdk.cassettes.check import Finding, Row, check, show
from privacy_sdk.cassettes.file import HEADER, bundled_recordings, recording_path, written
from privacy_sdk.errors import RecordingError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "my.yaml"


def interaction(uri="/v1/accounts/me", asked="", answered="{}", **headers):
    return {
        "request": {
            "method": "GET",
            "uri": uri if "//" in uri else f"http://127.0.0.1:8480{uri}",
            "body": asked,
            "headers": {name.replace("_", "-"): [value] for name, value in headers.items()},
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"content-type": ["application/json"]},
            "body": {"string": answered},
        },
    }


PLANTED = [
    ({"uri": "/v1/accounts/me?phone=%2B5511912345678"}, "a person", "the request's address"),
    ({"uri": "/v1/accounts/5511912345678"}, "a person", "the request's address"),
    ({"uri": "/v1/accounts/wa-5511912345678_main/link"}, "a person", "the request's address"),
    ({"uri": "/v1/x/5511912345678"}, "not of the interface", "a request"),
    ({"uri": "http://5511912345678.example/v1/accounts"}, "another host", ""),
    ({"uri": "http://me:word@127.0.0.1:8480/v1/accounts"}, "a user name", "address"),
    ({"uri": "http://127.0.0.1:8480/5511912345678/v1/accounts"}, "a person", "address"),
    ({"uri": "/v1/accounts#5511912345678"}, "a person", "the request's address"),
    ({"uri": "http5511912345678://127.0.0.1:8480/v1/accounts"}, "a person", "address"),
    ({"uri": "/v1/accounts/999-5511912345678"}, "a person", "the request's address"),
    ({"uri": "/v1/accounts/%E2%9D%BA%E2%9D%BA%E2%9D%B6%E2%9D%B6%E2%9D%BE"}, "a person", ""),
    ({"asked": '{"phones":["+55 11 91234-5678"]}'}, "a person", "'phones' of the request"),
    ({"answered": '{"jid":"203948576102938@lid"}'}, "a person (20•••38)", "'jid' of the answer"),
    ({"answered": '{"push_name":"Ana Lima"}'}, "a member in the answer", "as no recording has"),
    ({"answered": '{"hint":"call 55x11x91234x5678"}'}, "words that tell of somebody", "'hint'"),
    ({"answered": '{"value":"call 5511912345678"}'}, "words that tell of somebody", "'value'"),
    ({"answered": '{"duration":"55 11 91234-5678"}'}, "that is not kept", "answer"),
    ({"answered": '{"dhash":"55 11 91234-5678"}'}, "words", "'dhash' of the answer"),
    ({"answered": '{"code":5511912345678}'}, "'code' that is not kept", "answer"),
    ({"answered": '{"backoff":1.00000000000000005511912345678}'}, "words", "'backoff'"),
    ({"answered": '{"qr":"2@abc"}'}, "a secret", "'qr' of the answer"),
    ({"answered": "Bearer abcdef"}, "no JSON object", "answer"),
    ({"answered": b"\x1f\x8b\x08\xff"}, "compressed or no text", ""),
    ({"Authorization": "Basic abcdef"}, "a header", "request"),
    ({"Host": "ana-lima.example"}, "a header (Host)", "request"),
    ({"X_Phone": "+5511912345678"}, "a header", "request"),
    ({"X_5511912345678": "1"}, "a header", "request"),
    ({"User_Agent": "me/5511912345678"}, "a header", "request"),
    ({"method": "CALL-5511912345678"}, "not of the interface", ""),
    ({"message": "Call 5511912345678"}, "a status message", ""),
    ({"overlaps": 912345678}, "a count that no recording has", ""),
    ({"after_unanswered_change": 912345678}, "a count that no recording has", ""),
]
_COUNTS = ("overlaps", "after_unanswered_change")


@pytest.mark.parametrize(("planted", "says", "where"), PLANTED)
def test_whatever_no_recording_would_hold_is_found_and_not_shown(path, planted, says, where):
    message, method = planted.get("message"), planted.get("method")
    counts = {name: planted[name] for name in _COUNTS if name in planted}
    outside = ("message", "method", *_COUNTS)
    entry = interaction(**{k: v for k, v in planted.items() if k not in outside}) | counts
    entry["request"]["method"] = method or entry["request"]["method"]
    entry["response"]["status"]["message"] = message or "OK"
    path.write_text(HEADER + written(interaction()) + yaml.safe_dump([entry], sort_keys=False))
    found = [finding for finding in check(path) if finding.is_wrong]
    assert len(found) == 1, found
    assert found[0].line >= 17
    assert says in str(found[0])
    assert where in str(found[0])
    assert "91234" not in str(found[0])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# made with +55 11 91234-5678\n{}", 1),
        ("{} # call 55 11 91234 5678\n", 17),
        ("{}  extra: {{phone: '5511912345678'}}\n", 17),
        ("{}", None),
    ],
)
def test_every_character_of_the_file_is_looked_at(path, text, line):
    path.write_text(text.format(HEADER + written(interaction())))
    wrong = [finding for finding in check(path) if finding.is_wrong]
    assert [finding.line for finding in wrong] == ([] if line is None else [line])


def test_a_comment_without_digits_is_worth_reading(path):
    path.write_text(HEADER + "# a note\n" + written(interaction()))
    assert Finding(3, False, "a comment, which nobody can vouch for") in check(path)


def test_a_header_that_only_vcrpy_writes_is_worth_reading_once(path):
    entry = written(interaction(User_Agent="Ana Lima"))
    path.write_text(HEADER + entry * 2)
    says = "a header (User-Agent) in the request"
    assert [f for f in check(path) if "header" in f.says] == [Finding(8, False, says)]


def test_the_accounts_that_a_recording_names_are_named(path):
    path.write_text(HEADER + written(interaction()) * 2)
    assert check(path) == [Finding(5, False, "the account 'me' is named")]


async def test_a_recording_of_this_package_has_nothing_to_mend(path):
    people = {
        "jid": "203948576102938@lid",
        "push_name": "Ana",
        "token": "abc",
        "dhash": "1763827200000",
    }
    async with recording(path, server=lambda: echoing(**people)) as client:
        await client.post("/v1/accounts/x/contacts", json={"phones": ["+55 11 91234-5678"]})
        await client.get("/v1/accounts/5511912345678")
    assert not any(finding.is_wrong for finding in check(path))


@pytest.mark.parametrize("name", bundled_recordings())
def test_the_bundled_recordings_have_nothing_to_mend(name):
    assert [finding for finding in check(recording_path(name)) if finding.is_wrong] == []


def test_unknown_names_are_worth_knowing_once_and_not_wrong(path):
    settings = {
        "settings": [
            {"category": "stickers", "value": "contact_allowlist"},
            {"category": "last", "value": "all"},
            {"category": "", "value": None},
        ]
    }
    path.write_text(HEADER + written(interaction(answered=json.dumps(settings))) * 2)
    found = [finding for finding in check(path) if "no name for" in finding.says]
    assert [(f.line, f.is_wrong, f.says.split()[0]) for f in found] == [
        (16, False, "'stickers'"),
        (16, False, "'contact_allowlist'"),
    ]


@pytest.mark.parametrize(
    "content", ["", "version: 1\ninteractions:\n", "a: [", "version: 7\ninteractions: [1]\n"]
)
def test_what_is_no_cassette_is_one_finding(path, content):
    path.write_text(content)
    (finding,) = check(path)
    assert finding.is_wrong
    assert str(path) in finding.says


def test_the_exchanges_are_shown_as_rows_without_people(path):
    first = interaction(
        "/v1/accounts/me?phone=%2B5511912345678", asked='{"phones":["+999900000001"]}'
    )
    path.write_text(HEADER + written(first) + written(interaction(answered="5511912345678@lid")))
    assert show(path) == [
        Row(
            1, 3, "GET", "/v1/accounts/me?phone=55•••78", 200, '{"phones":["+999900000001"]}', "{}"
        ),
        Row(2, 17, "GET", "/v1/accounts/me", 200, "", "55•••78@lid"),
    ]


def test_what_is_no_person_is_shown_as_it_is(path):
    path.write_text(HEADER + written(interaction(answered='{"dhash":"1763827200000"}')))
    assert show(path)[0].answered == '{"dhash":"1763827200000"}'


def test_the_pre_commit_hook_looks_at_cassettes_wherever_they_lie(tmp_path):
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["types"] == ["yaml"]
    assert "files" not in hook
    program, *arguments = hook["entry"].split()
    command = [Path(sys.executable).with_name(program), *arguments]
    (tmp_path / "config.yaml").write_text("a: 5511912345678\n")
    good, bad = tmp_path / "good.yaml", tmp_path / "any" / "where.yml"
    bad.parent.mkdir()
    good.write_text(HEADER + written(interaction()))
    assert subprocess.run([*command, tmp_path / "config.yaml", good]).returncode == 0
    bad.write_text(HEADER + written(interaction(uri="/v1/accounts/5511912345678")))
    given = [tmp_path / "missing.yaml", tmp_path / "config.yaml", good, bad]
    refused = subprocess.run([*command, *given], capture_output=True, text=True)
    assert refused.returncode == 1
    assert f"{bad}: line 5: a person (55•••78)" in refused.stdout


def test_a_folder_is_searched_and_a_missing_file_keeps_no_other_from_being_checked(tmp_path):
    bad = tmp_path / "deep" / "bad.yaml"
    bad.parent.mkdir()
    bad.write_text(HEADER + written(interaction(uri="/v1/accounts/5511912345678")))
    (tmp_path / "other.yaml").write_text("a: 1\n")
    program = Path(sys.executable).with_name("privacy-sdk")
    command = [program, "cassette", "check", tmp_path / "missing.yaml", tmp_path]
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "There is no file" in refused.stdout
    assert f"{bad}: line 5: a person (55•••78)" in refused.stdout
    assert "other.yaml" not in refused.stdout


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        (["tour"], 0, "1 cassette can be handed to anybody."),
        (["tour", "good.yaml"], 0, "2 cassettes can be handed to anybody."),
        (["--only-cassettes", "other.yaml"], 0, "Nothing was checked."),
        (["tour", "bad.yaml"], 1, "wrong bad.yaml: line 5: a person (55•••78)"),
        (["other.yaml"], 1, "wrong other.yaml: line 1: Not a cassette"),
        (["missing.yaml"], 1, "wrong missing.yaml: There is no file 'missing.yaml'."),
        ([], 2, "Missing argument"),
        (["tour", "--fix"], 2, "No such option"),
    ],
)
def test_a_check_tells_by_its_exit_code_whether_something_was_found(
    tmp_path, monkeypatch, capsys, given, code, says
):
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text(HEADER + written(interaction()))
    Path("bad.yaml").write_text(HEADER + written(interaction(uri="/v1/accounts/5511912345678")))
    Path("other.yaml").write_text("a: 1\n")
    run = Command(capsys)
    ended, out, err = run("cassette", "check", *given)
    assert ended == code
    assert says in (err if code == 2 else out)
    assert f" {code} " in run.out("cassette", "check", "--help")


def test_what_cannot_be_read_cannot_be_shown(path):
    with pytest.raises(RecordingError):
        show(path)
