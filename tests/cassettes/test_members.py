"""What a recording keeps is allowed by name; nothing else of an exchange is in the file."""

import json
import random
import re
from urllib.parse import quote

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import privacy_sdk as ps
from privacy_sdk.accounts.problems import problem_from_error
from privacy_sdk.cassettes.check import check
from privacy_sdk.cassettes.file import HEADER, written
from privacy_sdk.cassettes.members import MEMBERS, NOT_KEPT, PATHS, Kind, Redactor, words
from privacy_sdk.cassettes.people import Pseudonyms
from privacy_sdk.errors.masks import DOTS, fold_digits
from privacy_sdk.gateway import create_app

A, B, LID = "5511912345678", "4915112345678", "203948576102938"
PA, PB, PLID = "999900000001", "999900000002", "999900000000001"


def openapi():
    return create_app({"demo": ps.EmulatedAccount()}, token=None).openapi()


def test_the_table_has_every_member_of_the_interface():
    schemas = openapi()["components"]["schemas"].values()
    members = {name for schema in schemas for name in schema.get("properties", ())}
    parameters = {
        parameter["name"]
        for operations in openapi()["paths"].values()
        for operation in operations.values()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query"
    }
    assert (members | parameters) - set(MEMBERS) == set()


def test_every_path_of_the_interface_can_be_recorded():
    events = "/v1/accounts/{account_id}/events"  # which pass by
    assert set(openapi()["paths"]) - set(PATHS) <= {events}


def exchange(
    uri="/v1/accounts/demo/privacy", asked="", answered="", status=200, message="OK", **headers
):
    return {
        "request": {
            "method": "POST" if asked else "GET",
            "uri": f"https://gateway.test:1{uri}",
            "body": asked,
            "headers": {"content-type": ["application/json"], **headers},
        },
        "response": {
            "status": {"code": status, "message": message},
            "headers": {"content-type": ["application/json"], **headers},
            "body": {"string": answered},
        },
    }


