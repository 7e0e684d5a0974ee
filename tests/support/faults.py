"""What writers are told when things go wrong, beside the account's own log of what happened.

Everything is in one process and on a clock that never waits, so minutes of time-outs and
back-off take no time, and the same seed gives the same interleaving.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import itertools
import random
import selectors
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

import httpx2

import privacy_sdk as ps
from privacy_sdk.accounts.emulated.server import operation_of
from privacy_sdk.accounts.events import CHANGES, Fault
from privacy_sdk.accounts.http import HttpAccount
from privacy_sdk.gateway import create_app
from privacy_sdk.policies import Change, ListChange, Outcome, SettingChange, TimerChange

TOKEN = "only-for-tests"

OF_THE_ACCOUNT = ("refused", "refused_inside", "not_applied", "lost", "slow")
OF_THE_WAY = ("cut", "garbled", "lost answer", "late answer", "hung up", "killed")
"""Faults between a client and its gateway; the last two before anything is done, or midway."""

SAID = {Outcome.APPLIED: "yes", Outcome.REFUSED: "no", Outcome.NOT_TRIED: "no"}

_writer: contextvars.ContextVar[Told | None] = contextvars.ContextVar("writer", default=None)


class _Selector(selectors.DefaultSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "Everybody waits for somebody else."
            self.now += timeout
        return ready


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run on a loop whose clock jumps to whatever comes next."""

    def new_loop() -> asyncio.SelectorEventLoop:
        selector = _Selector()
        loop = asyncio.SelectorEventLoop(selector)
        loop.time = lambda: selector.now
        return loop

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(work)


@dataclass
class Told:
    """One operation of a writer: what was wanted, and what it was told became of it."""

    operation: str
    began: int
    outcomes: list[tuple[Change, str]] = field(default_factory=list)
    ended: int = 0
    error: Exception | None = None


@dataclass(frozen=True)
class Entry:
    """What an account did with a request, and what was set then; no operation for the phone."""

    told: Told | None
    about: tuple[str, str | None]
    is_taken: bool
    settings: dict[str, str]
    listed: dict[str, frozenset[str]]
    timer: int

    def holds(self, change: Change) -> bool:
        """Whether what a change wants was so."""
        match change:
            case SettingChange(category=category, after=value):
                return self.settings.get(category.value) == value.value
            case TimerChange(after=seconds):
                return self.timer == seconds
            case ListChange(category=category, action=action, people=people):
                wanted = {str(user.jid) for user in people}
                listed = self.listed.get(category.value, frozenset())
                return wanted <= listed if action == "add" else not wanted & listed

    def part(self, change: Change) -> object:
        """What a change is about, as it was then."""
        match change:
            case SettingChange(category=category):
                return self.settings.get(category.value)
            case TimerChange():
                return self.timer
            case ListChange(category=category):
                return self.listed.get(category.value)

    def made(self, change: Change) -> bool:
        """Whether the account made this change by this request."""
        match change:
            case SettingChange(category=category):
                about = ("set_privacy_setting", category.value)
            case ListChange(category=category):
                about = ("set_privacy_disallowed_list", category.value)
            case TimerChange():
                about = ("set_default_disappearing_mode", None)
        return self.is_taken and self.about == about and self.holds(change)


