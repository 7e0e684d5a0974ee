"""Before a cassette is handed on: what is in it, and who."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from recording_tools import echoing, recording

from privacy_sdk.cassettes.check import Finding, Row, check, show
from privacy_sdk.cassettes.file import HEADER, bundled_recordings, recording_path, written
from privacy_sdk.errors import RecordingError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "my.yaml"


def interaction(uri="/v1/x", asked="", answered="{}", **headers):
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


@pytest.mark.parametrize(
    ("planted", "line", "says"),
    [
        (
            {"uri": "/v1/x?phone=%2B5511912345678"},
            20,
            "a person (55•••78) in the request's address",
        ),
        ({"uri": "/v1/x/5511912345678%40lid"}, 20, "a person (55•••78) in the request's address"),
        (
            {"asked": '{"phones":["+55 11 91234-5678"]}'},
            21,
            "a person (55•••78) in the request's body",
        ),
        (
            {"answered": '{"jid":"203948576102938@lid"}'},
            31,
            "a person (20•••38) in the answer's body",
        ),
        ({"answered": '{"push_name":"Ana Lima"}'}, 31, "a person (•••) in the answer's body"),
        ({"answered": '{"token":"abc"}'}, 18, "a token, cookie or code in the answer's body"),
        ({"answered": "Bearer abcdef"}, 18, "a token, cookie or code in the answer's body"),
        ({"answered": "2@aaaaaaaaaa,bbbbbbbbbb,cccccccccc"}, 18, "code in the answer's body"),
        ({"answered": b"\x1f\x8b\x08\xff"}, 18, "cannot be searched for people"),
        ({"Authorization": "Basic abcdef"}, 23, "a Authorization header in the request"),
        ({"Set_Cookie": "a=b"}, 23, "a Set-Cookie header in the request"),
        ({"X_Phone": "+5511912345678"}, 24, "a person (55•••78) in the request's headers"),
        ({"uri": "http://me:word@127.0.0.1/v1/x"}, 18, "a user name in the request's address"),
    ],
)
def test_a_planted_leak_is_found_with_its_line_and_not_shown(path, planted, line, says):
    entry = yaml.safe_dump([interaction(**planted)], sort_keys=False)
    path.write_text(HEADER + written(interaction()) + "# fine\n" + entry)
    (finding,) = [finding for finding in check(path) if finding.is_wrong]
    assert finding.line == line
    assert says in str(finding)
    assert "91234" not in str(finding)


def test_a_person_in_a_comment_is_found(path):
    path.write_text(HEADER + "# made with +55 11 91234-5678\n" + written(interaction()))
    assert check(path) == [
        Finding(3, True, "a comment that names somebody or tells a secret"),
    ]


def test_digits_are_a_person_once_the_file_says_so(path):
    answers = ('{"x":"5511912345678"}', '{"phone":"5511912345678"}')
    path.write_text(HEADER + "".join(written(interaction(answered=a)) for a in answers[:1]))
    assert check(path) == []
    path.write_text(HEADER + "".join(written(interaction(answered=a)) for a in answers[::-1]))
    assert [finding.line for finding in check(path)] == [16, 30]


async def test_a_recording_of_this_package_has_nothing_to_find(path):
    people = {
        "jid": "203948576102938@lid",
        "push_name": "Ana",
        "token": "abc",
        "dhash": "1763827200000",
    }
    async with recording(path, server=lambda: echoing(**people)) as client:
        await client.post("/v1/x?phone=5511912345678", json={"phones": ["+55 11 91234-5678"]})
        await client.get("/v1/x/5511912345678")
    assert check(path) == []


@pytest.mark.parametrize("name", bundled_recordings())
def test_the_bundled_recordings_have_nothing_to_mend(name):
    assert [finding for finding in check(recording_path(name)) if finding.is_wrong] == []


def test_unknown_names_are_worth_knowing_once_and_not_wrong(path):
    settings = {
        "settings": [
            {"category": "stickers", "value": "contact_allowlist"},
            {"category": "last", "value": "all"},
            {"category": "", "value": None},
            7,
        ]
    }
    path.write_text(HEADER + written(interaction(answered=json.dumps(settings))) * 2)
    assert [(f.line, f.is_wrong, f.says.split()[0]) for f in check(path)] == [
        (3, False, "'stickers'"),
        (3, False, "'contact_allowlist'"),
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
    first = interaction("/v1/x?phone=%2B5511912345678", asked='{"phones":["+999900000001"]}')
    path.write_text(HEADER + written(first) + written(interaction(answered="5511912345678@lid")))
    assert show(path) == [
        Row(1, 3, "GET", "/v1/x?phone=+55•••78", 200, '{"phones":["+999900000001"]}', "{}"),
        Row(2, 17, "GET", "/v1/x", 200, "", "55•••78@lid"),
    ]


def test_what_is_no_person_is_shown_as_it_is(path):
    path.write_text(HEADER + written(interaction(answered='{"dhash":"1763827200000"}')))
    assert show(path)[0].answered == '{"dhash":"1763827200000"}'


def test_the_pre_commit_hook_runs_the_check_on_cassettes(path):
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert re.search(hook["files"], "tests/cassettes/test_mine/test_fetch.yaml")
    assert not re.search(hook["files"], "docs/config.yaml")
    program, *arguments = hook["entry"].split()
    command = [Path(sys.executable).with_name(program), *arguments, path]
    path.write_text(HEADER + written(interaction()))
    assert subprocess.run(command, capture_output=True).returncode == 0
    path.write_text(HEADER + written(interaction(uri="/v1/x?phone=5511912345678")))
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode == 1
    assert f"{path}: line 5: a person (55•••78)" in refused.stdout


def test_what_cannot_be_read_cannot_be_shown(path):
    with pytest.raises(RecordingError):
        show(path)
