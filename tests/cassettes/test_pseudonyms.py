"""People in recordings become pseudonyms: the same everywhere, and no way back."""

import json
import stat

import pytest

from privacy_sdk.cassettes.pseudonyms import People, key_path, machine_key
from privacy_sdk.cassettes.redactor import Redactor
from privacy_sdk.errors import RecordingError
from privacy_sdk.errors.masks import DOTS

A, B, LID = "5511912345678", "4915112345678", "203948576102938"
PA, PB, PLID = "999900000001", "999900000002", "999900000000001"


def exchange(
    uri="/v1/accounts/demo/privacy", asked="", answered="", content_type="application/json"
):
    headers = {"content-type": [content_type]}
    return {
        "request": {"method": "GET", "uri": f"https://h:1{uri}", "body": asked, "headers": headers},
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": headers,
            "body": {"string": answered},
        },
    }


def redacted(redactor=None, **parts):
    new = (redactor or Redactor(People())).interaction(exchange(**parts))
    uri = new["request"]["uri"].removeprefix("http://127.0.0.1:8480")
    return uri, new["request"]["body"], new["response"]["body"]["string"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"phones": [f"+{A}", A]}, {"phones": [f"+{PA}", PA]}),
        ({"phone": "+55 11 91234-5678"}, {"phone": f"+{PA}"}),
        ({"phone": "55 11 91234-5678"}, {"phone": PA}),
        ({"phone": "005511912345678"}, {"phone": PA}),
        ({"phone": int(A)}, {"phone": int(PA)}),
        ({"phones": {A: 1}}, {"phones": {PA: 1}}),
        ({"jid": f"{LID}@lid"}, {"jid": f"{PLID}@lid"}),
        ({"jid": f"{A}:3@s.whatsapp.net"}, {"jid": f"{PA}:3@s.whatsapp.net"}),
        ({"jid": f"{A}.0:3@s.whatsapp.net"}, {"jid": f"{PA}.0:3@s.whatsapp.net"}),
        ({f"{A}@s.whatsapp.net": {"x": A}}, {f"{PA}@s.whatsapp.net": {"x": PA}}),
        ({"x": A, "jid": f"{A}@c.us"}, {"x": PA, "jid": f"{PA}@c.us"}),
        ({"n": int(A), "jid": f"{A}@c.us"}, {"n": int(PA), "jid": f"{PA}@c.us"}),
        (
            {"deep": [{"er": [{"pnJid": f"{A}@c.us"}]}]},
            {"deep": [{"er": [{"pnJid": f"{PA}@c.us"}]}]},
        ),
        ({"s": json.dumps({"phone": A})}, {"s": f'{{"phone":"{PA}"}}'}),
        ({"detail": f"no +{A} and +{B}"}, {"detail": f"no +{PA} and +{PB}"}),
        ({"detail": f"{A} and {A}@c.us"}, {"detail": f"{PA} and {PA}@c.us"}),
        ({"url": "/x?phone=%2B55%2011%2091234-5678"}, {"url": f"/x?phone=%2B{PA}"}),
        ({"push_name": "Ana", "x": "Ana"}, {"push_name": "Person 1", "x": "Ana"}),
        ({"token": "abc", "qr": "2@x", "cookie": "c"}, {"token": DOTS, "qr": DOTS, "cookie": DOTS}),
    ],
)
def test_people_and_secrets_in_json_are_replaced(before, after):
    _, asked, answered = redacted(asked=json.dumps(before), answered=json.dumps(before))
    assert json.loads(asked) == json.loads(answered) == after


@pytest.mark.parametrize(
    "document",
    [
        {"dhash": A, "jid": f"{A}@c.us"},
        {"duration": 604800, "t": 1763827200, "code": 4291234567},
        {"x": A},
        {"settings": [{"category": "last", "value": "contacts"}]},
        {"at": "2026-11-22T16:24:00+01:00", "serial": "1763827200000"},
        {"jid": "999000000000001@lid", "pn_jid": "999115550101:2@s.whatsapp.net"},
        {"phones": ["+999 11 5550 0101", "999115550101"]},
    ],
)
def test_dhash_times_codes_and_fictional_people_are_left_alone(document):
    _, _, answered = redacted(answered=json.dumps(document))
    left = json.loads(answered) | ({"jid": document["jid"]} if "dhash" in document else {})
    assert left == document


def test_a_body_without_people_stays_as_it_is_to_the_letter():
    text = '{ "a" : 1.0,\n  "b": "\\u00e9" }'
    assert redacted(asked=text, answered=text)[1:] == (text, text)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (f"/v1/x/{A}@s.whatsapp.net", f"/v1/x/{PA}%40s.whatsapp.net"),
        (f"/v1/x/{A}%3A3%40s.whatsapp.net/y", f"/v1/x/{PA}%3A3%40s.whatsapp.net/y"),
        (f"/v1/x/%2B{A}", f"/v1/x/%2B{PA}"),
        (f"/v1/accounts/{A}/privacy", f"/v1/accounts/{PA}/privacy"),
        (f"/v1/x?phone={A}&b=2", f"/v1/x?phone={PA}&b=2"),
        (f"/v1/x?phone=+{A}", f"/v1/x?phone=%2B{PA}"),
        ("/v1/x?q=%2B55+11+91234-5678", f"/v1/x?q=%2B{PA}"),
        (f"/v1/x?{A}%40c.us=1", f"/v1/x?{PA}%40c.us=1"),
        (f"/v1/x?t={A}&n={A}", f"/v1/x?t={A}&n={A}"),
        ("/v1/x?token=abc", "/v1/x?token=%E2%80%A2%E2%80%A2%E2%80%A2"),
        ("/v1/x%20y?a=b%20c", "/v1/x%20y?a=b%20c"),
    ],
)
def test_people_in_paths_and_queries_are_replaced(uri, expected):
    assert redacted(uri=uri)[0] == expected


