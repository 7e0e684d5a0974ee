"""Changes that are read back: a success is a success, and what is unknown is said as such."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar, cast

from privacy_sdk.accounts.base import Account, Capability, RunsPlans
from privacy_sdk.errors import (
    AnswerTimeoutError,
    GatewayError,
    IqError,
    NotAppliedError,
    NotConnectedError,
    NotSupportedError,
    OutcomeUnknownError,
    UnreadableAnswerError,
)
from privacy_sdk.model.types import (
    DisallowedListAction,
    DisallowedListUpdate,
    PrivacyCategory,
    PrivacyValue,
    SetPrivacySettingResponse,
)
from privacy_sdk.policies.lists import change_list

T = TypeVar("T")


class Confirming:
    """The three changes of an account, each followed by reading what became of it.

    A read-back is left out where the account cannot read; then its answer is all there is.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._change_list = (
            account.set_privacy_disallowed_list
            if isinstance(account, RunsPlans)
            else partial(change_list, account)
        )
        self._capabilities: frozenset[str] | None = None

    async def set_privacy_setting(
        self, category: PrivacyCategory, value: PrivacyValue
    ) -> SetPrivacySettingResponse:
        """Change one setting."""
        return await _confirmed(
            lambda: self._account.set_privacy_setting(category, value),
            lambda lost: self._read_back_setting(category, value, lost),
        )

    async def set_privacy_disallowed_list(
        self, category: PrivacyCategory, update: DisallowedListUpdate
    ) -> SetPrivacySettingResponse:
        """Change a disallowed list; without a dhash, as it stands."""
        return await _confirmed(
            lambda: self._change_list(category, update),
            lambda lost: self._read_back_list(category, update),
        )

    async def set_default_disappearing_mode(self, seconds: int) -> None:
        """Set the default timer of new chats [s]."""
        await _confirmed(
            lambda: self._account.set_default_disappearing_mode(seconds),
            lambda lost: self._read_back_timer(seconds),
        )

    async def can(self, capability: Capability) -> bool:
        """Whether the account can do that; asked once."""
        if self._capabilities is None:
            self._capabilities = (await self._account.info()).capabilities
        return capability in self._capabilities

    async def _read_back_setting(
        self, category: PrivacyCategory, value: PrivacyValue, lost: bool
    ) -> SetPrivacySettingResponse:
        found = (await self._account.fetch_privacy_settings()).get_value(category)
        if found is None:
            raise OutcomeUnknownError(
                f"{value.value!r} for {category.value!r} was sent, and it is not reported back.",
            )
        if found != value:
            raise NotAppliedError(
                f"WhatsApp accepted {value.value!r} for {category.value!r}, "
                f"and it is still {found.value!r}."
            )
        has_list = lost and value is PrivacyValue.CONTACT_BLACKLIST
        if has_list and await self.can(Capability.READ_DISALLOWED_LIST):
            dhash = (await self._account.fetch_disallowed_list(category)).dhash
        else:
            dhash = None
        return SetPrivacySettingResponse(dhash)

    async def _read_back_list(
        self, category: PrivacyCategory, update: DisallowedListUpdate
    ) -> SetPrivacySettingResponse:
        if not await self.can(Capability.READ_DISALLOWED_LIST):
            raise NotSupportedError("The account cannot read lists.")
        found = await self._account.fetch_disallowed_list(category)
        listed = {jid for user in found for jid in (user.jid, user.pn_jid) if jid is not None}
        missed = [
            entry
            for entry in update.users
            if (entry.jid in listed) is (entry.action is DisallowedListAction.REMOVE)
        ]
        if missed:
            raise NotAppliedError(
                f"WhatsApp accepted a change of the list of {category.value!r}, and "
                f"{len(missed)} of its {len(update.users)} entries did not take; "
                f"the list holds {len(found)} people."
            )
        return SetPrivacySettingResponse(found.dhash)

    async def _read_back_timer(self, seconds: int) -> None:
        if not await self.can(Capability.READ_DISAPPEARING_MODE):
            raise NotSupportedError("The account cannot read the timer.")
        found = await self._account.fetch_default_disappearing_mode()
        if found != seconds:
            raise NotAppliedError(
                f"WhatsApp accepted a timer of {seconds} seconds, and it is still {found}."
            )


_UNREADABLE_NOW = (
    IqError,
    NotConnectedError,
    AnswerTimeoutError,
    GatewayError,
    UnreadableAnswerError,
)


async def _confirmed(
    change: Callable[[], Awaitable[T]], read_back: Callable[[bool], Awaitable[T]]
) -> T:
    """Make a change and read back that it took; what cannot be known is said as such.

    ``read_back`` is told whether the change's answer was lost, and then stands in for it.
    """
    lost: OutcomeUnknownError | None = None
    answer: T | None = None
    try:
        answer = await change()
    except OutcomeUnknownError as error:
        lost = error
    so_far = lost.message if lost else "The change was accepted."
    try:
        found = await read_back(lost is not None)
    except NotSupportedError:
        if lost:
            raise lost from None
    except NotAppliedError as error:
        if lost is None:
            raise
        raise OutcomeUnknownError(f"{so_far} As of now it did not take.") from error
    except _UNREADABLE_NOW as error:
        raise OutcomeUnknownError(f"{so_far} Reading it back failed: {error.message}") from error
    else:
        if lost:
            return found
    return cast("T", answer)
