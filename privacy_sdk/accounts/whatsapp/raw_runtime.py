"""The raw runtime: pyaileys' socket, with what it leaves to its user.

pyaileys checks that the server's certificate was signed by WhatsApp, not that it is for the key
that the server uses: who is at the other end is known by TLS.

Source:
    pyaileys 0.1.5, tried against a stand-in of the socket. Reasons of a failed login: whatsmeow's
    ``ConnectFailureReason``. Nothing here was tried on WhatsApp itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from privacy_sdk.accounts.base import AccountState, LostAnswerError
from privacy_sdk.accounts.whatsapp.raw_nodes import from_binary, to_binary
from privacy_sdk.accounts.whatsapp.runtime import PASSKEY, Report, Step
from privacy_sdk.errors import NotConnectedError, PrivacyError
from privacy_sdk.support.files import write_private

_FIRST_CODE, _NEXT_CODE = 60.0, 20.0
"""How long pyaileys offers a QR code [s]."""
_GOODBYE = 0.3
"""How long the other end may take to close the socket [s]."""

_FAILURES = {
    "401": AccountState.LOGGED_OUT,
    "402": AccountState.BANNED,
    "403": AccountState.LOGGED_OUT,
    "405": AccountState.OUTDATED,
    "406": AccountState.LOGGED_OUT,
}
"""The reasons of a ``<failure>`` that end a session for good."""


class KeyFile:
    """A session's keys, in one file that its owner alone can read, written whole.

    Raises:
        PrivacyError: The file is none of ours.
    """

    def __init__(self, path: Path) -> None:
        from pyaileys.auth.serde import creds_from_dict
        from pyaileys.auth.utils import init_auth_creds
        from pyaileys.util import json

        self._path = path
        self._dumps = json.dumps
        self._keys: dict[str, dict[str, Any]] = {}
        try:
            kept = json.loads(path.read_text("utf-8")) if path.exists() else None
            self.creds = init_auth_creds() if kept is None else creds_from_dict(kept["creds"])
            if kept is not None:
                self._keys = dict(kept["keys"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PrivacyError(
                f"The session file {path} is broken ({type(error).__name__}).",
                hint=f"privacy-sdk unlink {path.parent.name} deletes it; then link again.",
            ) from None

    def save(self, *_: object) -> None:
        """Write the file."""
        document = {"creds": asdict(self.creds), "keys": self._keys}
        write_private(self._path, self._dumps(document).encode())

    async def get(self, key_type: str, ids: list[str]) -> dict[str, Any]:
        """Return keys by name; None for one that is not there."""
        return {name: self._keys.get(key_type, {}).get(name) for name in ids}

    async def set(self, data: Mapping[str, Mapping[str, Any | None]]) -> None:
        """Keep keys, and delete those that are None."""
        for key_type, items in data.items():
            kept = {**self._keys.get(key_type, {}), **items}
            self._keys[key_type] = {name: key for name, key in kept.items() if key is not None}
        self.save()

    async def clear(self) -> None:
        """Delete the keys, not the identity."""
        self._keys.clear()
        self.save()


def _socket_class() -> type:
    """Make the class of socket, which cannot be before pyaileys is imported."""
    from pyaileys.exceptions import TransportError
    from pyaileys.socket import WASocket
    from pyaileys.util.events import AsyncEventEmitter
    from pyaileys.wabinary.types import BinaryNode

    class Events(AsyncEventEmitter):
        """Events whose listeners cannot end the receiving of frames unnoticed."""

        def __init__(self, failed: Callable[[Exception], None]) -> None:
            super().__init__()
            self._failed = failed

        async def emit(self, event: str, *args: Any, **kwargs: Any) -> bool:
            try:
                return await super().emit(event, *args, **kwargs)
            except Exception as error:  # whatever a stanza does to a handler
                self._failed(error)
                return True

    class Socket(WASocket):
        """One connection; it does not come back by itself, and nobody waits on it in vain.

        Attributes:
            over: Done when the connection is, with the error that ended it, if one did.
        """

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.over: asyncio.Future[Exception | None] = asyncio.Future()
            self.events = Events(self.end)

        def end(self, error: Exception | None = None) -> None:
            if not self.over.done():
                self.over.set_result(error)

        async def restart(self, *, delay_s: float = 0.0) -> None:
            self.end()

        async def query(self, node: BinaryNode, *, timeout_s: float = 60.0) -> BinaryNode:
            answer = asyncio.ensure_future(super().query(node, timeout_s=timeout_s))
            either: set[asyncio.Future[Any]] = {answer, self.over}
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if not answer.done():
                    raise TransportError("the connection was lost")
                return answer.result()
            finally:
                answer.cancel()

    return Socket


class RawRuntime:
    """Connects as a companion device, and sends any node.

    Args:
        path: Where the keys are kept.
        url: Where WhatsApp is; the library's address by default.

    Raises:
        PrivacyError: The file of keys is none of ours.
    """

    def __init__(self, path: Path, *, url: str | None = None) -> None:
        self._keys = KeyFile(path)
        self._url = url
        self._socket: Any = None
        self._is_open = self._restarts = False

    @property
    def is_logged_in(self) -> bool:
        """Whether questions are answered now."""
        return self._is_open and not self._socket.over.done()

    @property
    def phone(self) -> str | None:
        """The digits of the linked phone's number, once they are known."""
        me = self._keys.creds.me
        return me.id.partition("@")[0].partition(":")[0] if me else None

    async def run(self, report: Report) -> None:
        """Connect, and report what happens until the session is over."""
        self._restarts = True
        while self._restarts:  # as after linking
            self._restarts = False
            await self._connect(report)

    async def _connect(self, report: Report) -> None:
        from pyaileys.auth.state import AuthenticationState
        from pyaileys.constants import DEFAULT_WS_URL
        from pyaileys.exceptions import PyaileysError, TransportError
        from pyaileys.socket_config import SocketConfig

        config = SocketConfig(
            ws_url=self._url or DEFAULT_WS_URL, auto_reconnect=False, sync_full_history=False
        )
        auth = AuthenticationState(self._keys.creds, self._keys)
        self._socket = socket = self._socket_class(config=config, auth=auth)
        expiry: list[asyncio.TimerHandle] = []

        def on_update(update: Any) -> None:
            if update.qr:
                holds = _NEXT_CODE if expiry else _FIRST_CODE
                for timer in expiry:
                    timer.cancel()
                loop = asyncio.get_running_loop()
                expiry[:] = [loop.call_later(holds + 1.0, socket.end)]  # unless another follows
                step = Step("QR code", AccountState.WAITING_FOR_SCAN, code=update.qr, holds=holds)
                report(step)
            if update.is_new_login:
                report(Step("paired", AccountState.CONNECTING, "The phone is linked."))
            if update.connection == "open":
                self._is_open = True
                report(Step("logged in", AccountState.CONNECTED))
            if update.connection == "close":
                socket.end(update.last_disconnect)

        def on_node(binary: Any) -> None:
            stanza = from_binary(binary)
            step = _step(stanza)
            if step is not None:
                self._restarts = step.event == _RESTART
                report(step)
                if stanza.tag != "notification":
                    socket.end()

        socket.events.on("connection.update", on_update)
        socket.events.on("creds.update", self._keys.save)
        for tag in ("failure", "stream:error", "notification"):
            socket.events.on(f"stanza.{tag}", on_node)
        try:
            await socket.connect()
            error = await socket.over
            if error is not None and not isinstance(error, TransportError):
                raise PrivacyError(f"The session ended: {type(error).__name__}: {error}.")
            if error is not None:
                report(Step("disconnected", AccountState.CONNECTING, f"The connection: {error}."))
        except (PyaileysError, TimeoutError) as error:
            report(Step("no connection", AccountState.CONNECTING, f"No connection: {error}."))
        finally:
            self._is_open = False
            for timer in expiry:
                timer.cancel()
            socket.end()
            with suppress(TimeoutError, PyaileysError):
                async with asyncio.timeout(_GOODBYE):
                    await socket.close()

    @cached_property
    def _socket_class(self) -> Any:
        return _socket_class()

    async def ask(self, request: Element, due: float) -> Element:
        """Send a request and return its answer; see :data:`~privacy_sdk.accounts.nodes.Ask`.

        Args:
            request: The node, without address and id.
            due: How long the answer may take [s].
        """
        from pyaileys.exceptions import TransportError

        if not self.is_logged_in:
            raise NotConnectedError("There is no connection to WhatsApp.")
        binary = to_binary(request)
        binary.attrs["to"] = "s.whatsapp.net"
        try:
            return from_binary(await self._socket.query(binary, timeout_s=due))
        except TimeoutError:
            raise LostAnswerError(f"no answer came within {due:g} seconds") from None
        except TransportError as error:
            raise LostAnswerError(f"no answer came: {error}") from None


