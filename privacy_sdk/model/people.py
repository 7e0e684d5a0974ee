"""Parse people: phone numbers as they are written, JIDs, LIDs, and what lists and tables hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

from privacy_sdk.errors import InvalidContactError, InvalidInputError, itemize, short_person
from privacy_sdk.errors.masks import (
    DOTS,
    LONGEST,
    SEPARATORS,
    SHORTEST,
    mask_digits,
    may_name_person,
)
from privacy_sdk.model.types import (
    MAX_LISTED,
    Contact,
    DisallowedListUser,
    DisallowedListUserEntry,
    Jid,
)

PersonLike: TypeAlias = str | Jid | DisallowedListUser | DisallowedListUserEntry | Contact
"""A phone number with ``+`` and country code, an address, a record of a person, or, with
``names=``, a name."""

PeopleLike: TypeAlias = PersonLike | Iterable[PersonLike]
"""One person or several; a table of them, as :meth:`.Client.excluded` returns it unmasked."""

_HOW = "Write it with + and the country code, or pass a JID."
_WRITTEN = re.compile(rf"\+[\d{SEPARATORS}]*\d\)?", re.ASCII)
# No country has the code 999, so phonenumbers refuses it; recordings and examples use it.
_PSEUDONYM = re.compile(rf"999\d{{{SHORTEST - 3},{LONGEST - 3}}}", re.ASCII)
# Dialled within Mexico before a mobile number until 2019, and still in many address books.
_MEXICO_DIALLED = re.compile(r"52(?:044|045|01)(\d{10})", re.ASCII)
# Beside numbers that phonenumbers takes: WhatsApp's own address of a mobile number of Mexico.
_MEXICO_MOBILE = re.compile(r"521\d{10}", re.ASCII)


NameFinder: TypeAlias = Callable[[str], Jid | None]
"""Finds the person of a name; None for no name.

Raises:
    InvalidContactError: The name is that of several people.
