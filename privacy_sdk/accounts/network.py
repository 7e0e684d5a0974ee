"""How requests reach a gateway: at an address, or whichever on this machine serves the account."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx2

from privacy_sdk.accounts import wire
from privacy_sdk.errors import (
    InvalidInputError,
    InvalidTokenError,
    NotConnectedError,
    UnknownAccountError,
    UnreadableAnswerError,
)
from privacy_sdk.support.gateways import checked_url, is_loopback
from privacy_sdk.support.sockets import is_ours, local_sockets
from privacy_sdk.support.tokens import ENVIRONMENT, stored_token

HERE = "http://localhost"
"""What stands for the address of a gateway that is found by its socket."""

CA = "PRIVACY_SDK_CA"
"""The variable that names the certificates to trust."""

NO_CONNECTION = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)
"""Errors before anything was sent."""

_LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=20)
"""Who asks has a limit; who watches has a connection each, and must not keep others waiting."""

_FOUND_WITHIN = 5.0
"""How long a gateway on this machine may take to say which accounts it serves [s]."""


class UnreachableError(Exception):
    """Nothing was sent, for there is no connection.

    Attributes:
        error: What a user is told.
        is_final: Whether a later try is of no use.
    """

    def __init__(self, error: NotConnectedError, *, is_final: bool = False) -> None:
        super().__init__(error.message)
        self.error, self.is_final = error, is_final


class Network(httpx2.AsyncBaseTransport):
    """Carries requests to one gateway, through connections of each event loop's own.

    The proxies of the environment see nothing that stays on this machine; the certificates of
    the environment count there, too.

    Args:
        url: Address of the gateway.
        path: The socket to reach it by; None goes over TCP.
        ca: PEM file of the certificates to trust; PRIVACY_SDK_CA, SSL_CERT_FILE or the usual
            ones by default.
        finds_token: Whether to send this machine's token, which goes to no process but this
            user's own.

    Raises:
        InvalidInputError: Certificates that cannot be read.
    """

    def __init__(
        self,
        url: str,
        *,
        path: Path | None = None,
        ca: str | os.PathLike[str] | None = None,
        finds_token: bool = False,
    ) -> None:
        self.url = url
        self._path = path
        self._is_here = path is not None or is_loopback(urlsplit(url).hostname)
        self._finds_token = finds_token and self._is_here
        self._tls = _tls(ca) if url.startswith("https:") else False
        self._wants_tls = None if path is None and not self._tls else False
        self._http: httpx2.AsyncClient | httpx2.AsyncHTTPTransport | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer.

        Raises:
            UnreachableError: There is no connection.
            InvalidTokenError: This machine's token would go to a process of another user.
        """
        try:
            response = await self._send(request)
        except NO_CONNECTION as error:
            raise unreachable(error, self.url) from None
        except httpx2.TransportError:
            await self._refuse_plain_http()
            raise
        if response.status_code == 400 and not is_problem(response):
            try:
                await self._refuse_plain_http()
            except UnreachableError:
                await response.aclose()
                raise
        self._wants_tls = False
        return response

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        """Send over a connection that is closed when nothing comes of it.

        httpx2 leaves one open whose TLS handshake or whose check is cancelled.
        """
        token = stored_token() if self._finds_token else None
        opened: Any = None

        async def look(event: str, info: dict[str, Any]) -> None:
            nonlocal opened
            if event == "connection.connect_tcp.complete":
                opened = info["return_value"]
                if token:
                    await self._check_owner(opened.get_extra_info("socket"))

        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        if token or self._tls:
            request.extensions = {**request.extensions, "trace": look}
        http = self._connections()
        try:
            if isinstance(http, httpx2.AsyncClient):
                return await http.send(request, stream=True)
            return await http.handle_async_request(request)
        except BaseException:
            if opened is not None:
                await opened.aclose()
            raise

    async def _refuse_plain_http(self) -> None:
        """Ask once whether what made no sense of plain http speaks TLS.

        Some servers hang up on plain http, others answer 400 in words of their own.

        Raises:
            UnreachableError: It does.
        """
        if self._wants_tls is None:
            self._wants_tls = await self._speaks_tls()
        if self._wants_tls:
            what = f"What listens at {self.url} speaks TLS, not plain http."
            hint = "If it is a gateway: https:// there."
            raise UnreachableError(NotConnectedError(what, hint=hint), is_final=True)

    async def _speaks_tls(self) -> bool:
        port = urlsplit(self.url).port or 80
        url = httpx2.URL(self.url).copy_with(scheme="https", port=port, path="/healthz")
        probe = copy.copy(self)
        probe._http, probe._finds_token = None, False
        # Nothing secret is sent, so whose certificate it is does not matter.
        probe._tls = httpx2.create_ssl_context(verify=False)
        try:
            async with asyncio.timeout(_FOUND_WITHIN):
                response = await probe._send(httpx2.Request("GET", url))
                await response.aclose()
        except (httpx2.TransportError, TimeoutError):
            return False
        finally:
            await probe.aclose()
        return True

    def _connections(self) -> httpx2.AsyncClient | httpx2.AsyncHTTPTransport:
        """Those of this event loop; with a client of their own only where proxies may be."""
        loop = asyncio.get_running_loop()
        if self._http is None or self._loop is not loop:
            if self._is_here:
                uds = None if self._path is None else str(self._path)
                self._http = httpx2.AsyncHTTPTransport(
                    verify=self._tls, trust_env=False, uds=uds, limits=_LIMITS
                )
            else:
                try:
                    self._http = httpx2.AsyncClient(timeout=None, verify=self._tls, limits=_LIMITS)
                except (ValueError, ImportError, httpx2.InvalidURL):
                    raise InvalidInputError(
                        "The proxy settings of the environment cannot be used.",
                        hint="Correct HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, "
                        "or unset them.",
                    ) from None
            self._loop = loop
        return self._http

    async def _check_owner(self, connection: socket.socket) -> None:
        """Refuse a new connection before anything is sent on it, unless it ends in our process.

        Raises:
            httpx2.TransportError: It has ended, or nobody has accepted it.
            InvalidTokenError: This machine's token would go to a process of another user.
        """
        try:
            answer = await is_ours(connection)
        except OSError as error:  # a TimeoutError is one
            is_late = isinstance(error, TimeoutError)
            raise (httpx2.ConnectTimeout if is_late else httpx2.ConnectError)(str(error)) from None
        if not answer:
            seen = "cannot be seen to be yours" if answer is None else "is another user's"
            raise InvalidTokenError(
                f"The process at {self.url} {seen}, so this machine's token was not sent to it.",
                hint="If it is to have one, name it: token, --token-file or PRIVACY_SDK_TOKEN.",
            )

    async def aclose(self) -> None:
        """Close the connections of this event loop."""
        http, self._http = self._http, None
        if http is not None and self._loop is asyncio.get_running_loop():
            await http.aclose()