_RESTART = "restart asked for"


def _step(stanza: Element) -> Step | None:
    """Return what a stanza of the server means for the session; None for nothing.

    Example:
        >>> _step(Element("failure", reason="401")).state
        <AccountState.LOGGED_OUT: 'logged_out'>
        >>> _step(Element("stream:error", code="515")).state
        <AccountState.CONNECTING: 'connecting'>
    """
    code = stanza.get("reason") or stanza.get("code") or ""
    conflict = stanza.find("conflict")
    match stanza.tag, "" if conflict is None else conflict.get("type"):
        case "notification", _ if stanza.get("type") == PASSKEY:
            return Step("passkey asked for", AccountState.PASSKEY)
        case "notification", _ if stanza.find("privacy") is not None:
            return Step("settings changed on the phone", AccountState.CONNECTED)
        case "notification", _:
            return None
        case "stream:error", "replaced":
            return Step("replaced", AccountState.REPLACED)
        case "stream:error", _ if code == "515":
            return Step(_RESTART, AccountState.CONNECTING)
        case "stream:error", "device_removed":
            return Step("device removed", AccountState.LOGGED_OUT)
    state = _FAILURES.get(code)
    if state is AccountState.BANNED:
        seconds = stanza.get("expire", "")
        if seconds.isdecimal():
            until = datetime.now(UTC) + timedelta(seconds=min(int(seconds), 10**9))
            return Step(f"refused {code}", state, until=until)
    if state is not None:
        return Step(f"refused {code}", state)
    what = "did not let us in" if stanza.tag == "failure" else "ended the connection"
    detail = f"WhatsApp {what}: {code or 'without a reason'}."
    return Step(f"refused {code}", AccountState.CONNECTING, detail)
