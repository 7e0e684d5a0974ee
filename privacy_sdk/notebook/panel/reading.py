"""What the panel reads of an account: all that can be read, and why the rest cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeVar

from privacy_sdk.accounts.base import Account, AccountInfo, Capability
from privacy_sdk.errors import PrivacyError
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import LIST_CATEGORIES, DisallowedList, PrivacyValue
from privacy_sdk.views.display import error_text

T = TypeVar("T")

TIMER: Literal["timer"] = "timer"
"""The key of the default disappearing time, as in a policy."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How an account stands, as far as it can be read.

    Attributes:
        standing: What its settings are.
        info: What it says of itself; everything is tried of one that says nothing.
        unread: Why a list or the timer could not be read, by its category or :data:`TIMER`.
    """

    standing: SettingsState
    info: AccountInfo
    unread: Mapping[str, str] = field(default_factory=dict)


async def read(account: Account) -> Reading:
    """The present reading of an account.

    Raises:
        PrivacyError: Its settings cannot be read; what else cannot is left out.
    """
    response, info = await asyncio.gather(account.fetch_privacy_settings(), _info(account))
    settings = {each.category: each.value for each in response}
    listing = [
        category
        for category in LIST_CATEGORIES
        if settings.get(category) is PrivacyValue.CONTACT_BLACKLIST
    ]
    timer, *found = await asyncio.gather(
        _tried(account.fetch_default_disappearing_mode, Capability.READ_DISAPPEARING_MODE, info),
        *(
            _tried(
                partial(account.fetch_disallowed_list, category),
                Capability.READ_DISALLOWED_LIST,
                info,
            )
            for category in listing
        ),
    )
    answers: dict[str, object] = {TIMER: timer, **dict(zip(listing, found, strict=True))}
    return Reading(
        SettingsState(
            settings,
            {each: held for each in listing if isinstance(held := answers[each], DisallowedList)},
            timer if isinstance(timer, int) else None,
        ),
        info,
        {key: answer for key, answer in answers.items() if isinstance(answer, str)},
    )


async def _info(account: Account) -> AccountInfo:
    try:
        return await account.info()
    except PrivacyError:  # a recording in which nobody asked
        return AccountInfo(account.id or "", "", capabilities=frozenset(Capability))


async def _tried(
    ask: Callable[[], Awaitable[T]], capability: Capability, info: AccountInfo
) -> T | str:
    """The answer, or why there is none."""
    if capability not in info.capabilities:
        return "This account cannot read it."
    try:
        return await ask()
    except PrivacyError as error:
        return error_text(error)