def kept(document, redactor=None):
    body = (redactor or Redactor(Pseudonyms())).body(json.dumps(document))
    return json.loads(body)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"phones": [f"+{A}", A, "+55 11 91234-5678"]}, {"phones": [f"+{PA}", PA, f"+{PA}"]}),
        ({"phone": f"00{A}"}, {"phone": PA}),
        ({"phone": int(A)}, {"phone": int(PA)}),
        ({"jid": f"{LID}@lid"}, {"jid": f"{PLID}@lid"}),
        ({"jid": f"{A}:3@s.whatsapp.net"}, {"jid": f"{PA}:3@s.whatsapp.net"}),
        ({"jid": f"{A}@unknown.example"}, {"jid": PA}),
        ({"missed": ["Ana L"], "username": "a"}, {"missed": ["Person 1"], "username": "Person 2"}),
        ({"linked_as": "+55 ••• 78"}, {"linked_as": "+99 ••• 01"}),
        ({"id": f"wa-{A}"}, {"id": PA}),
        ({"id": "demo"}, {"id": "demo"}),
        ({"id": f"999-{A}"}, {"id": PA}),
        ({"id": f"999{A}"}, {"id": PA}),
        ({"id": "❺❺❶❶❾❶❷❸"}, {"id": PA}),
        ({"id": "half a \ud800"}, {"id": "half a ?"}),
        ({"phone": f"999 and +{A}"}, {"phone": PA}),
        ({"phone": f"999{A}"}, {"phone": PA}),
        ({"phone": int(f"999{A}")}, {"phone": int(PA)}),
        ({"phone": f"999115550101@{A}"}, {"phone": PA}),
        ({"phone": "999115550101:91234@lid"}, {"phone": PA}),
        ({"phone": "五五一一九一二三四五"}, {"phone": PA}),
        ({"dhash": f"version-{A}"}, {"dhash": "version-1"}),
        ({"qr": "2@abcdefgh", "authorization": "x"}, {"qr": DOTS, "authorization": DOTS}),
        ({"category": "last", "value": "none"}, {"category": "last", "value": "none"}),
        ({"category": f"s{A}"}, {"category": f"s{DOTS}"}),
        ({"value": f"call {A}"}, {"value": f"call {DOTS}"}),
        ({"duration": 604_800, "code": 429}, {"duration": 604_800, "code": 429}),
        ({"duration": A, "code": int(A), "times": [True], "seconds": {"phone": A}}, {"times": []}),
        ({"status": "ok"}, {"status": "ok"}),
        ({"unreported": True}, {"unreported": True}),
        ({"unreported": A}, {}),
        ({"dhash": "1763827200000"}, {"dhash": "1763827200000"}),
        ({"dhash": "55 11 91234-5678"}, {"dhash": "version-1"}),
        ({"at": "2026-11-22T16:24:00+01:00"}, {"at": "2026-11-22T16:24:00+01:00"}),
        ({"at": f"on {A}"}, {}),
        ({"reason": "55x11x91234x5678 and 3 of 409"}, {"reason": f"{DOTS} and 3 of 409"}),
        ({"reason": "55 --- 11 --- 9123 --- 45678"}, {"reason": DOTS}),
        ({"reason": "5•5•1•1•9•1•2"}, {"reason": DOTS}),
        ({"reason": "+55&nbsp;11&nbsp;9123"}, {"reason": f"+{DOTS}"}),
        ({"reason": "❺❺❶❶❾❶❷❸ 五五一一九一二"}, {"reason": DOTS}),
        ({"reason": "\ud800 b"}, {"reason": "? b"}),
        ({"push_name": "Ana", "note": {"jid": f"{A}@lid"}, A: 1}, {}),
        ({"settings": f"call {A}", "users": [A]}, {"users": []}),
        ({"users": [{"jid": f"{LID}@lid", "name": "Ana"}]}, {"users": [{"jid": f"{PLID}@lid"}]}),
        ({"pn_jid": None, "dhash": None}, {"pn_jid": None, "dhash": None}),
        ({"phone": "+999 11 5550 0101"}, {"phone": "+99911555" "00101"}),
    ],
)  # fmt: skip
def test_of_each_kind_of_member_what_may_be_known_is_kept(before, after):
    assert kept(before) == after


@pytest.mark.parametrize(
    "error",
    [
        ps.IqError.from_code(429, "rate-overlimit", error_type="wait", backoff=30),
        ps.errors.InvalidPairError("online", "none", ("all", "match_last_seen")),
        ps.errors.TooManyRequestsError(12.5),
        ps.errors.NoDisallowedListError("online", ["last", "profile", "status", "groupadd"]),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_the_texts_of_our_own_problems_are_made_again(error):
    problem = json.loads(json.dumps(problem_from_error(error)[1]))
    spoilt = problem | {"detail": "Ana Lima refused", "hint": "Ask Ana", "title": "Ana"}
    assert kept(spoilt) == problem


@pytest.mark.parametrize("body", ["<html>Ana</html>", "[1]", '"Ana"', '{"a":1,"a":2}', "{", "7"])
def test_a_body_that_is_no_object_is_left_out_and_said_to_be(body):
    assert Redactor(Pseudonyms()).body(body) == NOT_KEPT


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (f"/v1/accounts/{A}/privacy", f"/v1/accounts/{PA}/privacy"),
        (f"/v1/accounts/{A}_main/privacy?who={A}", f"/v1/accounts/{PA}/privacy"),
        ("/v1/accounts/me/privacy/last?code=7", "/v1/accounts/me/privacy/last?code=7"),
        (f"/v1/accounts/me/privacy/%2B{A}", f"/v1/accounts/me/privacy/%2B{quote(DOTS)}"),
        (f"/{A}/v1/accounts", "/v1/accounts"),
        ("/v1/behind/a/proxy/v1/accounts/me/privacy", "/v1/accounts/me/privacy"),
        (f"/v1/accounts/999-{A}/privacy", f"/v1/accounts/{PA}/privacy"),
    ],
)
def test_of_an_address_the_interface_is_kept(uri, expected):
    new = Redactor(Pseudonyms()).uri(f"https://ana:5511912345678@gateway.test:1{uri}")
    assert new == f"http://127.0.0.1:8480{expected}"


