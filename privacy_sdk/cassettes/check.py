"""Looking at a cassette: what is in it, and whether it can be handed to anybody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from privacy_sdk.cassettes.file import HEADER, Recording, as_text, read_recording
from privacy_sdk.cassettes.members import BASE, MEMBERS, NOT_KEPT, Kind, Redactor, route, words
from privacy_sdk.cassettes.people import Pseudonyms
from privacy_sdk.errors import RecordingError
from privacy_sdk.errors.masks import mask_digits, mask_text
from privacy_sdk.model.types import PrivacyCategory, PrivacyValue
from privacy_sdk.support.yaml import text_between_values

_ENTRY = {"request", "response", "overlaps", "after_unanswered_change"}
_REQUEST = {"method", "uri", "body", "headers"}
_RESPONSE = {"status", "headers", "body"}
_TECHNICAL = frozenset(
    """accept accept-encoding access-control-allow-origin cache-control connection
    content-encoding content-length host keep-alive pragma server transfer-encoding
    user-agent vary""".split()  # noqa: SIM905
)
"""Headers of vcrpy's own recordings that tell of nobody, as long as their words do not."""


@dataclass(frozen=True, slots=True)
class Row:
    """An exchange of a cassette, as a row of a table; people in it are masked.

    Attributes:
        number: Its place in the file, from 1.
        line: The line it begins at.
        method: Of the request.
        address: Path and query of the request.
        status: Of the answer.
        asked: Body of the request.
        answered: Body of the answer.
    """

    number: int
    line: int
    method: str
    address: str
    status: int
    asked: str
    answered: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know before a cassette is handed on.

    Attributes:
        line: Where it is; None when it is about the whole file.
        is_wrong: Whether it should be mended; else it is only worth knowing.
        says: What it is, without showing it.
    """

    line: int | None
    is_wrong: bool
    says: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.says}" if self.line else self.says


def show(path: Path) -> list[Row]:
    """The exchanges of a cassette.

    Raises:
        RecordingError: It cannot be read.
    """
    recording = read_recording(path)
    rows = []
    for number, (interaction, line) in enumerate(
        zip(recording.interactions, recording.lines, strict=True), 1
    ):
        request, response = interaction["request"], interaction["response"]
        parts = urlsplit(request["uri"])
        rows.append(
            Row(
                number=number,
                line=line,
                method=mask_text(request["method"]),
                address=mask_text(unquote(parts.path + (f"?{parts.query}" if parts.query else ""))),
                status=response["status"]["code"],
                asked=_shown(request["body"]),
                answered=_shown(response["body"]["string"]),
            )
        )
    return rows


def check(path: Path) -> list[Finding]:
    """What is wrong with a cassette, or worth knowing.

    Wrong is whatever a recording of this package would not hold: every member, header, comment
    and key of the file is compared with what the recorder keeps.

    Returns:
        Findings in the order of the file; none of them wrong for a cassette that can be handed
        to anybody. The accounts that it names are among them.
    """
    try:
        recording = read_recording(path)
    except RecordingError as error:
        return [Finding(None, True, error.message)]
    found = dict.fromkeys(_Scan(recording).findings())
    return sorted(found, key=lambda finding: finding.line or 0)


class _Scan:
    """One pass over a cassette."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._lines = recording.text.splitlines()
        self._redactor = Redactor(Pseudonyms())
        self._told: set[str] = set()

    def findings(self) -> Iterator[Finding]:
        recording = self._recording
        if recording.torn is not None:
            yield Finding(recording.torn, True, "the last exchange was torn; delete it")
        yield from self._between(recording.text)
        document: Any = recording.document.value
        yield from self._unknown_keys(document, {"version", "interactions"}, 1)
        starts = recording.lines
        ends = [*starts[1:], len(self._lines) + 1]
        for entry, interaction, start, end in zip(
            document["interactions"], recording.interactions, starts, ends, strict=True
        ):
            yield from self._unknown_keys(entry, _ENTRY, start)
            yield from self._unknown_keys(entry["request"], _REQUEST, start)
            yield from self._unknown_keys(entry["response"], _RESPONSE, start)
            yield from self._unknown_keys(entry["response"]["status"], {"code", "message"}, start)
            yield from self._unknown_keys(entry["response"]["body"], {"string"}, start)
            try:
                text = as_text(interaction)
            except UnicodeDecodeError:
                yield Finding(start, True, "a body is compressed or no text")
                continue
            for is_wrong, says, value in self._differences(text):
                yield Finding(self._line_with(value, range(start, end)), is_wrong, says)

    def _unknown_keys(self, mapping: object, known: set[str], line: int) -> Iterator[Finding]:
        for name in mapping if isinstance(mapping, dict) else ():
            if name not in known:
                lines: Mapping[str, int] = getattr(mapping, "lines", {})
                yield Finding(lines.get(name, line), True, "a key that no recording has")

    def _between(self, text: str) -> Iterator[Finding]:
        """What stands in the file and is no value: comments, and what else YAML passes over."""
        if text.startswith(HEADER) and "#" not in text:
            return
        for line, between in text_between_values(text):
            personal = words(between) != between or "@" in between
            yield Finding(line, personal, "a comment, which nobody can vouch for")

    def _differences(self, text: dict[str, Any]) -> Iterator[tuple[bool, str, str]]:
        """Whether it is wrong, what it is, and the text to look for."""
        request, response = text["request"], text["response"]
        uri, method, status = request["uri"], request["method"], response["status"]
        kept = self._redactor.exchange(text)
        if kept is None:
            yield True, "a request that is not of the interface", uri
            return
        parts = urlsplit(uri)
        if parts.username is not None or parts.password is not None:
            yield True, "a user name in the request's address", uri
        elif not uri.startswith(BASE):
            is_near = parts.hostname in ("127.0.0.1", "localhost", "::1")
            yield not is_near, "another host than a recording's", uri
        if method != kept["request"]["method"]:
            yield True, "a method that no recording has", method
        if status["message"] not in ("", kept["response"]["status"]["message"]):
            yield True, "a status message that no recording has", status["message"]
        found = route(uri)
        if kept["request"]["uri"].removeprefix(BASE) not in (
            _path(uri), _path(uri).replace("%20", "+")
        ):  # fmt: skip
            yield True, f"{_person_in(_path(uri))} in the request's address", uri
        elif found and found.account and found.account not in self._told:
            self._told.add(found.account)
            yield False, f"the account {found.account!r} is named", f"accounts/{found.account}"
        for side, where in ((request, "request"), (response, "answer")):
            name = "request" if side is request else "response"
            yield from self._headers(side["headers"], kept[name]["headers"], where)
            body = side["body"] if side is request else side["body"]["string"]
            yield from self._body(body, where)

    def _headers(
        self, given: Mapping[str, Sequence[str]], kept: Mapping[str, Sequence[str]], where: str
    ) -> Iterator[tuple[bool, str, str]]:
        for name, values in given.items():
            lowered = name.lower()
            if lowered in kept and list(values) == list(kept[lowered]):
                continue
            plain = f"{name}: {' '.join(values)}"
            is_known = lowered in _TECHNICAL or lowered in ("content-type", "date")
            is_wrong = not is_known or words(plain) != plain
            if lowered not in _TECHNICAL or is_wrong:
                shown = name if words(name) == name and is_known else "that no recording has"
                yield is_wrong, f"a header ({shown}) in the {where}", name

    def _body(self, body: str, where: str) -> Iterator[tuple[bool, str, str]]:
        kept = self._redactor.body(body)
        if kept == NOT_KEPT != body:
            yield True, f"a body that is no JSON object in the {where}", ""
        elif body and body != NOT_KEPT:
            yield from self._compared(json.loads(body), json.loads(kept), where)

    def _compared(
        self, there: Any, kept: Any, where: str, name: str = ""
    ) -> Iterator[tuple[bool, str, str]]:
        if isinstance(there, dict) and isinstance(kept, dict):
            for member, value in there.items():
                if member not in kept:
                    known = f"{member!r} that is not kept" if member in MEMBERS else "a member"
                    yield True, f"{known} in the {where}, as no recording has", f'"{member}"'
                else:
                    yield from self._compared(value, kept[member], where, member)
            yield from self._unknown_names(there)
        elif isinstance(there, list) and isinstance(kept, list) and len(there) == len(kept):
            for item, other in zip(there, kept, strict=True):
                yield from self._compared(item, other, where, name)
        elif there != kept:
            kind = MEMBERS.get(name)
            if kind is Kind.PERSON or kind is Kind.ACCOUNT:
                what = _person_in(str(there))
            else:
                what = "a secret" if kind is Kind.SECRET else "words that tell of somebody"
                if kind is Kind.WORDS and words(str(there)) == there:
                    what = "a text of another version"
            yield (
                what != "a text of another version",
                f"{what} in {name!r} of the {where}",
                str(there),
            )

    def _unknown_names(self, row: Mapping[str, Any]) -> Iterator[tuple[bool, str, str]]:
        if set(row) != {"category", "value"}:
            return
        for name, kind in (("category", PrivacyCategory), ("value", PrivacyValue)):
            wire = row[name]
            is_new = isinstance(wire, str) and wire and wire not in self._told
            if is_new and not kind(wire).is_known:
                self._told.add(wire)
                yield False, f"{words(wire)!r} is a {name} this version has no name for", wire

    def _line_with(self, text: str, lines: range) -> int:
        pattern = (
            re.compile(r"[^\w]*".join(map(re.escape, text[:200].strip('"')))) if text else None
        )
        found = (n for n in lines if pattern and pattern.search(self._lines[n - 1]))
        return next(found, lines.start)


def _path(uri: str) -> str:
    parts = urlsplit(uri)
    path = parts.path[max(parts.path.find("/v1/"), 0) :]
    return path + (f"?{parts.query}" if parts.query else "")


def _person_in(text: str) -> str:
    digits = re.sub(r"\D", "", unquote(text).replace("/v1/", "/"))
    return f"a person ({mask_digits(digits)})" if digits else "a person (•••)"


def _shown(body: bytes | None) -> str:
    text = (body or b"").decode("utf-8", "backslashreplace")
    try:
        text = json.dumps(_masked("", json.loads(text)), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        text = mask_text(text)
    return text


def _masked(name: str, value: Any) -> Any:
    """A document for the screen: people masked, pseudonyms and numbers of nobody as they are."""
    if isinstance(value, dict):
        return {key: _masked(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(name, item) for item in value]
    kind = MEMBERS.get(name)
    if kind in (Kind.NUMBER, Kind.STATUS, Kind.VERSION, Kind.TIME) or value is None:
        return value
    kept = Redactor(Pseudonyms()).members({name: value})
    if kind in (Kind.PERSON, Kind.ACCOUNT) and all(item == value for _, item in kept):
        return value
    return mask_text(str(value))
