"""Changes of a disallowed list as it stands, whoever else changes it meanwhile."""

from __future__ import annotations

from privacy_sdk.accounts.base import Account, Capability
from privacy_sdk.errors import ConflictError
from privacy_sdk.model import words
from privacy_sdk.model.types import (
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
    once. An account that cannot read lists starts from the last dhash that it knows, and has
    nothing to do again.

    Raises:
        ConflictError: The list has another version than that of the update; or, without one,
            it was changed meanwhile twice: the hint tells what it held each time.
    """
    try:
        return await account.set_privacy_disallowed_list(category, update)
    except ConflictError:
        capabilities = (await account.info()).capabilities
        if update.dhash is not None or Capability.READ_DISALLOWED_LIST not in capabilities:
            raise
        first = await account.fetch_disallowed_list(category)
    try:
        return await account.set_privacy_disallowed_list(category, update)
    except ConflictError as conflict:
        second = await account.fetch_disallowed_list(category)
        raise ConflictError(
            conflict.code,
            conflict.text,
            error_type=conflict.error_type,
            hint=_told(category, update, first, second),
        ) from None


def _told(
    category: PrivacyCategory,
    update: DisallowedListUpdate,
    first: DisallowedList,
    second: DisallowedList,
) -> str:
    added = sum(entry.action is DisallowedListAction.ADD for entry in update.users)
    return (
        f"The list of {category.value!r} was changed on the phone at the same time, twice: it "
        f"held {words.people(len(first))}, then {words.people(len(second))}; {added} to add, "
        f"{len(update.users) - added} to remove. Nothing was changed here: try again."
    )
