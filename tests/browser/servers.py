"""Servers of notebooks for a browser, and a browser that reaches nothing else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

import nbformat
from playwright.sync_api import BrowserContext, Page, Route, expect, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOCAL = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")
LAB = {
    # Otherwise a pop-up asks whether to fetch news.
    "labconfig/page_config.json": {
        "disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}
    },
}


def write_notebook(path: Path, *cells: str) -> Path:
    """A notebook of code cells."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell, id=f"cell-{n}") for n, cell in enumerate(cells)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, path)
    return path


@contextmanager
def serving(program: Sequence[str], home: Path, **environment: str) -> Iterator[str]:
    """The address of a Jupyter server, whose program gets its port with ``{port}``."""
    for name, document in LAB.items():
        path = home / "config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (home / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *(part.format(port=port) for part in program)],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=home,
            env={
                **os.environ,
                "HOME": str(home),
                "JUPYTER_CONFIG_DIR": str(home / "config"),
                "JUPYTER_DATA_DIR": str(home / "data"),
                "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
                "IPYTHONDIR": str(home / "ipython"),
                **environment,
            },
        )
        try:
            wait_until_up(url, process, home / "server.log")
            yield url
        finally:
            process.terminate()
            process.wait(20)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_until_up(url: str, process: subprocess.Popen[Any], log: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except URLError:
            time.sleep(0.1)
        except OSError:
            return
    raise AssertionError(log.read_text())


@contextmanager
def browsing(chromium: str, home: Path) -> Iterator[BrowserContext]:
    """A browser that reaches this machine only."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(home / "browser"),
            executable_path=chromium,
            headless=True,
            args=FLAGS,
            viewport={"width": 1000, "height": 900},
        )
        context.set_default_timeout(60_000)
        expect.set_options(timeout=30_000)
        context.route("**/*", only_local)
        try:
            yield context
        finally:
            context.close()


def only_local(route: Route) -> None:
    if route.request.url.startswith(LOCAL):
        route.continue_()
    else:
        route.abort()


def panel_of(page: Page) -> Any:
    """The panel on a page, once it is there."""
    panel = page.locator(".privacy-sdk")
    panel.get_by_label("Last seen").first.wait_for()
    return panel


def plan_rows(panel: Any) -> Any:
    """The rows of the plan that a panel shows, with its head."""
    return panel.locator(".psdk-plan table").first.get_by_role("row")
