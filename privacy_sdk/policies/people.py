"""Look people up on WhatsApp, and match them with the people of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from privacy_sdk.accounts.base import Account
from privacy_sdk.errors import InvalidContactError, itemize
from privacy_sdk.model import words
from privacy_sdk.model.types import (
    Contact,
    DisallowedList,
    DisallowedListAction,
    DisallowedListUser,
    DisallowedListUserEntry,
    Jid,
    PrivacyCategory,
    PrivacyValue,
)

_ASKED_AT_ONCE = 1_000


async def find_people(
    account: Account,
    people: Mapping[str, Sequence[Jid]],
    name: Callable[[Jid], str],
) -> dict[str, tuple[DisallowedListUser, ...]]:
    """Look people up, by the place where they were named, to their LIDs; each person once.

    Args:
        account: Where to ask; nothing else is asked.
        people: Addresses by the place where they were named.
        name: Names a person in an error.

    Raises:
        InvalidContactError: A number that nobody on WhatsApp has, or two addresses of one
            person in one place; lists every problem with its place.
        NotSupportedError: The account cannot find contacts, and there are phone numbers.
    """
    # In the order in which they were named: a recording has other numbers, in the same order.
    contacts = await _ask(account, (jid for jids in people.values() for jid in jids))
    faults: list[str] = []
    found = {place: _found(jids, place, contacts, name, faults) for place, jids in people.items()}
    if faults:
        raise InvalidContactError(itemize(faults, "people cannot be used"))
    return found


async def _ask(account: Account, people: Iterable[Jid]) -> dict[Jid, Contact]:
    """Return who has the numbers, by the identity of each."""
    phones: dict[Jid, str] = {}
    for jid in people:
        if jid.is_phone:
            phones.setdefault(jid.identity, jid.user)
    asked = list(phones.values())
    return {
        Jid.phone(contact.phone).identity: contact
        for start in range(0, len(asked), _ASKED_AT_ONCE)
        for contact in await account.find_contacts(asked[start : start + _ASKED_AT_ONCE])
    }


def _found(
    people: Sequence[Jid],
    place: str,
    contacts: Mapping[Jid, Contact],
    name: Callable[[Jid], str],
    faults: list[str],
) -> tuple[DisallowedListUser, ...]:
    users: list[DisallowedListUser] = []
    places: dict[Jid, str] = {}
    for count, jid in enumerate(people):
        here = f"{place}[{count}]"
        contact = contacts.get(jid.identity, Contact(jid.user)) if jid.is_phone else None
        lid = contact.jid if contact else jid
        if lid is None:
            faults.append(f"{here}: nobody on WhatsApp has {name(jid)}.")
            continue
        user = DisallowedListUser(lid, contact.pn_jid if contact else None)
        same = next((places[each] for each in user.identities if each in places), None)
        if same:
            faults.append(f"{here}: the same person as {same}.")
        else:
            users.append(user)
            places |= dict.fromkeys(user.identities, here)
    return tuple(users)


def on_list(
    user: DisallowedListUser, held: Mapping[Jid, Sequence[DisallowedListUser]]
) -> tuple[DisallowedListUser, ...]:
    """Return a person's entries on a list, matched by LID or by number.

    Args:
        user: The person.
        held: The entries, as :func:`by_identity` sorts them.

    Example:
        >>> lid, new = Jid("999000000000001", "lid"), Jid("999000000000002", "lid")
        >>> number = Jid.phone("999115550101")
        >>> held = [DisallowedListUser(lid, number)]
        >>> on_list(DisallowedListUser(new, number), by_identity(held)) == tuple(held)
        True
    """
    return tuple(dict.fromkeys(entry for each in user.identities for entry in held.get(each, ())))


def by_identity(
    users: Iterable[DisallowedListUser],
) -> Mapping[Jid, Sequence[DisallowedListUser]]:
    """Return people by each of their identities."""
    found: dict[Jid, list[DisallowedListUser]] = {}
    for user in users:
        for each in user.identities:
            found.setdefault(each, []).append(user)
    return found


def listed_people(
    people: Iterable[Jid], held: Iterable[DisallowedListUser]
) -> tuple[list[DisallowedListUser], tuple[Jid, ...]]:
    """Return the entries of a list that addresses name, and the addresses that name none."""
    listed = by_identity(held)
    users: list[DisallowedListUser] = []
    others: list[Jid] = []
    for jid in people:
        users += listed.get(jid.identity, ())
        if jid.identity not in listed:
            others.append(jid)
    return list(dict.fromkeys(users)), tuple(others)


def unique_people(users: Iterable[DisallowedListUser]) -> tuple[DisallowedListUser, ...]:
    """Return people in their order, each once."""
    unique: list[DisallowedListUser] = []
    seen: set[Jid] = set()
    for user in users:
        if seen.isdisjoint(user.identities):
            unique.append(user)
            seen |= user.identities
    return tuple(unique)


def list_entries(
    users: Iterable[DisallowedListUser],
    held: Iterable[DisallowedListUser],
    action: DisallowedListAction,
) -> list[DisallowedListUserEntry]:
    """Return what is to be changed so that people are on a list, or off it, as it stood.

    Who is listed already is not added again, and is removed as listed; who is not listed is
    not removed.
    """
    listed = by_identity(held)
    found = [(user, on_list(user, listed)) for user in users]
    if action is DisallowedListAction.ADD:
        changed = [user for user, entries in found if not entries]
    else:
        changed = list(dict.fromkeys(entry for _, entries in found for entry in entries))
    return [DisallowedListUserEntry(user.jid, user.pn_jid, action) for user in changed]


def with_everyone(
    entries: Sequence[DisallowedListUserEntry],
    users: Iterable[DisallowedListUser],
    action: DisallowedListAction,
) -> list[DisallowedListUserEntry]:
    """Return entries and those of everybody else who was named, for the list may change meanwhile.

    Adding who is listed, or removing who is not, is a success that changes nothing.
    """
    named = {entry.jid for entry in entries}
    rest = (user for user in users if user.jid not in named)
    return [*entries, *(DisallowedListUserEntry(user.jid, user.pn_jid, action) for user in rest)]


def list_words(users: Sequence[DisallowedListUserEntry]) -> str:
    """Return a change of a list in words."""
    added = sum(user.action is DisallowedListAction.ADD for user in users)
    parts = [
        f"{words.people(count)} {what}"
        for count, what in ((added, "excepted"), (len(users) - added, "no longer excepted"))
        if count
    ]
    return ", ".join(parts)


def audience_words(
    category: PrivacyCategory,
    before: PrivacyValue | None,
    held: DisallowedList,
    entries: Sequence[DisallowedListUserEntry],
) -> str:
    """Return what became of an audience when the people of its list were changed."""
    signs = (1 if entry.action is DisallowedListAction.ADD else -1 for entry in entries)
    was = words.excepting(before, len(held))
    now = words.excepting(
        PrivacyValue.CONTACT_BLACKLIST if entries else before, len(held) + sum(signs)
    )
    changed = f" (was: {was})" if was != now else ""
    if before is not PrivacyValue.CONTACT_BLACKLIST and not entries:
        changed = "; nobody is excepted"
    return f"{words.label(category)}: {now}{changed}"
