"""Attempts at a request to a gateway: after what another, how many, and how long after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from privacy_sdk.accounts.base import LostAnswerError
from privacy_sdk.accounts.network import UnreachableError
from privacy_sdk.errors import (
    AnswerTimeoutError,
    NotConnectedError,
    PrivacyError,
    RateLimitError,
    ServiceUnavailableError,
    TooManyRequestsError,
)

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")

_MOST_ATTEMPTS = 4
_RETRY_FOR = 20.0
"""How long after the first attempt there may be another [s]."""
_FAILURES = (LostAnswerError, UnreachableError, PrivacyError)
_REFUSED_FOR_NOW = RateLimitError | ServiceUnavailableError | TooManyRequestsError


@dataclass
class Retries:
    """What becomes of one request, whose attempts may fail.

    Attributes:
        changes: Whether it changes something.
        repeatable: Whether it may be sent again when its answer was lost.
        wait: How long to wait for a gateway that is not there, or not linked [s].
        timeout: How long to wait at least for one that cannot be reached [s].
        pauses: Whether to wait between attempts; a recording need not be spared.
        began: When it was asked first, by ``time.monotonic`` [s].
        lost: How its answer was lost, if it was once.
    """

    changes: bool
    repeatable: bool
    wait: float
    timeout: float
    pauses: bool
    began: float = field(default_factory=time.monotonic)
    lost: LostAnswerError | None = None

    async def ask(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Make attempts until one is answered, refused for good, or they are enough."""
        try:
            return await self._answered(attempt)
        except _FAILURES as error:
            # A change whose answer was lost once may stand, whatever a repetition met.
            if self.lost is not None and (self.changes or isinstance(error, LostAnswerError)):
                raise self.lost.as_error(changes=self.changes) from error
            if isinstance(error, UnreachableError):
                raise error.error from None
            raise

    async def _answered(self, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            return await ask()
        except _FAILURES as error:
            if not self._is_worth_repeating(error):
                raise
            failures: list[Exception] = [error]
        # Loading it takes longer than a few requests, and few need it.
        try:
            from tenacity import AsyncRetrying, retry_if_exception, wait_random_exponential
        except (ImportError, OSError) as error:  # what became of the request matters more
            raise failures.pop() from error

        async def attempt() -> T:
            if failures:
                raise failures.pop()
            return await ask()

        jittered = wait_random_exponential(multiplier=0.2, max=5.0)
        retrying = AsyncRetrying(
            sleep=asyncio.sleep,
            retry=retry_if_exception(self._is_worth_repeating),
            wait=lambda state: self._pause(state, jittered(state)),
            stop=self._is_enough,
            reraise=True,
        )
        return await retrying(attempt)

    def _is_worth_repeating(self, error: BaseException) -> bool:
        if isinstance(error, LostAnswerError):
            self.lost = error
            return self.repeatable
        if isinstance(error, AnswerTimeoutError):
            return not self.changes
        if isinstance(error, NotConnectedError):
            return self.wait > 0
        if isinstance(error, RateLimitError) and error.backoff is None:
            return False  # nobody knows when
        if isinstance(error, UnreachableError):
            return not error.is_final
        return isinstance(error, _REFUSED_FOR_NOW)

    def _is_enough(self, state: RetryCallState) -> bool:
        error, seconds = state.outcome.exception() if state.outcome else None, _RETRY_FOR
        if isinstance(error, UnreachableError | NotConnectedError):
            if not self._is_over(self.wait, state):
                return False
            seconds = min(_RETRY_FOR, self.timeout)
        return state.attempt_number >= _MOST_ATTEMPTS or self._is_over(seconds, state)

    def _is_over(self, seconds: float, state: RetryCallState) -> bool:
        """Whether the next attempt would come later than so long after the first."""
        return time.monotonic() - self.began + state.upcoming_sleep >= seconds

    def _pause(self, state: RetryCallState, jittered: float) -> float:
        if not self.pauses:
            return 0.0
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _REFUSED_FOR_NOW) and error.backoff is not None:
            return max(0.0, float(error.backoff))
        return jittered
