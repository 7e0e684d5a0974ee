"""One change of an account at a time: what belongs together is one step, in bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from weakref import WeakKeyDictionary

from privacy_sdk.accounts.base import Account, RunsPlans
from privacy_sdk.accounts.recorded import Recorded
from privacy_sdk.errors import AccountBusyError
from privacy_sdk.support.locks import LoopLocks

TURN_DUE = 10.0
"""How long a change waits for others of its account [s]."""

_LOCKS: WeakKeyDictionary[Account, LoopLocks] = WeakKeyDictionary()


@asynccontextmanager
async def turn_of(account: Account, *, within: float = TURN_DUE) -> AsyncIterator[None]:
    """Hold an account for one change, from its first reading to its last.

    Who watches it is told of the change afterwards, when it is known what became of it.
    An account may be used from several event loops, one after the other. One that
    :class:`RunsPlans` is held at its other end.

    Raises:
        AccountBusyError: The changes before took longer than ``within``; this one was not begun.

    Example:
        >>> from privacy_sdk.accounts.emulated.account import EmulatedAccount
        >>> async def change(account):
        ...     async with turn_of(account):
        ...         return await account.set_default_disappearing_mode(0)
        >>> account = EmulatedAccount()
        >>> asyncio.run(change(account)), asyncio.run(change(account))
        (None, None)
    """
    if isinstance(account, RunsPlans):
        yield
        return
    locks = LoopLocks()
    with suppress(TypeError):  # an account of a user's own making that cannot be a key
        locks = _LOCKS.setdefault(account, locks)
    lock = locks.here
    try:
        async with asyncio.timeout(max(0.0, within)):
            await lock.acquire()
    except TimeoutError:
        raise AccountBusyError(within) from None
    settling = account.recorder.settling() if isinstance(account, Recorded) else nullcontext()
    try:
        with settling:
            yield
    finally:
        lock.release()
