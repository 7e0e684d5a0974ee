"""A lock for each event loop."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary


class LoopLocks:
    """A lock of each event loop, for what outlives one, as an account in two ``asyncio.run``.

    Example:
        >>> locks = LoopLocks()
        >>> async def work():
        ...     async with locks.here:
        ...         await asyncio.sleep(0)
        >>> async def both():
        ...     await asyncio.gather(work(), work())
        >>> asyncio.run(both()), asyncio.run(both())
        (None, None)
    """

    def __init__(self) -> None:
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            WeakKeyDictionary()
        )

    @property
    def here(self) -> asyncio.Lock:
        """The lock of the event loop that runs."""
        return self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())
