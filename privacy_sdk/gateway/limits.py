"""An account as the gateway serves it: limited in rate and time, its lists changed in turn.

The rate (GCRA) is what keeps a live account from being banned for haste.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from privacy_sdk.accounts.base import (
    Account,
    AccountInfo,
    AccountState,
    Capability,
    LostAnswerError,
)
from privacy_sdk.errors import OutcomeUnknownError, PrivacyError, TooManyRequestsError
from privacy_sdk.model.types import PrivacyCategory

ANSWER_DUE = 25.0
"""How long an account may take to answer [s]: longer than a live one's own limit, shorter than
the client's."""

_INFO_DUE = 2.0
"""How long an account may take to say what it is and how it is [s]."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many requests an account takes at once, and how fast more are allowed.

    Attributes:
        burst: Requests that may follow each other without a pause.
        per_minute: Requests that become allowed again in a minute.

    Source:
        Observed nowhere, assumed: WhatsApp does not publish its limits. The burst is enough
        to read every setting, change all of them and read each back.
    """

    burst: int = 40
    per_minute: float = 30.0


class RateLimiter:
    """The requests that one account has left, by the generic cell rate algorithm.

    Example:
        >>> now = 0.0
        >>> limiter = RateLimiter(Rate(burst=1, per_minute=60), clock=lambda: now)
        >>> limiter.take()
        >>> try:
        ...     limiter.take()
        ... except TooManyRequestsError as error:
        ...     print(error.backoff)
        1.0
    """

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._cost = 60.0 / rate.per_minute
        self._limit = rate.burst * self._cost
        self._owed = 0.0
        self._clock = clock
        self._counted_at = clock()

    def take(self, requests: int = 1) -> None:
        """Count requests, no more at once than the burst.

        Raises:
            TooManyRequestsError: Not so many are left, with the time until they are [s].
        """
        now = self._clock()
        cost = min(requests * self._cost, self._limit)
        owed = max(0.0, self._owed - (now - self._counted_at)) + cost
        if owed > self._limit:
            raise TooManyRequestsError(owed - self._limit)
        self._owed, self._counted_at = owed, now


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

    def reading(self) -> AbstractAsyncContextManager[Account]:
        """Lend the account, to ask it something that changes nothing."""
        return self._lent(changes=False)

    def changing(self, requests: int = 1) -> AbstractAsyncContextManager[Account]:
        """Lend the account for a change that takes so many requests to WhatsApp.

        When it is cut short its outcome is unknown.
        """
        return self._lent(requests, changes=True)

    @asynccontextmanager
    async def _lent(self, requests: int = 1, *, changes: bool) -> AsyncIterator[Account]:
        await self._take(requests)
        try:
            async with asyncio.timeout(ANSWER_DUE):
                yield self.account
        except PrivacyError:  # an AnswerTimeoutError is a TimeoutError too
            raise
        except TimeoutError:
            late = LostAnswerError(f"no answer came within {ANSWER_DUE:g} seconds")
            raise late.as_error(changes=changes) from None
        except asyncio.CancelledError:
            if not changes:
                raise
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

    async def _take(self, requests: int) -> None:
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
