"""An account as the gateway serves it: limited in rate and time, its lists changed in turn.

The rate (GCRA) is what keeps a live account from being banned for haste.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request

from privacy_sdk.accounts.base import (
    Account,
    AccountInfo,
    AccountState,
    Capability,
    LostAnswerError,
    RunsPlans,
)
from privacy_sdk.accounts.recorded import Recorded
from privacy_sdk.errors import (
    AccountBusyError,
    NotSupportedError,
    OutcomeUnknownError,
    PrivacyError,
    TooManyRequestsError,
    TooManyWatchersError,
)
from privacy_sdk.model.history import HistoryStream
from privacy_sdk.model.types import LIST_CATEGORIES
from privacy_sdk.policies.turns import TURN_DUE, turn_of
from privacy_sdk.policies.verify import VerifiedChanges

ANSWER_DUE = 25.0
"""How long an account may take to answer [s]: longer than a live one's own limit, shorter than
the client's."""

MOST_WATCHERS = 32
"""How many may watch one account at once."""

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
        >>> limiter.take(), limiter.take()
        (0.0, 1.0)
    """

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._cost = 60.0 / rate.per_minute
        self._limit = rate.burst * self._cost
        self._owed = 0.0
        self._clock = clock
        self._counted_at = clock()

    def take(self, requests: int = 1) -> float:
        """Count requests, no more at once than the burst, and return 0.

        Where not so many are left, count nothing and return the time until they are [s].
        """
        now = self._clock()
        cost = min(requests * self._cost, self._limit)
        owed = max(0.0, self._owed - (now - self._counted_at)) + cost
        if owed > self._limit:
            return owed - self._limit
        self._owed, self._counted_at = owed, now
        return 0.0


class Asker:
    """Whoever waits for an answer.

    Args:
        request: What was asked.
        patience: How long it waits, as far as it says so [s].
    """

    def __init__(self, request: Request, patience: float = math.inf) -> None:
        self._request = request
        self.now = asyncio.get_running_loop().time
        self._until = self.now() + patience

    @classmethod
    def of(cls, request: Request) -> Asker:
        """Return who made a request, who may say how long it waits (RFC 7240)."""
        preference = request.headers.get("prefer", "")[:200]
        match = re.search(r"\bwait=([0-9]{1,6}(?:\.[0-9]{1,6})?)", preference)
        return cls(request, float(match[1]) if match else math.inf)

    def left(self) -> float:
        """How long it still waits [s]."""
        return self._until - self.now()

    async def is_gone(self) -> bool:
        """Whether nobody waits any more."""
        return self.left() <= 0 or await self._request.is_disconnected()

    @asynccontextmanager
    async def staying(self) -> AsyncIterator[None]:
        """Cut short what is done meanwhile when it hangs up."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101

        async def watch() -> None:
            while (await self._request.receive())["type"] != "http.disconnect":
                pass
            task.cancel()

        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()


class LimitedAccount:
    """One account and the rules that protect it.

    Args:
        account: The account.
        rate: How fast it may be asked; None for as fast as it answers, as is an account that
            says of itself that it is emulated.
        lends: What is lent in its place, such as one that writes down what is changed.
    """

    def __init__(
        self, account: Account, rate: Rate | None = None, lends: Account | None = None
    ) -> None:
        self.account = account
        self._lends = account if lends is None else lends
        self._limiter = RateLimiter(rate) if rate else None

    def reading(self, requests: int = 1) -> AbstractAsyncContextManager[Account]:
        """Lend the account for a question that takes so many requests to WhatsApp."""
        return self._lent(requests, changes=False)

    @asynccontextmanager
    async def changing(self, asker: Asker, requests: int = 1) -> AsyncIterator[VerifiedChanges]:
        """Lend the account for one change at a time; its outcome is unknown when it is cut short.

        Args:
            asker: Who waits for it; nothing is begun for one that has given up.
            requests: How many requests to WhatsApp it takes.

        Raises:
            AccountBusyError: Its turn did not come in time; nothing was changed.
        """
        began = asker.now()
        other_end = self.account if isinstance(self.account, RunsPlans) else None
        async with turn_of(self._lends, within=min(TURN_DUE, asker.left())):
            if await asker.is_gone():
                raise AccountBusyError(asker.now() - began)
            async with self._lent(requests, changes=True) as account, asker.staying():
                yield VerifiedChanges(account, other_end=other_end)

    def watch(self, *, after: int | None = None) -> HistoryStream:
        """Yield each change as it is made or noticed; the account is read at the rate allowed.

        Raises:
            TooManyWatchersError: So many watch already.
            NotSupportedError: What is changed is not written down.
        """
        recorded = self._lends
        if not isinstance(recorded, Recorded):
            raise NotSupportedError("What was changed of this account is not written down.")
        if recorded.recorder.watchers >= MOST_WATCHERS:
            raise TooManyWatchersError(f"{MOST_WATCHERS} watch this account already.")

        async def read() -> None:
            async with self.reading(requests=2 + len(LIST_CATEGORIES)):
                await recorded.read_all()

        return recorded.recorder.watch(read, after=after)

    def read_soon(self) -> None:
        """Let the account be read at once, if somebody watches."""
        if isinstance(self._lends, Recorded):
            self._lends.recorder.read_soon()

    @asynccontextmanager
    async def _lent(self, requests: int = 1, *, changes: bool) -> AsyncIterator[Account]:
        await self._take(requests)
        try:
            async with asyncio.timeout(ANSWER_DUE):
                yield self._lends
        except PrivacyError:  # an AnswerTimeoutError is a TimeoutError too
            raise
        except TimeoutError:
            late = LostAnswerError(f"no answer came within {ANSWER_DUE:g} seconds")
            raise late.as_error(changes=changes) from None
        except asyncio.CancelledError:
            if not changes:
                raise
            raise OutcomeUnknownError(
                "A change was cut short: the gateway stopped, or nobody waited any more."
            ) from None
        finally:
            if isinstance(self._lends, Recorded):
                await self._lends.recorder.sync()

    async def _take(self, requests: int) -> None:
        """Count requests to a live account.

        Which one is live is asked each time that the limit is reached: an account on another
        gateway may be another one by then, and one that cannot say is treated as live.

        Raises:
            TooManyRequestsError: Not so many are left.
        """
        if self._limiter is None:
            return
        wait = self._limiter.take(requests)
        if wait and not await self._is_emulated():
            raise TooManyRequestsError(wait)

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
