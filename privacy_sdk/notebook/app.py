"""The control panel as a page of its own, for people without a notebook: Voilà shows it."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
import webbrowser
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from privacy_sdk.errors import PrivacyError

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient
    from privacy_sdk.notebook.panel import Panel

TITLE = "Privacy settings"

_SOURCE = "PRIVACY_SDK_APP"
"""The variable that tells the page's kernel whose settings to show."""

_ASK_BEFORE_LEAVING = """<script>
addEventListener("beforeunload", event => {
  if (document.querySelector(".privacy-sdk .psdk-plan table")) event.preventDefault();
});
</script>"""
"""Whoever reloads or leaves while something is chosen and not applied is asked first."""


def serve_page(
    source: Mapping[str, Any],
    *,
    port: int = 8866,
    theme: Literal["light", "dark"] = "light",
    open_browser: bool = True,
    fresh: bool = False,
) -> None:
    """Serve the page to this machine until Ctrl-C, behind an address that holds a token.

    Args:
        source: Whose settings the page shows: the keyword arguments of :func:`client_of`.
        port: Where to listen; the next free one is taken if it is not free.
        theme: How the page looks.
        open_browser: Whether to open it at once.
        fresh: Whether each page and reload has an emulated account of its own, instead of one
            for all of this run.

    Raises:
        PrivacyError: Voilà is not installed, or the gateway that serves the emulated account.
    """
    try:
        from voila.app import Voila
    except ModuleNotFoundError as error:
        raise PrivacyError(
            f"The page needs {error.name}, which is not installed.",
            hint='pip install "privacy-sdk[app]"',
        ) from None

    class Page(Voila):  # type: ignore[misc]  # Voilà comes without types
        def launch_browser(self) -> None:
            # Voilà's own would open the address without its token.
            print(f"{TITLE}: {self.display_url}\nStop with Ctrl-C.", flush=True)
            if open_browser:
                webbrowser.open(self.display_url)

    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="privacy-sdk-"))
        notebook = Path(folder) / f"{TITLE}.ipynb"
        notebook.write_text(json.dumps(_notebook(_about(source, fresh=fresh))), "utf-8")
        if source.get("emulated") and not fresh:
            source = _shared_account(Path(folder), stack)
        os.environ[_SOURCE] = json.dumps(dict(source))
        Page.launch_instance(
            [
                str(notebook),
                f"--port={port}",
                "--Voila.ip=127.0.0.1",
                "--Voila.open_browser=True",
                "--Voila.auto_token=True",
                f"--Voila.connection_dir_root={folder}",
                f"--theme={theme}",
                "--Application.log_level=ERROR",
                "--KernelManager.transport_encryption=auto",
            ]
        )


def _shared_account(folder: Path, stack: ExitStack) -> Mapping[str, Any]:
    """Serve one emulated account to the kernels of all pages; return where it is."""
    from privacy_sdk.accounts.emulated.account import EmulatedAccount
    from privacy_sdk.gateway.server import running_gateway

    account, token = EmulatedAccount(), secrets.token_urlsafe()
    token_file = folder / "token"  # the folder is its owner's alone
    token_file.write_text(token, "utf-8")
    url = stack.enter_context(running_gateway({account.id: account}, token=token))
    return {"url": url, "account": account.id, "token_file": str(token_file)}


def _about(source: Mapping[str, Any], *, fresh: bool) -> str:
    """What the page is, and where what is applied goes."""
    if source.get("emulated"):
        whose = "Each page and reload has its own." if fresh else "All pages and reloads share it."
        return (
            "This account is made up and lives in this program: try anything, "
            f"nothing is sent anywhere. {whose}"
        )
    if source.get("replay"):
        return "These answers were recorded earlier: nothing is sent anywhere."
    return "Nothing is sent before Apply; then the gateway sends what the plan shows to WhatsApp."


def client_of(
    *,
    emulated: bool = False,
    replay: str | None = None,
    token_file: str | None = None,
    cafile: str | None = None,
    names: str | None = None,
    **gateway: Any,
) -> AsyncClient:
    """Return a client of an emulated account, of a recording, or of a gateway by its arguments.

    The token is read from its file here, so that it stands in no environment.
    """
    from privacy_sdk.client import AsyncClient
    from privacy_sdk.support.tokens import read_token

    if emulated:
        return AsyncClient.emulated(names=names)
    if replay is not None:
        return AsyncClient.replay(replay, names=names)
    token = token_file and read_token(Path(token_file))
    return AsyncClient(token=token, ca=cafile, names=names, **gateway)


def page() -> Panel | Unavailable:
    """What the page shows: the panel, or why there is none."""
    from privacy_sdk.notebook.panel import open_panel

    try:
        return open_panel(client_of(**json.loads(os.environ[_SOURCE])))
    except PrivacyError as error:
        return Unavailable(error)


class Unavailable:
    """Stands where a panel would, and says why there is none."""

    def __init__(self, error: PrivacyError) -> None:
        self._error = error

    def _repr_html_(self) -> str:
        from privacy_sdk.views.html import error_text, text_html

        text = text_html(error_text(self._error), 2_000)
        return f'<p role="alert">{text} Then load this page again.</p>'


def _notebook(about: str) -> dict[str, Any]:
    head: dict[str, Any] = {
        "cell_type": "markdown",
        "id": "head",
        "metadata": {},
        "source": f"# {TITLE}\n\nWho can see what of a WhatsApp account. {about}\n\n"
        f"{_ASK_BEFORE_LEAVING}",
    }
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "page",
        "metadata": {},
        "source": "from privacy_sdk.notebook.app import page\npage()",
        "outputs": [],
        "execution_count": None,
    }
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return {"cells": [head, cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