def test_one_person_has_one_pseudonym_everywhere_in_order_of_appearance():
    redactor = Redactor(People())
    first = redacted(redactor, uri=f"/x?phone={B}", answered=json.dumps({"jid": f"{A}@c.us"}))
    second = redacted(redactor, answered=f'{{"detail":"+55 11 91234-5678 and {B} and {LID}@lid"}}')
    assert first == (f"/x?phone={PA}", "", f'{{"jid":"{PB}@c.us"}}')
    assert second[2] == f'{{"detail":"+{PB} and {PA} and {PLID}@lid"}}'


def test_digits_that_stand_before_the_place_that_names_the_person_are_replaced_too():
    uri, _, _ = redacted(uri=f"/x?q={A}", answered=f'{{"phone":"{A}"}}')
    assert uri == f"/x?q={PA}"


def test_what_was_redacted_is_left_alone():
    parts = {
        "uri": f"/v1/accounts/{A}/x?phone=+{B}",
        "asked": json.dumps({"phones": [f"+{A}"], "push_name": "Ana", "token": "abc"}),
        "answered": json.dumps({"detail": f"{LID}@lid, 2@aaaaaaaaaa,bbbbbbbbbb,cccccccccc"}),
    }
    once = Redactor(People()).interaction(exchange(**parts))
    assert Redactor(People()).interaction(once) == once


def test_a_pseudonym_that_is_there_already_is_not_given_again():
    people = People(f"somebody is {PA} already, and Person 1")
    assert people.pseudonym(A) == PB
    assert people.name("Ana") == "Person 2"


def test_a_pseudonym_seen_meanwhile_is_not_given_again():
    people = People()
    people.pseudonym(PA)
    assert people.pseudonym(A) == PB


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f'{{"jid":"{A}@s.whats', f'{{"jid":"{PA}@s.whats'),
        (f'{{"phones": ["{A}", "{B}', f'{{"phones": ["{PA}", "{PB}'),
        (f'{{"phone":{A}', f'{{"phone":{PA}'),
        ('{"token":"abc', '{"token":"•••'),
        ('{"push_name": "Ana","x":', '{"push_name": "•••","x":'),
        (f'{{"raw":"{{\\"phone\\":\\"{A}\\",', f'{{"raw":"{{\\"phone\\":\\"{PA}\\",'),
        (f'{{"detail":"no {A}', f'{{"detail":"no {PA}'),
        ('{"dhash":"1763827200000","t":1763827200,', '{"dhash":"1763827200000","t":1763827200,'),
        (
            f'{{"jid":"{A}@lid","jid":"999000000000001@lid"}}',
            f'{{"jid":"{PLID}@lid","jid":"999000000000001@lid"}}',
        ),
        (f'{{"phone":{A}.0}}', f'{{"phone":{PA}}}'),
        (f"<html>call +{A}</html>", f"<html>call +{PA}</html>"),
    ],
)
def test_a_body_that_is_no_json_is_searched_too(body, expected):
    assert redacted(answered=body)[2] == expected


def test_a_form_is_searched_like_a_query():
    form = {"asked": f"phone=%2B{A}&a=1", "content_type": "application/x-www-form-urlencoded"}
    assert redacted(**form)[1] == f"phone=%2B{PA}&a=1"


def test_half_a_surrogate_pair_survives():
    text = f'{{"x":"\\ud800","phone":"{A}"}}'
    assert json.loads(redacted(answered=text)[2]) == {"x": "\ud800", "phone": PA}


def test_a_secret_that_was_sent_is_hidden_wherever_it_comes_back():
    redactor = Redactor(People(), ["s3cr3t-token"])
    assert redacted(redactor, answered='{"echo":"got s3cr3t-token"}')[2] == '{"echo":"got •••"}'


def test_a_number_is_recognised_with_the_key_and_without_it_is_not():
    key = b"k" * 32
    recorded = People(key=lambda: key)
    recorded.pseudonym(A)
    assert A not in str(recorded.tags)
    tags = recorded.tags
    assert People(tags=tags, key=lambda: key, may_add=False).pseudonym(A) == PA
    assert People(tags=tags, key=lambda: b"x" * 32, may_add=False).pseudonym(A) is None
    assert People(tags=tags, key=lambda: None, may_add=False).pseudonym(A) is None
    assert People(tags=tags, may_add=False).known(A) is None


def test_the_key_is_made_once_and_only_when_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert machine_key() is None
    key = machine_key(create=True)
    assert key is not None
    assert len(key) == 32
    assert machine_key(create=True) == machine_key() == key
    assert stat.S_IMODE(key_path().stat().st_mode) == 0o600


def test_a_key_that_others_could_read_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    machine_key(create=True)
    key_path().chmod(0o644)
    with pytest.raises(RecordingError, match="read by other users") as caught:
        machine_key()
    assert "rm " in caught.value.hint
