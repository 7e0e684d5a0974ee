"""Who stands for whom: pseudonyms while a session is recorded, bindings while it is replayed.

Pseudonyms are numbered by first appearance, so that nothing about a person is in them, and
nothing but their order tells who is who. A replay learns it from the requests of its client.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count

from privacy_sdk.errors.masks import DOTS, LONGEST, NOBODY, SHORTEST, may_name_person, plain_digits

_PSEUDONYM = re.compile(r"9999(?:\d{11}|\d{8})")
_GIVEN = re.compile(r"(?:Person |version-)[0-9]{1,4}")
_NOBODYS = re.compile(rf"{NOBODY}[0-9]{{{SHORTEST - 3},{LONGEST - 3}}}")
_ADDRESS = re.compile(r"(?P<user>[0-9]{1,20})(?P<device>(?::[0-9]{1,2})?)@(?P<server>[a-z.]{1,31})")
_SERVERS = {"s.whatsapp.net", "lid", "c.us", "hosted", "hosted.lid", "bot", "g.us"}
_LINKED_AS = f"+99 {DOTS} 01"
_NUMBER, _LID = "9999{:08d}", "9999{:011d}"


class Pseudonyms:
    """The pseudonyms of one recording.

    Example:
        >>> people = Pseudonyms()
        >>> people.person("+55 11 91234-5678"), people.person("5511912345678@s.whatsapp.net")
        ('+999900000001', '999900000001@s.whatsapp.net')
        >>> people.person("203948576102938:3@lid"), people.person("999115550101")
        ('999900000000001:3@lid', '999115550101')
        >>> people.person("Ana"), people.number("wa-5511912345678"), people.person("+55 ••• 78")
        ('Person 1', '999900000002', '+99 ••• 01')
    """

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], str] = {}
        self._taken: set[str] = set()
        self._counts: defaultdict[str, count[int]] = defaultdict(lambda: count(1))

    def person(self, text: str) -> str:
        """What stands for a number, an address or a name."""
        address = _ADDRESS.fullmatch(text)
        if address and address["server"] in _SERVERS:
            user = self.number(address["user"], lid=address["server"].endswith("lid"))
            return f"{user}{address['device']}@{address['server']}"
        if DOTS in text:
            return _LINKED_AS
        if may_name_person(text):
            digits = plain_digits(text).removeprefix("00")
            if digits.startswith(NOBODY) and re.search(r"[^\W_\d]|@", text):
                return self.number(text)  # somebody's number may stand behind nobody's
            return ("+" if text.lstrip().startswith("+") else "") + self.number(digits)
        return self.standing_for(text, "Person {}") if text else text

    def number(self, digits: str, *, lid: bool = False) -> str:
        """The digits that stand for a person's or an account's; nobody's own are kept."""
        if _NOBODYS.fullmatch(digits):
            self._taken.add(digits)
            return digits
        return self.standing_for(digits, _LID if lid else _NUMBER)

    def standing_for(self, text: str, form: str) -> str:
        """What stands for a text, in a form that is numbered; itself if it is of that form."""
        if _GIVEN.fullmatch(text):
            self._taken.add(text)
            return text
        if (text, form) not in self._given:
            numbered = map(form.format, self._counts[form])
            self._given[text, form] = next(each for each in numbered if each not in self._taken)
        return self._given[text, form]


class Bindings:
    """Whom the pseudonyms of a recording stand for, as the client's requests tell.

    One to one both ways. Only pseudonyms are bound: any other person is herself alone.

    Args:
        together: Number and LID of one recorded person, for each that the recording names both of.

    Example:
        >>> bindings = Bindings([("999900000001", "999900000000001")])
        >>> bindings.bind(["5511912345678"], ["999900000001"])
        True
        >>> bindings.bind(["4915112345678"], ["999900000001"]), bindings.real("999900000001")
        (False, '5511912345678')
    """

    def __init__(self, together: Iterable[Sequence[str]] = ()) -> None:
        self._recorded: dict[str, str] = {}
        self._real: dict[str, str] = {}
        self._person: dict[str, str] = {}
        for group in together:
            first = self._person.get(group[0], group[0])
            for address in group:
                self._person.setdefault(address, first)
        self._told: dict[str, set[str]] = {}
        self.has_people = False
        """Whether a pseudonym stands for anybody."""

    def real(self, recorded: str) -> str:
        """The address of the person that a pseudonym stands for; itself when nobody is bound."""
        return self._real.get(recorded, recorded)

    def recorded(self, people: Iterable[str]) -> tuple[str, ...]:
        """People of a request by their recorded addresses, as far as they are bound."""
        return tuple(self._recorded.get(person, person) for person in people)

    def bind(
        self,
        people: Sequence[str],
        recorded: Sequence[str],
        rows: Iterable[Sequence[str]] = (),
    ) -> bool:
        """Bind the people of a request to those of a recorded one.

        Args:
            people: The addresses in the request, in its order.
            recorded: Those in the recorded request.
            rows: Addresses in the request that belong to one person.

        Returns:
            Whether that contradicts nothing; if it does, nothing is bound.
        """
        if not rows and all(self._recorded.get(a) == b for a, b in zip(people, recorded)):  # noqa: B905
            return True
        pairs: dict[str, str] = {}
        taken: dict[str, str] = {}
        for person, other in zip(people, recorded, strict=True):
            is_one = pairs.setdefault(person, other) == other
            if not (is_one and taken.setdefault(other, person) == person):
                return False
            if not self._may_be(person, other):
                return False
        groups = [set(row).union(*(self._told.get(each, ()) for each in row)) for row in rows]
        for group in groups:  # whom the client says to be one must be one in the recording
            found = [pairs.get(each) or self._recorded.get(each) for each in group]
            if len({self._person.get(other, other) for other in found if other}) > 1:
                return False
        self._recorded |= pairs
        self._real |= taken
        self.has_people |= any(person != other for person, other in pairs.items())
        for group in groups:
            self._told |= dict.fromkeys(group, group)
        return True

    def _may_be(self, person: str, other: str) -> bool:
        if person in self._recorded or other in self._real:
            return self._recorded.get(person) == other and self._real.get(other) == person
        is_pseudonym = _PSEUDONYM.fullmatch(other) is not None
        return person == other or (is_pseudonym and _NOBODYS.fullmatch(person) is None)
