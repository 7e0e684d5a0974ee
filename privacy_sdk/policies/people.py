"""Look people up on WhatsApp, and match them with the people of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from privacy_sdk.accounts.base import Account
from privacy_sdk.errors import InvalidContactError, itemize
from privacy_sdk.model.types import Contact, DisallowedListUser, Jid

_ASKED_AT_ONCE = 1_000


async def find_people(
    account: Account,
    people: Mapping[str, Sequence[Jid]],
    name: Callable[[Jid], str],
) -> dict[str, tuple[DisallowedListUser, ...]]:
    """Look people up, by the place where they were named, to their LIDs; each person once.

    ``name`` names a person in an error.

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
    """Return a person's entries, of those that :func:`by_identity` sorts, by LID or by number.

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


def unique_people(users: Iterable[DisallowedListUser]) -> tuple[DisallowedListUser, ...]:
    """Return people in their order, each once."""
    unique: list[DisallowedListUser] = []
    seen: set[Jid] = set()
    for user in users:
        if seen.isdisjoint(user.identities):
            unique.append(user)
            seen |= user.identities
    return tuple(unique)
