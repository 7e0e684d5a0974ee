"""YAML as plain values with lines: what each dialect may hold, and where a text is wrong."""

import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import privacy_sdk as ps
from privacy_sdk.cassettes.file import HEADER, read_recording, written
from privacy_sdk.support import yaml as ours
from privacy_sdk.support.yaml import Dialect, YamlError, read_yaml

PLAIN = Dialect("note", max_depth=3)
TYPED = Dialect("record", max_depth=3, is_typed=True)

loaders = pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])


@pytest.fixture
def use_loader(monkeypatch):
    """Reads with libyaml or without, as on a machine that has none."""
    return lambda name: monkeypatch.setattr(ours, "_LOADER", getattr(yaml, name))


def refused(text, dialect):
    with pytest.raises(YamlError) as caught:
        read_yaml(text, dialect)
    return caught.value


values = st.recursive(
    st.none() | st.integers(0, 10**18 - 1) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(value=values, is_flow=st.booleans())
def test_what_pyyaml_writes_is_read_as_pyyaml_reads_it(value, is_flow):
    text = yaml.safe_dump(value, default_flow_style=is_flow)
    deep = Dialect("record", max_depth=50, is_typed=True)
    assert read_yaml(text, deep).value == yaml.safe_load(text) == value


def test_the_plain_dialect_holds_texts_alone():
    text = "off: no\n7: +7\nnull: ~\n'x': !  1_0\ny: [0o7, 2026-01-01, .inf, '']"
    assert read_yaml(text, PLAIN).value == {
        "off": "no",
        "7": "+7",
        "null": "~",
        "x": "1_0",
        "y": ["0o7", "2026-01-01", ".inf", ""],
    }


def test_the_typed_dialect_holds_numbers_nothing_and_bytes_and_no_other_type():
    text = f"- [1, 0, ~, !!binary YQ==]\n- [007, -1, 1.5, yes, {'9' * 5_000}, '1']"
    assert read_yaml(text, TYPED).value == [
        [1, 0, None, b"a"],
        ["007", "-1", "1.5", "yes", "9" * 5_000, "1"],
    ]


@loaders
@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: &x 1", 2, "Anchors (&) and aliases (*) are not used in a note."),
        ("a: 1\nb: *x", 2, "Anchors (&) and aliases (*) are not used in a note."),
        ("a: 1\nb: !!int 1", 2, "This tag is not used in a note: 'tag:yaml.org,2002:int'."),
        ("a: !!python/object/apply:os.system [x]", 1, "This tag is not used in a note"),
        ("a:\n- !mine\n  b: 1", 2, "This tag is not used in a note: '!mine'."),
        ("a: 1\n---\nb: 1", 2, "A second document begins here."),
        ("a: 1\n? [b]\n: 1", 2, "A key is a text."),
        ("a: 1\n? {b: 1}\n: 1", 2, "A key is a text."),
        ("a:\n b:\n  c:\n   d: 1", 4, "A note is nested at most 3 deep."),
        ("a:\n b:\n  c: [[]]", 3, "A note is nested at most 3 deep."),
        ("[" * 100_000, 1, "A note is nested at most 3 deep."),
        ("- " * 100_000, 1, "A note is nested at most 3 deep."),
        ("{a: " * 100_000, 1, "A note is nested at most 3 deep."),
        ("".join(" " * n + "a:\n" for n in range(2_000)), 4, "A note is nested at most 3 deep."),
        ("ä: ö\nb: é\x07\nc: 1\n", 2, "YAML does not allow this character."),
        ("ä: ö\nb: é\ud800\nc: 1\n", 2, "YAML does not allow this character."),
        ("a: 1\n\tb: 1", 2, "This is not readable as YAML: "),
        ("a: 1\nb: [1", 2, "This is not readable as YAML: "),
        ("a: 1\nb: 'x", 2, "This is not readable as YAML: "),
        ("a: 1\n%", 2, "This is not readable as YAML: "),
    ],
)
def test_what_a_dialect_does_not_hold_is_refused_by_line(use_loader, loader, text, line, problem):
    use_loader(loader)
    error = refused(text, PLAIN)
    assert error.problem.startswith(problem)
    assert error.problem.endswith(".")
    assert error.is_syntax == ("readable" in problem)
    if "nested" not in problem or len(text) < 100:  # libyaml counts these itself, ahead of us
        assert error.line == line


@pytest.mark.parametrize("depth", range(1, 60))
def test_the_depth_that_is_allowed_is_read_and_one_more_is_not(depth):
    dialect = Dialect("note", max_depth=depth)
    read_yaml("[" * depth + "]" * depth, dialect)
    read_yaml("- " * depth + "x", dialect)
    refused("[" * (depth + 1) + "]" * (depth + 1), dialect)
    refused("- " * (depth + 1) + "x", dialect)


