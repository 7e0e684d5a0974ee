"""Read the state of an account's settings."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from functools import partial
from typing import Final, Literal, TypeAlias, TypeVar

from privacy_sdk.accounts.base import Account, AccountInfo, Capability
from privacy_sdk.errors import AnswerTimeoutError, NotRecordedError, NotSupportedError, PrivacyError
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import (
    LIST_CATEGORIES,
    DisallowedList,
    PrivacyCategory,
    PrivacySettingsResponse,
    PrivacyValue,
)

T = TypeVar("T")

SETTINGS: Final = "settings"
"""What is unread when the settings are."""

TIMER: Final = "timer"
"""What is unread when the default disappearing time is; its key in a policy."""

Part: TypeAlias = PrivacyCategory | Literal["settings", "timer"]
"""What is read in one request: the list of a category, :data:`SETTINGS` or :data:`TIMER`."""

Unread: TypeAlias = MutableMapping[Part, PrivacyError]
"""Why each part that was wanted was not read."""


async def read_info(account: Account) -> AccountInfo:
    """Return what an account says of itself.

    Where a recording does not hold that, what the account can do is found out by asking: a miss
    is then about what was wanted.
    """
    try:
        return await account.info()
    except NotRecordedError:
        return AccountInfo(account.id or "", "", capabilities=frozenset(Capability))


async def read_state(
    account: Account,
    capabilities: Collection[str],
    *,
    settings: bool = True,
    lists: Collection[PrivacyCategory] = LIST_CATEGORIES,
    timer: bool = True,
    unread: Unread | None = None,
    attempts: int = 1,
) -> SettingsState:
    """Return the state of an account's settings, as far as the account can read it.

    Args:
        account: The account to ask.
        capabilities: What it can do; it is asked nothing that it cannot answer.
        settings: Whether to read the settings.
        lists: The lists to read: when the settings are read, those whose category is on
            ``contact_blacklist``; else all of these.
        timer: Whether to read the default disappearing time.
        unread: Takes the error of each part that cannot be read, a
            :class:`~privacy_sdk.NotSupportedError` where the account lacks the capability.
            Without it the first error of a request is raised.
        attempts: How often to ask while answers are lost.

    Example:
        >>> from privacy_sdk.accounts.emulated.account import EmulatedAccount
        >>> unread = {}
        >>> state = asyncio.run(read_state(EmulatedAccount(), (), unread=unread))
        >>> state.settings[PrivacyCategory.LAST], state.timer, list(unread)
        (<PrivacyValue.ALL: 'all'>, None, ['timer'])
    """
    errors: Unread = {} if unread is None else unread
    is_strict = unread is None

    async def ask(part: Part, question: Callable[[], Awaitable[T]], needed: str = "") -> T | None:
        if needed and needed not in capabilities:
            if not is_strict:
                errors[part] = NotSupportedError("This account cannot read it.")
            return None
        try:
            return await _asked(question, attempts)
        except PrivacyError as error:
            errors[part] = error
            return None

    async def ask_lists(lists: Collection[PrivacyCategory]) -> list[DisallowedList | None]:
        needed = Capability.READ_DISALLOWED_LIST
        return await asyncio.gather(
            *(ask(each, partial(account.fetch_disallowed_list, each), needed) for each in lists)
        )

    async def nothing() -> None:
        return None

    response: PrivacySettingsResponse | None
    response, seconds, held = await asyncio.gather(
        ask(SETTINGS, account.fetch_privacy_settings) if settings else nothing(),
        ask(TIMER, account.fetch_default_disappearing_mode, Capability.READ_DISAPPEARING_MODE)
        if timer
        else nothing(),
        ask_lists(() if settings else lists),
    )
    values = {each.category: each.value for each in response or ()}
    if settings:
        if SETTINGS in errors:
            errors.update(dict.fromkeys(lists, errors[SETTINGS]))
        lists = [each for each in lists if values.get(each) is PrivacyValue.CONTACT_BLACKLIST]
        held = await ask_lists(lists)
    if is_strict and errors:
        raise next(iter(errors.values()))
    return SettingsState(
        values,
        {category: each for category, each in zip(lists, held, strict=True) if each is not None},
        seconds,
    )


async def _asked(question: Callable[[], Awaitable[T]], attempts: int) -> T:
    for _ in range(attempts - 1):
        try:
            return await question()
        except AnswerTimeoutError:
            continue
    return await question()
