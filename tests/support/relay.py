"""A relay in front of a gateway: holds requests back, and tells in which order it saw what."""

import queue
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

PATIENCE = 60
"""How long a test waits for what must happen before it fails [s]; none passes by waiting."""


class Relay:
    """Passes bytes on in both directions.

    ``hold`` is what requests begin with that are not passed on, such as ``b"PUT "``; they are
    never answered. ``events`` gets ``held`` for each, and ``closed`` when a client hangs up.
    """

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.hold: bytes | None = None
        self.events: queue.Queue[str] = queue.Queue()
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def expect(self, event: str) -> None:
        """That this is what happens next."""
        assert self.events.get(timeout=PATIENCE) == event

    def close(self) -> None:
        """Take no more connections; closing alone would leave the thread and the port waiting."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        # Who watches asks on when the gateway is gone: that is a connection which ends, no more.
        with client, suppress(ConnectionError), socket.create_connection(self._upstream) as gateway:
            ready = selectors.DefaultSelector()
            ready.register(gateway, selectors.EVENT_READ)
            ready.register(client, selectors.EVENT_READ)
            held = False
            while True:
                sources = {key.fileobj for key, _ in ready.select()}
                if gateway in sources:
                    if not (data := gateway.recv(65_536)):
                        return
                    client.sendall(data)
                if client in sources:
                    try:
                        data = client.recv(65_536)
                    except ConnectionError:
                        data = b""
                    if not data:
                        self.events.put("closed")
                        return
                    if self.hold is not None and not held and data.startswith(self.hold):
                        held = True
                        ready.unregister(gateway)
                        self.events.put("held")
                    if not held:
                        gateway.sendall(data)


@contextmanager
def relay_to(upstream: str) -> Iterator[Relay]:
    relay = Relay(upstream)
    try:
        yield relay
    finally:
        relay.close()
