"""Parse people, from phone numbers, JIDs or LIDs, and look them up on WhatsApp."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from privacy_sdk.accounts.base import Account
from privacy_sdk.errors import InvalidContactError, InvalidInputError, itemize, short_repr
from privacy_sdk.errors.masks import DOTS, mask_digits
from privacy_sdk.model.types import MAX_LISTED, Contact, DisallowedListUser, Jid

PersonLike: TypeAlias = str | Jid
"""A phone number with ``+`` and country code, or the address of a person."""

PeopleLike: TypeAlias = PersonLike | Iterable[PersonLike]
"""One person or several."""

T = TypeVar("T")

_ASKED_AT_ONCE = 1_000
_HOW = "Write it with + and the country code, or pass a JID."
# No country has the code 999, so phonenumbers refuses it; recordings and examples use it.
_PSEUDONYM = re.compile(r"\+(999\d{4,12})", re.ASCII)


def as_person(person: PersonLike) -> Jid:
    """Parse a person, to a LID or the address of a phone number.

    Numbers are parsed by ``phonenumbers``; those that begin with +999, which stand for
    nobody, are taken as they are.

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
    if isinstance(person, str) and DOTS in person:
        raise InvalidContactError(
            f"{short_repr(person)} is a masked number.", hint="Pass the whole number, or a JID."
        )
    if isinstance(person, str) and "@" not in person:
        return Jid.phone(_digits(person))
    if not isinstance(person, str | Jid):
        raise InvalidContactError(
            f"{short_repr(person)} ({type(person).__name__}) is nobody.", hint=_HOW
        )
    jid = Jid.parse(person)
    if not (jid.is_lid or jid.is_phone):
        raise InvalidContactError(
            f"{jid!r} is not the address of a person.",
            hint=f"A person's address ends in @{Jid.LID} or @{Jid.PHONE}.",
        )
    return Jid(jid.user.partition(".")[0], jid.server)  # a person, whichever the device


def _digits(number: str) -> str:
    if match := _PSEUDONYM.fullmatch(re.sub(r"[\s().-]", "", number)):
        return match[1]
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or parsed.extension or not phonenumbers.is_possible_number(parsed):
        has_digits = sum(map(str.isdigit, number)) >= 5
        given = repr(mask_digits(number)) if has_digits else short_repr(number)
        raise InvalidContactError(f"{given} is not a phone number with a country code.", hint=_HOW)
    digits: str = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return digits.removeprefix("+")


def read_people(people: object, place: Callable[..., str], faults: list[str]) -> tuple[Jid, ...]:
    """Parse people to addresses, and collect every problem.

    Args:
        people: One person or several.
        place: Says where they were named; with an index, where that person was.
        faults: Takes a sentence for each problem.
    """
    if isinstance(people, str | Jid):
        people = [people]
    if not isinstance(people, Iterable) or isinstance(people, Mapping):
        faults.append(f"{place()}: {short_repr(people)} is not a list of people.")
        return ()
    read: dict[Jid, int] = {}
    for index, person in enumerate(people):
        if index >= MAX_LISTED:
            faults.append(f"{place()}: a list holds at most {MAX_LISTED:,} people.")
            break
        try:
            jid = as_person(person)
        except InvalidInputError as error:
            faults.append(f"{place(index)}: {error.message} {error.hint}".rstrip())
            continue
        if jid in read:
            faults.append(f"{place(index)}: the same person as {place(read[jid])}.")
        read.setdefault(jid, index)
    return tuple(read)


def as_people(people: PeopleLike) -> tuple[Jid, ...]:
    """Parse one person or several to addresses, each once.

    Raises:
        InvalidContactError: Nobody, somebody twice, no phone number, more than 64,000; lists
            every problem with its place.

    Example:
        >>> as_people(["+999 11 555 0101", "999000000000002@lid"])
        (Jid('99•••01@s.whatsapp.net'), Jid('99•••02@lid'))
    """
    faults: list[str] = []
    read = read_people(people, _place, faults)
    if not read and not faults:
        faults.append("people: nobody is named.")
    _raise_if(faults)
    return read


async def find_people(
    account: Account, people: Mapping[str, Sequence[Jid]]
) -> dict[str, tuple[DisallowedListUser, ...]]:
    """Look people up, by the place where they were named, to their LIDs; nothing else is asked.

    Raises:
        InvalidContactError: A number that nobody on WhatsApp has, or two addresses of one
            person in one place; lists every problem with its place.
        NotSupportedError: The account cannot find contacts, and there are phone numbers.
    """
    # In the order in which they were named: a recording has other numbers, in the same order.
    contacts = await _ask(account, dict.fromkeys(jid for jids in people.values() for jid in jids))
    faults: list[str] = []
    found = {place: _known(jids, place, contacts, faults) for place, jids in people.items()}
    _raise_if(faults)
    return found


async def _ask(account: Account, people: Iterable[Jid]) -> dict[str, Contact]:
    phones = [jid.user for jid in people if jid.is_phone]
    return {
        contact.phone: contact
        for start in range(0, len(phones), _ASKED_AT_ONCE)
        for contact in await account.find_contacts(phones[start : start + _ASKED_AT_ONCE])
    }


def _known(
    people: Sequence[Jid], place: str, contacts: Mapping[str, Contact], faults: list[str]
) -> tuple[DisallowedListUser, ...]:
    known: dict[Jid, tuple[str, DisallowedListUser]] = {}
    for count, jid in enumerate(people):
        here = f"{place}[{count}]"
        contact = contacts.get(jid.user, Contact(jid.user)) if jid.is_phone else None
        lid = contact.jid if contact else jid
        if lid is None:
            faults.append(f"{here}: nobody on WhatsApp has {mask_digits(jid.user)}.")
        elif lid in known:
            faults.append(f"{here}: the same person as {known[lid][0]}.")
        else:
            user = DisallowedListUser(lid, contact.pn_jid if contact else None)
            known[lid] = here, user
    return tuple(user for _, user in known.values())


def _place(*index: int) -> str:
    return "people" + "".join(f"[{each}]" for each in index)


def _raise_if(faults: Sequence[str]) -> None:
    if faults:
        raise InvalidContactError(itemize(faults, "people cannot be used"))
