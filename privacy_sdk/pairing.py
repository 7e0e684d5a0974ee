"""Linking a phone: what a client does for it, and the QR code that the phone has to see."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from privacy_sdk.accounts.base import Account, AccountState, Pairing
from privacy_sdk.errors import (
    AnswerTimeoutError,
    NotConnectedError,
    NotSupportedError,
    PrivacyError,
)

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient

PATIENCE = 300.0
"""How long somebody may take to find the phone and scan [s]."""

_LOOK_EVERY = 1.0
_UNDER_WAY = (AccountState.CONNECTING, AccountState.WAITING_FOR_SCAN)


class LinkedPhone:
    """The part of ``AsyncClient`` that links a phone."""

    _account: Account

    async def pairing(self) -> Pairing:
        """How far a phone is linked, with the QR code of the moment.

        Raises:
            NotSupportedError: The account is no phone's.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.replay("live_account")
            >>> client.pair().state
            'connecting'
            >>> client.pairing()
            Pairing(state='waiting_for_scan', hint='On the phone: ...', expires_in=..., ...)
        """
        return await self._ask_of_phone("pairing")

    async def pair(self) -> Pairing:
        """Begin to link a phone, or to connect again after the connection ended for good.

        The QR codes are in :meth:`pairing`; ``Client.link`` and ``privacy-sdk link`` show them.

        Raises:
            NotSupportedError: The account is no phone's.

        Example:
            >>> import privacy_sdk as ps
            >>> ps.Client.emulated().pair()
            Traceback (most recent call last):
            privacy_sdk.errors.NotSupportedError: This account is no phone's, so ...
        """
        return await self._ask_of_phone("pair")

    async def unlink(self) -> Pairing:
        """Delete the keys of the linked phone; the device is to be removed on the phone as well.

        Raises:
            NotSupportedError: The account is no phone's.

        Example:
            >>> import privacy_sdk as ps
            >>> ps.Client.emulated().unlink()
            Traceback (most recent call last):
            privacy_sdk.errors.NotSupportedError: This account is no phone's, so ...
        """
        return await self._ask_of_phone("unpair")

    async def _ask_of_phone(self, operation: str) -> Pairing:
        ask: Callable[[], Awaitable[Pairing]] | None = getattr(self._account, operation, None)
        if ask is None:
            raise NotSupportedError("This account is no phone's, so there is nothing to link.")
        return await ask()


async def link(
    client: AsyncClient, show: Callable[[Pairing], object], *, patience: float = PATIENCE
) -> Pairing:
    """Link a phone, and show how far it is whenever that changes.

    Args:
        client: A client of the account.
        show: Called with each new :class:`~privacy_sdk.Pairing`.
        patience: How long to wait for the scan [s].

    Returns:
        The pairing of a phone that is linked and connected.

    Raises:
        NotConnectedError: It ended in another state, with what to do.
        AnswerTimeoutError: Nobody scanned in time, or there is no network.
    """
    shown = pairing = await client.pair()
    show(shown)
    try:
        async with asyncio.timeout(patience):
            while pairing.state in _UNDER_WAY:
                await asyncio.sleep(_LOOK_EVERY)
                pairing = await client.pairing()
                if (pairing.state, pairing.qr, pairing.hint) != (shown.state, shown.qr, shown.hint):
                    shown = pairing
                    show(shown)
    except PrivacyError:  # an AnswerTimeoutError is a TimeoutError too
        raise
    except TimeoutError:
        raise AnswerTimeoutError(
            f"No phone was linked within {patience:g} seconds.", hint=pairing.hint
        ) from None
    if pairing.state != AccountState.CONNECTED:
        state = pairing.state.replace("_", " ")
        raise NotConnectedError(f"No phone is linked ({state}).", hint=pairing.hint)
    return pairing


def said(pairing: Pairing) -> str:
    """How far a phone is linked, in words.

    Example:
        >>> said(Pairing("connected", linked_as="+55 ••• 78"))
        'linked as +55 ••• 78'
    """
    if pairing.state == AccountState.CONNECTED:
        return f"linked as {pairing.linked_as or 'a phone whose number is not known'}"
    return pairing.hint


def qr_text(payload: str) -> str:
    """A QR code as lines of half blocks, which are light where they are drawn.

    Raises:
        PrivacyError: segno is not installed.
    """
    out = io.StringIO()
    _qr(payload).terminal(out, border=2, compact=True)
    return out.getvalue().rstrip("\n")


def qr_image(payload: str) -> str:
    """A QR code as the address of a PNG image (``data:``).

    Raises:
        PrivacyError: segno is not installed.
    """
    address: str = _qr(payload).png_data_uri(scale=5, border=4)
    return address


def _qr(payload: str) -> Any:
    try:
        import segno
    except ModuleNotFoundError:
        raise PrivacyError(
            "A QR code needs segno, which is not installed.",
            hint='pip install "privacy-sdk[whatsapp]"',
        ) from None
    return segno.make(payload, error="l", micro=False)
