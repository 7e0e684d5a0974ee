"""How fast an account may be asked (GCRA): what keeps a live one from being banned for haste."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from privacy_sdk.errors import TooManyRequestsError


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
