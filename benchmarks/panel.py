"""The control panel, in a kernel: from code to display, and from a click to its answer"""

from __future__ import annotations

import ast
import statistics
import time
from collections.abc import Iterator
from typing import Any

from benchmarks import Row

SETUP = """
import ipywidgets as w
import privacy_sdk as ps
client = ps.Client.emulated()

def tree(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from tree(child)

def bare(like):
    if hasattr(like, "children"):
        box = w.HBox if isinstance(like, w.HBox) else w.VBox
        return box([bare(child) for child in like.children])
    if isinstance(like, w.Dropdown):
        return w.Dropdown(description=like.description, options=like.options, value=like.value)
    if isinstance(like, w.HTML):
        return w.HTML(like.value)
    return w.Button(description=like.description)

model = client.panel()
last = model.controls["last"]

def shown(index):
    last.index = index
    return [(each, name, getattr(each, name)) for each in tree(model)
            for name in ("value", "disabled") if name in each.trait_names() and each is not last]

def follow(dropdown):
    states = [(bare(was[0]), was[1], [was[2], now[2]])
              for was, now in zip(shown(0), shown(1)) if was[2] != now[2]]
    def changed(_):
        for widget, name, states_of in states:
            setattr(widget, name, states_of[dropdown.index])
    dropdown.observe(changed, "index")
    return dropdown.comm.comm_id

ids = last.comm.comm_id, follow(bare(last))
"""
OURS = "panel = client.panel(); display(panel)"
BARE = "box = bare(model); display(box)"
CLOSE = "panel.close()", "[(each.layout.close(), each.close()) for each in tree(box)]"


def rows(quick: bool) -> Iterator[Row]:
    rounds = 3 if quick else 60
    with Kernel() as kernel:
        kernel.run(SETUP)
        counted = kernel.value("len(list(tree(model)))")
        opened: tuple[list[float], list[float]] = [], []
        clicked: tuple[list[float], list[float]] = [], []
        ids = kernel.value("ids")
        for turn in range(rounds + 3):
            for side, (code, close) in enumerate(zip((OURS, BARE), CLOSE, strict=True)):
                opened[side].append(kernel.run(code))
                kernel.run(close)
                clicked[side].append(kernel.click(ids[side], index=(turn + 1) % 2))
    least = "its floor: a bare Dropdown that sets as many widgets to the same"
    for what, beside, (ours, bare), aim in (
        ("client.panel() to first display", f"as many bare widgets ({counted})", opened, "<= 1.5"),
        ("click to changed panel", least, clicked, "<= 1.15"),
    ):
        mine, theirs = (statistics.median(times[3:]) * 1e3 for times in (ours, bare))
        yield Row(what, mine, beside, theirs, "ms", aim)


class Kernel:
    """A kernel of its own, as a notebook has, and a front end that waits for its messages."""

    def __enter__(self) -> Kernel:
        from jupyter_client.manager import KernelManager

        self._manager = KernelManager(kernel_name="python3", transport_encryption="auto")
        self._manager.start_kernel()
        self._client: Any = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def run(self, code: str) -> float:
        """How long code takes until all of its messages have arrived [s]."""
        start = time.perf_counter()
        asked = self._client.execute(code)
        self._until(asked, _is_idle)
        took = time.perf_counter() - start
        answer = self._reply(asked)
        assert answer["status"] == "ok", answer
        return took

    def value(self, expression: str) -> Any:
        """What an expression is."""
        content = self._reply(self._client.execute("", user_expressions={"it": expression}))
        return ast.literal_eval(content["user_expressions"]["it"]["data"]["text/plain"])

    def click(self, control: str, *, index: int) -> float:
        """How long it takes until a choice has changed everything that it changes [s]."""
        data = {"method": "update", "state": {"index": index}, "buffer_paths": []}
        message = self._client.session.msg("comm_msg", {"comm_id": control, "data": data})
        start = time.perf_counter()
        self._client.shell_channel.send(message)
        self._until(message["header"]["msg_id"], _is_idle)
        return time.perf_counter() - start

    def _reply(self, asked: str) -> Any:
        """The reply to a request; one to an earlier question may come late."""
        while True:
            message = self._client.get_shell_msg(timeout=60)
            if message["parent_header"].get("msg_id") == asked:
                return message["content"]

    def _until(self, asked: str, is_it: Any) -> None:
        while True:
            message = self._client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") == asked and is_it(message):
                return


def _is_idle(message: Any) -> bool:
    return bool(message["content"].get("execution_state") == "idle")
