"""The supervisor of a session: keeps it connected while that is of use, and knows its state.

tryx connects by itself and tries again without end while the network is gone. What it leaves to
its user is what follows when a session is over: it ends silently when nobody scanned its QR
codes, and for good when the phone ended the link.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from privacy_sdk.accounts.base import AccountState
from privacy_sdk.accounts.whatsapp.tryx_runtime import listen
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
    AccountState.BANNED: "WhatsApp has locked the account out for a while. Wait; then "
    "privacy-sdk link {account} connects again.",
    AccountState.OUTDATED: "WhatsApp no longer accepts this version of tryx: "
    "pip install --upgrade 'privacy-sdk[whatsapp]', then start the gateway again.",
    AccountState.FAILED: "It is tried again from time to time.",
}
"""What each state means and what to do next."""

UNDER_WAY = frozenset({AccountState.WAITING_FOR_SCAN, AccountState.CONNECTING})
"""The states of a session that has not ended."""

_ENDS = {
    "EvLoggedOut": AccountState.LOGGED_OUT,
    "EvStreamReplaced": AccountState.REPLACED,
    "EvTemporaryBan": AccountState.BANNED,
    "EvClientOutDated": AccountState.OUTDATED,
}
_LOOKED_FOR = 120.0
"""How long after a look at the QR code somebody may still want the next one [s]."""
_LATE = 0.5
"""How much later than the end of a session its reason may arrive [s]."""


def backoff(failures: int) -> float:
    """Return how long to wait before the next try [s]: exponential back-off with jitter.

    Example:
        >>> 0.5 <= backoff(1) <= 1.0, 150.0 <= backoff(99) <= 300.0
        (True, True)
    """
    longest = min(300.0, 2.0 ** min(failures - 1, 9))
    return random.uniform(longest / 2, longest)  # noqa: S311


class Supervisor:
    """Runs the sessions of one account, one after the other.

    Args:
        account: Name of the account, for its hints.
        open_runtime: Makes what runs a session; raises a ``PrivacyError`` if it cannot.
        forget: Deletes the keys of a link that is over.
        pause: How long to wait after so many failures in a row [s].
    """

    def __init__(
        self,
        account: str,
        *,
        open_runtime: Callable[[], Any],
        forget: Callable[[], None],
        pause: Callable[[int], float] = backoff,
    ) -> None:
        self.account = account
        self._open_runtime = open_runtime
        self._forget = forget
        self._pause = pause
        self._state = AccountState.UNLINKED
        self._detail = ""
        self._task: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()
        self._session: _Session | None = None
        self._code: tuple[str, float] | None = None
        self._looked_at = 0.0

    def ask(self) -> None:
        """Connect, if that is not under way."""
        self._looked_at = _now()
        if self._state is AccountState.LOGGED_OUT:
            self._forget()
        if self._state not in UNDER_WAY:
            self.enter(AccountState.CONNECTING)
        self._asked.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._supervise())

    async def stop(self) -> None:
        """Stop using tryx; its socket stays open until the process ends."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def unlink(self) -> None:
        """Stop, and delete the keys."""
        await self.stop()
        try:
            self._forget()
        except PrivacyError as error:
            self.enter(AccountState.FAILED, f"{error.message} {error.hint}")
            raise
        self.enter(
            AccountState.UNLINKED,
            "The keys on this machine are deleted; now remove the device on the phone as well "
            "(WhatsApp > Linked devices).",
        )

    @property
    def state(self) -> AccountState:
        """Where the account stands now."""
        is_up = self._state in UNDER_WAY and self._session and self._session.is_logged_in()
        return AccountState.CONNECTED if is_up else self._state

    @property
    def hint(self) -> str:
        """What the state means, and what to do next."""
        state = self.state
        detail = "" if state is AccountState.CONNECTED else self._detail
        return f"{detail} {HINTS[state].format(account=self.account)}".strip()

    @property
    def client(self) -> Any:
        """What answers questions; None unless logged in."""
        is_up = self._session and self.state is AccountState.CONNECTED
        return self._session.client if self._session and is_up else None

    def phone(self) -> str | None:
        """Return the digits of the linked phone's number, once they are known."""
        return self._session.phone() if self._session else None

    def code(self) -> tuple[str, int] | None:
        """Return what the QR code says and how long it holds [s], for somebody who looks at it."""
        self._looked_at = _now()
        if self._code is None or self.state is not AccountState.WAITING_FOR_SCAN:
            return None
        text, until = self._code
        left = until - _now()
        return (text, round(left)) if left > 0 else None

    def enter(self, state: AccountState, detail: str = "") -> None:
        """Change the state."""
        self._detail = mask_text(detail)
        if state is not AccountState.WAITING_FOR_SCAN:
            self._code = None
        if detail or state is not self._state:
            _log("account", account=self.account, state=str(state), detail=self._detail)
        self._state = state

    def offer(self, code: str, seconds: float) -> None:
        """Offer a QR code to be scanned."""
        self.enter(AccountState.WAITING_FOR_SCAN)
        self._code = code, _now() + seconds

    async def _supervise(self) -> None:
        failures = 0
        while True:
            was_connected = False
            try:
                was_connected = await self._run()
            except PrivacyError as error:
                self.enter(AccountState.FAILED, f"{error.message} {error.hint}")
            except Exception as error:  # whatever happens in tryx, the gateway goes on
                self.enter(AccountState.FAILED, f"{type(error).__name__}: {error}.")
            failures = 0 if was_connected else failures + 1
            is_waiting = self._state is AccountState.WAITING_FOR_SCAN
            if is_waiting and _now() - self._looked_at > _LOOKED_FOR:
                self.enter(AccountState.UNLINKED, "Nobody scanned the QR code.")
            goes_on = self._state in {*UNDER_WAY, AccountState.FAILED}
            if await self._is_asked_within(self._pause(max(failures, 1)) if goes_on else None):
                failures = 0

    async def _is_asked_within(self, seconds: float | None) -> bool:
        self._asked.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._asked.wait()
        return self._asked.is_set()

    async def _run(self) -> bool:
        """Run one session to its end, and tell whether it ever was connected."""
        runtime = self._open_runtime()
        self.enter(AccountState.CONNECTING)
        self._session = session = _Session(self, runtime)
        run = asyncio.ensure_future(runtime.run())
        try:
            await asyncio.wait({run, session.over}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({session.over}, timeout=_LATE)
            if run.done() and not run.cancelled() and (error := run.exception()):
                raise PrivacyError(f"The session ended: {error}.")
            return session.was_connected
        finally:
            self._session = None
            session.over.cancel()
            run.cancel()


class _Session:
    """One run of tryx, and what it reports."""

    def __init__(self, supervisor: Supervisor, runtime: Any) -> None:
        self._supervisor = supervisor
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.was_connected = False
        listen(runtime, self._on_event)
        self.client = runtime.get_client()

    def is_logged_in(self) -> bool:
        try:
            return bool(self.client.advanced.is_logged_in())
        except RuntimeError:  # not running yet
            return False

    def phone(self) -> str | None:
        try:
            jid = self.client.advanced.get_pn()
        except RuntimeError:  # not running yet
            return None
        return str(jid.user) if jid else None

    def _on_event(self, name: str, event: Any) -> None:
        if self.over.done():  # of a session that is over for us
            return
        enter = self._supervisor.enter
        match name:
            case "EvPairingQrCode":
                self._supervisor.offer(event.code, event.timeout)
            case "EvPairSuccess":
                enter(AccountState.CONNECTING, "The phone is linked.")
            case "EvPairError":
                enter(AccountState.CONNECTING, f"Linking failed: {event.error}.")
            case "EvQrScannedWithoutMultidevice":
                enter(AccountState.CONNECTING, "WhatsApp on the phone is too old; update it.")
            case "EvConnected":
                self.was_connected = True
                enter(AccountState.CONNECTING)
            case "EvConnectFailure":
                enter(AccountState.CONNECTING, f"WhatsApp did not let us in: {event.reason}.")
            case "EvStreamError":
                enter(AccountState.CONNECTING, f"WhatsApp ended the connection: {event.code}.")
            case "EvTemporaryBan":
                until = event.data.expire.isoformat(" ", "minutes")
                self._end(AccountState.BANNED, f"Until {until}.")
            case _ if name in _ENDS:
                self._end(_ENDS[name])
        _log(name, account=self._supervisor.account)

    def _end(self, state: AccountState, detail: str = "") -> None:
        self._supervisor.enter(state, detail)
        self.over.set_result(None)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _log(event: str, **fields: str) -> None:
    logger.info(event, extra={"fields": fields})
