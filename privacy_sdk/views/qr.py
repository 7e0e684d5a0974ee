"""QR codes as text for a terminal and as an image for a notebook."""

from __future__ import annotations

import io
from typing import Any

from privacy_sdk.errors import InvalidInputError, PrivacyError, short_repr


def qr_text(payload: str) -> str:
    """Return a QR code as lines of half blocks, light where they are drawn.

    Raises:
        PrivacyError: segno is not installed.
        InvalidInputError: The payload is too long.
    """
    out = io.StringIO()
    _qr(payload).terminal(out, border=2, compact=True)
    return out.getvalue().rstrip("\n")


def qr_image(payload: str) -> str:
    """Return a QR code as the address of a PNG image (``data:``).

    Raises:
        PrivacyError: segno is not installed.
    """
    address: str = _qr(payload).png_data_uri(scale=5, border=4)
    return address


def qr_png(payload: str) -> bytes:
    """Return a QR code as a PNG image.

    Raises:
        PrivacyError: segno is not installed.
    """
    out = io.BytesIO()
    _qr(payload).save(out, kind="png", scale=5, border=4)
    return out.getvalue()


def _qr(payload: str) -> Any:
    try:
        import segno
    except ModuleNotFoundError:
        raise PrivacyError(
            "A QR code needs segno, which is not installed.",
            hint='pip install "privacy-sdk[whatsapp]"',
        ) from None
    if not isinstance(payload, str):
        raise InvalidInputError(f"{short_repr(payload)} is no text for a QR code.")
    try:
        return segno.make(payload, error="l", micro=False)
    except ValueError as error:  # also segno.DataOverflowError
        raise InvalidInputError(f"No QR code can hold that: {error}") from None