class Account(ps.EmulatedAccount):
    """An emulated account that logs what really happened."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed, latency=0.2)
        self.log: list[Entry] = []
        self._answer_unlogged = self.server.answer
        self.server.answer = self._answer_and_log  # type: ignore[method-assign]
        self.note()

    def note(
        self,
        about: tuple[str, str | None] = ("", None),
        told: Told | None = None,
        taken: bool = False,
    ) -> None:
        """Log what is set now."""
        server = self.server
        listed = {
            name: frozenset(str(user.jid) for user in held) for name, held in server.lists.items()
        }
        self.log.append(
            Entry(told, about, taken, server.settings.copy(), listed, int(server.timer))
        )

    def _answer_and_log(self, request: Element, fault: Any = None) -> Element:
        answer = self._answer_unlogged(request, fault)
        about = operation_of(request)
        is_refused = answer.get("type") == "error" or answer.find(".//error") is not None
        is_kept = fault is not None and fault.fault is Fault.NOT_APPLIED
        self.note(about, _writer.get(), about[0] in CHANGES and not is_refused and not is_kept)
        return answer


class Way(httpx2.AsyncBaseTransport):
    """The way to a gateway in this process, which goes wrong when ``fault`` says so.

    A request that was begun runs to its end whoever still waits, as in a gateway's own process.

    Args:
        account: What the gateway serves.
        fault: The fault of a request, if any, by its method.
    """

    def __init__(self, account: Account, fault: Callable[[str], str | None]) -> None:
        self._account, self._fault = account, fault
        self._running: set[asyncio.Task[httpx2.Response]] = set()
        self._is_down = False
        self._killed_after = itertools.cycle((0.05, 0.15))  # [s], before and after a change is made
        self._start()

    def _start(self) -> None:
        app = create_app({"demo": self._account}, token=TOKEN)
        self._gateway = httpx2.ASGITransport(app)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._is_down:
            raise httpx2.ConnectError("refused", request=request)
        fault = self._fault(request.method)
        if fault == "hung up":
            raise httpx2.RemoteProtocolError("hung up", request=request)
        serving = asyncio.create_task(self._gateway.handle_async_request(request))
        self._running.add(serving)
        serving.add_done_callback(self._running.discard)
        if fault == "late answer":
            await asyncio.sleep(3600.0)  # longer than anybody waits
        if fault == "killed":
            await asyncio.sleep(next(self._killed_after))
            await self._kill_and_start()
            raise httpx2.ReadError("reset", request=request)
        try:
            response = await asyncio.shield(serving)
        except asyncio.CancelledError:
            if serving.cancelled():
                raise httpx2.ReadError("reset", request=request) from None
            raise
        match fault:
            case "lost answer":
                raise httpx2.ReadError("reset", request=request)
            case "cut":
                content = (await response.aread())[:-3]
                return httpx2.Response(response.status_code, content=content)
            case "garbled":
                return httpx2.Response(200, content=b"<html>Sign in to the hotel's net</html>")
        return response

    async def _kill_and_start(self) -> None:
        for task in self._running:
            task.cancel()
        self._is_down = True
        await asyncio.sleep(0.3)
        self._start()
        self._is_down = False

    async def drain(self) -> None:
        """Wait for what is still under way."""
        while self._running:
            await asyncio.wait(self._running)


CATEGORIES = ("last", "profile", "status", "groupadd")
PEOPLE = tuple(f"99900000000000{n}@lid" for n in range(1, 9))
AUDIENCES = ("all", "contacts", "contact_blacklist", "none")


class Writer:
    """Somebody who changes an account with a client, and remembers what was said."""

    def __init__(self, account: Account, client: ps.AsyncClient, seed: int) -> None:
        self._account, self._client = account, client
        self._random = random.Random(seed)
        self.told: list[Told] = []

    @contextlib.contextmanager
    def _telling(self, operation: str, *changes: Change) -> Iterator[Told]:
        told = Told(operation, began=len(self._account.log) - 1)
        self.told.append(told)
        token = _writer.set(told)
        try:
            yield told
            said = "yes"
        except ps.PrivacyError as error:
            told.error, said = error, said_by(error)
        finally:
            _writer.reset(token)
            told.ended = len(self._account.log)
        told.outcomes += [(change, said) for change in changes]

    def _people(self, action: str) -> tuple[Any, tuple[ps.DisallowedListUserEntry, ...], Change]:
        category = ps.PrivacyCategory(self._random.choice(CATEGORIES))
        chosen = self._random.sample(PEOPLE, self._random.randint(1, 3))
        entries = tuple(ps.DisallowedListUserEntry(jid, None, action) for jid in chosen)
        users = tuple(ps.DisallowedListUser(jid) for jid in chosen)
        return category, entries, ListChange(category, ps.DisallowedListAction(action), users)

    async def set(self) -> None:
        category = ps.PrivacyCategory(self._random.choice(CATEGORIES))
        value = ps.PrivacyValue(self._random.choice(AUDIENCES))
        with self._telling("set", SettingChange(category, None, value)):
            await self._client.set_privacy_setting(category, value)

    async def timer(self) -> None:
        seconds = self._random.choice((0, 86_400, 604_800, 7_776_000))
        with self._telling("timer", TimerChange(None, seconds)):
            await self._client.set_default_disappearing_mode(seconds)

    async def list_update(self) -> None:
        category, entries, change = self._people(self._random.choice(("add", "remove")))
        with self._telling("list update", change):
            update = ps.DisallowedListUpdate(None, entries)
            await self._client.set_privacy_disallowed_list(category, update)

    async def exclude(self) -> None:
        category, entries, change = self._people("add")
        with self._telling("exclude", change):
            await self._client.exclude(category, [entry.jid for entry in entries])

    async def include(self) -> None:
        category, entries, change = self._people("remove")
        with self._telling("include", change):
            await self._client.include(category, [entry.jid for entry in entries])

    async def plan(self) -> None:
        await self._plan()

    async def undo(self) -> None:
        if applied := await self._plan():
            await self._apply("undo", applied.undo())

    async def _plan(self) -> ps.ApplyResult | None:
        one, other = self._random.sample(CATEGORIES, 2)
        listed = self._random.sample(PEOPLE, 2)
        policy = {
            one: self._random.choice(AUDIENCES[:2] + AUDIENCES[3:]),
            other: "contact_blacklist",
            "exceptions": {other: listed},
            "timer": self._random.choice((0, 86_400, 604_800)),
        }
        try:
            plan = await self._client.plan(policy)
        except ps.PrivacyError:
            return None  # nothing was said about a change
        return await self._apply("plan", plan)

    async def _apply(self, operation: str, plan: ps.Plan) -> ps.ApplyResult | None:
        result = None
        with self._telling(operation) as told:
            result = await self._client.apply(plan)
        if result is None:
            told.outcomes += [(change, said_by(told.error)) for change in plan.possible]
        else:
            told.outcomes += [
                (each.change, SAID.get(each.outcome, each.outcome.value)) for each in result
            ]
        return result


OPERATIONS = ("set", "timer", "list_update", "exclude", "include", "plan", "undo")


def said_by(error: Exception | None) -> str:
    """What an error says about a change: that it was not made, unless it says something else."""
    if isinstance(error, ps.errors.OutcomeUnknownError):
        return "unknown"
    return "overtaken" if isinstance(error, ps.errors.OvertakenError) else "no"


@dataclass(frozen=True)
class Verdict:
    """An outcome, as it was told; ``fault`` is empty when it is true."""

    told: Told
    change: Change
    said: str
    fault: str = ""

    def __str__(self) -> str:
        return (
            f"{self.fault}: {self.told.operation} {self.change}: {self.said}, {self.told.error!r}"
        )


def judged(account: Account, told: Told) -> Iterator[Verdict]:
    """What a writer was told, against the log of the account, once nothing is under way."""
    own = [entry for entry in account.log if entry.told is told]
    seen = account.log[told.began : told.ended]
    nothing = "othing was changed" in str(told.error) or "was not made" in str(told.error)
    for change, said in told.outcomes:
        fault = ""
        if said == "yes" and not any(entry.holds(change) for entry in seen):
            fault = "false yes"
        elif said == "no" and any(entry.made(change) for entry in own):
            if is_taken_back(account.log, told, change):
                said = "no, taken back"
            else:
                fault = "false no"
        elif said == "overtaken" and not any(entry.made(change) for entry in own):
            fault = "false overtaken" if all(entry.holds(change) for entry in seen) else ""
        elif nothing and any(entry.is_taken for entry in own):
            fault = "something was changed"
        yield Verdict(told, change, said, fault)


def is_taken_back(log: list[Entry], told: Told, change: Change) -> bool:
    """Whether the phone restored at once what was there before, as if nothing had been made.

    Nobody who reads a setting before and afterwards can tell one from the other.
    """
    made = next(place for place, each in enumerate(log) if each.told is told and each.made(change))
    seen = [each for each in log[told.began : made] if each.told is told]
    before = {each.part(change) for each in (*seen, log[made - 1])}
    later = log[made : told.ended]
    return any(each.told is None and each.part(change) in before for each in later)


def outcomes(
    *,
    operations: tuple[str, ...],
    faults: tuple[str | None, ...],
    writers: int,
    seed: int,
    share: float = 1.0,
    reads: float = 0.5,
    phone: bool = False,
    gateway: bool = True,
) -> list[Verdict]:
    """Let writers work while things go wrong, and judge all that they were told.

    Args:
        operations: What each writer does, in this order.
        faults: What goes wrong, by turns; None for nothing.
        writers: How many, at the same time.
        seed: The same seed gives the same outcomes.
        share: The share of changes that goes wrong.
        reads: How often a read goes wrong for each change that does.
        phone: Whether the owner changes settings on the phone meanwhile.
        gateway: Whether a gateway is between; without, faults of the way are none.
    """
    chance = random.Random(seed)
    turns = itertools.cycle(faults)
    account = Account(seed)

    def fault(method: str) -> str | None:
        if chance.random() >= share * (reads if method == "GET" else 1.0):
            return None
        if (chosen := next(turns)) not in OF_THE_ACCOUNT:
            return chosen
        late = 60.0 if chosen == "slow" else 0.0  # [s], later than anybody waits
        account.server.faults[:] = [
            ps.testing.NextAnswer(chosen, seconds=late, operation=operation)
            for operation in (CHANGES if reads == 0 else (None,))
        ]
        return None

    async def write(writer: Writer) -> None:
        for name in operations:
            await asyncio.sleep(chance.random())
            if not gateway:
                fault("PUT")
            await getattr(writer, name)()

    async def use_the_phone() -> None:
        while True:
            await asyncio.sleep(chance.random())
            category, value = chance.choice(CATEGORIES), chance.choice(AUDIENCES)
            await account.emulate(ps.testing.PhoneSets(category, value))
            account.note()

    everybody: list[Writer] = []

    async def work() -> None:
        way = Way(account, fault)
        for number in range(writers):
            http = HttpAccount("http://127.0.0.1:1", token=TOKEN, account="demo", transport=way)
            client = ps.AsyncClient.from_account(http if gateway else account)
            everybody.append(Writer(account, client, seed * 1_000 + number))
        hand = asyncio.create_task(use_the_phone()) if phone else None
        await asyncio.gather(*map(write, everybody))
        if hand:
            hand.cancel()
        await way.drain()

    run(work())
    return [
        verdict for writer in everybody for told in writer.told for verdict in judged(account, told)
    ]
