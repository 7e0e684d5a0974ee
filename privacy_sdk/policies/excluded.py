"""Except people from a category, or no longer, and say in words what became of its audience."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from privacy_sdk.accounts.base import Capability
from privacy_sdk.model import words
from privacy_sdk.model.types import (
    ON_LIST,
    DisallowedList,
    DisallowedListAction,
    DisallowedListUpdate,
    DisallowedListUser,
    DisallowedListUserEntry,
    Jid,
    PrivacyCategory,
    PrivacyValue,
    SetPrivacySettingResponse,
)
from privacy_sdk.policies.people import by_identity, on_list
from privacy_sdk.policies.turns import turn_of
from privacy_sdk.policies.verify import VerifiedChanges, would_open
from privacy_sdk.support.caller_warnings import warn_caller

Finder: TypeAlias = Callable[
    [Mapping[str, Sequence[Jid]]], Awaitable[Mapping[str, Sequence[DisallowedListUser]]]
]
_ADD, _REMOVE = DisallowedListAction.ADD, DisallowedListAction.REMOVE

_SENT_AT_ONCE = 5_000
"""So many entries of a list are half of the longest body that a gateway takes."""


async def change_excluded(
    changes: VerifiedChanges,
    category: PrivacyCategory,
    people: Iterable[Jid],
    action: DisallowedListAction,
    find: Finder,
) -> SetPrivacySettingResponse:
    """Add people to a category's list or remove them, whatever it is set to.

    ``find`` looks up who is not to be found on the list.

    Raises:
        InvalidInputError: Nobody sees the category; nothing was sent.
        PrivacyError: As for :meth:`.AsyncClient.exclude`.
    """
    account = changes.account
    is_readable = Capability.READ_DISALLOWED_LIST in await changes.capabilities()
    value = (await account.fetch_privacy_settings()).get_value(category)
    if value not in (PrivacyValue.ALL, PrivacyValue.CONTACTS, ON_LIST):
        raise would_open(category, value)
    held = DisallowedList()
    if value is ON_LIST and is_readable:
        held = await account.fetch_disallowed_list(category)
    listed = by_identity(held if action is _REMOVE else ())
    people = tuple(people)
    known = (user for jid in people for user in listed.get(jid.identity, ()))
    users = list(dict.fromkeys(known))
    others = [jid for jid in people if jid.identity not in listed]
    users += (await find({"people": others}))["people"]
    # Of a list that cannot be read it is not known who is on it already.
    is_known = is_readable or value is not ON_LIST
    changed = _to_change(users, held, action) if is_known else users
    # Nobody is left out who was named, for the list may change meanwhile: to add who is listed,
    # or to remove who is not, is a success that changes nothing.
    of_changed = {user.jid for user in changed}
    sent = [*changed, *(user for user in users if user.jid not in of_changed)] if changed else []
    response = SetPrivacySettingResponse(held.dhash)
    for first in range(0, len(sent), _SENT_AT_ONCE):
        update = DisallowedListUpdate(None, _entries(sent[first : first + _SENT_AT_ONCE], action))
        async with turn_of(account):
            change = await changes.change_excluded(category, update)
        response = SetPrivacySettingResponse(change.dhash)
        if first == 0 and change.before is not None:
            value = change.before
    if changed and not is_readable:
        warn_caller(
            f"The change of the list of {category.value!r} was accepted; this account "
            "cannot read lists, so who is excepted now is not known."
        )
        description = f"{words.label(category)}: {list_words(_entries(changed, action))}"
    else:
        sign = 1 if action is _ADD else -1
        description = _audience_words(category, value, len(held), sign * len(changed))
    return replace(response, description=description)


def _to_change(
    users: Iterable[DisallowedListUser], held: DisallowedList, action: DisallowedListAction
) -> list[DisallowedListUser]:
    """Return whom it takes; who is listed is not added again, and is removed as listed."""
    listed = by_identity(held)
    found = [(user, on_list(user, listed)) for user in users]
    if action is _ADD:
        return [user for user, entries in found if not entries]
    return list(dict.fromkeys(entry for _, entries in found for entry in entries))


def _entries(
    users: Iterable[DisallowedListUser], action: DisallowedListAction
) -> list[DisallowedListUserEntry]:
    return [DisallowedListUserEntry(user.jid, user.pn_jid, action) for user in users]


def list_words(users: Sequence[DisallowedListUserEntry]) -> str:
    """Return a change of a list in words."""
    added = sum(user.action is _ADD for user in users)
    parts = [
        f"{words.people(count)} {what}"
        for count, what in ((added, "excepted"), (len(users) - added, "no longer excepted"))
        if count
    ]
    return ", ".join(parts)


def _audience_words(
    category: PrivacyCategory, before: PrivacyValue | None, held: int, more: int
) -> str:
    """Return what became of an audience when so many more people were listed, or fewer."""
    was = words.excepting(before, held)
    now = words.excepting(ON_LIST if more else before, held + more)
    changed = f" (was: {was})" if was != now else ""
    if before is not ON_LIST and not more:
        changed = "; nobody is excepted"
    return f"{words.label(category)}: {now}{changed}"
