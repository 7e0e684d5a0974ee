"""A real Jupyter kernel for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from relay import PATIENCE


class Kernel:
    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self._manager, self._client = manager, client

    def run(self, code: str) -> str:
        """What a cell prints or shows."""
        shown: list[str] = []

        def take(message: dict[str, Any]) -> None:
            content = message["content"]
            shown.append(content.get("text") or content.get("data", {}).get("text/plain", ""))
            shown.extend(content.get("traceback", ()))

        reply = self._client.execute_interactive(code, timeout=PATIENCE, output_hook=take)
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(shown).strip()

    def complete(self, code: str) -> list[str]:
        """What Tab offers at the end of a cell."""
        matches: list[str] = self.reply_to(self._client.complete(code))["matches"]
        return matches

    def start(self, code: str) -> str:
        """Start a cell, and return what to wait for."""
        return self._client.execute(code, stop_on_error=False)  # an error would abort what follows

    def reply_to(self, request: str) -> dict[str, Any]:
        while True:
            reply = self._client.get_shell_msg(timeout=PATIENCE)
            if reply["parent_header"]["msg_id"] == request:
                return reply["content"]

    def click(self, comm: str) -> None:
        """What a browser sends when a button is pressed."""
        data = {"method": "custom", "content": {"event": "click"}}
        message = self._client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        self._client.shell_channel.send(message)

    def interrupt(self) -> None:
        self._manager.interrupt_kernel()


@contextmanager
def running_kernel() -> Iterator[Kernel]:
    manager = KernelManager()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
