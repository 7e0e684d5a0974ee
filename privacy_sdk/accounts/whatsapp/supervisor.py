"""The supervisor of a session: keeps it connected while that is of use, and knows its state.

Whatever connects to WhatsApp stands behind a :class:`~.runtime.Runtime`. What is left to do here
is what follows when a session is over: when nobody scanned its QR codes, when the connection was
lost, and for good when the phone ended the link.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from privacy_sdk.accounts.base import AccountState
from privacy_sdk.accounts.whatsapp.runtime import Runtime, Step
from privacy_sdk.accounts.whatsapp.session import Session
from privacy_sdk.errors import PrivacyError
from privacy_sdk.errors.masks import mask_text

logger = logging.getLogger("privacy_sdk.accounts")

HINTS = {
    AccountState.UNLINKED: "No phone is linked. Link one: privacy-sdk link {account}, or "
    "client.link() in a notebook.",
    AccountState.WAITING_FOR_SCAN: "On the phone: WhatsApp > Linked devices > Link a device, then "
    "scan the code that privacy-sdk link {account} shows.",
    AccountState.CONNECTING: "A connection to WhatsApp is being made; try again in a moment. If "
    "this lasts, look at the network of this machine.",
    AccountState.CONNECTED: "There is nothing to do.",
    AccountState.LOGGED_OUT: "The link was ended, on the phone or by WhatsApp. Link it again: "
    "privacy-sdk link {account}.",
    AccountState.REPLACED: "Another program took over the session. Stop that one; then "
    "privacy-sdk link {account} connects again.",
    AccountState.PASSKEY: "WhatsApp asks this account for a passkey before it links a device, and "
    "privacy-sdk cannot give one. Nothing is lost: the number, the chats and the phone stay as "
    "they are. Close the question on the phone and try privacy-sdk link {account} again later; if "
    "it is asked each time, this account can be linked in a browser (web.whatsapp.com) only.",
    AccountState.BANNED: "WhatsApp has locked the account out for a while. Wait; nothing "
    "connects before that. Then privacy-sdk link {account} connects again.",
    AccountState.OUTDATED: "WhatsApp no longer accepts this version of {library}: "
    "pip install --upgrade 'privacy-sdk[{extra}]', then start the gateway again.",
    AccountState.FAILED: "It is tried again from time to time.",
}
"""What each state means and what to do next."""

UNDER_WAY = frozenset({AccountState.WAITING_FOR_SCAN, AccountState.CONNECTING})
"""The states of a session that has not ended."""

ENDS = frozenset(
    {
        AccountState.LOGGED_OUT,
        AccountState.REPLACED,
        AccountState.PASSKEY,
        AccountState.BANNED,
        AccountState.OUTDATED,
    }
)
"""The states that end a session until somebody asks for the next."""

AT_REST = ENDS | {AccountState.UNLINKED}
"""The states in which nothing connects until somebody asks."""

_LOOKED_FOR = 120.0
"""How long after a look at the QR code somebody may still want the next one [s]."""


def backoff(failures: int) -> float:
    """Return how long to wait before the next try [s]: exponential back-off with jitter.

    Example:
        >>> 0.5 <= backoff(1) <= 1.0, 150.0 <= backoff(99) <= 300.0
        (True, True)
    """
    longest = min(300.0, 2.0 ** min(failures - 1, 9))
    return random.uniform(longest / 2, longest)  # noqa: S311


class Supervisor:
    """Runs the sessions of one account, one after the other, in the event loop that asks.

    An event loop that ends takes its session along; the next one gets another.

    Args:
        session: Its files; hints name its account.
        open_runtime: Makes what runs sessions; raises a ``PrivacyError`` if it cannot.
        forget: Deletes the keys of a link that is over.
        words: What else the hints name: the library and the extra that it comes with.
        pause: How long to wait after so many failures in a row [s].
    """

    def __init__(
        self,
        session: Session,
        *,
        open_runtime: Callable[[], Runtime],
        forget: Callable[[], None],
        words: dict[str, str],
        pause: Callable[[int], float] = backoff,
    ) -> None:
        self._session = session
        self._open_runtime = open_runtime
        self._forget_keys = forget
        self._words = {"account": session.account, **words}
        self._pause = pause
        self._state = AccountState.UNLINKED
        self._detail = ""
        self._task: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()
        self._unlinking = 0
        self._opened: Runtime | None = None
        self._running: Runtime | None = None
        self._was_connected = False
        self._code: tuple[str, float] | None = None
        self._looked_at = 0.0
        self._banned_until = session.banned_until

    def ask(self) -> None:
        """Connect, if that is not under way, a ban in force, or the keys being deleted."""
        self._looked_at = _now()
        if self._unlinking:
            return
        if self._banned_until is not None and datetime.now(UTC) < self._banned_until:
            if self._state is not AccountState.BANNED:
                self._enter(Step("still banned", AccountState.BANNED, until=self._banned_until))
            return
        if self._state is AccountState.LOGGED_OUT:
            self._forget()
        is_supervised = self._is_supervised
        if self._state not in UNDER_WAY or not is_supervised:
            self._enter(Step("asked to connect", AccountState.CONNECTING))
        if is_supervised:
            self._asked.set()
            return
        self._abandon()
        self._asked = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._supervise())

    def resume(self) -> None:
        """Connect again, if the event loop that did so is gone."""
        if self._task is not None and not self._is_supervised and self._state not in AT_REST:
            self.ask()

    @property
    def _is_supervised(self) -> bool:
        task = self._task
        return task is not None and not task.done() and task.get_loop().is_running()

    async def stop(self) -> None:
        """End the session that runs."""
        if task := self._abandon():
            await asyncio.wait({task})

    def _abandon(self) -> asyncio.Task[None] | None:
        """Cancel what runs, and return it if it can be waited for in this event loop."""
        task, self._task, self._running = self._task, None, None
        if task is None or task.done():
            return None
        if task.get_loop() is asyncio.get_running_loop():
            task.cancel()
            return task
        with suppress(RuntimeError):  # that event loop is closed
            task.get_loop().call_soon_threadsafe(task.cancel)
        return None

    async def unlink(self) -> None:
        """Stop, and delete the keys; nothing connects meanwhile."""
        self._unlinking += 1
        try:
            await self.stop()
            self._forget()
        except PrivacyError as error:
            self._fail(error)
            raise
        finally:
            self._unlinking -= 1
        self._enter(
            Step(
                "unlinked",
                AccountState.UNLINKED,
                "The keys on this machine are deleted; now remove the device on the phone as "
                "well (WhatsApp > Linked devices).",
            )
        )

    def _forget(self) -> None:
        self._opened = None
        self._forget_keys()

    @property
    def state(self) -> AccountState:
        """Where the account stands now."""
        is_up = self._state in UNDER_WAY and self.runtime is not None
        return AccountState.CONNECTED if is_up else self._state

    @property
    def hint(self) -> str:
        """What the state means, and what to do next."""
        state = self.state
        detail = "" if state is AccountState.CONNECTED else self._detail
        return f"{detail} {HINTS[state].format(**self._words)}".strip()

    @property
    def runtime(self) -> Runtime | None:
        """What answers questions; None unless logged in."""
        return self._running if self._running and self._running.is_logged_in else None

    def phone(self) -> str | None:
        """Return the digits of the linked phone's number, once they are known."""
        return self._running.phone if self._running else None

    def code(self) -> tuple[str, int] | None:
        """Return what the QR code says and how long it holds [s], for somebody who looks at it."""
        self._looked_at = _now()
        if self._code is None or self.state is not AccountState.WAITING_FOR_SCAN:
            return None
        text, until = self._code
        left = until - _now()
        return (text, round(left)) if left > 0 else None

    def _enter(self, step: Step) -> None:
        """Take the state that a step leads to, and log the step."""
        is_login = step.state is AccountState.CONNECTED
        self._was_connected |= is_login
        # Whether it still is connected is asked of the runtime, each time.
        self._state = AccountState.CONNECTING if is_login else step.state
        self._detail = mask_text(step.detail)
        self._code = None if step.code is None else (step.code, _now() + step.holds)
        if step.until is not None:
            self._banned_until = self._session.banned_until = step.until
            self._detail = f"Until {step.until.isoformat(' ', 'minutes')}."
        fields = {
            "account": self._session.account,
            "state": str(step.state),
            "detail": self._detail,
        }
        logger.info(step.event, extra={"fields": {k: v for k, v in fields.items() if v}})

    def _fail(self, error: Exception) -> None:
        if isinstance(error, PrivacyError):
            detail = f"{error.message} {error.hint}"
        else:
            detail = f"{type(error).__name__}: {error}."
        self._enter(Step("failed", AccountState.FAILED, detail))

    async def _supervise(self) -> None:
        failures = 0
        while True:
            self._was_connected = False
            try:
                await self._run()
            except Exception as error:  # whatever happens in a library, the gateway goes on
                self._fail(error)
            failures = 0 if self._was_connected else failures + 1
            is_waiting = self._state is AccountState.WAITING_FOR_SCAN
            if is_waiting and _now() - self._looked_at > _LOOKED_FOR:
                self._enter(
                    Step("codes ran out", AccountState.UNLINKED, "Nobody scanned the QR code.")
                )
            goes_on = self._state not in AT_REST
            if await self._is_asked_within(self._pause(max(failures, 1)) if goes_on else None):
                failures = 0

    async def _is_asked_within(self, seconds: float | None) -> bool:
        self._asked.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._asked.wait()
        return self._asked.is_set()

    async def _run(self) -> None:
        """Run one session to its end."""
        # What tryx opens it never closes, so it is opened once for as long as its keys are there.
        self._opened = runtime = self._opened or self._open_runtime()
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def report(step: Step) -> None:
            if not over.done():
                self._enter(step)
                if step.state in ENDS:
                    over.set_result(None)

        self._enter(Step("connecting", AccountState.CONNECTING))
        self._running = runtime
        run = asyncio.ensure_future(runtime.run(report))
        try:
            await asyncio.wait({run, over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if self._task is asyncio.current_task():
                self._running = None
            over.cancel()
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
        if self._state not in ENDS and not run.cancelled():
            run.result()


def _now() -> float:
    return asyncio.get_running_loop().time()
