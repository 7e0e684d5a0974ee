"""Whatever a session says of people, its recording names nobody and replays."""

import asyncio
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recording_tools import TOKEN, recording, replaying

from privacy_sdk.cassettes.check import check
from privacy_sdk.errors.masks import plain_digits

NAMES = ["Ana Lima", "Zoë", "contacts", 'O\'Neil "Bo"', "李雷"]
DHASH = "1763827200000"


@dataclass
class Person:
    number: str
    lid: str
    name: str


@dataclass
class Exchange:
    method: str
    address: str
    asked: Any
    answered: Any
    answer: bytes


people = st.builds(
    Person,
    number=st.tuples(
        st.sampled_from(["1", "44", "49", "55", "351"]),
        st.text("12345678", min_size=9, max_size=11),
    ).map("".join),
    lid=st.text("12345678", min_size=14, max_size=15),
    name=st.sampled_from(NAMES),
)


@st.composite
def spaced(draw, number):
    """A number as people write it, in groups."""
    separators = st.sampled_from([" ", "-", ".", " (", ") ", "\u00a0", "\u2011", "/"])
    groups, rest = [], number
    while len(rest) > 4:
        size = draw(st.integers(2, min(5, len(rest) - 2)))
        groups += [rest[:size], draw(separators)]
        rest = rest[size:]
    return "+" + "".join(groups) + rest


def written(person):
    """A person in a form that cannot be anything else."""
    return st.one_of(
        st.sampled_from(
            [
                f"+{person.number}",
                f"%2B{person.number}",
                f"tel:{person.number}",
                f"https://wa.me/{person.number}",
                f"{person.number}@s.whatsapp.net",
                f"{person.number}:3@s.whatsapp.net",
                f"{person.number}.0:12@s.whatsapp.net",
                f"{person.number}_1@c.us",
                f"{person.number}%3A3%40s.whatsapp.net",
                f"{person.number}-1612345678@g.us",
                f"{person.lid}@lid",
                f"{person.lid}:2@hosted.lid",
            ]
        ),
        spaced(person.number),
        spaced(person.number).map(quote),
    )


@st.composite
def prose(draw, said):
    """A text around a form of a person."""
    around = st.text("abc xyzé,;!?\"'<>\n", max_size=8)
    return draw(around) + draw(said) + draw(around)


@st.composite
def members(draw, person, seen, depth=2):
    """A JSON object that tells of a person in one of many places."""
    said = written(person)
    options = [
        prose(said).map(lambda text: {"detail": text}),
        st.just({"jid": f"{person.lid}@lid", "pn_jid": f"{person.number}@s.whatsapp.net"}),
        st.just({"phone": person.number}),
        st.just({"phone": int(person.number)}),
        st.just({"phones": [person.number, f"+{person.number}"]}),
        spaced(person.number).map(lambda text: {"Phone-Number": text.lstrip("+")}),
        said.map(lambda text: {text: {"x": 1}}),
        st.just({"phones": {person.number: True}}),
        st.just({"push_name": person.name, "token": "2@abc", "qr": "2@" + "aaaa" * 9}),
        st.just({"echo": f"Authorization: Bearer {TOKEN}", "cookie": "sid=1"}),
        st.just({"raw": json.dumps({"phone": person.number})}),
        st.just({"link": f"x?phone={person.number}&y=1"}),
    ]
    if person.number in seen:
        options += [
            prose(st.just(person.number)).map(lambda text: {"detail": text}),
            st.just({"x": person.number, "n": int(person.number)}),
            st.just({person.number: "y"}),
        ]
    found = draw(st.one_of(options))
    if depth and draw(st.booleans()):
        found |= {"deep": [1, {"er": draw(members(person, seen, depth - 1))}]}
    return found | {"dhash": DHASH, "t": 1763827200, "duration": 604800, "code": 404}


@st.composite
def addresses(draw, person, seen):
    said = draw(written(person))
    forms = [
        "/v1/accounts/demo/privacy",
        f"/v1/accounts/{person.number}/privacy",
        f"/v1/people/{quote(unquote(said), safe='')}",
        f"/v1/people?phone={quote(unquote(said), safe='')}&a=1",
        f"/v1/people?q={quote('a ' + unquote(said))}",
        f"/v1/people?phone={person.number}",
        f"/v1/people?phone=+{person.number}",
        f"/v1/people?{person.number}%40c.us=1",
    ]
    if person.number in seen:
        forms += [f"/v1/people/{person.number}", f"/v1/people?q={person.number}"]
    return draw(st.sampled_from(forms))


