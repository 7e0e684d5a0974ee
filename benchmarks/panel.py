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

def follow(box):
    dropdown, note = box.children
    def changed(_):
        note.value = dropdown.value
    dropdown.observe(changed, "value")
    return dropdown.comm.comm_id, note.comm.comm_id

model = client.panel()
last = model.controls["last"]
ids = {
    "ours": next((last.comm.comm_id, each.children[1].comm.comm_id)
                 for each in tree(model) if last in getattr(each, "children", ())),
    "bare": follow(w.HBox([bare(last), w.HTML()])),
}
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
                control, note = ids[("ours", "bare")[side]]
                clicked[side].append(kernel.click(control, note, index=(turn + 1) % 2))
    for what, beside, (ours, bare) in (
        ("client.panel() to first display", f"a bare VBox of as many widgets ({counted})", opened),
        ("click to changed control", "one bare Dropdown that sets one bare HTML", clicked),
    ):
        yield Row(
            what,
            statistics.median(ours[3:]) * 1e3,
            beside,
            statistics.median(bare[3:]) * 1e3,
            "ms",
            "<= 1.5",
        )


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
        self._until(asked, lambda message: message["content"].get("execution_state") == "idle")
        took = time.perf_counter() - start
        answer = self._reply(asked)
        assert answer["status"] == "ok", answer
        return took

    def value(self, expression: str) -> Any:
        """What an expression is."""
        content = self._reply(self._client.execute("", user_expressions={"it": expression}))
        return ast.literal_eval(content["user_expressions"]["it"]["data"]["text/plain"])

    def click(self, control: str, note: str, *, index: int) -> float:
        """How long it takes until a choice has changed what is written beside it [s]."""
        data = {"method": "update", "state": {"index": index}, "buffer_paths": []}
        message = self._client.session.msg("comm_msg", {"comm_id": control, "data": data})
        start = time.perf_counter()
        self._client.shell_channel.send(message)
        self._until(
            message["header"]["msg_id"],
            lambda got: (
                got["content"].get("comm_id") == note
                and "value" in got["content"]["data"].get("state", ())
            ),
        )
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
