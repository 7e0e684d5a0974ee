"""What a request asks or changes: its thing, its people, and how it is said in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from privacy_sdk.cassettes.members import MEMBERS, Kind, Route, route
from privacy_sdk.errors.masks import plain_digits
from privacy_sdk.model import words
from privacy_sdk.model.types import PrivacyCategory, PrivacyValue

SETTINGS, TIMER, CONTACTS, ACCOUNT, LINK, EVERYTHING = (
    "settings", "timer", "contacts", "account", "link", "everything",
)  # fmt: skip
_THINGS = {"privacy": SETTINGS, "disappearing-mode": TIMER, "contacts": CONTACTS, "link": LINK}


class Shape(NamedTuple):
    """What two requests must have in common, whoever they are about."""

    method: str
    path: str
    category: str | None
    query: tuple[tuple[str, str], ...]
    body: str


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the interface, or of none.

    Attributes:
        method: In capitals.
        route: Its path; ``template`` alone for a path of no interface.
        shape: All of it but its people and versions.
        body: The JSON object in it.
        people: Whom it names in order: the account first, then digits of numbers and LIDs.
        rows: Those of them that are one person.
        versions: Category and dhash of the list versions that it names, in order.
        reads: The thing that it asks for; None for a change.
        things: The things that it changes; none for a question.
    """

    method: str
    route: Route
    shape: Shape
    body: Mapping[str, Any]
    people: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    versions: tuple[tuple[str, str], ...]
    reads: str | None
    things: frozenset[str]

    @classmethod
    def of(cls, method: str, uri: str, body: bytes | str | None) -> Request:
        """Understand a request."""
        method, parts = method.upper(), urlsplit(uri)
        found = route(uri) or Route(parts.path or "/")
        text = body.decode("utf-8", "backslashreplace") if isinstance(body, bytes) else body or ""
        try:
            document = json.loads(text) if text else None
        except (ValueError, RecursionError):
            document = None
        fields = document if isinstance(document, dict) else {}
        walk = _Walk()
        if found.account is not None:
            walk.people.append(found.account)
        blank = walk.blanked("", document, found.category or "")
        shape = Shape(
            method,
            found.template,
            found.category,
            tuple(
                (name, walk.blanked(name, value, ""))
                for name, value in sorted(parse_qsl(parts.query, keep_blank_values=True))
                if name in MEMBERS
            ),
            text if document is None else json.dumps(blank, sort_keys=True),
        )
        reads, things = _meaning(method, found, fields)
        people, rows = tuple(walk.people), tuple(walk.rows)
        return cls(method, found, shape, fields, people, rows, tuple(walk.versions), reads, things)

    @property
    def is_plan(self) -> bool:
        """Whether it is several changes that start from what was expected."""
        return self.method == "PATCH" and self.route.template.endswith("/privacy")

    def __str__(self) -> str:
        return describe(self)


class _Walk:
    """Takes people and versions out of a body, in the order in which they stand."""

    def __init__(self) -> None:
        self.people: list[str] = []
        self.rows: list[tuple[str, ...]] = []
        self.versions: list[tuple[str, str]] = []

    def blanked(self, name: str, value: Any, category: str) -> Any:
        if isinstance(value, dict):
            category = str(value.get("category") or category)
            before = len(self.people)
            # By name, for a recording has the members in the order in which they were sent.
            blank = {key: self.blanked(key, value[key], category) for key in sorted(value)}
            if "jid" in value and len(row := tuple(self.people[before:])) > 1:
                self.rows.append(row)
            return blank
        if isinstance(value, list):
            return [self.blanked(name, item, category) for item in value]
        kind = MEMBERS.get(name)
        if kind is Kind.PERSON and isinstance(value, str | int) and not isinstance(value, bool):
            person, rest = address_of(str(value))
            self.people.append(person)
            return rest
        if kind is Kind.VERSION and isinstance(value, str):
            self.versions.append((category, value))
            return ""
        return value


def address_of(text: str) -> tuple[str, str]:
    """The digits or the name that tell a person, and the rest of how she is written.

    Example:
        >>> address_of("999900000001:3@lid"), address_of("+999 900000001")
        (('999900000001', ':3@lid'), ('999900000001', '+'))
    """
    user, at, rest = text.partition("@")
    user, colon, device = user.partition(":")
    digits = plain_digits(user).removeprefix("00")
    plus = "+" if user.lstrip().startswith("+") else ""
    if not digits or re.search(r"[^\W\d_]", user):
        return text, ""
    return digits, plus + colon + device + at + rest