@st.composite
def sessions(draw):
    """Some people, and exchanges that tell of them in every way."""
    everybody = draw(st.lists(people, min_size=1, max_size=4, unique_by=lambda p: p.number[-8:]))
    exchanges, seen = [], set()
    for n in range(draw(st.integers(1, 5))):
        person = draw(st.sampled_from(everybody))
        asked = draw(st.none() | members(person, seen))
        answered = draw(members(draw(st.sampled_from(everybody)), seen)) | {"number_of": n}
        answer = json.dumps(answered, ensure_ascii=draw(st.booleans())).encode()
        if draw(st.integers(0, 9)) == 0:
            answer = answer.decode()[: draw(st.integers(0, 200))].encode()
        exchanges.append(
            Exchange(
                draw(st.sampled_from(["GET", "PUT", "PATCH", "POST"])),
                draw(addresses(person, seen)),
                asked,
                answered,
                answer,
            )
        )
        told = "".join((exchanges[-1].address, json.dumps(asked), answer.decode()))
        # What was told of in a form that cannot be anything else may then stand bare.
        seen |= {p.number for p in everybody if f"+{p.number}" in told or f"{p.number}@" in told}
    return everybody, exchanges


def leaks(path, everybody):
    """What of the people and secrets of a session is in a file."""
    kept = re.sub(r"(?m)^    '?(?:9999\d+|Person \d+)'?: [0-9a-f']+$", "", path.read_text())
    texts = (kept, unquote(kept))
    digits = [plain_digits(text.replace(DHASH, "")) for text in texts]
    personal = {person.number[-8:] for person in everybody} | {p.lid[-8:] for p in everybody}
    secrets = {TOKEN, "sid=1", "2@abc", "2@aaaa"} | {p.name for p in everybody} - {"contacts"}
    return {part for part in personal if any(part in text for text in digits)} | {
        secret for secret in secrets if any(secret in text for text in texts)
    }


async def record_and_replay(path, everybody, exchanges):
    left = [httpx2.Response(200, content=exchange.answer) for exchange in exchanges]
    server = httpx2.MockTransport(lambda request: left.pop(0))
    async with recording(path, server=lambda: server) as client:
        for exchange in exchanges:
            answer = await client.request(exchange.method, exchange.address, json=exchange.asked)
            assert answer.content == exchange.answer
    assert leaks(path, everybody) == set()
    assert [finding for finding in check(path) if finding.is_wrong] == []
    async with replaying(path) as client:
        for exchange in exchanges:
            answer = await client.request(exchange.method, exchange.address, json=exchange.asked)
            if json_of(exchange.answer) is not None:
                replayed = answer.json()
                assert replayed["number_of"] == exchange.answered["number_of"]
                for name in ("dhash", "t", "duration", "code"):
                    assert replayed[name] == exchange.answered[name]


def json_of(content):
    try:
        return json.loads(content)
    except ValueError:
        return None


def holds(folder: Path, session):
    asyncio.run(record_and_replay(folder / "my.yaml", *session))


@given(session=sessions())
def test_no_recording_names_anybody_and_every_one_replays(tmp_path_factory, session):
    holds(tmp_path_factory.mktemp("session"), session)


@pytest.mark.slow
@settings(max_examples=2_000)
@given(session=sessions())
def test_none_of_two_thousand_recordings_names_anybody(tmp_path_factory, session):
    holds(tmp_path_factory.mktemp("session"), session)


def test_a_leak_would_be_seen(tmp_path):
    path = tmp_path / "leaky.yaml"
    person = Person("5512345678123", "12345678123456", "Ana Lima")
    for leak in (f"x {TOKEN}", "Ana Lima", "+55 1234-5678-123", "551%2D2345678123", "1234@lid"):
        path.write_text(leak)
        assert bool(leaks(path, [person])) is (leak != "1234@lid")