@pytest.mark.parametrize("dialect", [PLAIN, TYPED])
@pytest.mark.parametrize("value", ["0", "x", "''", "~", "[]", "{}", "a long value", "12345678901"])
@pytest.mark.parametrize("key", ["t", "timer", "''", "a long key"])
def test_a_key_that_is_there_twice_is_named_with_both_lines(dialect, key, value):
    document = read_yaml(f"first: 1\n{key}: {value}\nx: 2\n{key}: {value}\n", dialect)
    name = key.strip("'")
    assert document.repeated == ((4, f"{name!r} is there a second time; the first is on line 2."),)


def test_of_a_key_that_is_there_twice_the_first_counts_at_any_depth():
    document = read_yaml("a: {b: 1,\n b: 2}\na: {c: 1,\n c: 2}", PLAIN)
    assert document.value == {"a": {"b": "1"}}
    assert [line for line, _ in document.repeated] == [2, 3, 4]


def test_the_line_of_every_value_is_known():
    document = read_yaml("# note\na: 1\nb:\n  c:\n  - 1\n\n  - 2\n  d: [1,\n 2]\n", PLAIN)
    assert document.line() == 1
    assert document.line("a") == document.line("a", "no more") == 2
    assert document.line("b", "c") == document.line("b", "c", 7) == 4
    assert [document.line("b", "c", 0), document.line("b", "c", 1)] == [5, 7]
    assert [document.line("b", "d", n) for n in (0, 1)] == [8, 9]


def test_an_error_holds_what_was_read_before_it():
    assert refused("a: 1\nb: [1, 2, !x 3]", PLAIN).document == {"a": "1", "b": ["1", "2"]}
    assert refused("{a: 1, ? [b] : c}", PLAIN).document == {"a": "1"}


def test_ten_thousand_keys_that_are_there_twice_are_found_quickly():
    text = "".join(f"k{n}: 1\n" for n in range(10_000)) * 2
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event == "c_call"

    sys.setprofile(count)
    try:
        assert len(read_yaml(text, PLAIN).repeated) == 10_000
    finally:
        sys.setprofile(None)
    assert calls < 2_000_000


# Policies


@pytest.mark.parametrize("value", ["0", "7d", "off"])
def test_a_policy_with_a_key_twice_is_refused_whatever_its_value(value):
    with pytest.raises(ps.errors.InvalidPolicyError) as caught:
        ps.Policy.from_yaml(f"timer: {value}\ntimer: {value}")
    assert caught.value.faults == (
        "the text, line 2: 'timer' is there a second time; the first is on line 1.",
    )


def test_a_fault_in_a_list_of_people_names_the_line_of_the_person():
    text = (
        "exceptions:\n  last:\n  - +999115550101\n  - nobody\n\n  - +999115550101\n"
        "  status: [+999115550102,\n    5]\n  profile: {}\n"
    )
    with pytest.raises(ps.errors.InvalidPolicyError) as caught:
        ps.Policy.from_yaml(text, source="mine")
    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        "mine, line 4, exceptions.last[1]",
        "mine, line 6, exceptions.last[2]",
        "mine, line 8, exceptions.status[1]",
        "mine, line 9, exceptions.profile",
    ]
    assert "the same person as mine, line 3, exceptions.last[0]." in caught.value.faults[1]


def test_a_slip_in_yaml_is_named_by_line_even_where_no_key_is_known():
    with pytest.raises(ps.errors.InvalidPolicyError, match="line 2: This is not readable as YAML"):
        ps.Policy.from_yaml("services: 1\n\tx: 2")


# Cassettes


ENTRY = {
    "request": {"method": "GET", "uri": "http://127.0.0.1:8480/v1/x", "body": "", "headers": {}},
    "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "x"}},
}
WHOLE = HEADER + written(ENTRY)
BOMB = "&a0 [x]\n" + "".join(f"- &a{n + 1} [*a{n}, *a{n}]\n" for n in range(40))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (WHOLE + WHOLE.removeprefix("version: 1\n"), 15),
        (WHOLE.replace("    method: GET\n", "    method: GET\n    method: PUT\n"), 5),
    ],
)
def test_a_cassette_that_names_a_key_twice_is_refused(tmp_path, text, line):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ps.RecordingError, match=f"line {line}: .* is there a second time"):
        read_recording(path)


@pytest.mark.parametrize(
    "place",
    [("version: 1", "version: *a40"), ("headers: {}", "headers: {a: *a40}"), ("OK", "*a40")],
    ids=["version", "headers", "message"],
)
def test_a_cassette_whose_aliases_grow_without_end_is_refused_at_once(tmp_path, place):
    path = tmp_path / "mine.yaml"
    path.write_text(f"bomb:\n- {BOMB}" + WHOLE.replace(*place))
    with pytest.raises(ps.RecordingError, match="line 2: Anchors"):
        read_recording(path)
