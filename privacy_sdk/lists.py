"""Changes of a disallowed list as it stands, whoever else changes it meanwhile."""

from __future__ import annotations

from privacy_sdk import wording
from privacy_sdk.accounts.protocol import Account, Capability
from privacy_sdk.errors import ConflictError
from privacy_sdk.types import (
    DisallowedList,
    DisallowedListAction,
    DisallowedListUpdate,
    PrivacyCategory,
    SetPrivacySettingResponse,
)


async def change_list(
    account: Account, category: PrivacyCategory, update: DisallowedListUpdate
) -> SetPrivacySettingResponse:
    """Change a list; without a dhash, as it stands.

    When the phone changes the list between its reading and its change, both are done again,
    once. An account that cannot read lists starts from the last dhash that it knows.

    Raises:
        ConflictError: The list has another version than that of the update; or, without one,
            it was changed meanwhile twice: the hint tells what it held each time.
    """
    try:
        return await account.set_privacy_disallowed_list(category, update)
    except ConflictError:
        if update.dhash is not None:
            raise
        first = await _held(account, category)
    try:
        return await account.set_privacy_disallowed_list(category, update)
    except ConflictError as conflict:
        second = await _held(account, category)
        raise ConflictError(
            conflict.code,
            conflict.text,
            error_type=conflict.error_type,
            hint=_told(category, update, first, second),
        ) from None


async def _held(account: Account, category: PrivacyCategory) -> DisallowedList | None:
    if Capability.READ_DISALLOWED_LIST in (await account.describe()).capabilities:
        return await account.fetch_disallowed_list(category)
    return None


def _told(
    category: PrivacyCategory,
    update: DisallowedListUpdate,
    first: DisallowedList | None,
    second: DisallowedList | None,
) -> str:
    met = f"The list of {category.value!r} was changed on the phone at the same time, twice"
    if first is None or second is None:
        return f"{met}; this account cannot read what it holds. See the phone."
    added = sum(entry.action is DisallowedListAction.ADD for entry in update.users)
    wanted = f"{added} to add, {len(update.users) - added} to remove"
    return (
        f"{met}: it held {wording.people(len(first))}, then {wording.people(len(second))}; "
        f"{wanted}. Nothing was changed here: try again."
    )
