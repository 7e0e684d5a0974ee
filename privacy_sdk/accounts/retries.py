"""A request to a gateway that failed, asked again: after what, how often, and how long after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

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

T = TypeVar("T")

_ENOUGH = stop_after_attempt(4)
_RETRY_FOR = 20.0
"""How long after the first attempt there may be another [s]."""
_JITTERED = wait_random_exponential(multiplier=0.2, max=5.0)
_REFUSED_FOR_NOW = RateLimitError | ServiceUnavailableError | TooManyRequestsError


@dataclass
class Retries:
    """What becomes of one request whose first attempt failed.

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
    began: float
    lost: LostAnswerError | None = None

    async def ask_again(self, ask: Callable[[], Awaitable[T]], failure: Exception) -> T:
        """Ask until it is answered, refused for good, or was asked enough.

        Args:
            ask: Makes one attempt.
            failure: How the first one ended.
        """
        failures = [failure]

        async def attempt() -> T:
            if failures:
                raise failures.pop()
            return await ask()

        retrying = AsyncRetrying(
            sleep=asyncio.sleep,
            retry=retry_if_exception(self._is_worth_repeating),
            wait=self._pause,
            stop=self._is_enough,
            reraise=True,
        )
        try:
            return await retrying(attempt)
        except (LostAnswerError, UnreachableError, PrivacyError) as error:
            # A change whose answer was lost once may stand, whatever a repetition met.
            if self.lost is not None and (self.changes or isinstance(error, LostAnswerError)):
                raise self.lost.as_error(changes=self.changes) from error
            if isinstance(error, UnreachableError):
                raise error.error from None
            raise

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
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, UnreachableError | NotConnectedError):
            if not self._is_over(self.wait, state):
                return False
            return self._is_over(min(_RETRY_FOR, self.timeout), state) or _ENOUGH(state)
        return self._is_over(_RETRY_FOR, state) or _ENOUGH(state)

    def _is_over(self, seconds: float, state: RetryCallState) -> bool:
        """Whether the next attempt would come later than so long after the first."""
        return time.monotonic() - self.began + state.upcoming_sleep >= seconds

    def _pause(self, state: RetryCallState) -> float:
        if not self.pauses:
            return 0.0
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _REFUSED_FOR_NOW) and error.backoff is not None:
            return max(0.0, float(error.backoff))
        return _JITTERED(state)
