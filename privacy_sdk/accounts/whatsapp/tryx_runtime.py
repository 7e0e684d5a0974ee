"""The tryx runtime: its import on first use, its log, and its events."""

from __future__ import annotations

import asyncio
import atexit
import importlib.util
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from privacy_sdk.errors import PrivacyError

EVENTS = (
    "EvPairingQrCode",
    "EvPairSuccess",
    "EvPairError",
    "EvQrScannedWithoutMultidevice",
    "EvConnected",
    "EvDisconnected",
    "EvConnectFailure",
    "EvStreamError",
    "EvLoggedOut",
    "EvStreamReplaced",
    "EvTemporaryBan",
    "EvClientOutDated",
)
"""What is of interest here; a change of settings that the phone makes is not reported at all."""

_LETTING_GO_TAKES = 0.05
"""How long threads of tryx may need at exit for what they still hold of Python [s]."""


def check_installed() -> None:
    """Check that the extra is installed, without importing it.

    Raises:
        PrivacyError: It is missing, with what to install.
    """
    for name in ("tryx", "segno"):
        if importlib.util.find_spec(name) is None:
            raise PrivacyError(
                f"A linked phone needs {name}, which is not installed.",
                hint='pip install "privacy-sdk[whatsapp]"',
            )


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


def listen(runtime: Any, on_event: Callable[[str, Any], None]) -> None:
    """Call ``on_event`` with the name and the record of each event, in the running loop."""
    from tryx import events

    loop = asyncio.get_running_loop()

    def register(name: str) -> None:
        async def handle(_client: Any, event: Any) -> None:
            loop.call_soon_threadsafe(on_event, name, event)

        runtime.on(getattr(events, name))(handle)

    for name in EVENTS:
        register(name)
