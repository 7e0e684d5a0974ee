"""Reading cassettes: whole ones in any vcrpy style, and a clear error for anything else."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import privacy_sdk as ps
from privacy_sdk.cassettes.check import Finding, check
from privacy_sdk.cassettes.file import (
    HEADER,
    bundled_recordings,
    read_recording,
    recording_path,
    written,
)
from privacy_sdk.cassettes.members import indented
from privacy_sdk.errors import RecordingError


def interaction(body="", answer="{}", uri="http://127.0.0.1:8480/v1/x"):
    return {
        "request": {"method": "GET", "uri": uri, "body": body, "headers": {}},
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"content-type": ["application/json"]},
            "body": {"string": answer},
        },
    }


WHOLE = HEADER + written(interaction())


@pytest.fixture
def cassette(tmp_path):
    """Writes a cassette file and returns its path."""

    def write(content):
        path = tmp_path / "some.yaml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


TAG = "- !!python/object/apply:os.system ['touch {}']"


@pytest.mark.parametrize(
    ("content", "says", "line"),
    [
        ("", "is empty", None),
        (" \n\n", "is empty", None),
        ("\ufeff\n", "is empty", None),
        (WHOLE.encode("utf-16"), "Not UTF-8", 1),
        (WHOLE.encode() + b"# caf\xe9\n", "Not UTF-8", 17),
        ("just text\n", "Not a cassette", 1),
        ("42\n", "Not a cassette", 1),
        ("a: 1\nb: 2\n", "Not a cassette", 1),
        ("- request: {}\n  response: {}\n", "before its version 1", None),
        ("version: 1\ninteractions:\n", "without exchanges", 1),
        ("version: 1\ninteractions: []\n", "without exchanges", 1),
        ("version: 1\ninteractions: 7\n", "without exchanges", 1),
        (WHOLE.replace("version: 1", "version: 2"), "format version 2", None),
        (WHOLE.replace("version: 1", f"version: {'1' * 5_000}"), r"format version '1*…;", None),
        (WHOLE.replace("version: 1", "version: one"), "format version 'one'", None),
        (WHOLE[: WHOLE.index("  response:")], "only exchange is not whole", 3),
        (WHOLE[: WHOLE.index("    body:\n")], "only exchange is not whole", 3),
        (WHOLE.replace("  response:", "  answer:") + written(interaction()), "'response'", 3),
        (WHOLE[: WHOLE.index("message")], "[Nn]ot (?:a )?whole", 3),
        (WHOLE.replace("code: 200", "code: '200'"), "[Nn]ot (?:a )?whole", 3),
        (WHOLE.replace("code: 200", "code: 9"), "[Nn]ot (?:a )?whole", 3),
        (WHOLE.replace("method: GET", "method: [1]"), "[Nn]ot (?:a )?whole", 3),
        (WHOLE.replace("    headers: {}", "    headers: 3"), "[Nn]ot (?:a )?whole", 3),
        (WHOLE.replace("    method", "  method"), "not readable as YAML", 5),
        (WHOLE.replace("method: GET", "method: 'GET"), "only exchange is not whole", 3),
        (WHOLE.replace("method: GET", "method: \x07"), "does not allow", 4),
        (WHOLE + "\t- x\n", "only exchange is not whole", 3),
        (WHOLE + "---\na: 1\n", "A second document begins here", 17),
        (WHOLE + "? [1]\n: 2\n", "A key is a text", 17),
        (WHOLE.replace("body: ''", "body: *nothing"), "aliases", 6),
        (WHOLE.replace("body: ''", "body: !!binary '@'"), "not base64", 6),
        (WHOLE.replace("body: ''", "body: !!timestamp 2026-01-01"), "This tag", 6),
        (WHOLE + "- !!python/object:os.system {}\n", "This tag.*python/object", 17),
        (WHOLE + "- !!python/tuple [1]\n", "This tag.*python/tuple", 17),
        (WHOLE.replace("body: ''", "body: !Custom x"), "This tag.*Custom", 6),
        pytest.param("[" * 100_000, "nested at most 50 deep", 1, id="brackets"),
        pytest.param("- " * 100_000, "nested at most 50 deep", 1, id="dashes"),
    ],
)
def test_what_is_no_whole_cassette_is_refused_by_file_and_line(cassette, content, says, line):
    path = cassette(content)
    with pytest.raises(RecordingError, match=says) as caught:
        read_recording(path)
    assert str(path) in caught.value.message
    if line is not None:
        assert f"line {line}:" in caught.value.message
    assert caught.value.hint


def test_an_object_tag_is_never_executed(cassette, tmp_path):
    victim = tmp_path / "executed"
    path = cassette(WHOLE + TAG.format(victim) + "\n")
    with pytest.raises(RecordingError, match="This tag is not used"):
        read_recording(path)
    assert not victim.exists()


@pytest.mark.parametrize("name", ["missing.yaml", "a folder"])
def test_a_missing_file_or_a_folder_is_no_empty_cassette(tmp_path, name):
    (tmp_path / "a folder").mkdir()
    path = tmp_path / name
    with pytest.raises(RecordingError, match="There is no file") as caught:
        recording_path(path)
    assert "Bundled recordings" in caught.value.hint
    with pytest.raises(RecordingError, match="cannot be read"):
        read_recording(path)


def test_a_bare_name_is_a_bundled_recording():
    with pytest.raises(RecordingError, match="There is no recording 'nonesuch'") as caught:
        recording_path("nonesuch")
    for name in bundled_recordings():
        assert name in caught.value.hint
        assert recording_path(name).is_file()


@pytest.mark.parametrize(
    "style",
    [
        {},
        {"default_flow_style": True},
        {"default_style": '"', "width": 40, "indent": 8},
        {"default_style": "|"},
        {"sort_keys": False, "explicit_start": True, "explicit_end": True},
    ],
    ids=str,
)
def test_every_yaml_style_is_read(cassette, style):
    many = [interaction(body='{"a":1}\n\n x', answer=f"é 😀 {n}\n") for n in range(3)]
    recording = read_recording(
        cassette(yaml.safe_dump({"version": 1, "interactions": many}, **style))
    )
    assert [i["response"]["body"]["string"] for i in recording.interactions] == [
        f"é 😀 {n}\n".encode() for n in range(3)
    ]
    assert {i["request"]["body"] for i in recording.interactions} == {b'{"a":1}\n\n x'}


def test_the_line_of_every_exchange_is_known(cassette):
    recording = read_recording(cassette(WHOLE + "# a note\n" + written(interaction(body="x\n\ny"))))
    assert recording.lines == [3, 18]


def test_of_a_file_that_was_cut_off_anywhere_all_before_the_last_exchange_is_read(cassette):
    answer = indented({"settings": [{"category": "last", "value": "it's"}], "unreadable": 1})
    last = written(interaction(body="a\n\nb: x", answer=answer), overlaps=1)
    for cut in range(1, len(last) - 1):
        recording = read_recording(cassette(WHOLE + last[:cut]))
        assert (len(recording.interactions), recording.torn) == (1, 17), last[:cut]
    for whole in (WHOLE + last[:-1], WHOLE + last):  # the last line break is no part of it
        recording = read_recording(cassette(whole))
        assert (len(recording.interactions), recording.torn) == (2, None)
    assert recording.overlaps == [0, 1]


@given(body=st.text(), answer=st.text(), uri=st.text())
def test_whatever_text_is_written_is_read_back(tmp_path_factory, body, answer, uri):
    answer = answer.lstrip("{") or "x"
    path = tmp_path_factory.mktemp("written") / "some.yaml"
    entry = interaction(body=body, answer=answer, uri=uri)
    path.write_bytes((HEADER + written(entry) + written(entry)).encode())
    for read in read_recording(path).interactions:
        assert read["request"]["uri"] == uri
        assert read["request"]["body"] == body.encode()
        assert read["response"]["body"]["string"] == answer.encode()


@given(data=st.data())
def test_a_mangled_file_is_read_or_refused_and_nothing_else(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("mangled") / "some.yaml"
    content = bytearray((HEADER + written(interaction(body='{"a":[1]}')) * 2).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    path.write_bytes(content)
    try:
        recording = read_recording(path)
    except RecordingError:
        return
    assert len(recording.lines) == len(recording.interactions) >= 1


OLD = """\
- request:
    method: POST
    uri: http://127.0.0.1:8480/v1/accounts/demo/contacts
    body: '{"phones":["999900000001"]}'
    headers:
      content-type:
      - application/json
  response:
    status:
      code: 200
      message: OK
    headers:
      content-type:
      - application/json
    body:
      string: '{"contacts":[{"phone":"999900000001","jid":"999900000000001@lid","pn_jid":null}]}'
  people:
    '999900000001': 3f9a1c5d7e2b48a6b0c1d2e3f4a5b6c7
"""
"""As the recorder wrote it while it kept tags of people, made with a key of the machine."""


@pytest.mark.parametrize("phone", ["999900000001", "4915112345678"])
async def test_an_old_recording_with_tags_plays_for_whoever_is_meant(cassette, phone):
    path = cassette(HEADER + OLD)
    async with ps.AsyncClient.replay(path) as client:
        [contact] = await client.account.find_contacts([phone])
    assert contact.jid == ps.Jid("999900000000001", "lid")
    assert Finding(19, True, "a key that no recording has") in check(path)  # it may be a secret's
