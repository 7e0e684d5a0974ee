"""Panels as a person meets them: what is read on them, what is pressed, and slow accounts."""

from __future__ import annotations

import asyncio
import html
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets as widgets

import privacy_sdk as ps


def shown(widget: Any) -> Iterator[Any]:
    """A widget and those within it that are on the page."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from shown(child)


def text_in(markup: str) -> str:
    """What a reader sees of HTML."""
    visible = re.sub(r"<style>.*?</style>|<[^>]*>", " ", markup, flags=re.DOTALL)
    return " ".join(html.unescape(visible).split())


def text_of(panel: Any) -> str:
    """Everything that is written on a panel beside its controls."""
    return text_in(html_of(panel))


def html_of(panel: Any) -> str:
    """The HTML on a panel."""
    return " ".join(w.value for w in shown(panel) if isinstance(w, widgets.HTML))


def row_of(panel: Any, category: str) -> str:
    """What is written beside a control."""
    control = panel.controls[category]
    line = next(w for w in shown(panel) if control in getattr(w, "children", ()))
    return text_in(line.children[1].value)


def labelled(panel: Any, label: str) -> Any:
    """The only control with a label."""
    found = [w for w in shown(panel) if getattr(w, "description", None) == label]
    assert len(found) == 1, [getattr(w, "description", None) for w in shown(panel)]
    return found[0]


def press(panel: Any, label: str) -> None:
    """Click a button, whether or not a browser would let one."""
    labelled(panel, label).click()


def settled(panel: Any) -> str:
    """What the panel says once it is at rest."""
    eventually(lambda: not labelled(panel, "Refresh").disabled)
    return panel.message


def eventually(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.002)


class Gated(ps.EmulatedAccount):
    """An account that answers a change when it is let through."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.arrived, self.passing = threading.Event(), threading.Event()
        self.asked: list[str] = []

    async def set_privacy_setting(self, category: Any, value: Any, **options: Any) -> Any:
        self.asked.append(category.value)
        self.arrived.set()
        await asyncio.to_thread(self.passing.wait, 20)
        return await super().set_privacy_setting(category, value, **options)


class Forgetful(ps.EmulatedAccount):
    """An account of which no journal is kept, so that nothing tells of changes either."""

    async def history(self, **asked: Any) -> Any:
        raise ps.NotSupportedError("What was changed is not written down.")

    async def watch(self, **asked: Any) -> Any:
        raise ps.NotSupportedError("What was changed is not written down.")
        yield


class Blind(ps.EmulatedAccount):
    """An account that reads neither lists nor the timer, as a live one."""

    async def info(self) -> Any:
        info = await super().info()
        unable = {"read_disallowed_list", "read_disappearing_mode"}
        return ps.AccountInfo(info.id, "whatsapp", info.state, info.capabilities - unable)

    async def fetch_disallowed_list(self, category: Any) -> Any:
        raise ps.NotSupportedError("Lists cannot be read.")

    async def fetch_default_disappearing_mode(self) -> int:
        raise ps.NotSupportedError("The timer cannot be read.")
