"""Interrupting a real Jupyter kernel: in a cell, and in a widget's callback."""

from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from relay import PATIENCE, Relay, relay_to

import privacy_sdk as ps
from privacy_sdk.serving import running_gateway

LIST = 'client.fetch_disallowed_list("last")'
TIMER = "client.fetch_default_disappearing_mode()"


class Kernel:
    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self._manager, self._client = manager, client

    def run(self, code: str) -> str:
        """What a cell prints or shows."""
        shown: list[str] = []

        def take(message: dict[str, Any]) -> None:
            content = message["content"]
            shown.append(content.get("text") or content.get("data", {}).get("text/plain", ""))

        reply = self._client.execute_interactive(code, timeout=PATIENCE, output_hook=take)
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(shown).strip()

    def start(self, code: str) -> str:
        """Start a cell, and return what to wait for."""
        return self._client.execute(code)

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


@pytest.fixture
def relay() -> Iterator[Relay]:
    with running_gateway({"demo": ps.EmulatedAccount()}) as url, relay_to(url) as relay:
        yield relay


@pytest.fixture
def kernel(relay: Relay) -> Iterator[Kernel]:
    manager = KernelManager()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE)
        kernel = Kernel(manager, client)
        kernel.run(f"import privacy_sdk as ps\nclient = ps.Client({relay.url!r})\n{TIMER}")
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_interrupting_a_cell_hangs_up_and_leaves_kernel_and_client_usable(
    kernel: Kernel, relay: Relay
) -> None:
    relay.hold = b"PUT "
    cell = kernel.start('client.set_privacy_setting("last", "none")')
    relay.expect("held")
    kernel.interrupt()
    relay.expect("closed")
    reply = kernel.reply_to(cell)
    assert reply["ename"] == "KeyboardInterrupt"
    assert "may still take: fetch before repeating it." in "".join(reply["traceback"])
    relay.hold = None
    assert kernel.run(LIST) == "DisallowedList(dhash=None, users=())"


def test_interrupting_a_widgets_callback_hangs_up_and_leaves_kernel_and_client_usable(
    kernel: Kernel, relay: Relay
) -> None:
    comm = kernel.run(
        f"""
        import ipywidgets
        happened = []
        def pressed(button):
            try:
                {LIST}
            except KeyboardInterrupt:
                happened.append("interrupted")
                raise
        button = ipywidgets.Button()
        button.on_click(pressed)
        print(button.comm.comm_id)
        """
    )
    relay.hold = b"GET /v1/accounts/demo/privacy/last"
    kernel.click(comm)
    relay.expect("held")
    kernel.interrupt()
    relay.expect("closed")
    relay.hold = None
    assert kernel.run("print(happened)") == "['interrupted']"
    assert kernel.run(LIST) == "DisallowedList(dhash=None, users=())"


def test_a_cell_gets_its_answer_while_the_kernels_loop_runs(kernel: Kernel) -> None:
    assert kernel.run(f"import asyncio\nassert asyncio.get_running_loop()\n{TIMER}") == "0"
