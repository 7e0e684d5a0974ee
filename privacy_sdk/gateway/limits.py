"""An account as the gateway serves it: limited in rate and time, its lists changed in turn."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from privacy_sdk.accounts.base import Account, AccountInfo, AccountState, Capability
from privacy_sdk.errors import (
    AnswerTimeoutError,
    OutcomeUnknownError,
    PrivacyError,
    TooManyRequestsError,
)
from privacy_sdk.gateway.rate import Rate, RateLimiter
from privacy_sdk.model.types import PrivacyCategory

ANSWER_DUE = 25.0
"""How long an account may take to answer [s]: longer than a live one's own limit, shorter than
the client's."""

_INFO_DUE = 2.0
"""How long an account may take to say what it is and how it is [s]."""


class LimitedAccount:
    """One account and the rules that protect it.

    Args:
        account: The account.
        rate: How fast it may be asked; None for as fast as it answers, as is an account that
            says of itself that it is emulated.
    """

    def __init__(self, account: Account, rate: Rate | None = None) -> None:
        self.account = account
        self._limiter = RateLimiter(rate) if rate else None
        self._lists: defaultdict[PrivacyCategory, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._plans = asyncio.Lock()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Account]:
        """Lend the account, to ask it something that changes nothing."""
        await self._take()
        try:
            async with asyncio.timeout(ANSWER_DUE):
                yield self.account
        except PrivacyError:  # an AnswerTimeoutError is a TimeoutError too
            raise
        except TimeoutError:
            raise AnswerTimeoutError(f"No answer came within {ANSWER_DUE:g} seconds.") from None

    @asynccontextmanager
    async def changing(self, requests: int = 1) -> AsyncIterator[Account]:
        """Lend the account to change something; the outcome is unknown when it is cut short.

        Args:
            requests: How many requests to WhatsApp it takes.
        """
        await self._take(requests)
        try:
            async with asyncio.timeout(ANSWER_DUE):
                yield self.account
        except PrivacyError:
            raise
        except TimeoutError:
            raise OutcomeUnknownError(
                f"A change was sent and no answer came within {ANSWER_DUE:g} seconds."
            ) from None
        except asyncio.CancelledError:
            raise OutcomeUnknownError(
                "The gateway stopped while a change was waiting for its answer."
            ) from None

    @asynccontextmanager
    async def changing_list(self, category: PrivacyCategory) -> AsyncIterator[Account]:
        """Lend the account to change one of its lists, one change of a list at a time."""
        async with self._lists[category], self.changing() as account:
            yield account

    @asynccontextmanager
    async def changing_many(
        self, lists: Iterable[PrivacyCategory], requests: int
    ) -> AsyncIterator[Account]:
        """Lend the account to make the changes of one plan, some of them of these lists."""
        async with AsyncExitStack() as stack:
            for category in sorted(set(lists)):  # in one order, or two plans wait for each other
                await stack.enter_async_context(self._lists[category])
            await stack.enter_async_context(self._plans)
            yield await stack.enter_async_context(self.changing(requests))

    async def _take(self, requests: int = 1) -> None:
        """Count requests to a live account.

        Which one is live is asked when the limit is reached, each time: an account on another
        gateway may be another one by then, and one that cannot say is treated as live.

        Raises:
            TooManyRequestsError: Not so many are left.
        """
        if self._limiter is None:
            return
        try:
            self._limiter.take(requests)
        except TooManyRequestsError:
            if not await self._is_emulated():
                raise

    async def state(self) -> str:
        """Return where the account stands with WhatsApp, as far as it says so in time."""
        info = await self._info()
        return AccountState.FAILED.value if info is None else str(info.state)

    async def _is_emulated(self) -> bool:
        info = await self._info()
        return info is not None and Capability.EMULATE in info.capabilities

    async def _info(self) -> AccountInfo | None:
        try:
            async with asyncio.timeout(_INFO_DUE):
                return await self.account.info()
        except (PrivacyError, TimeoutError):
            return None