class LocalGateways(httpx2.AsyncBaseTransport):
    """Carries each request to the gateway on this machine that serves its account.

    They are found by their sockets, which their owner alone reaches, so no token is needed; one
    that was started anew is found again.
    """

    def __init__(self) -> None:
        self._gateways: dict[Path, Network] = {}
        self._serving: dict[str, Path] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer; to ``/v1/accounts``, that of all gateways together.

        Raises:
            NotConnectedError: No gateway runs, or none serves the account.
            UnknownAccountError: Several serve it.
        """
        account = _account_of(request.url.path)
        if account is None:
            rows = [row for each in (await self._ask_all()).values() for row in each]
            return httpx2.Response(200, json={"accounts": rows})
        if (path := self._serving.get(account)) is not None:
            try:
                return await self._gateways[path].handle_async_request(request)
            except UnreachableError:  # nothing was sent
                del self._serving[account]
        path = self._serving[account] = await self._find(account)
        return await self._gateways[path].handle_async_request(request)

    async def _find(self, account: str) -> Path:
        served = await self._ask_all()
        found = [path for path, each in served.items() if account in _names(each)]
        if len(found) > 1:
            ports = " and ".join(path.name.partition("-")[0] for path in found)
            raise UnknownAccountError(
                f"Several gateways on this machine serve {account!r}, at ports {ports}.",
                hint="Pass url (--url), or stop all but one of them.",
            )
        if not found:
            names = ", ".join(name for each in served.values() for name in _names(each))
            raise NotConnectedError(
                f"No gateway on this machine serves {account!r}.",
                hint=f"They serve: {names or 'no account'}.",
            )
        return found[0]

    async def _ask_all(self) -> dict[Path, list[wire.Json]]:
        paths = await asyncio.to_thread(local_sockets)
        answers = await asyncio.gather(*map(self._ask, paths))
        served = {path: each for path, each in zip(paths, answers, strict=True) if each is not None}
        if not served:
            raise NotConnectedError(
                "No gateway runs on this machine.",
                hint="Start one: privacy-sdk gateway, for an account that is made up; "
                "privacy-sdk gateway --account me=whatsapp, for a phone. "
                "For one elsewhere set PRIVACY_SDK_URL.",
            )
        return served

    async def _ask(self, path: Path) -> list[wire.Json] | None:
        """Return which accounts a gateway serves; None if it does not say so in time."""
        gateway = self._gateways.setdefault(path, Network(HERE, path=path))
        request = httpx2.Request("GET", f"{HERE}/v1/accounts")
        try:
            async with asyncio.timeout(_FOUND_WITHIN):
                response = await gateway.handle_async_request(request)
                raw = await response.aread()
                await response.aclose()
            document = json.loads(raw)
            wire.accounts_from_json(document)
        except (
            UnreachableError,
            UnreadableAnswerError,
            httpx2.TransportError,
            TimeoutError,
            ValueError,
        ):
            return None
        rows: list[wire.Json] = document["accounts"]
        return rows

    async def aclose(self) -> None:
        """Close the connections of this event loop."""
        await asyncio.gather(*(each.aclose() for each in self._gateways.values()))


def network_to(
    url: str | None, *, token: str | None = None, ca: str | os.PathLike[str] | None = None
) -> tuple[str, Network | LocalGateways]:
    """Return the address of a gateway and what carries requests there; without one, of ours here.

    This machine's token is sent only where no other is given, by argument or environment.
    """
    if url is None:
        return HERE, LocalGateways()
    finds_token = token is None and not os.environ.get(ENVIRONMENT)
    url = checked_url(url)
    return url, Network(url, ca=ca, finds_token=finds_token)


def is_problem(response: httpx2.Response) -> bool:
    """Whether an answer is a problem document, hence a gateway's own."""
    return response.headers.get("Content-Type", "").startswith("application/problem+json")