@pytest.mark.parametrize(
    "uri", ["/", "/v1/x", f"/v1/accounts/demo/{A}", "/v1/accounts/demo/events"]
)
def test_a_request_that_is_not_of_the_interface_is_not_kept(uri):
    assert Redactor(Pseudonyms()).exchange(exchange(uri)) is None


def test_of_the_headers_three_are_kept_as_they_should_be():
    names = {
        "Date": ["Thu, 26 Nov 2026 01:05:24 +0100"],
        "Retry-After": ["7"],
        "X-Phone": [A],
        "Content-Type": [f"application/json; for={A}"],
    }
    response = Redactor(Pseudonyms()).exchange(exchange(**names))["response"]
    assert response["headers"] == {
        "content-type": ["application/json"],
        "date": ["Thu, 26 Nov 2026 00:05:24 GMT"],
        "retry-after": ["7"],
    }
    assert response["status"] == {"code": 200, "message": "OK"}


def test_one_person_is_one_pseudonym_in_order_of_appearance():
    redactor = Redactor(Pseudonyms())
    assert kept({"phones": [B, A]}, redactor) == {"phones": [PA, PB]}
    assert kept({"jid": f"{A}@c.us"}, redactor) == {"jid": f"{PB}@c.us"}


@pytest.mark.parametrize(
    ("query", "kept"),
    [("limit=5", "?limit=5"), ("limit=x", ""), ("limit=" + "9" * 5_000, ""), ("since=5", "")],
)
def test_a_query_keeps_what_the_interface_knows(query, kept):
    uri = Redactor(Pseudonyms()).uri(f"http://127.0.0.1:1/v1/accounts/demo/history?{query}")
    assert uri == f"http://127.0.0.1:8480/v1/accounts/demo/history{kept}"


def test_a_number_with_other_words_is_the_same_person_and_behind_nobodys_it_may_be_another():
    people = Pseudonyms()
    assert people.person("tel:998901234567") == people.person("998901234567")
    assert people.person("tel:999115550101") != people.person("999115550101")


def test_a_token_that_was_sent_is_hidden_in_words():
    assert words("got s3cr3t-token", ["s3cr3t-token"]) == f"got {DOTS}"


# --- generated sessions, with people in every place ---

FORMS = (
    lambda n: n,
    lambda n: f"+{n}",
    lambda n: f"00{n}",
    lambda n: f"+{n[:2]} ({n[2:4]}) {n[4:9]}-{n[9:]}",
    lambda n: f"{n[:2]}.{n[2:4]}.{n[4:9]}.{n[9:]}",
    lambda n: f"{n[:2]}\u00a0{n[2:4]}\u2013{n[4:]}",
    lambda n: f"sms:{n}",
    lambda n: f"tel:+{n};x=1",
    lambda n: f"{n}@s.whatsapp.net",
    lambda n: f"{n}:7@lid",
    lambda n: f"{n}@",
    lambda n: quote(f"+{n[:2]} {n[2:]}"),
    lambda n: "".join(chr(ord("０") + int(d)) for d in n),
    lambda n: "".join(chr(ord("٠") + int(d)) for d in n),
    lambda n: "".join(chr(ord("①") - 1 + int(d)) if d != "0" else "⓪" for d in n),
    lambda n: "\u200b".join(n),
    lambda n: " ".join(n),
    lambda n: "x".join([n[:4], n[4:8], n[8:]]),
    lambda n: f"wa_{n}_main",
    lambda n: f"Ana <{n}@example.com>",
    lambda n: json.dumps({"phone": n}),
    lambda n: f"#{n}\n- {n}",
    lambda n: f"999-{n}",
    lambda n: f"999{n}",
    lambda n: f"999115550101@{n}",
    lambda n: f"Person {n}",
    lambda n: " --- ".join([n[:2], n[2:4], n[4:9], n[9:]]),
    lambda n: "•".join(n),
    lambda n: "&nbsp;".join([n[:2], n[2:4], n[4:]]),
    lambda n: "".join(chr(ord("❶") - 1 + int(d)) if d != "0" else "⓿" for d in n),
    lambda n: "".join("〇一二三四五六七八九"[int(d)] for d in n),
)  # fmt: skip
NAME = "Zoë Quaresma"
BY_NAME = {Kind.VERSION, Kind.NUMBER, Kind.TIME, Kind.STATUS}


