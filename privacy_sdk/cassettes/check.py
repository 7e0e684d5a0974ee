"""Looking at a cassette: what is in it, and whether it can be handed to anybody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from privacy_sdk.cassettes.file import Recording, as_text, read_recording
from privacy_sdk.cassettes.pseudonyms import People, Strangers
from privacy_sdk.cassettes.redactor import Redactor
from privacy_sdk.errors import RecordingError
from privacy_sdk.errors.masks import DOTS, mask_digits, plain_digits
from privacy_sdk.model.types import PrivacyCategory, PrivacyValue

_PRIVATE_HEADERS = {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}


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
    masked = Redactor(Strangers())
    rows: list[Row] = []
    for interaction, line in zip(recording.interactions, recording.lines, strict=True):
        request, response = interaction["request"], interaction["response"]
        rows.append(
            Row(
                number=len(rows) + 1,
                line=line,
                method=request["method"],
                address=unquote(_address(masked.uri(request["uri"]))),
                status=response["status"]["code"],
                asked=masked.body(_shown(request["body"]), request["headers"]) or "",
                answered=masked.body(_shown(response["body"]["string"]), response["headers"]) or "",
            )
        )
    return rows


def check(path: Path) -> list[Finding]:
    """What is wrong with a cassette, or worth knowing: people, secrets, unknown names, format.

    Looks for people as a recording does, so that a recording of this package has none.

    Returns:
        Findings in the order of the file; none for a cassette that can be handed to anybody.
    """
    try:
        recording = read_recording(path)
    except RecordingError as error:
        return [Finding(None, True, error.message)]
    found = [*_Scan(recording, path.read_text("utf-8").splitlines()).findings()]
    return sorted(found, key=lambda finding: finding.line or 0)


class _Scan:
    """One pass over a cassette."""

    def __init__(self, recording: Recording, lines: list[str]) -> None:
        self._recording = recording
        self._lines = lines
        self._redactor = Redactor(People())
        self._unknown: set[str] = set()

    def findings(self) -> Iterator[Finding]:
        starts = self._recording.lines
        ends = [*starts[1:], len(self._lines) + 1]
        for interaction, start, end in zip(self._recording.interactions, starts, ends, strict=True):
            try:
                text = as_text(interaction)
            except UnicodeDecodeError:
                says = "a body that is compressed or is no text cannot be searched for people"
                yield Finding(start, True, says)
                continue
            yield from self._leaks(text, range(start, end))
            yield from self._unknown_names(text, start)
        for number, line in enumerate(self._lines, 1):
            if line.lstrip().startswith("#") and self._redactor.text(line) != line:
                yield Finding(number, True, "a comment that names somebody or tells a secret")

    def _leaks(self, interaction: dict[str, Any], lines: range) -> Iterator[Finding]:
        redacted = self._redactor.interaction(interaction)
        for (where, before), (_, after) in zip(_parts(interaction), _parts(redacted), strict=True):
            if before != after:
                yield from self._leak(where, before, after, lines)
        if urlsplit(interaction["request"]["uri"]).username is not None:
            yield Finding(lines.start, True, "a user name in the request's address")
        for side in ("request", "response"):
            for name in interaction[side]["headers"]:
                if name.lower() in _PRIVATE_HEADERS:
                    line = self._line_with(re.compile(re.escape(name)), lines)
                    yield Finding(line, True, f"a {name} header in the {side}")

    def _leak(self, where: str, before: str, after: str, lines: range) -> Iterator[Finding]:
        digits = plain_digits(before)
        people = [p for p in self._redactor.people if p in (digits if p.isdecimal() else before)]
        for person in people:
            shown = mask_digits(person) if person.isdecimal() else DOTS
            pattern = r"\D*".join(person) if person.isdecimal() else re.escape(person)
            line = self._line_with(re.compile(pattern), lines)
            yield Finding(line, True, f"a person ({shown}) in {where}")
        if after.count(DOTS) > before.count(DOTS):
            yield Finding(lines.start, True, f"a token, cookie or code in {where}")
        elif not people:
            yield Finding(lines.start, True, f"somebody in {where}")

    def _line_with(self, pattern: re.Pattern[str], lines: range) -> int:
        return next((n for n in lines if pattern.search(self._lines[n - 1])), lines.start)

    def _unknown_names(self, interaction: dict[str, Any], line: int) -> Iterator[Finding]:
        for body in (interaction["request"]["body"], interaction["response"]["body"]["string"]):
            try:
                document = json.loads(body)
            except (ValueError, RecursionError):
                continue
            rows = document.get("settings") if isinstance(document, dict) else None
            for row in rows if isinstance(rows, list) else ():
                for name, kind in (("category", PrivacyCategory), ("value", PrivacyValue)):
                    wire = row.get(name) if isinstance(row, dict) else None
                    if not isinstance(wire, str) or not wire or wire in self._unknown:
                        continue
                    if not kind(wire).is_known:
                        self._unknown.add(wire)
                        yield Finding(
                            line, False, f"{wire!r} is a {name} this version has no name for"
                        )


def _parts(interaction: dict[str, Any]) -> list[tuple[str, str]]:
    request, response = interaction["request"], interaction["response"]
    return [
        ("the request's address", _address(request["uri"])),
        ("the request's headers", str(request["headers"])),
        ("the request's body", request["body"]),
        ("the answer's headers", str(response["headers"])),
        ("the answer's body", response["body"]["string"]),
    ]


def _address(uri: str) -> str:
    parts = urlsplit(uri)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _shown(body: bytes | None) -> str:
    return (body or b"").decode("utf-8", "backslashreplace")