def _names(rows: list[wire.Json]) -> list[str]:
    return [str(row["id"]) for row in rows]


def _account_of(path: str) -> str | None:
    match = re.match(r"/v1/accounts/([^/]+)", path)
    return unquote(match[1]) if match else None


def _tls(ca: str | os.PathLike[str] | None) -> ssl.SSLContext:
    file = ca or os.environ.get(CA) or os.environ.get("SSL_CERT_FILE")
    if not file:
        return httpx2.create_ssl_context()
    try:
        return ssl.create_default_context(cafile=file)
    except OSError as error:  # an ssl.SSLError is one
        raise InvalidInputError(
            f"The certificates to trust cannot be read: {error.strerror or error}.",
            hint=f"ca=…, --cafile, {CA} and SSL_CERT_FILE name a PEM file.",
        ) from None


def unreachable(error: BaseException, url: str) -> UnreachableError:
    """Return what a user is told of a connection that did not come about."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            what = f"The certificate at {url} is not trusted: {cause.verify_message}."
            hint = f"ca=… (--cafile, {CA}) names the PEM file of who signed it."
            return UnreachableError(NotConnectedError(what, hint=hint), is_final=True)
        if isinstance(cause, ssl.SSLError):
            what = f"What listens at {url} speaks no TLS."
            hint = "If it is a gateway: http:// there."
            return UnreachableError(NotConnectedError(what, hint=hint), is_final=True)
        if isinstance(cause, socket.gaierror):
            what = f"There is no machine named {urlsplit(url).hostname!r}."
            hint = "Is the name right, and the network up?"
            return UnreachableError(NotConnectedError(what, hint=hint))
    if isinstance(error, httpx2.ProxyError):
        what, hint = f"The proxy on the way to {url} refused.", "HTTPS_PROXY or ALL_PROXY names it."
        return UnreachableError(NotConnectedError(what, hint=hint))
    if isinstance(error, httpx2.ConnectTimeout):
        return UnreachableError(NotConnectedError(f"{url} does not take the connection in time."))
    return UnreachableError(NotConnectedError(f"No gateway answers at {url}."))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _causes(each)
        error = error.__cause__ or error.__context__
