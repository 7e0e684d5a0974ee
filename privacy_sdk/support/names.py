"""Read the names that one gave to people: a mapping, a CSV or a vCard file of contacts."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from privacy_sdk.errors import InvalidInputError, PrivacyError
from privacy_sdk.model.address_book import NO_NAMES, AddressBook
from privacy_sdk.model.people import as_person
from privacy_sdk.model.types import Jid
from privacy_sdk.model.words import counted
from privacy_sdk.support.caller_warnings import warn_caller
from privacy_sdk.support.files import as_path

NamesLike: TypeAlias = AddressBook | Mapping[Any, Any] | str | os.PathLike[str]
"""Names with the people whose they are, or the path of a CSV or vCard file of contacts."""

_LONGEST = 64 * 2**20
_WHOLE_NAMES = ("name", "full name", "display name", "file as")
_PARTS = (("first name", "given name"), ("last name", "family name"))
_SEVERAL = re.compile(r"\s*:::\s*")  # Google Contacts, between the numbers of one cell


def read_names(names: NamesLike | None) -> AddressBook:
    """Return the names of people.

    Numbers in a file that have no country code name nobody; one warning counts them.

    Args:
        names: A mapping, a path, or what this returned; None for no names.

    Raises:
        InvalidInputError: No such file, or neither CSV nor vCards.
        InvalidContactError: Somebody in a mapping cannot be meant; lists every problem.
        PrivacyError: vCards cannot be read without the extra ``names``.
    """
    if names is None:
        return NO_NAMES
    if isinstance(names, AddressBook):
        return names
    if isinstance(names, Mapping):
        return AddressBook(names)
    path = as_path(names)
    text = _text(path)
    is_vcard = text.lstrip()[:11].upper() == "BEGIN:VCARD"
    book, skipped = AddressBook(), 0
    for name, numbers in _vcards(text, path) if is_vcard else _rows(text):
        for number in numbers:
            if (person := _person(number)) is not None:
                book.add(name, person)
            elif sum(map(str.isdigit, number)) >= 5:
                skipped += 1
    if not book:
        raise InvalidInputError(
            f"{path.name} names nobody.",
            hint="Pass a CSV or vCard file of contacts; their numbers need + and country code.",
        )
    if skipped:
        warn_caller(
            f"{counted(skipped, 'number')} in {path.name} cannot be used: written without + and "
            "country code."
        )
    return book


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_LONGEST + 1)
        if len(raw) <= _LONGEST:
            return raw.decode("utf-8-sig")
        what = f"is longer than {_LONGEST // 2**20} MiB"
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        what = "is not text in UTF-8"
    raise InvalidInputError(f"{str(path)!r} {what}.", hint="Pass a CSV or vCard file of contacts.")


def _person(number: str) -> Jid | None:
    try:
        return as_person(number)
    except InvalidInputError:
        return None


def _rows(text: str) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield names with the cells that may be numbers, of a CSV with a header or without."""
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text[:10_000], ",;\t")
    except csv.Error:
        dialect = csv.excel
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines(), dialect)]
    header = [cell.casefold() for cell in rows[0]] if rows else []
    whole = [header.index(each) for each in _WHOLE_NAMES if each in header]
    parts = [header.index(each) for names in _PARTS for each in names if each in header]
    for row in rows[1:] if whole or parts else rows:
        people = [each for cell in row for each in _SEVERAL.split(cell) if each]
        name = next((row[place] for place in whole if place < len(row) and row[place]), "")
        name = name or " ".join(row[place] for place in parts if place < len(row) and row[place])
        if not (whole or parts):
            name = next((each for each in people if not _is_number(each)), "")
        if name:
            yield name, [each for each in people if _is_number(each)]


def _is_number(cell: str) -> bool:
    return _person(cell) is not None or re.fullmatch(r"[+\d][\d ().-]{4,}", cell) is not None


def _vcards(text: str, path: Path) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield the names of vCards of any version, with their telephone numbers."""
    try:
        import vobject
    except ImportError:
        raise PrivacyError(
            "vCards are read by a package that is not installed.",
            hint='pip install "privacy-sdk[names]", or pass a CSV file.',
        ) from None
    vobject.base.logger.disabled = True  # it would quote the file
    try:
        for card in vobject.readComponents(text, ignoreUnreadable=True, allowQP=True):
            names = _values(card.contents.get("fn", ()))
            if names and names[0]:
                yield names[0], _values(card.contents.get("tel", ()))
    except vobject.base.ParseError as error:
        line = getattr(error, "lineNumber", None)
        at = f", line {line}" if line else ""
        raise InvalidInputError(
            f"{path.name}{at} is no vCard that can be read.", hint="Export the contacts again."
        ) from None


def _values(lines: Iterable[Any]) -> list[str]:
    return [str(line.value).strip() for line in lines]
