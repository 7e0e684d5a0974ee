"""Names that one gave to people oneself: they stay on this machine."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from privacy_sdk.errors import InvalidContactError, InvalidInputError, itemize, short_repr
from privacy_sdk.errors.masks import mask_digits
from privacy_sdk.model import words
from privacy_sdk.model.people import as_person, read_people
from privacy_sdk.model.types import Contact, DisallowedListUser, Jid


@dataclass(init=False, repr=False)
class AddressBook:
    """The names of people, by their numbers and LIDs, for showing and for finding them.

    Nothing of it is sent, recorded or logged, and its repr says only how many it names.

    Args:
        names: Names with the people whose they are, ``{"Ana": "+999 11 555 0101"}``, or the
            other way round.

    Raises:
        InvalidContactError: Somebody there cannot be meant; lists every problem.

    Example:
        >>> book = AddressBook({"Ana": "+999 11 555 0101"})
        >>> book, book.find("ana"), book.label(Jid.phone("999115550101"))
        (AddressBook(1 person), Jid('99•••01@s.whatsapp.net'), 'Ana 99•••01')
    """

    _names: dict[Jid, str]
    _people: dict[str, dict[Jid, Jid]]

    def __init__(self, names: Mapping[Any, Any] | None = None) -> None:
        self._names, self._people = {}, {}
        faults: list[str] = []
        for key, value in (names or {}).items():
            name, people = (value, key) if _is_address(key) else (key, value)
            if not isinstance(name, str) or not name.strip():
                faults.append(f"names: {short_repr(name)} is no name.")
                continue
            place = f"names[{short_repr(name)}]"
            for jid in read_people(people, lambda *index, at=place: at, faults):
                self.add(name, jid)
        if faults:
            raise InvalidContactError(itemize(faults, "names cannot be used"))

    def add(self, name: str, person: Jid) -> None:
        """Name a person."""
        name = " ".join(name.split())
        self._names.setdefault(person.identity, name)
        self._people.setdefault(_folded(name), {}).setdefault(person.identity, person)

    def learn(self, people: Iterable[DisallowedListUser | Contact]) -> None:
        """Take over which LIDs the numbers have, so that a LID alone is named as well."""
        for person in people if self else ():
            if (name := self.name(person)) is not None:
                for each in person.identities:
                    self._names.setdefault(each, name)

    def name(self, person: DisallowedListUser | Contact | Jid) -> str | None:
        """Return what a person is called; None for one who is not named."""
        identities = [person.identity] if isinstance(person, Jid) else person.identities
        return next((self._names[each] for each in identities if each in self._names), None)

    def label(self, person: DisallowedListUser | Jid) -> str:
        """Return a person's name before the masked number; the number alone without a name."""
        jid = person if isinstance(person, Jid) else person.pn_jid or person.jid
        username = None if isinstance(person, Jid) else person.masked_username
        return " ".join(filter(None, (self.name(person) or username, mask_digits(jid.user))))

    def find(self, name: str) -> Jid | None:
        """Return the person of a name; None when nobody has it.

        Raises:
            InvalidContactError: Several have it.
        """
        people = self._people.get(_folded(name), {})
        if len(people) > 1:
            numbers = ", ".join(mask_digits(jid.user) for jid in people.values())
            raise InvalidContactError(
                f"{short_repr(name)} names {len(people)} numbers: {numbers}.",
                hint="Pass the number of the one who is meant.",
            )
        return next(iter(people.values()), None)

    def __len__(self) -> int:
        return len({identity for people in self._people.values() for identity in people})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({words.people(len(self))})"


NO_NAMES: Final = AddressBook()
"""Nobody is named."""


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _is_address(key: object) -> bool:
    try:
        as_person(key)  # type: ignore[arg-type]
    except InvalidInputError:
        return False
    return True
