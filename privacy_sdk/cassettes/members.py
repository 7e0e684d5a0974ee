"""What a recording keeps of an exchange: what the interface's members, by name, are known to be.

Everything that is recorded is this package's own HTTP interface, so nothing is searched for:
what the table does not know is not kept. One table serves the recorder and ``cassette check``,
and a test compares it with the OpenAPI document of the gateway.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from privacy_sdk.accounts.problems import PROBLEM_PREFIX, PROBLEMS, error_from_problem
from privacy_sdk.cassettes.people import Pseudonyms
from privacy_sdk.errors import (
    InvalidPairError,
    InvalidPolicyError,
    IqError,
    NoDisallowedListError,
    OutdatedPlanError,
    PrivacyError,
    TooManyRequestsError,
)
from privacy_sdk.errors.masks import DOTS, fold_digits, mask_secrets, may_name_person
from privacy_sdk.model.types import LIST_CATEGORIES

BASE = "http://127.0.0.1:8480"
"""Scheme, host and port of every recorded request, whichever were used."""

NOT_KEPT = "(not of the interface, and not recorded)"
"""What stands in the place of a body that is no JSON object."""


class Kind(Enum):
    """What a member is, which decides what is kept of it."""

    PART = auto()
    """An object or a list of objects, whose members are known in turn."""
    NAME = auto()
    """A wire name; what is not written as one is words."""
    FLAG = auto()
    NUMBER = auto()
    STATUS = auto()
    """A number or a wire name."""
    VERSION = auto()
    """The version of a list, a token that says nothing."""
    TIME = auto()
    PERSON = auto()
    """A number, an address or a name; a pseudonym is kept."""
    SECRET = auto()
    """A stand-in is kept, which can be drawn as a QR code."""
    ACCOUNT = auto()
    """A name that its owner chose; with five digits or more, a person's."""
    WORDS = auto()
    """A sentence; digits that could be a person's are masked."""


MEMBERS: Mapping[str, Kind] = {
    name: kind
    for kind, names in {
        Kind.PART: "accounts changes contacts entries expected found lists lost outcomes people "
        "settings users",
        Kind.NAME: "action allowed backend capabilities category change error_type event fault "
        "operation outcome source state type undoes value",
        Kind.FLAG: "unreported",
        Kind.NUMBER: "backoff code duration expires_in last limit number "
        "retry_after seconds times unreadable",
        Kind.STATUS: "after before status",
        Kind.VERSION: "dhash",
        Kind.TIME: "at date since",
        Kind.PERSON: "jid linked_as missed phone phones pn_jid username",
        Kind.SECRET: "authorization qr",
        Kind.ACCOUNT: "id",
        Kind.WORDS: "by changed detail faults given hint nearest reason text title",
    }.items()
    for name in names.split()
}
"""Every member of the interface's bodies and queries."""

PATHS = (
    "/healthz",
    "/readyz",
    "/v1/accounts",
    "/v1/accounts/{account_id}",
    "/v1/accounts/{account_id}/contacts",
    "/v1/accounts/{account_id}/disappearing-mode",
    "/v1/accounts/{account_id}/emulator",
    "/v1/accounts/{account_id}/history",
    "/v1/accounts/{account_id}/link",
    "/v1/accounts/{account_id}/privacy",
    "/v1/accounts/{account_id}/privacy/{category}",
    "/v1/accounts/{account_id}/privacy/{category}/disallowed-list",
    "/v1/accounts/{account_id}/privacy/{category}/excluded",
)
"""Every path of the interface that is recorded; server-sent events pass by."""

_TEMPLATES = [(path, path.split("/")) for path in PATHS]
_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
_JSON_TYPES = {"application/json", "application/problem+json"}
_NAME = re.compile(rf"(?:{PROBLEM_PREFIX})?[a-z][a-z0-9_-]{{0,63}}")
_VERSION = re.compile(r"[0-9A-Za-z]{1,64}={0,2}")
# Between digits of one person: signs of any length, an entity, or up to three of anything; what
# is masked already is a border.
_RUN = re.compile(rf"\d(?:(?:(?:&\w{{1,6}};|(?!{DOTS})[\W_])*+|(?:(?!{DOTS})\D){{0,3}})\d)*")
_PLACES = {"{account_id}": Kind.ACCOUNT, "{category}": Kind.NAME}


class Route(NamedTuple):
    """A path of the interface, with what stands in its places."""

    template: str
    account: str | None = None
    category: str | None = None

    def uri(self) -> str:
        """The address of a recorded request."""
        named = {"account_id": self.account, "category": self.category}
        quoted = {name: quote(text, safe="") for name, text in named.items() if text is not None}
        return BASE + self.template.format(**quoted)


