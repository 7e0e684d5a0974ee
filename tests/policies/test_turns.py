"""Changes that two callers of one account make at once: each is read back before the next."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

import pytest

import privacy_sdk as ps

caller: ContextVar[str] = ContextVar("caller")
LIDS = [f"99900000000000{n}@lid" for n in range(1, 3)]


class Noting(ps.EmulatedAccount):
    """Notes who changes and who reads, and lets others go on in between."""

    def __init__(self) -> None:
        super().__init__(settings=dict.fromkeys(("last", "profile"), "contact_blacklist"))
        self.notes: list[tuple[str, str]] = []

    async def note(self, what: str) -> None:
        self.notes.append((caller.get(), what))
        await asyncio.sleep(0)

    async def set_privacy_setting(self, *arguments, **options):
        await self.note("changes")
        return await super().set_privacy_setting(*arguments, **options)

    async def set_privacy_disallowed_list(self, *arguments):
        await self.note("changes")
        return await super().set_privacy_disallowed_list(*arguments)

    async def set_default_disappearing_mode(self, duration):
        await self.note("changes")
        return await super().set_default_disappearing_mode(duration)

    async def fetch_privacy_settings(self):
        await self.note("reads")
        return await super().fetch_privacy_settings()

    async def fetch_disallowed_list(self, category):
        await self.note("reads")
        return await super().fetch_disallowed_list(category)

    async def fetch_default_disappearing_mode(self):
        await self.note("reads")
        return await super().fetch_default_disappearing_mode()


async def apply(client: ps.AsyncClient, category: str) -> None:
    await client.apply(await client.plan({category: "none"}))


CHANGES: dict[str, Callable[[ps.AsyncClient, str], Awaitable[object]]] = {
    "set": lambda client, category: client.set_privacy_setting(category, "none"),
    "list": lambda client, category: client.set_privacy_disallowed_list(
        category, ps.DisallowedListUpdate(None, map(ps.DisallowedListUserEntry, LIDS))
    ),
    "timer": lambda client, category: client.set_default_disappearing_mode(len(category)),
    "apply": apply,
    "exclude": lambda client, category: client.exclude(category, LIDS),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_is_read_back_before_another_is_made(change: str) -> None:
    account = Noting()

    async def make(category: str) -> None:
        caller.set(category)
        await CHANGES[change](ps.AsyncClient.from_account(account), category)

    await asyncio.gather(make("last"), make("profile"))
    changes = [place for place, (_, what) in enumerate(account.notes) if what == "changes"]
    assert {account.notes[place][0] for place in changes} == {"last", "profile"}
    for place in changes:
        who, _ = account.notes[place]
        until = next(n for n, (other, _) in enumerate(account.notes) if n > place and other == who)
        assert not set(changes) & set(range(place + 1, until))
