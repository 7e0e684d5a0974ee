"""Accounts over a fake runtime, for tests that need a linked phone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fake_tryx import FakePhone

from privacy_sdk.accounts.base import AccountState
from privacy_sdk.accounts.whatsapp.account import TryxAccount
from privacy_sdk.accounts.whatsapp.linked import LinkedAccount


async def until(holds: Callable[[], object]) -> None:
    """Wait for something that is about to be."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  what is waited for is nobody's event
            await asyncio.sleep(0.001)


async def until_state(account: LinkedAccount, state: AccountState) -> None:
    await account.start()
    await until(lambda: account._supervisor.state is state)


@asynccontextmanager
async def account_of(
    phone: FakePhone, folder: Path, *, state: AccountState | None = None, **options: Any
) -> AsyncIterator[TryxAccount]:
    """An account of ``phone``, in the state that it settles in, or in another."""
    usual = AccountState.CONNECTED if phone.is_linked else AccountState.WAITING_FOR_SCAN
    options = {"runtime": phone.runtime, "pause": lambda failures: 0.0, **options}
    account = TryxAccount("me", folder=folder / "me", **options)
    try:
        await until_state(account, state or usual)
        yield account
    finally:
        await account.aclose()
