"""What stands before every request: host, token and size, the log, and an orderly stop."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
import time
import traceback
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from privacy_sdk.errors import (
    GatewayError,
    InvalidRequestError,
    InvalidTokenError,
    NotConnectedError,
    PrivacyError,
)
from privacy_sdk.errors.escapes import printable
from privacy_sdk.errors.masks import DOTS, mask_start, mask_text
from privacy_sdk.gateway.log import LONGEST_TRACEBACK
from privacy_sdk.gateway.problems import MAX_BODY, http_error, problem_response
from privacy_sdk.support.gateways import is_loopback

logger = logging.getLogger("privacy_sdk.gateway")

LET_IN = "privacy_sdk.let_in"
"""The ASGI extension that is called when a request is good: a connection's worth depends on it."""
MAX_HEADER_FIELDS = 100
MAX_HEAD = 32 * 1024
"""How long a request line and its headers may be, together [bytes]."""
_LOGGED_PATH = 200
LOCAL = "privacy_sdk.local"
"""The ASGI extension of a request that came by the socket which its owner alone reaches."""
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""The paths that need no token."""


class Secret:
    """The token that requests must bear, which may be another one later; None lets everybody in."""

    def __init__(self, token: str | None) -> None:
        self.token = token

    def __repr__(self) -> str:
        return f"{type(self).__name__}([secure])"


class RequestTracker:
    """The requests that are being answered, and the end of them.

    Args:
        on_stop: What ends those that would last for ever.
    """

    def __init__(self, on_stop: Iterable[Callable[[], object]] = ()) -> None:
        self.stopping = False
        self._on_stop = tuple(on_stop)
        self.tasks: set[asyncio.Task[object]] = set()

    async def stop(self, grace: float) -> None:
        """Take no more requests; those still running after ``grace`` [s] are cut short."""
        self.stopping = True
        for end in self._on_stop:
            end()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=grace)
        for task in self.tasks:
            task.cancel()


class RequestGuard:
    """ASGI middleware around the whole gateway.

    Starlette's own middleware for hosts and sizes answers in plain text; here every refusal is
    a problem document. ``allowed_hosts`` are names that a Host header may have beside this
    machine's own.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        secret: Secret,
        allowed_hosts: Collection[str],
        in_flight: RequestTracker,
    ) -> None:
        self.app = app
        self._secret = secret
        self._hosts = {host.lower() for host in allowed_hosts}
        self._in_flight = in_flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a good request through, answer any other, and log both."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request_id, began, status = secrets.token_hex(4), time.perf_counter(), 0

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = (b"x-request-id", request_id.encode())
                message["headers"] = [*message.get("headers", ()), own]
            await send(message)

        async def answer(error: PrivacyError, as_status: int | None = None) -> None:
            await problem_response(error, as_status)(scope, receive, marked)

        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        self._in_flight.tasks.add(task)
        try:
            if refusal := self._refusal(scope):
                await answer(*refusal)
            else:
                if self._secret.token is None or scope["path"] not in OPEN_PATHS:
                    scope.get("extensions", {}).get(LET_IN, _nothing)()
                await self.app(scope, _limited(receive), marked)
        except asyncio.CancelledError:
            if status or not self._in_flight.stopping:
                raise
            await answer(_STOPPING)
        except Exception:
            _log(
                logging.ERROR,
                "failed",
                request_id=request_id,
                traceback=mask_text(traceback.format_exc()[-LONGEST_TRACEBACK:]),
            )
            if not status:
                await answer(_FAILED)
        finally:
            self._in_flight.tasks.discard(task)
            _log(
                logging.INFO,
                "request",
                request_id=request_id,
                method=scope["method"][:20],
                path=self._shown(scope["path"]),
                status=status,
                ms=round((time.perf_counter() - began) * 1e3, 1),
            )

    def _refusal(self, scope: Scope) -> tuple[PrivacyError, int | None] | None:
        """Why a request goes no further, with the status if it is not the usual one."""
        headers = Headers(scope=scope)
        if len(scope["headers"]) > MAX_HEADER_FIELDS or _head_size(scope) > MAX_HEAD:
            return http_error(431), 431
        if not self._is_own_host(headers.get("host", ""), scope.get("server")):
            return _FOREIGN_HOST, 421
        token = self._secret.token
        if token is not None:
            query = scope["query_string"]
            if b"token=" in query.lower() or token.encode() in query:
                return _TOKEN_IN_URL, None
            is_open = scope["path"] in OPEN_PATHS or LOCAL in scope.get("extensions", ())
            if not is_open and not self._is_token(headers.get("authorization", "")):
                return InvalidTokenError("The token is missing or wrong."), None
        if self._in_flight.stopping:
            return _STOPPING, None
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > MAX_BODY:
            return http_error(413), 413
        return None

    def _is_own_host(self, header: str, server: tuple[str, int | None] | None) -> bool:
        """Whether the request was meant for this machine, and no page talked a browser into it.

        A page of evil.example can resolve that name to 127.0.0.1 and so reach the gateway, but
        the browser then still says evil.example.
        """
        host, is_here = _host_of(header)
        if is_here or host in self._hosts:
            return True
        try:
            return server is not None and str(ipaddress.ip_address(host)) == server[0]
        except ValueError:
            return False

    def _is_token(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        expected = (self._secret.token or "").encode()
        return secrets.compare_digest(given.strip().encode("latin-1"), expected) and (
            scheme.lower() == "bearer"
        )

    def _shown(self, path: str) -> str:
        """A path as the log may have it; its query is never logged."""
        token = self._secret.token
        return _short(path.replace(token, DOTS) if token else path)


@lru_cache(maxsize=256)  # few hosts, named again and again
def _host_of(header: str) -> tuple[str, bool]:
    """The host that a Host header names, and whether it can only be this machine."""
    try:
        host = urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return "", False
    return host, is_loopback(host)


def _nothing() -> None:
    """Do nothing: a server that does not weigh connections."""


def _short(path: str) -> str:
    masked = _masked(path) if len(path) <= _LOGGED_PATH else mask_start(path, _LOGGED_PATH)
    return printable(masked)


_masked = lru_cache(maxsize=256)(mask_text)  # few paths, asked for again and again


def _head_size(scope: Scope) -> int:
    """How long the request was before its body; a server may take one of any length at once."""
    fields = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    return len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"]) + fields


def _limited(receive: Receive) -> Receive:
    """``receive`` that reads no longer body than is allowed, whatever length was announced."""
    size = 0

    async def limited() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MAX_BODY:
            raise HTTPException(413)
        return message

    return limited


def _log(level: int, event: str, **fields: object) -> None:
    logger.log(level, event, extra={"fields": fields})


_STOPPING = NotConnectedError(
    "The gateway is stopping; nothing was changed.", hint="Try again once it runs again."
)
_FAILED = GatewayError(
    "The gateway failed.",
    hint="Its log says why, under the request id in this answer's X-Request-ID header.",
)
_FOREIGN_HOST = InvalidRequestError(
    "The Host header names another machine.",
    hint="Use http://127.0.0.1 or http://localhost, or allow that name when starting the gateway.",
)
_TOKEN_IN_URL = InvalidTokenError(
    "The token does not belong in a URL.",
    hint="URLs end up in logs. Send the header Authorization: Bearer …, and make a new token.",
)