def a_person(rng):
    return "".join(rng.choice("12345678") for _ in range(13))


def a_document(rng, spell, depth=0):
    document = {}
    for name in rng.sample([*MEMBERS, "push_name", "x", "user", "version"], rng.randrange(1, 9)):
        kind = MEMBERS.get(name)
        if depth < 3 and (kind is Kind.PART or rng.random() < 0.1):
            inner = [a_document(rng, spell, depth + 1) for _ in range(rng.randrange(3))]
            document[name] = inner if rng.random() < 0.8 or not inner else inner[0]
        elif kind in (Kind.PERSON, None) and rng.random() < 0.2:
            document[name] = NAME
        elif rng.random() < 0.1:
            document[name] = [spell(), spell()]
        elif rng.random() < 0.1 and kind not in BY_NAME:
            document[name] = int(a_person(rng)) if kind is None else spell()
        else:
            document[name] = spell()
    if rng.random() < 0.2:
        document[spell()] = 1
    return document


def check_one_session(seed, folder):
    rng = random.Random(seed)
    people = [a_person(rng) for _ in range(4)]

    def spell():
        return rng.choice(FORMS)(rng.choice(people))

    redactor, entries = Redactor(Pseudonyms()), []
    for _ in range(rng.randrange(1, 6)):
        account = quote(rng.choice([spell(), "demo"]), safe="")
        tail = rng.choice(
            ["", "/privacy", f"/privacy/{quote(spell(), safe='')}", f"/{quote(spell())}"]
        )
        query = f"?{quote(spell())}={quote(spell())}&category={quote(spell())}&jid={quote(spell())}"
        problem = {
            "type": rng.choice(["urn:privacy-sdk:conflict", "urn:privacy-sdk:gateway", spell()])
        }
        whole = exchange(
            f"/v1/accounts/{account}{tail}{query}",
            asked=json.dumps(a_document(rng, spell)),
            answered=json.dumps(
                a_document(rng, spell) | rng.choice([{}, problem | {"detail": spell()}])
            ),
            status=rng.choice([200, 409, 502]),
            message=spell(),
            **{rng.choice(["x-who", "retry-after", "date", "content-type", spell()]): [spell()]},
        )
        found = redactor.exchange(whole)
        entries += [] if found is None else [written(found)]
    text = fold_digits(HEADER + "".join(entries))
    for person in people:
        spelt = r"(?:[\W_]|&nbsp;|x){0,12}".join(person)
        for match in re.finditer(spelt, text):  # only where it is allowed by name, as it stands
            line = text[text.rfind("\n", 0, match.start()) : text.find("\n", match.end())]
            assert match[0].isalnum(), (seed, line)
            assert '"dhash": ' in line, (seed, line)
    assert NAME not in text, seed
    if entries:
        path = folder / "some.yaml"
        path.write_text(HEADER + "".join(entries), "utf-8")
        assert [f for f in check(path) if f.is_wrong] == [], seed
        again = Redactor(Pseudonyms())
        for entry in yaml.safe_load(path.read_text("utf-8"))["interactions"]:
            assert again.exchange(entry) == entry


@given(seed=st.integers(0, 10**6))
def test_nobody_is_in_a_recording_wherever_people_are_put(seed, tmp_path_factory):
    check_one_session(seed, tmp_path_factory.mktemp("session"))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_nobody_is_in_two_thousand_recordings(tmp_path, part):
    for seed in range(500 * part, 500 * (part + 1)):
        check_one_session(seed, tmp_path)