def route(uri: str) -> Route | None:
    """The path of the interface that an address has; None for any other address.

    Example:
        >>> route("https://proxy.test/gw/v1/accounts/me/privacy/last").template
        '/v1/accounts/{account_id}/privacy/{category}'
    """
    path = urlsplit(uri).path
    path = path[max(path.find("/v1/accounts"), 0) :]
    segments = path.split("/")
    for template, places in _TEMPLATES:
        if len(places) == len(segments) and all(
            place == segment or (place.startswith("{") and segment)
            for place, segment in zip(places, segments, strict=True)
        ):
            found = dict(zip(places, map(unquote, segments), strict=True))
            return Route(template, found.get("{account_id}"), found.get("{category}"))
    return None


def words(text: str, secrets: Iterable[str] = ()) -> str:
    """A text without any digits that could be a person's, and without secrets.

    Example:
        >>> words("no +55 (11) 91234-5678, not tel: ５５１１９ or ana@x: 12345, but 3 of 409")
        'no +•••, not tel: ••• or ana@x: •••, but 3 of 409'
    """
    for secret in secrets:
        text = text.replace(secret, DOTS)
    text = mask_secrets(text)
    plain = fold_digits(text)
    masked = _RUN.sub(lambda run: DOTS if may_name_person(run[0]) else run[0], plain)
    if masked == plain:
        masked = text
    # What YAML takes for a line break or does not allow would not come back as it was.
    return "".join(c if c.isprintable() or c == "\n" else " " for c in masked)


def date_text(value: str) -> str | None:
    """An HTTP date in its one form; None for anything else."""
    try:
        return format_datetime(parsedate_to_datetime(value).astimezone(UTC), usegmt=True)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


class _NotKept(Exception):
    """The table does not know it."""


