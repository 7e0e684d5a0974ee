"""Interrupting a real Jupyter kernel: in a cell, and in a widget's callback."""

from collections.abc import Iterator

import pytest
from kernels import Kernel, running_kernel
from relay import Relay, relay_to

import privacy_sdk as ps
from privacy_sdk.testing import running_gateway

LIST = 'client.fetch_disallowed_list("last")'
TIMER = "client.fetch_default_disappearing_mode()"


@pytest.fixture
def relay() -> Iterator[Relay]:
    with running_gateway({"demo": ps.EmulatedAccount()}) as url, relay_to(url) as relay:
        yield relay


@pytest.fixture
def kernel(relay: Relay) -> Iterator[Kernel]:
    with running_kernel() as kernel:
        kernel.run(f"import privacy_sdk as ps\nclient = ps.Client({relay.url!r})\n{TIMER}")
        yield kernel


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
