"""Holding an account back after a rate limit, until WhatsApp may be asked again."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from privacy_sdk.errors import RateLimitError, TooManyRequestsError

_FIRST, _LONGEST = 30.0, 600.0
"""How long an account is held when WhatsApp does not say [s]; observed nowhere, assumed."""


class Hold:
    """Lets requests through, one ``with`` each, and none for a while after a rate limit.

    The time is what WhatsApp asks for; where it does not say, or the library loses it, half a
    minute, doubled with each refusal up to ten minutes. A success resets it.

    Raises:
        TooManyRequestsError: The account is held back; with how long still.

    Example:
        >>> hold = Hold()
        >>> try:
        ...     with hold:
        ...         raise RateLimitError(429, "rate-overlimit")
        ... except RateLimitError as error:
        ...     print(error.backoff, 29 < hold.left <= 30)
        30.0 True
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._refusals = 0
        self._until = clock()

    @property
    def left(self) -> float:
        """How long requests are still held back [s]."""
        return max(0.0, self._until - self._clock())

    def __enter__(self) -> None:
        if left := self.left:
            raise TooManyRequestsError(left)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self._refusals = 0
        if isinstance(error, RateLimitError):
            seconds = error.backoff
            if seconds is None:
                seconds = min(_FIRST * 2**self._refusals, _LONGEST)
            self._refusals = min(self._refusals + 1, 9)
            self._until = max(self._until, self._clock() + seconds)
            if error.backoff is None:
                raise RateLimitError(
                    error.code,
                    error.text,
                    error_type=error.error_type,
                    backoff=seconds,
                    hint="WhatsApp did not say for how long. Nothing is asked of it for "
                    f"{seconds:g} s; many changes in a short time can get an account banned.",
                ) from None
