"""Running a gateway: in the foreground as a process of its own, or beside a test or notebook."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from privacy_sdk.accounts.base import Account
from privacy_sdk.accounts.recorded import READ_EVERY
from privacy_sdk.errors import InvalidInputError, PrivacyError, UsageError
from privacy_sdk.gateway import not_installed
from privacy_sdk.support.files import as_path
from privacy_sdk.support.gateways import DEFAULT_PORT
from privacy_sdk.support.sockets import local_listener
from privacy_sdk.support.tokens import checked_token, gateway_token, read_token

if TYPE_CHECKING:
    import uvicorn

    from privacy_sdk.accounts.journal import Journal
    from privacy_sdk.gateway.guard import Secret

logger = logging.getLogger("privacy_sdk.gateway")

_GRACE = 0.3
"""How long requests in flight have left when the gateway stops [s]; it is to end in a second."""


@dataclass(frozen=True, slots=True)
class Listening:
    """A gateway that is ready; ``str()`` says how to use it.

    Attributes:
        url: Its address.
        accounts: The names of its accounts.
        token_at: Where its token is: a file, a variable, or with whoever started it.
        is_found: Whether clients of this user find it by itself, and need no token.
    """

    url: str
    accounts: tuple[str, ...]
    token_at: str
    is_found: bool = True

    def __str__(self) -> str:
        url = "" if self.is_found else f'"{self.url}", token="…"'
        account = f'account="{self.accounts[0]}"' if self.accounts else ""
        arguments = ", ".join(filter(None, (url, account)))
        return "\n".join(
            (
                f"Gateway on {self.url} with {', '.join(self.accounts) or 'no account'}.",
                f"  connect   import privacy_sdk as ps; client = ps.Client({arguments})",
                f"  token     {self.token_at}",
                "  stop      Ctrl-C",
            )
        )


def _announce(listening: Listening) -> None:
    print(listening, flush=True)


def serve(
    accounts: Mapping[str, Account],
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    token: str | None = None,
    token_file: str | os.PathLike[str] | None = None,
    allowed_hosts: Collection[str] = (),
    certfile: str | os.PathLike[str] | None = None,
    keyfile: str | os.PathLike[str] | None = None,
    insecure_remote: bool = False,
    journal: str | None = None,
    keep: timedelta | None = None,
    read_every: float = READ_EVERY,
    on_ready: Callable[[Listening], object] = _announce,
) -> None:
    """Serve accounts until Ctrl-C or SIGTERM, in a process that does nothing else.

    Where SIGINT is ignored, as in a background job, only SIGTERM stops it. Clients of the same
    user on this machine find it by its socket, and need no token. SIGHUP has it read its token
    file again, and never ends it.

    Logs JSON lines to stderr. When it is to stop it is gone within a second: requests in flight
    have a moment to end, and a change that does not is answered 503, outcome unknown.

    Args:
        accounts: The accounts, by the names that they have in URLs; closed at the end.
        host: Where to listen; beyond this machine only with TLS or ``insecure_remote``.
        port: Where to listen; 0 takes any free port.
        token: What clients must send; PRIVACY_SDK_TOKEN by default, else what is in this user's
            token file, which is made if need be.
        token_file: The file that holds it instead, as of a secret that is mounted.
        allowed_hosts: Names of this machine that clients may use beside localhost.
        certfile: TLS certificate chain (PEM).
        keyfile: Its private key, where it is not in ``certfile``.
        insecure_remote: Whether to listen beyond this machine without TLS, as behind a proxy
            that adds it.
        journal: Where changes are written down: ``postgresql+psycopg://…``, or ``off``; SQLite
            in the data folder by default.
        keep: How long they are kept; a year by default.
        read_every: How often an account is read while somebody watches it, to notice what was
            changed elsewhere [s].
        on_ready: Called with a :class:`Listening` once requests are taken; prints it by default.

    Raises:
        InvalidInputError: An address beyond this machine without TLS; a token that cannot be
            read or sent.
        PrivacyError: The port is taken, the certificate or the journal cannot be used, or the
            gateway is not installed.
        UsageError: Not in the main thread, which alone is told of signals.
    """
    if threading.current_thread() is not threading.main_thread():
        raise UsageError(
            "serve() needs the main thread.", hint="Use running_gateway() in other threads."
        )
    if certfile or keyfile:
        _check_certificate(certfile, keyfile)
    read = _token_source(token, token_file)
    token, token_at = read()
    remote = bool(certfile) or insecure_remote
    with _listen(host, port, remote=remote) as listener, local_listener(_port(listener)) as local:
        url = f"http{'s' if certfile else ''}://{_written(host, listener)}"
        server = _server(
            accounts,
            token=token,
            local=local,
            allowed_hosts=(*allowed_hosts, host),
            on_ready=lambda: on_ready(
                Listening(url, tuple(accounts), token_at, is_found=local is not None)
            ),
            journal=_journal(journal, keep),
            read_every=read_every,
            ssl_certfile=certfile,
            ssl_keyfile=keyfile,
        )
        from privacy_sdk.gateway.log import log_to_stderr

        log_to_stderr()

        secret: Secret = server.config.app.state.secret  # type: ignore[union-attr]

        def read_again() -> None:
            try:
                secret.token, _source = read()
            except PrivacyError as error:
                logger.error("the token was not read again: %s", error.message)
            else:
                logger.info("the token was read again")

        async def run() -> None:
            with _on_hangup(read_again):
                await server.serve(sockets=[listener])

        with _stopped_by_signals(server):
            asyncio.run(run())


def _token_source(
    token: str | None, token_file: str | os.PathLike[str] | None
) -> Callable[[], tuple[str, str]]:
    """Return what reads the token, and says where it is."""
    if token is not None and token_file is not None:
        raise InvalidInputError("A token and a token file do not go together.")
    if token is not None:
        given = checked_token(token, "token=…"), "as given"
        return lambda: given
    if token_file is not None:
        path = as_path(token_file)
        return lambda: (read_token(path), str(path))
    return gateway_token


@contextmanager
def running_gateway(
    accounts: Mapping[str, Account],
    *,
    token: str | None = None,
    port: int = 0,
    is_found: bool = False,
) -> Iterator[str]:
    """A gateway beside the caller, in a thread of its own with a loop of its own.

    Args:
        accounts: The accounts, by the names that they have in URLs; closed at the end.
        token: What clients must send; None lets in everybody on this machine.
        port: Where to listen on 127.0.0.1; 0 takes any free port.
        is_found: Whether clients of this user find it without its address, too.

    Yields:
        Its address.

    Raises:
        PrivacyError: The port is taken, or the gateway is not installed.

    Example:
        >>> from privacy_sdk.accounts.emulated.account import EmulatedAccount
        >>> import privacy_sdk as ps
        >>> with running_gateway({"demo": EmulatedAccount()}) as url, ps.Client(url) as client:
        ...     client.set_default_disappearing_mode(604_800)
    """
    ready = threading.Event()
    with ExitStack() as end:
        listener = end.enter_context(_listen("127.0.0.1", port))
        local = end.enter_context(local_listener(_port(listener))) if is_found else None
        server = _server(accounts, token=token, local=local, on_ready=ready.set)
        thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets=[listener])),
            name="privacy_sdk gateway",
            daemon=True,
        )
        thread.start()
        try:
            while not ready.wait(0.05):
                if not thread.is_alive():
                    raise PrivacyError("The gateway did not start.", hint="Its log says why.")
            yield f"http://{_written('127.0.0.1', listener)}"
        finally:
            server.should_exit = True
            thread.join()


def _journal(where: str | None, keep: timedelta | None) -> Journal:
    try:
        from privacy_sdk.accounts.journal import MemoryJournal
        from privacy_sdk.gateway.journal import KEEP, default_path_exists, open_journal
    except ModuleNotFoundError as error:
        raise not_installed(error) from None
    try:
        return open_journal(where, keep=KEEP if keep is None else keep)
    except PrivacyError as error:
        if where is not None or default_path_exists():
            raise
        # No home, or one that cannot be written: what was changed is known until it stops.
        logger.warning("no journal is kept beyond this run: %s", error.message)
        return MemoryJournal()


def _server(
    accounts: Mapping[str, Account],
    *,
    token: str | None,
    on_ready: Callable[[], object],
    local: socket.socket | None = None,
    allowed_hosts: Collection[str] = (),
    journal: Journal | None = None,
    read_every: float = READ_EVERY,
    **tls: Any,
) -> uvicorn.Server:
    try:
        import uvicorn

        from privacy_sdk.gateway.app import create_app
        from privacy_sdk.gateway.connections import MAX_HEADERS, Acceptor, ConnectionLimits
    except ModuleNotFoundError as error:
        raise not_installed(error) from None

    app = create_app(
        accounts,
        token=token,
        allowed_hosts=allowed_hosts,
        journal=journal,
        read_every=read_every,
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            """Accept connections ourselves, for uvicorn does not count them from accept on."""
            await super().startup([])
            listeners = [(each, self.config.ssl) for each in sockets or ()]
            if local is not None:  # what stays with its owner needs no TLS
                listeners.append((local, None))
            self._acceptors = [
                Acceptor(
                    listener,
                    lambda held, lost: ConnectionLimits(
                        self.config, self.server_state, self.lifespan.state, held, lost
                    ),
                    tls,
                )
                for listener, tls in listeners
            ]
            on_ready()

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Leave signals alone.

            uvicorn would take those that are ignored, and raise them again once it is done, which
            would end a well-stopped gateway with a traceback or the status of a killed process.
            """
            yield

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            stopping = asyncio.ensure_future(app.state.in_flight.stop(_GRACE))
            for acceptor in self._acceptors:
                await acceptor.aclose()
            await super().shutdown(sockets)
            await stopping

    return Server(
        uvicorn.Config(
            app,
            http=ConnectionLimits,
            ws="none",
            lifespan="on",
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=MAX_HEADERS,
            **tls,
        )
    )


