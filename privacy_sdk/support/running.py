"""Where a gateway of this machine listens: written down while it runs, for clients to find."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from privacy_sdk.errors import NotConnectedError
from privacy_sdk.support.connection import checked_url
from privacy_sdk.support.files import make_private_folder, write_private
from privacy_sdk.support.tokens import is_loopback


def find_gateway() -> str | None:
    """The address of the gateway that was last started on this machine and still runs.

    Returns:
        A loopback address; None when no gateway runs. One that was killed is not missed before
        it is asked.

    Example:
        >>> with announced("http://127.0.0.1:8481"):
        ...     find_gateway()
        'http://127.0.0.1:8481'
        >>> find_gateway() is None
        True
    """
    try:
        url = checked_url(_path().read_text("ascii"))
    except (OSError, ValueError):  # an InvalidInputError is one
        return None
    return url if is_loopback(urlsplit(url).hostname) else None


def running_url(account: str | None) -> str:
    """The address of the running gateway, for a client of ``account``.

    Raises:
        NotConnectedError: No gateway runs on this machine.
    """
    url = find_gateway()
    if url is None:
        raise NotConnectedError(
            "No gateway runs on this machine.",
            hint=f"Start one: privacy-sdk gateway --account {account or 'me'}=whatsapp",
        )
    return url


@contextmanager
def announced(url: str) -> Iterator[None]:
    """Let clients find ``url`` meanwhile, if it is one of this machine and can be written down."""
    path = _path()
    with suppress(OSError):
        make_private_folder(path.parent)
        write_private(path, url.encode())
    try:
        yield
    finally:
        if find_gateway() == url:
            path.unlink(missing_ok=True)


def _path() -> Path:
    import platformdirs

    return platformdirs.user_data_path("privacy-sdk") / "gateway-url"
