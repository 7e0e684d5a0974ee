"""The tryx runtime: its import on first use, its log, and its events.

tryx connects by itself and tries again without end while the network is gone.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any

from privacy_sdk.accounts.base import AccountState
from privacy_sdk.accounts.whatsapp.runtime import PASSKEY, Report, Step
from privacy_sdk.errors import PrivacyError

_LETTING_GO_TAKES = 0.05
"""How long threads of tryx may need at exit for what they still hold of Python [s]."""
_LOOK_EVERY = 0.5
"""How often tryx is asked whether it is logged in [s]; its event trails by ten seconds."""
_LATE = 0.5
"""How much later than the end of a session its reason may arrive [s]."""


def open_tryx(database: Path) -> Any:
    """Return a ``tryx.client.Tryx`` over a session's database, not yet running.

    Raises:
        PrivacyError: The database is none of tryx's.
    """
    from tryx.backend import SqliteStore
    from tryx.client import Tryx

    # A thread of tryx that lets go of an answer after the interpreter has gone aborts the process.
    atexit.unregister(_let_go)
    atexit.register(_let_go)
    try:
        with _quiet():
            return Tryx(SqliteStore(str(database)))
    except RuntimeError as error:
        raise PrivacyError(
            f"tryx cannot open the session in {database}: {error}.",
            hint=f"privacy-sdk unlink {database.parent.name} deletes it; then link again.",
        ) from None


def _let_go() -> None:
    time.sleep(_LETTING_GO_TAKES)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep tryx's log, which shows numbers in clear, off stdout unless RUST_LOG asks for it.

    tryx reads the variable once, when its first client is made.
    """
    asked = "RUST_LOG" in os.environ
    os.environ.setdefault("RUST_LOG", "off")
    try:
        yield
    finally:
        if not asked:
            del os.environ["RUST_LOG"]


class TryxRuntime:
    """Runs tryx, again and again over one database.

    Args:
        app: A ``tryx.client.Tryx``, not yet running.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self.client = app.get_client()
        self._report: Report | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_logged_in(self) -> bool:
        """Whether questions are answered now."""
        try:
            return bool(self.client.advanced.is_logged_in())
        except RuntimeError:  # not running yet
            return False

    @property
    def phone(self) -> str | None:
        """The digits of the linked phone's number, once they are known."""
        try:
            jid = self.client.advanced.get_pn()
        except RuntimeError:  # not running yet
            return None
        return str(jid.user) if jid else None

    async def run(self, report: Report) -> None:
        """Connect, and report what happens until the session is over."""
        self._report = report
        is_first, self._loop = self._loop is None, asyncio.get_running_loop()
        if is_first:
            self._listen()
        run = self._app.run()
        was_up = False
        try:
            while not run.done():
                await asyncio.wait({run}, timeout=_LOOK_EVERY)
                is_up = not run.done() and self.is_logged_in
                if is_up and not was_up:
                    report(Step("logged in", AccountState.CONNECTED))
                was_up = is_up
            if not run.cancelled() and (error := run.exception()):
                raise PrivacyError(f"The session ended: {error}.")
            await asyncio.sleep(_LATE)
        finally:
            run.cancel()
            if self._report is report:
                self._report = None

    def _listen(self) -> None:
        """Take the events of tryx, whose handlers are called in threads of its own."""
        from tryx import events

        def register(name: str, step: Callable[[Any], Step | None]) -> None:
            async def handle(_client: Any, event: Any) -> None:
                if self._loop is not None and self._report is not None:
                    self._loop.call_soon_threadsafe(self._on_event, step, event)

            self._app.on(getattr(events, name))(handle)

        for name, step in _STEPS.items():
            register(name, step)

    def _on_event(self, step: Callable[[Any], Step | None], event: Any) -> None:
        if self._report is not None and (taken := step(event)) is not None:
            self._report(taken)


def _connecting(event: str, detail: Callable[[Any], str] = lambda _: "") -> Callable[[Any], Step]:
    return lambda given: Step(event, AccountState.CONNECTING, detail(given))


def _over(event: str, state: AccountState) -> Callable[[Any], Step]:
    return lambda _: Step(event, state)


def _on_notification(event: Any) -> Step | None:
    kinds = {str(a.value.value) for a in event.node.attrs if a.key == "type"}
    return Step("passkey asked for", AccountState.PASSKEY) if PASSKEY in kinds else None


def _on_ban(event: Any) -> Step:
    until = event.data.expire
    return Step("banned", AccountState.BANNED, until=until.replace(tzinfo=until.tzinfo or UTC))


_STEPS: dict[str, Callable[[Any], Step | None]] = {
    "EvPairingQrCode": lambda event: Step(
        "QR code", AccountState.WAITING_FOR_SCAN, code=event.code, holds=event.timeout
    ),
    "EvPairSuccess": _connecting("paired", lambda _: "The phone is linked."),
    "EvPairError": _connecting("not paired", lambda event: f"Linking failed: {event.error}."),
    "EvQrScannedWithoutMultidevice": _connecting(
        "not paired", lambda _: "WhatsApp on the phone is too old; update it."
    ),
    "EvConnected": lambda _: Step("connected", AccountState.CONNECTED),
    "EvDisconnected": _connecting("disconnected"),
    "EvConnectFailure": _connecting(
        "refused", lambda event: f"WhatsApp did not let us in: {event.reason}."
    ),
    "EvStreamError": _connecting(
        "stream error", lambda event: f"WhatsApp ended the connection: {event.code}."
    ),
    "EvLoggedOut": _over("logged out", AccountState.LOGGED_OUT),
    "EvStreamReplaced": _over("replaced", AccountState.REPLACED),
    "EvTemporaryBan": _on_ban,
    "EvClientOutDated": _over("outdated", AccountState.OUTDATED),
    "EvNotification": _on_notification,
}
"""What each event of tryx means; a change of settings that the phone makes is none."""
