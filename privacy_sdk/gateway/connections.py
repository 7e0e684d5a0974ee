"""HTTP/1.1 on connections that are counted from accept on and may not linger.

Looked at instead: hypercorn 0.18 and granian 2.8 bound the head of a request and the TLS
handshake (60 s) or the headers (30 s). Neither bounds a body that drips, nor how many
connections there are, nor says who gives way; so this stays, over uvicorn.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import h11
from starlette.types import Message, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from privacy_sdk.errors import InvalidRequestError
from privacy_sdk.gateway.guard import LET_IN, LOCAL
from privacy_sdk.gateway.problems import problem_response

HANDSHAKE_DUE = 5.0
"""How long a TLS handshake may take [s]; asyncio alone would wait for 60."""
REQUEST_DUE = 10.0
"""How long a whole request may take to arrive [s]."""
MAX_CONNECTIONS = 200
"""How many connections are held at once: few enough where a process may open 256 files
(macOS), and each costs some 64 KiB at worst while no body is being read."""
MAX_HEADERS = 32 * 1024
"""How much of a request line and its headers is kept while the rest is awaited [bytes]."""
PROGRESS_DUE = 60.0
"""How long an answer may wait for a reader that reads nothing [s]."""
SAID_EVERY = 60.0
"""How often the log may say that connections gave way [s]."""

logger = logging.getLogger("privacy_sdk.gateway")


class Held:
    """A connection that was accepted.

    Attributes:
        let_in: Whether a request on it was good.
        requests: How many requests on it are being answered.
        since: When it was accepted, or when it was last let in or answered [s].
    """

    def __init__(self, connection: socket.socket, now: float) -> None:
        self.let_in = False
        self.requests = 0
        self.since = now
        self._connection = connection

    def worth(self) -> tuple[bool, bool, float]:
        """What is lost with it: least with one that was never let in, the oldest first."""
        return self.let_in, self.requests > 0, self.since

    def drop(self) -> None:
        """End it, however far it is; whatever reads from it is told by the socket."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)


class Acceptor:
    """Accepts connections and holds no more than ``MAX_CONNECTIONS`` of them.

    asyncio's servers know of a TLS connection only after its handshake, and where a process runs
    out of files they log thousands of lines a second. When there are too many connections here,
    one of those that were never let in gives way, and the new one never: it has not had its turn.

    Args:
        listener: What is listened on.
        make_protocol: Makes the protocol of a connection that can be spoken on.
        tls: The certificate, if there is one.
    """

    def __init__(
        self,
        listener: socket.socket,
        make_protocol: Callable[[Held, Callable[[], None]], asyncio.Protocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._listener = listener
        self._make_protocol = make_protocol
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._held: set[Held] = set()
        self._dropped, self._said_at = 0, float("-inf")
        self._beginning: set[asyncio.Task[None]] = set()
        listener.setblocking(False)
        listener.listen(1024)
        self._accepting = self._loop.create_task(self._accept())

    async def aclose(self) -> None:
        """Accept no more, and end what has not begun to speak."""
        with suppress(NotImplementedError):
            self._loop.remove_reader(self._listener)
        await asyncio.sleep(0)  # one that was accepted just now would be lost
        for task in (self._accepting, *self._beginning):
            task.cancel()
        await asyncio.gather(self._accepting, *self._beginning, return_exceptions=True)

    async def _accept(self) -> None:
        while True:
            try:
                connection, _ = await self._loop.sock_accept(self._listener)
            except OSError:  # no more files, or gone before it was taken
                self._make_room()
                await asyncio.sleep(0.05)
                continue
            held = Held(connection, self._loop.time())
            if len(self._held) >= MAX_CONNECTIONS:
                self._make_room()
            self._held.add(held)
            task = self._loop.create_task(self._begin(held, connection))
            self._beginning.add(task)
            task.add_done_callback(partial(self._begun, connection))
            await asyncio.sleep(0)  # whoever was accepted before has a turn first

    async def _begin(self, held: Held, connection: socket.socket) -> None:
        def lost() -> None:
            self._held.discard(held)

        try:
            await self._loop.connect_accepted_socket(
                lambda: self._make_protocol(held, lost),
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_DUE if self._tls else None,
            )
        except OSError:  # no TLS, or not in time
            lost()
        except asyncio.CancelledError:
            lost()
            held.drop()
            raise

    def _begun(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        self._beginning.discard(task)
        if task.cancelled():  # perhaps before it took its first step
            connection.close()

    def _make_room(self) -> None:
        if not self._held:
            return
        least = min(self._held, key=Held.worth)
        self._held.discard(least)
        least.drop()
        self._dropped += 1
        if self._loop.time() >= self._said_at + SAID_EVERY:
            fields = {"count": self._dropped}
            logger.warning("connections gave way to others", extra={"fields": fields})
            self._dropped, self._said_at = 0, self._loop.time()


class ConnectionLimits(H11Protocol):
    """uvicorn's protocol, on which a request must have arrived whole within ``REQUEST_DUE``.

    uvicorn leaves a connection open for as long as it says nothing, or says it slowly.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        held: Held,
        lost: Callable[[], None],
    ) -> None:
        super().__init__(config, server_state, app_state)
        self.access_log = False  # the gateway's own log masks people; this one does not
        self._due: asyncio.TimerHandle | None = None
        self._held = held
        self._lost = lost
        self._is_local = False
        self._answer, self.app = self.app, self._counted

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock."""
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        self._is_local = connection.family not in (socket.AF_INET, socket.AF_INET6)
        # asyncio does this only for sockets made with their protocol's number, which
        # socket.create_server() leaves out; without it every answer is 40 ms late.
        if not self._is_local:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Read on; the first piece of a request starts the clock afresh."""
        if not self._has_begun():
            self._stop_clock()
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Go on with the next request, of which a part may have arrived already."""
        super().on_response_complete()
        if self._has_begun():  # else uvicorn closes the connection before our clock would
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._lost()
        self._stop_clock()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Say with a problem document that this is not HTTP, or too much of it."""
        self._refuse(400, "The request is not HTTP, or its headers are too long.")

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        def let_in() -> None:
            self._held.let_in = True

        async def sent(message: Message) -> None:
            if not self.flow.write_paused:
                return await send(message)
            with suppress(TimeoutError):
                async with asyncio.timeout(PROGRESS_DUE):
                    return await send(message)
            self._held.drop()

        scope["extensions"] = {LET_IN: let_in} | ({LOCAL: {}} if self._is_local else {})
        self._held.requests += 1
        try:
            await self._answer(scope, receive, sent)
        finally:
            self._held.requests -= 1
            if self._held.let_in:
                self._held.since = self.loop.time()

    def _watch(self) -> None:
        if self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}:
            self._stop_clock()
        elif self._due is None:
            self._due = self.loop.call_later(REQUEST_DUE, self._too_late)

    def _stop_clock(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _too_late(self) -> None:
        if self._has_begun():
            self._refuse(408, "The request did not arrive in time.")
        else:
            self.transport.close()

    def _has_begun(self) -> bool:
        return self.conn.their_state is h11.SEND_BODY or bool(self.conn.trailing_data[0])

    def _refuse(self, status: int, message: str) -> None:
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE} and not self.transport.is_closing():
            answer = problem_response(InvalidRequestError(message), status, {"Connection": "close"})
            for event in (
                h11.Response(status_code=status, headers=answer.raw_headers),
                h11.Data(data=bytes(answer.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
