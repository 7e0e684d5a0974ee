"""What ``Client.link`` gives: in a notebook an image that renews itself, elsewhere text."""

from __future__ import annotations

import concurrent.futures
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from privacy_sdk.accounts.base import Pairing
from privacy_sdk.bridge import BRIDGE
from privacy_sdk.errors import AnswerTimeoutError, PrivacyError
from privacy_sdk.pairing import link, qr_image, qr_text, said
from privacy_sdk.views.display import error_text, text_html

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient


class Link:
    """A phone that is being linked.

    In a notebook it shows itself at the end of a cell: a QR code that renews itself and turns
    into the words ``linked as +55 ••• 78``. What a notebook saves of it holds no code.
    """

    def __init__(self, client: AsyncClient, *, timeout: float) -> None:
        self._account = client.account
        self._said = "asking for a code"
        self._widget = _widget() if _is_notebook() else None
        self._linked: concurrent.futures.Future[Pairing]
        if self._widget is not None:
            self._linked = BRIDGE.submit(self._follow(client, timeout))
        else:
            self._linked = concurrent.futures.Future()
            self._linked.set_result(BRIDGE.run(self._follow(client, timeout)))

    def wait(self, timeout: float | None = None) -> Pairing:
        """The pairing of the linked phone, once it is connected.

        Args:
            timeout: How long to wait [s]; None for as long as the link is tried.

        Raises:
            NotConnectedError: It ended in another state.
            AnswerTimeoutError: It takes longer.
        """
        try:
            return self._linked.result(timeout)
        except concurrent.futures.TimeoutError as error:
            if isinstance(error, PrivacyError):
                raise
            raise AnswerTimeoutError(
                f"No phone was linked within {timeout} seconds.", hint=self._said
            ) from None

    def stop(self) -> None:
        """Wait for the phone no longer."""
        self._linked.cancel()

    async def _follow(self, client: AsyncClient, patience: float) -> Pairing:
        try:
            return await link(client, self._show, patience=patience)
        except PrivacyError as error:
            self._say(error_text(error))
            raise

    def _show(self, pairing: Pairing) -> None:
        self._say(said(pairing), pairing.qr)

    def _say(self, text: str, qr: str | None = None) -> None:
        self._said = text
        if self._widget is not None:
            image = qr and f'<img alt="QR code for the phone to scan" src="{qr_image(qr)}">'
            self._widget.value = f"{image or ''}<p>{text_html(text, 1_000)}</p>"
        else:
            print(*filter(None, (qr and qr_text(qr), text)), sep="\n", flush=True)

    def __repr__(self) -> str:
        return f"Link({self._account.id!r}: {self._said})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Mapping[str, Any] | None:
        if self._widget is None:
            return None
        bundle: dict[str, Any] = self._widget._repr_mimebundle_(**kwargs)
        return {**bundle, "text/plain": f"Link({self._account.id!r})"}


def _is_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


def _widget() -> Any:
    from ipywidgets import HTML

    widget = HTML(value="<p>Asking for a code…</p>")
    widget.add_class("privacy-sdk")
    return widget