def people_named(document: object) -> Iterator[tuple[str, ...]]:
    """The addresses that stand together in a row of an answer or a request."""
    if isinstance(document, dict):
        row = [document.get(name) for name in ("phone", "jid", "pn_jid")]
        named = tuple(dict.fromkeys(address_of(each)[0] for each in row if isinstance(each, str)))
        if len(named) > 1:
            yield named
        for value in document.values():
            yield from people_named(value)
    elif isinstance(document, list):
        for item in document:
            yield from people_named(item)


def versions_in(request: Request, answer: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """The list versions that a good answer tells: category and dhash."""
    if "dhash" in answer and request.route.category is not None:
        yield request.route.category, answer["dhash"]
    found = answer.get("found")
    for row in (found.get("lists") if isinstance(found, dict) else None) or ():
        yield row.get("category"), row.get("dhash")


def _meaning(
    method: str, found: Route, body: Mapping[str, Any]
) -> tuple[str | None, frozenset[str]]:
    """The thing that a request asks for, or the things that it changes."""
    last = found.template.rpartition("/")[2]
    a_list = f"list {found.category}"
    thing = a_list if last == "disallowed-list" else _THINGS.get(last, ACCOUNT)
    if method == "GET" or thing == CONTACTS:
        return thing, frozenset()
    if found.category is not None:  # an update of a list opens it to the contacts, too
        return None, frozenset({SETTINGS, a_list})
    if thing == TIMER:
        return None, frozenset({TIMER})
    if thing == SETTINGS:
        return None, frozenset(_things_of(body))
    return None, frozenset({EVERYTHING})


def _things_of(plan: Mapping[str, Any]) -> Iterator[str]:
    changes = plan.get("changes")
    for row in changes if isinstance(changes, list) else ():
        if not isinstance(row, dict):
            continue
        if row.get("change") == "timer":
            yield TIMER
        else:
            yield from (SETTINGS, f"list {row.get('category')}")


def describe(request: Request) -> str:
    """A request in a few words.

    Example:
        >>> print(Request.of("PUT", "/v1/accounts/demo/privacy/last", '{"value": "none"}'))
        last → nobody
    """
    method, (template, _, category), body = request.method, request.route, request.body
    last = template.rpartition("/")[2]
    if last == "disallowed-list" and method == "GET":
        return f"the list of {category}"
    if last in ("disallowed-list", "excluded", "{category}"):
        return _change_in_words({"category": category} | dict(body))
    if last == "privacy" and method == "PATCH":
        changes = body.get("changes")
        rows = [row for row in changes or () if isinstance(row, dict)]
        return f"a plan ({', '.join(map(_change_in_words, rows))})"
    if last == "disappearing-mode" and method == "PUT":
        return _change_in_words(body)
    if last == "contacts":
        phones = body.get("phones")
        count = len(phones) if isinstance(phones, list) else 0
        return f"the look-up of {words.counted(count, 'number')}"
    if last == "emulator":
        what = body.get("fault") or body.get("event")
        return f"an event of the emulated account ({what})"
    return {
        ("GET", "privacy"): "the settings",
        ("GET", "disappearing-mode"): "the timer",
        ("GET", "{account_id}"): "what the account is",
        ("GET", "accounts"): "which accounts there are",
        ("GET", "history"): "the history",
        ("GET", "link"): "how far a phone is linked",
        ("POST", "link"): "to link a phone",
        ("DELETE", "link"): "to unlink the phone",
    }.get((method, last), f"{method} {template}")


def _change_in_words(row: Mapping[str, Any]) -> str:
    category, value, seconds = row.get("category"), row.get("value"), row.get("duration")
    if isinstance(value, str):
        return f"{PrivacyCategory(str(category)).value} → {words.audience(PrivacyValue(value))}"
    if isinstance(seconds, int):
        return f"timer → {words.timer(seconds)}"
    users = [user for user in row.get("users") or () if isinstance(user, dict)]
    counts = [
        f"{what} {words.people(count)}"
        for what, action in (("except", "add"), ("no longer except", "remove"))
        if (count := sum(user.get("action", "add") == action for user in users))
    ]
    return f"{category}: {', '.join(counts)}"
