"""Accounts whose changes are written down, and what writes them.

A row is written before a change is sent, with the outcome "unknown", and completed by its answer.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

from privacy_sdk.accounts.base import Account, AccountInfo, Capability, LostAnswerError
from privacy_sdk.accounts.callers import present_caller
from privacy_sdk.accounts.journal import Journal
from privacy_sdk.errors import (
    AnswerTimeoutError,
    NotConnectedError,
    OutcomeUnknownError,
    PrivacyError,
    UnreadableAnswerError,
)
from privacy_sdk.model.changes import Outcome
from privacy_sdk.model.history import NOTICED, HistoryEntry, HistoryStream
from privacy_sdk.model.types import (
    ON_LIST,
    Contact,
    DisallowedList,
    DisallowedListAction,
    DisallowedListUpdate,
    DisallowedListUser,
    DisallowedListUserEntry,
    PrivacyCategory,
    PrivacySettingsResponse,
    PrivacyValue,
    SetPrivacySettingResponse,
    lists_in_use,
)

logger = logging.getLogger("privacy_sdk.journal")

_LOST = (LostAnswerError, OutcomeUnknownError, AnswerTimeoutError, UnreadableAnswerError)

READ_EVERY = 60.0
"""How often an account that is watched is read, to notice what was changed elsewhere [s]."""


class Recorder:
    """Writes down what is changed of one account, and what is noticed; and tells who watches.

    A journal that fails is logged, and keeps nobody from changing anything.

    Args:
        account: Its name in the journal.
        journal: Where it is written down.
        read_every: How often the account is read while somebody watches [s].
    """

    def __init__(self, account: str, journal: Journal, *, read_every: float = READ_EVERY) -> None:
        self.account, self.journal = account, journal
        self._last = self._settled = journal.last
        self._under_way = 0
        self._read_every, self._read_at = read_every, -math.inf
        self._watchers: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._is_over = False
        self._values: dict[str, tuple[str, datetime]] = {}
        self._lists: dict[PrivacyCategory, tuple[DisallowedList, datetime]] = {}
        self._unproven: dict[str, tuple[int, str | None, str]] = {}
        self._unproven_lists: dict[
            PrivacyCategory, tuple[int, tuple[DisallowedListUserEntry, ...]]
        ] = {}

    def seed(self, settings: dict[str, str], timer: str) -> None:
        """Begin with settings that are known, so that they are not read at once."""
        now, self._read_at = _now(), time.monotonic()
        self._values = {name: (value, now) for name, value in (settings | {"": timer}).items()}

    async def start(self, account: Account, info: AccountInfo) -> None:
        """Begin with what the journal knows; an emulated account begins anew, which is a row."""
        if info.backend == "emulated":
            await self._add(HistoryEntry(0, _now(), "start", by="gateway", outcome="applied"))
            settings = {
                each.category.value: each.value.value
                for each in await account.fetch_privacy_settings()
            }
            self.seed(settings, str(await account.fetch_default_disappearing_mode()))
            return
        for entry in await self.journal.latest(self.account):
            if entry.after is not None and entry.outcome in (Outcome.APPLIED.value, NOTICED):
                self._values[_key(entry)] = entry.after, entry.at

    @asynccontextmanager
    async def setting(self, category: PrivacyCategory, value: PrivacyValue) -> AsyncIterator[None]:
        """Write down the change of a setting that is made meanwhile."""
        held = self._lists.get(category)
        lost = None
        if value is not ON_LIST and held is not None:
            lost = held[0].users
        async with self._changing("setting", category, value.value, lost=lost):
            yield
        if value is not ON_LIST:
            self._lists.pop(category, None)

    @asynccontextmanager
    async def timer(self, seconds: int) -> AsyncIterator[None]:
        """Write down the change of the timer that is made meanwhile."""
        async with self._changing("timer", None, str(seconds)):
            yield

    @asynccontextmanager
    async def exceptions(
        self, category: PrivacyCategory, update: DisallowedListUpdate
    ) -> AsyncIterator[None]:
        """Write down the change of a list that is made meanwhile."""
        held = self._lists.get(category)
        before = None if held is None else str(len(held[0]))
        after = None if held is None else str(len(_changed(held[0], update.users)))
        entry = HistoryEntry(
            0, _now(), "exceptions", category, before, after, people=tuple(update.users)
        )
        try:
            async with self._written(entry) as number:
                yield
        finally:
            self._lists.pop(category, None)
        self._unproven_lists[category] = number, tuple(update.users)
        self._values[category.value] = ON_LIST.value, _now()

    async def read_settings(self, response: PrivacySettingsResponse) -> None:
        """Compare settings that were read with those known, and write down what differs."""
        now, values = _now(), self._values
        for setting in response:
            category, value = setting.category, setting.value
            known = values.get(category)
            if known is not None and known[0] == value and category not in self._unproven:
                values[category] = known[0], now  # as nearly always, and nothing to write down
            else:
                await self._read(category.value, category, value.value)
            if value is not ON_LIST:
                self._lists.pop(category, None)

    async def read_timer(self, seconds: int) -> None:
        """Compare the timer that was read with that known."""
        await self._read("", None, str(seconds))

    async def read_list(self, category: PrivacyCategory, held: DisallowedList) -> None:
        """Compare a list that was read with that known."""
        now = _now()
        known = self._lists.get(category)
        if held.dhash is None:
            self._lists.pop(category, None)
            return
        self._lists[category] = held, now
        new = {user.jid: user for user in held}
        number, entries = self._unproven_lists.pop(category, (0, ()))
        if number and any(
            (entry.jid in new) is not (entry.action is DisallowedListAction.ADD)
            for entry in entries
        ):
            reason = "WhatsApp answered success, but not for everybody."
            await self._complete(number, Outcome.REFUSED.value, reason)
        if known is not None and known[0].dhash != held.dhash:
            old = {user.jid: user for user in known[0]}
            add, remove = DisallowedListAction.ADD, DisallowedListAction.REMOVE
            people = [
                DisallowedListUserEntry(user.jid, user.pn_jid, action)
                for users, others, action in ((new, old, add), (old, new, remove))
                for jid, user in users.items()
                if jid not in others
            ]
            if people:
                await self._add(
                    HistoryEntry(
                        0,
                        now,
                        "exceptions",
                        category,
                        str(len(old)),
                        str(len(new)),
                        since=known[1],
                        people=tuple(people),
                    )
                )

    @contextmanager
    def settling(self) -> Iterator[None]:
        """Keep what is written meanwhile from who watches, until what became of it is known."""
        if not self._under_way:
            self._settled = self._last
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._wake()

    async def watch(
        self, read: Callable[[], Awaitable[None]], *, after: int | None = None
    ) -> HistoryStream:
        """Yield what is written down from now on, or after an id, once what became of it is known.

        Nothing is kept for a watcher: it has a place in the journal, and is woken.

        Args:
            read: Reads the account, so that what was changed elsewhere is noticed.
            after: The last id that is known; one that the journal never gave is of another, and
                this one's are all new.
        """
        place = self._known if after is None else min(after, self._known)
        if after is not None and after > self._last:
            place = 0
        woken = asyncio.Event()
        self._watchers[woken] = asyncio.get_running_loop()
        try:
            await self.journal.read(self.account, after=self._last, limit=1)  # or it keeps none
            yield place, None
            while not self._is_over:
                woken.clear()
                known = self._known
                while place < known:
                    entries = await self.journal.read(self.account, after=place)
                    for entry in (each for each in entries if each.id <= known):
                        place = entry.id
                        yield place, entry
                    if not entries or entries[-1].id > known:
                        place = known
                due = self._read_at + self._read_every - time.monotonic()
                if due > 0:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(due):
                            await woken.wait()
                else:
                    self._read_at = time.monotonic()
                    with suppress(PrivacyError):  # it is read again later
                        await read()
        finally:
            del self._watchers[woken]

    @property
    def watchers(self) -> int:
        """How many watch."""
        return len(self._watchers)

    @property
    def _known(self) -> int:
        """The last id up to which it is known what became of everything."""
        return self._settled if self._under_way else self._last

    def read_soon(self) -> None:
        """Let the account be read at once, if somebody watches."""
        self._read_at = -math.inf
        self._wake()

    def stop(self) -> None:
        """End all watching."""
        self._is_over = True
        self._wake()

    def _wake(self) -> None:
        for woken, loop in tuple(self._watchers.items()):
            with suppress(RuntimeError):  # that loop is closed
                loop.call_soon_threadsafe(woken.set)

    async def _read(self, key: str, category: PrivacyCategory | None, value: str) -> None:
        now = _now()
        known = self._values.get(key)
        self._values[key] = value, now
        number, before, after = self._unproven.pop(key, (0, None, ""))
        if number and value == before != after:
            await self._complete(
                number, Outcome.REFUSED.value, f"WhatsApp answered success, but it is {value!r}."
            )
        elif known is not None and known[0] != value:
            change = "setting" if category is not None else "timer"
            entry = HistoryEntry(0, now, change, category, known[0], value, since=known[1])
            await self._add(entry)

    @asynccontextmanager
    async def _changing(
        self,
        change: str,
        category: PrivacyCategory | None,
        after: str,
        lost: tuple[DisallowedListUser, ...] | None = None,
    ) -> AsyncIterator[None]:
        key = "" if category is None else category.value
        known = self._values.pop(key, None)
        before = None if known is None else known[0]
        entry = HistoryEntry(0, _now(), change, category, before, after, lost=lost)
        try:
            async with self._written(entry) as number:
                yield
        except PrivacyError as error:
            if known is not None and not isinstance(error, _LOST):
                self._values.setdefault(key, known)
            raise
        self._values[key] = after, _now()
        self._unproven[key] = number, before, after

    @asynccontextmanager
    async def _written(self, entry: HistoryEntry) -> AsyncIterator[int]:
        caller = present_caller()
        with self.settling():
            number = await self._add(
                replace(
                    entry,
                    by=caller.name,
                    operation=caller.operation,
                    undoes=caller.undoes,
                    outcome=Outcome.UNKNOWN.value,
                    reason="Its answer was not seen.",
                )
            )
            try:
                yield number
            except _LOST as error:
                await self._complete(
                    number, Outcome.UNKNOWN.value, getattr(error, "message", str(error))
                )
                raise
            except PrivacyError as error:
                is_sent = not isinstance(error, NotConnectedError)
                outcome = Outcome.REFUSED if is_sent else Outcome.NOT_TRIED
                await self._complete(number, outcome.value, error.message)
                raise
            await self._complete(number, Outcome.APPLIED.value, "")

    async def _add(self, entry: HistoryEntry) -> int:
        try:
            number = await self.journal.add(self.account, entry)
        except PrivacyError as error:
            logger.error("a change of %s is not in the journal: %s", self.account, error.message)
            return 0
        self._last = max(number, self._last)
        self._wake()
        return number

    async def _complete(self, number: int, outcome: str, reason: str) -> None:
        if number:
            try:
                await self.journal.complete(number, outcome, reason)
            except PrivacyError as error:
                _log(error)

    async def sync(self) -> None:
        """See to it that all is written down before a change is acknowledged."""
        try:
            await self.journal.sync()
        except PrivacyError as error:
            _log(error)


def _log(error: PrivacyError) -> None:
    logger.error("an outcome is not in the journal: %s", error.message)


def _key(entry: HistoryEntry) -> str:
    return "" if entry.category is None else entry.category.value


def _now() -> datetime:
    return datetime.now(UTC)


def _changed(held: DisallowedList, entries: Sequence[DisallowedListUserEntry]) -> set[object]:
    people: set[object] = {user.jid for user in held}
    for entry in entries:
        if entry.action is DisallowedListAction.ADD:
            people.add(entry.jid)
        else:
            people.discard(entry.jid)
    return people


class Recorded:
    """Before a class of accounts: every change is written down, and what is read compared.

    Attributes:
        recorder: What writes it down.
    """

    recorder: Recorder

    async def fetch_privacy_settings(self) -> PrivacySettingsResponse:
        """Fetch all settings that the server reports."""
        response: PrivacySettingsResponse = await super().fetch_privacy_settings()  # type: ignore[misc]
        await self.recorder.read_settings(response)
        return response

    async def fetch_disallowed_list(self, category: PrivacyCategory) -> DisallowedList:
        """Fetch who is excepted in a category."""
        held: DisallowedList = await super().fetch_disallowed_list(category)  # type: ignore[misc]
        await self.recorder.read_list(category, held)
        return held

    async def fetch_default_disappearing_mode(self) -> int:
        """Fetch the default timer of new chats [s]."""
        seconds: int = await super().fetch_default_disappearing_mode()  # type: ignore[misc]
        await self.recorder.read_timer(seconds)
        return seconds

    async def set_privacy_setting(
        self, category: PrivacyCategory, value: PrivacyValue, *, unreported: bool = False
    ) -> SetPrivacySettingResponse:
        """Change one setting."""
        async with self.recorder.setting(category, value):
            return await super().set_privacy_setting(category, value, unreported=unreported)  # type: ignore[misc, no-any-return]

    async def set_privacy_disallowed_list(
        self, category: PrivacyCategory, update: DisallowedListUpdate
    ) -> SetPrivacySettingResponse:
        """Change a list."""
        async with self.recorder.exceptions(category, update):
            return await super().set_privacy_disallowed_list(category, update)  # type: ignore[misc, no-any-return]

    async def set_default_disappearing_mode(self, duration: int) -> None:
        """Set the default timer of new chats [s]."""
        async with self.recorder.timer(duration):
            await super().set_default_disappearing_mode(duration)  # type: ignore[misc]

    async def history(
        self, *, since: datetime | None = None, category: str | None = None
    ) -> tuple[HistoryEntry, ...]:
        """Return what was changed and noticed, in its order."""
        recorder, found = self.recorder, list[HistoryEntry]()
        while page := await recorder.journal.read(
            recorder.account,
            after=found[-1].id if found else 0,
            since=since,
            category=category,
        ):
            found += page
        return tuple(found)

    def watch(self, *, after: int | None = None) -> HistoryStream:
        """Yield each change as it is made or noticed."""
        return self.recorder.watch(self.read_all, after=after)

    async def read_all(self) -> None:
        """Read settings, lists and timer, so that what was changed elsewhere is noticed."""
        capabilities = (await self.info()).capabilities  # type: ignore[attr-defined]
        response = await self.fetch_privacy_settings()
        if Capability.READ_DISALLOWED_LIST in capabilities:
            for category in lists_in_use(response):
                await self.fetch_disallowed_list(category)
        if Capability.READ_DISAPPEARING_MODE in capabilities:
            await self.fetch_default_disappearing_mode()


class Delegating:
    """An account that hands everything on to another."""

    def __init__(self, account: Account) -> None:
        self._account = account

    @property
    def id(self) -> str | None:
        """Its name on the gateway."""
        return self._account.id

    async def info(self) -> AccountInfo:
        """Return who it is."""
        return await self._account.info()

    async def fetch_privacy_settings(self) -> PrivacySettingsResponse:
        """Fetch all settings that the server reports."""
        return await self._account.fetch_privacy_settings()

    async def fetch_disallowed_list(self, category: PrivacyCategory) -> DisallowedList:
        """Fetch who is excepted in a category."""
        return await self._account.fetch_disallowed_list(category)

    async def fetch_default_disappearing_mode(self) -> int:
        """Fetch the default timer of new chats [s]."""
        return await self._account.fetch_default_disappearing_mode()

    async def set_privacy_setting(
        self, category: PrivacyCategory, value: PrivacyValue, *, unreported: bool = False
    ) -> SetPrivacySettingResponse:
        """Change one setting."""
        return await self._account.set_privacy_setting(category, value, unreported=unreported)

    async def set_privacy_disallowed_list(
        self, category: PrivacyCategory, update: DisallowedListUpdate
    ) -> SetPrivacySettingResponse:
        """Change a list."""
        return await self._account.set_privacy_disallowed_list(category, update)

    async def set_default_disappearing_mode(self, duration: int) -> None:
        """Set the default timer of new chats [s]."""
        await self._account.set_default_disappearing_mode(duration)

    async def find_contacts(self, phones: Sequence[str]) -> tuple[Contact, ...]:
        """Find the addresses of phone numbers."""
        return await self._account.find_contacts(phones)

    async def aclose(self) -> None:
        """Close the account."""
        await self._account.aclose()


class RecordedAccount(Recorded, Delegating):
    """Any account, as its gateway lends it: with a journal."""

    def __init__(self, account: Account, recorder: Recorder) -> None:
        super().__init__(account)
        self.recorder = recorder
