"""HTTP/1.1 on connections that may not linger."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from privacy_sdk.errors import InvalidRequestError
from privacy_sdk.gateway.guard import LOCAL
from privacy_sdk.gateway.problems import problem_response

REQUEST_DUE = 10.0
"""How long a whole request may take to arrive [s]."""
MAX_CONNECTIONS = 200
"""How many connections are held at once: few enough where a process may open 256 files
(macOS), and each costs some 64 KiB at worst while no body is being read."""
MAX_HEADERS = 32 * 1024
"""How much of a request line and its headers is kept while the rest is awaited [bytes]."""


class ConnectionLimits(H11Protocol):
    """uvicorn's protocol with two more bounds.

    uvicorn leaves a connection open for as long as it says nothing, or says it slowly. Here a
    request must have arrived whole within ``REQUEST_DUE``, and when there are too many
    connections one gives way, so that new clients are served: the quietest of those that never
    made a request, if there are any.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.access_log = False  # the gateway's own log masks people; this one does not
        self._due: asyncio.TimerHandle | None = None
        self._quiet_since = 0.0
        self._is_local = False
        self._answer, self.app = self.app, self._marked

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Hold the connection, and let go of another if they are too many."""
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        self._is_local = connection.family not in (socket.AF_INET, socket.AF_INET6)
        # asyncio does this only for sockets made with their protocol's number, which
        # socket.create_server() leaves out; without it every answer is 40 ms late.
        if not self._is_local:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._watch()
        held = [one for one in self.connections if isinstance(one, ConnectionLimits)]
        held = [one for one in held if not one.transport.is_closing()]
        if len(held) > MAX_CONNECTIONS:
            min(held, key=ConnectionLimits._worth).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on; the first piece of a request starts the clock afresh."""
        if not self._has_begun():
            self._stop_clock()
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Go on with the next request, of which a part may have arrived already."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_clock()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Say with a problem document that this is not HTTP, or too much of it."""
        self._refuse(400, "The request is not HTTP, or its headers are too long.")

    async def _marked(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["extensions"] = {LOCAL: {}} if self._is_local else {}
        await self._answer(scope, receive, send)

    def _watch(self) -> None:
        self._quiet_since = self.loop.time()
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

    def _worth(self) -> tuple[int, float]:
        """What is lost with this connection: least when it never made a request."""
        if self.cycle is None:
            return 0, self._quiet_since
        return (1 if self.cycle.response_complete else 2), self._quiet_since

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