def _check_certificate(
    certfile: str | os.PathLike[str] | None, keyfile: str | os.PathLike[str] | None
) -> None:
    if not certfile:
        raise InvalidInputError("A private key was given without its certificate.")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certfile, keyfile)
    except OSError as error:  # an ssl.SSLError is one
        raise PrivacyError(
            f"The certificate cannot be used: {error.strerror or error}.",
            hint="Both certificate and private key are PEM files.",
        ) from None


def _listen(host: str, port: int, *, remote: bool = False) -> socket.socket:
    """A bound socket, so that the port is known, or known to be taken, before all else."""
    if not 0 <= port < 2**16:  # getaddrinfo() would take it modulo 65536
        raise InvalidInputError(f"{port} is not a port.", hint="Ports are 0 (any free) to 65535.")
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        if not remote and not ipaddress.ip_address(address[0]).is_loopback:
            raise InvalidInputError(
                f"{host!r} is beyond this machine, and the token would travel there in clear.",
                hint="Give a certificate, or stay on 127.0.0.1 behind a proxy that has one; "
                "insecure_remote (--insecure-remote) listens there all the same.",
            )
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        raise PrivacyError(
            f"Cannot listen on {host} port {port}: {error.strerror or error}.",
            hint="Is a gateway running there already? Choose another port, or 0 for any.",
        ) from None


def _port(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def _written(host: str, listener: socket.socket) -> str:
    port = _port(listener)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """Let signals stop ``server`` and nothing else; one that is ignored stays ignored.

    A shell has background jobs ignore SIGINT, so that Ctrl-C ends only what is in front.
    """
    before = {
        name: signal.signal(name, server.handle_exit)
        for name in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(name) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


@contextmanager
def _on_hangup(act: Callable[[], object]) -> Iterator[None]:
    """Act on SIGHUP, where there is one and it is not ignored, as under nohup.

    The running loop does it between two steps: what is raised inside one would be lost with it.
    """
    number = getattr(signal, "SIGHUP", None)
    if number is None or (before := signal.getsignal(number)) is signal.SIG_IGN:
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)
        signal.signal(number, before)
