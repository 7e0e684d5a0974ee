"""What ``Client.link`` gives: in a notebook an image that renews itself, elsewhere text."""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from privacy_sdk.accounts.base import PATIENCE, AccountState, LinkStatus
from privacy_sdk.errors import AnswerTimeoutError, NotConnectedError, PrivacyError
from privacy_sdk.errors.masks import DOTS, mask_account
from privacy_sdk.support.loop import LOOP
from privacy_sdk.views.html import error_text, text_html
from privacy_sdk.views.qr import qr_image, qr_text

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient


_LOOK_EVERY = 1.0
_UNDER_WAY = (AccountState.CONNECTING, AccountState.WAITING_FOR_SCAN)


class Link:
    """A phone that is being linked.

    In a notebook it shows itself at the end of a cell: a QR code that renews itself and turns
    into the words ``linked as +55 ••• 78``. What a notebook saves of it holds no code;
    of a replay, it holds a picture of the stand-in.

    Args:
        client: Whose phone it is.
        owner: What must live as long as this, such as a ``Client`` that would close ``client``
            with its own end.
        timeout: How long to wait for the scan [s].
    """

    def __init__(self, client: AsyncClient, owner: object = None, *, timeout: float) -> None:
        self._account, self._owner = client.account, owner
        self._is_replay = client.recording is not None
        self._said = "asking for a code"
        self._widget = _widget() if _is_notebook() else None
        self._linked: concurrent.futures.Future[LinkStatus]
        if self._widget is not None:
            self._linked = LOOP.submit(lambda: self._follow(client, timeout))
        else:
            self._linked = concurrent.futures.Future()
            self._linked.set_result(LOOP.run(lambda: self._follow(client, timeout)))

    def wait(self, timeout: float | None = None) -> LinkStatus:
        """The status of the linked phone, once it is connected.

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

    async def _follow(self, client: AsyncClient, patience: float) -> LinkStatus:
        try:
            return await follow_link(client, self._show, patience=patience)
        except PrivacyError as error:
            self._say(error_text(error))
            raise

    def _show(self, status: LinkStatus) -> None:
        self._say(in_words(status), status.qr)

    def _say(self, text: str, qr: str | None = None) -> None:
        self._said = text
        if self._widget is not None:
            image = qr and f'<img alt="QR code for the phone to scan" src="{qr_image(qr)}">'
            self._widget.value = f"{image or ''}<p>{text_html(text, 1_000)}</p>"
        else:
            print(*filter(None, (qr and qr_text(qr), text)), sep="\n", flush=True)

    def __repr__(self) -> str:
        return f"Link({mask_account(self._account.id)!r}: {self._said})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Mapping[str, Any] | None:
        if self._widget is None:
            return None
        bundle: dict[str, Any] = self._widget._repr_mimebundle_(**kwargs)
        if self._is_replay:  # its code is a stand-in, so a page without a kernel may show it
            with suppress(PrivacyError):
                bundle["image/png"] = qr_image(DOTS).partition(",")[2]
        return {**bundle, "text/plain": f"Link({mask_account(self._account.id)!r})"}


def _is_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


def _widget() -> Any:
    from ipywidgets import HTML

    widget = HTML(value="<p>Asking for a code…</p>")
    widget.add_class("privacy-sdk")
    return widget


async def follow_link(
    client: AsyncClient, show: Callable[[LinkStatus], object], *, patience: float = PATIENCE
) -> LinkStatus:
    """Link a phone, show how far it is whenever that changes, and return its status in the end.

    Raises:
        NotConnectedError: It ended in another state, with what to do.
        AnswerTimeoutError: Nobody scanned in time, or there is no network.
    """
    shown = status = await client.link()
    show(shown)
    try:
        async with asyncio.timeout(patience):
            while status.state in _UNDER_WAY:
                await asyncio.sleep(_LOOK_EVERY)
                status = await client.link_status()
                if (status.state, status.qr, status.hint) != (shown.state, shown.qr, shown.hint):
                    shown = status
                    show(shown)
    except PrivacyError:  # an AnswerTimeoutError is a TimeoutError too
        raise
    except TimeoutError:
        raise AnswerTimeoutError(
            f"No phone was linked within {patience:g} seconds.", hint=status.hint
        ) from None
    if status.state != AccountState.CONNECTED:
        state = status.state.replace("_", " ")
        raise NotConnectedError(f"No phone is linked ({state}).", hint=status.hint)
    return status


def in_words(status: LinkStatus) -> str:
    """How far a phone is linked, in words.

    Example:
        >>> in_words(LinkStatus("connected", linked_as="+55 ••• 78"))
        'linked as +55 ••• 78'
    """
    if status.state == AccountState.CONNECTED:
        return f"linked as {status.linked_as or 'a phone whose number is not known'}"
    return status.hint