"""


def nobody(name: str) -> None:
    """Find nobody: where no names are known."""


@runtime_checkable
class Frame(Protocol):
    """A DataFrame, as far as it is needed where pandas is not to be imported."""

    @property
    def columns(self) -> Any:
        """The names of the columns."""

    @property
    def index(self) -> Any:
        """The names of the rows."""

    @property
    def to_dict(self) -> Any:
        """Returns the cells."""


@runtime_checkable
class Column(Protocol):
    """A Series, likewise."""

    @property
    def index(self) -> Any:
        """The names of the rows."""

    @property
    def items(self) -> Any:
        """Returns the cells, each with its row."""

    @property
    def dtype(self) -> Any:
        """The type of the cells."""


def as_person(person: PersonLike, names: NameFinder = nobody) -> Jid:
    """Parse a person, to a LID or the address of a phone number.

    Numbers are parsed by ``phonenumbers``; those that begin with +999, which stand for
    nobody, are taken as they are. Nothing but digits and what stands between them is taken:
    a letter is a slip, never a digit.

    Args:
        person: A phone number, an address, or a record of a person.
        names: Finds the person of a name.

    Raises:
        InvalidContactError: No phone number, or the address of something else.
        InvalidJidError: No address.

    Example:
        >>> str(as_person("+999 11 555 0101"))
        '999115550101@s.whatsapp.net'
        >>> as_person("11 555-0101")
        Traceback (most recent call last):
        privacy_sdk.errors.InvalidContactError: '11•••01' is not a phone number with a country code.
        Write it with + and the country code, or pass a JID.
    """
    if isinstance(person, Contact):
        person = person.jid or person.pn_jid or f"+{person.phone}"
    elif isinstance(person, DisallowedListUser | DisallowedListUserEntry):
        person = person.jid
    if isinstance(person, str):
        text = _plain(person)
        if (named := names(text)) is not None:
            return named
        if DOTS in text:
            raise InvalidContactError(
                f"{short_person(person)} is a masked number.",
                hint="Pass the whole number, or a JID; excluded(…, masked=False) has them.",
            )
        if "@" not in text:
            return Jid.phone(_digits(text))
        person = text
    if not isinstance(person, str | Jid):
        if is_missing(person):
            raise InvalidContactError(
                "The number is not known.", hint="The column 'jid' of the table names everybody."
            )
        raise InvalidContactError(
            f"{short_person(person)} ({type(person).__name__}) is nobody.", hint=_HOW
        )
    jid = Jid.parse(person)
    if not (jid.is_lid or jid.is_phone):
        raise InvalidContactError(
            f"{jid!r} is not the address of a person.",
            hint=f"A person's address ends in @{Jid.LID} or @{Jid.PHONE}.",
        )
    return jid.person


def is_missing(cell: object) -> bool:
    """Whether a table holds nothing there: NaN, ``<NA>``, NaT."""
    return type(cell).__name__ in ("NAType", "NaTType") or (
        isinstance(cell, float) and cell != cell
    )


def _plain(text: str) -> str:
    r"""Return a text without marks that cannot be seen, in plain digits and signs.

    Example:
        >>> _plain("\u200e＋９９９\u00a011 555 0101\u202c")
        '+999 11 555 0101'
    """
    seen = (
        str(int(character)) if character.isdecimal() else _plain_sign(character)
        for character in text
        if unicodedata.category(character) != "Cf"
    )
    return "".join(seen).strip()


def _plain_sign(character: str) -> str:
    """Return a sign as ASCII has it; a raised 2 is no digit, and stays."""
    plain = unicodedata.normalize("NFKC", character)
    return character if any(map(str.isdigit, plain)) else plain


def _digits(text: str) -> str:
    number = text[4:].lstrip() if text[:4].lower() == "tel:" else text
    if _WRITTEN.fullmatch(number) and (digits := _parsed(number)):
        return digits
    has_digits = may_name_person(text)
    letter = re.search(r"[^\W\d_]", number)
    slip = f"It holds a letter, {letter[0]!r}. " if has_digits and letter else ""
    given = repr(mask_digits(text)) if has_digits else short_person(text)
    raise InvalidContactError(
        f"{given} is not a phone number with a country code.", hint=slip + _HOW
    )


def _parsed(number: str) -> str | None:
    """Return the digits of a number that is written with a plus sign; None if it is none."""
    plain = re.sub(r"\D", "", number)
    if _PSEUDONYM.fullmatch(plain) or _MEXICO_MOBILE.fullmatch(plain):
        return plain
    import phonenumbers

    if match := _MEXICO_DIALLED.fullmatch(plain):
        number = f"+52{match[1]}"
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    digits: str = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return digits.removeprefix("+")


def written(jid: Jid) -> str:
    """Return an address as :func:`as_person` takes it: a number, or else the address.

    Example:
        >>> written(Jid.phone("999115550101")), written(Jid("1", Jid.PHONE))
        ('+999115550101', '1@s.whatsapp.net')
    """
    is_number = jid.is_phone and _parsed(f"+{jid.user}") == jid.user
    return f"+{jid.user}" if is_number else str(jid)


def read_people(
    people: object,
    place: Callable[..., str],
    faults: list[str],
    names: NameFinder = nobody,
) -> tuple[Jid, ...]:
    """Parse people to addresses, and collect every problem.

    Args:
        people: One person or several.
        place: Says where they were named; with an index, where that person was.
        faults: Takes a sentence for each problem.
        names: Finds the person of a name.
    """
    if isinstance(people, str | Jid | DisallowedListUser | DisallowedListUserEntry | Contact):
        people = [people]
    if isinstance(people, Frame):
        if "jid" not in people.columns:
            faults.append(f"{place()}: the table has no column 'jid'.")
            return ()
        people = people.to_dict("list")["jid"]
    if not isinstance(people, Iterable) or isinstance(people, Mapping | bytes):
        faults.append(f"{place()}: {short_person(people)} is not a list of people.")
        return ()
    read: dict[Jid, Jid] = {}
    places: dict[Jid, int] = {}
    hint = ""
    for index, person in enumerate(people):
        if index >= MAX_LISTED:
            faults.append(f"{place()}: a list holds at most {MAX_LISTED:,} people.")
            break
        try:
            jid = as_person(person, names)
        except InvalidInputError as error:
            again, hint = error.hint == hint, error.hint  # said once, for a column of local numbers
            faults.append(f"{place(index)}: {error.message} {'' if again else hint}".rstrip())
            continue
        if jid.identity in read:
            faults.append(f"{place(index)}: the same person as {place(places[jid.identity])}.")
        read.setdefault(jid.identity, jid)
        places.setdefault(jid.identity, index)
    return tuple(read.values())


def as_people(people: PeopleLike, names: NameFinder = nobody) -> tuple[Jid, ...]:
    """Parse one person or several to addresses, each once.

    Raises:
        InvalidContactError: Nobody, somebody twice, no phone number, more than 64,000; lists
            every problem with its place.

    Example:
        >>> as_people(["+999 11 555 0101", "999000000000002@lid"])
        (Jid('99•••01@s.whatsapp.net'), Jid('99•••02@lid'))
    """
    faults: list[str] = []
    read = read_people(people, _place, faults, names)
    if not read and not faults:
        faults.append("people: nobody is named.")
    if faults:
        raise InvalidContactError(itemize(faults, "people cannot be used"))
    return read


def _place(*index: int) -> str:
    return "people" + "".join(f"[{each}]" for each in index)