class Redactor:
    """Keeps of an exchange what the table allows.

    Applied to what it kept itself it changes nothing.

    Args:
        people: Who stands for whom.
        secrets: Texts that are hidden wherever words hold them, such as the token that was sent.
    """

    def __init__(self, people: Pseudonyms, secrets: Iterable[str] = ()) -> None:
        self.people = people
        self.secrets = {secret for secret in secrets if secret}
        self._kept: dict[Kind, Callable[[Any], object]] = {
            Kind.PART: self._part,
            Kind.NAME: self._name,
            Kind.FLAG: _flag,
            Kind.NUMBER: _number,
            Kind.STATUS: lambda value: (
                self._name(value) if isinstance(value, str) else _number(value)
            ),
            Kind.VERSION: self._version,
            Kind.TIME: _time,
            Kind.PERSON: self._person,
            Kind.SECRET: lambda value: DOTS,
            Kind.ACCOUNT: self._account,
            Kind.WORDS: lambda value: words(_text(value), self.secrets),
        }

    def exchange(self, interaction: Mapping[str, Any]) -> dict[str, Any] | None:
        """What is kept of an exchange in vcrpy's shape; None for one of another interface."""
        request, response = interaction["request"], interaction["response"]
        uri = self.uri(request["uri"])
        if uri is None or request["method"].upper() not in _METHODS:
            return None
        code = response["status"]["code"]
        return {
            "request": {
                "method": request["method"].upper(),
                "uri": uri,
                "body": self.body(request["body"]),
                "headers": headers(request["headers"], {"content-type"}),
            },
            "response": {
                "status": {"code": code, "message": _phrase(code)},
                "headers": headers(response["headers"], {"content-type", "retry-after", "date"}),
                "body": {"string": self.body(response["body"]["string"])},
            },
        }

    def uri(self, uri: str) -> str | None:
        """The address of a request, at :data:`BASE`; None for one of another interface."""
        found = route(uri)
        if found is None:
            return None
        account = None if found.account is None else self._account(found.account)
        category = None if found.category is None else self._name(found.category)
        query = []
        for name, text in parse_qsl(urlsplit(uri).query, keep_blank_values=True):
            is_number = MEMBERS.get(name) is Kind.NUMBER and text.isdecimal() and len(text) < 20
            value = int(text) if is_number else text
            query += [(name, kept) for name, kept in self.members({name: value})]
        return Route(found.template, account, category).uri() + (
            f"?{urlencode(query)}" if query else ""
        )

    def body(self, body: str | None) -> str:
        """A body as indented JSON; one that is no JSON object is left out, and says so."""
        if not body or body == NOT_KEPT:
            return body or ""
        try:
            document = json.loads(body, object_pairs_hook=_unambiguous)
            return indented(self.document(document)) if isinstance(document, dict) else NOT_KEPT
        except (ValueError, RecursionError):
            return NOT_KEPT

    def document(self, document: Mapping[str, Any]) -> dict[str, object]:
        """What is kept of a JSON object."""
        kept = dict(self.members(document))
        return kept | _texts(kept)

    def members(self, document: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
        """The members of a JSON object that are kept, each with what is kept of it."""
        for name, value in document.items():
            if (kind := MEMBERS.get(name)) is not None:
                yield from ((name, kept) for kept in self._values(kind, value))

    def _values(self, kind: Kind, value: object) -> Iterator[object]:
        """What is kept of a value; nothing for one that its kind cannot have."""
        if value is None:
            yield None
        elif isinstance(value, list):
            yield [kept for item in value for kept in self._values(kind, item)]
        else:
            with suppress(_NotKept):
                yield self._kept[kind](value)

    def _part(self, value: object) -> object:
        if isinstance(value, dict):
            return self.document(value)
        raise _NotKept

    def _name(self, value: object) -> str:
        text = _text(value)
        is_name = _NAME.fullmatch(text) and not may_name_person(text)
        return text if is_name else words(text, self.secrets)

    def _version(self, value: object) -> str:
        text = _text(value)
        return text if _VERSION.fullmatch(text) else self.people.standing_for(text, "version-{}")

    def _person(self, value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool):
            return int(self.people.number(str(value)))
        return self.people.person(_text(value))

    def _account(self, value: object) -> str:
        text = _text(value)
        return self.people.number(text) if may_name_person(text) else text


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # half a character cannot be written
    raise _NotKept


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _NotKept


def _number(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**32:
        return value
    raise _NotKept


def _time(value: object) -> str:
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError:
        raise _NotKept from None
    return _text(value) if moment.isoformat() == value else moment.isoformat()


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return ""


def headers(given: Mapping[str, list[str]], names: set[str]) -> dict[str, list[str]]:
    """The headers that are kept, of those named: what is not as it should be is not kept."""
    kept = {}
    for name, values in given.items():
        lowered = name.lower()
        value: str | None = values[0] if values else ""
        if lowered not in names or value is None:
            continue
        if lowered == "content-type":
            value = value.partition(";")[0].strip().lower()
            value = value if value in _JSON_TYPES else None
        elif lowered == "date":
            value = date_text(value)
        else:
            value = value if re.fullmatch("[0-9]{1,5}", value) else None
        if value is not None:
            kept[lowered] = [value]
    return kept


def _texts(problem: Mapping[str, Any]) -> dict[str, str]:
    """The texts of a problem document, made again from its type and members."""
    slug = str(problem.get("type", "")).removeprefix(PROBLEM_PREFIX)
    if "detail" not in problem or not any(slug == name for name, _ in PROBLEMS.values()):
        return {}
    error = _made_again(error_from_problem(0, problem))
    texts = {"title": slug.replace("-", " ").capitalize()}
    return texts | ({} if error is None else {"detail": error.message, "hint": error.hint})


def _made_again(error: PrivacyError) -> PrivacyError | None:
    """An error with the texts of its class; None where its members do not say all that they do."""
    match error:
        case IqError(code=code, text=text, error_type=kind, backoff=backoff):
            return type(error)(code, text, error_type=kind, backoff=backoff)
        case InvalidPairError(category=category, value=value, allowed=allowed):
            return InvalidPairError(category, value, allowed)
        case NoDisallowedListError(category=category):
            return NoDisallowedListError(category, map(str, LIST_CATEGORIES))
        case InvalidPolicyError(faults=faults):
            return InvalidPolicyError(faults)
        case OutdatedPlanError(changed=changed):
            return OutdatedPlanError(changed)
        case TooManyRequestsError(backoff=float() | int() as backoff):
            return TooManyRequestsError(backoff)
    return None


def indented(value: object, indent: str = "") -> str:
    """JSON with a line for each member, and for each row of a list.

    Example:
        >>> print(indented({"settings": [{"category": "last", "value": "all"}], "unreadable": 1}))
        {
          "settings": [
            {"category": "last", "value": "all"}
          ],
          "unreadable": 1
        }
    """
    plain = json.dumps(value, ensure_ascii=False, allow_nan=False)
    is_row = bool(indent) and not (
        isinstance(value, dict) and any(isinstance(v, dict | list) and v for v in value.values())
    )
    is_row = is_row and not (isinstance(value, list) and any(isinstance(v, dict) for v in value))
    if not value or not isinstance(value, dict | list) or (is_row and len(plain) < 200):
        return plain
    deeper = indent + "  "
    if isinstance(value, dict):
        lines = [f"{json.dumps(k)}: {indented(v, deeper)}" for k, v in value.items()]
    else:
        lines = [indented(item, deeper) for item in value]
    begin, end = "{}" if isinstance(value, dict) else "[]"
    body = ",\n".join(deeper + line for line in lines)
    return f"{begin}\n{body}\n{indent}{end}"


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; one that names a member twice would hide the first."""
    if len(document := dict(pairs)) != len(pairs):
        raise ValueError
    return document
