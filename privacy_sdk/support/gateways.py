"""Where gateways are: addresses, environment variables, and the note of the running one."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from privacy_sdk.errors import InvalidInputError, NotConnectedError, short_repr
from privacy_sdk.support.files import (
    data_folder,
    make_private_folder,
    read_private,
    write_private,
)

T = TypeVar("T")

DEFAULT_PORT = 8480

DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"

DEFAULT_TIMEOUT = 30.0
"""How long one answer may take [s]; above the gateway's own limit towards WhatsApp."""

_ACCOUNT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def given_or_env(given: str | None, variable: str, default: T) -> str | T:
    """Return the argument, else the environment variable, else the default."""
    return given if given is not None else os.environ.get(variable) or default


def checked_url(url: object) -> str:
    """Return the address of a gateway without its trailing slash.

    Raises:
        InvalidInputError: Not an http(s) URL, or one that holds a password, query or fragment.
    """
    unusable = InvalidInputError(
        f"{short_repr(url)} is not a gateway's address.", hint=f"It looks like {DEFAULT_URL}."
    )
    # urlsplit() drops line ends and tabs, wherever they stand.
    is_text = isinstance(url, str) and url.isprintable() and len(url) <= 2_000
    if not is_text or not isinstance(url, str) or " " in url or "\\" in url:
        raise unusable
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        (parts.hostname or "").encode("idna")  # as looking up the name will do
    except ValueError:
        raise unusable from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidInputError(
            "A gateway's address holds no password, query or fragment.",
            hint="Pass the token as token=… or in PRIVACY_SDK_TOKEN.",
        )
    if not usable:
        raise unusable
    return url.rstrip("/")


def refuse_clear_text(url: str) -> None:
    """Refuse an address on the way to which the token could be read.

    Raises:
        InvalidInputError: ``http://`` beyond this machine.

    Example:
        >>> refuse_clear_text("http://127.0.0.1:8480")
        >>> refuse_clear_text("http://gateway.example")
        Traceback (most recent call last):
        privacy_sdk...InvalidInputError: The token would travel in clear to 'http://gateway.example'.
        Use https://, or a tunnel ...
    """
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise InvalidInputError(
            f"The token would travel in clear to {short_repr(url)}.",
            hint="Use https://, or a tunnel that ends on this machine; insecure=True (--insecure) "
            "sends it all the same.",
        )


def checked_account(account: object) -> str | None:
    """Return the name of an account; None for none.

    Raises:
        InvalidInputError: Not a name that an account can have.
    """
    if account is None:
        return None
    if isinstance(account, str) and _ACCOUNT_ID.fullmatch(account):
        return account
    raise InvalidInputError(
        f"{short_repr(account)} is not an account's name.",
        hint="Up to 64 letters, digits, dots, dashes and underscores.",
    )


def checked_timeout(timeout: object) -> float:
    """Return a time-out above zero [s].

    Raises:
        InvalidInputError: Not a number, or zero or less.
    """
    if isinstance(timeout, int | float) and not isinstance(timeout, bool) and timeout > 0:
        with suppress(OverflowError):
            return float(timeout)
    raise InvalidInputError(
        f"{short_repr(timeout)} is not a timeout.", hint="Pass seconds above 0."
    )


def is_loopback(host: str | None) -> bool:
    """Whether a host, as it stands in a URL, can only be this machine.

    Example:
        >>> is_loopback("127.0.0.1"), is_loopback("127.0.0.1.evil.example")
        (True, False)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def find_gateway() -> str | None:
    """Return the address of the gateway that was last started on this machine and still runs.

    Returns:
        A loopback address; None when no gateway runs. That a gateway was killed is noticed
        only when it is asked.

    Raises:
        NotConnectedError: What is in the place of the note is no file of ours alone.

    Example:
        >>> with announced("http://127.0.0.1:8481"):
        ...     find_gateway()
        'http://127.0.0.1:8481'
        >>> find_gateway() is None
        True
    """
    note = _note()
    try:
        content = read_private(note)
        url = checked_url((content or b"").decode("ascii"))
    except OSError as error:
        raise NotConnectedError(
            f"{note} does not say where a gateway is: {error.strerror or error}.",
            hint=f"Delete it, and start the gateway again: rm {str(note)!r}",
        ) from None
    except ValueError:  # an InvalidInputError is one
        return None
    return url if is_loopback(urlsplit(url).hostname) else None


def running_url(account: str | None) -> str:
    """Return the address of the running gateway, for a client of ``account``.

    Raises:
        NotConnectedError: No gateway runs on this machine.
    """
    account = checked_account(account)
    url = find_gateway()
    if url is None:
        raise NotConnectedError(
            "No gateway runs on this machine.",
            hint=f"Start one: privacy-sdk gateway --account {account or 'me'}=whatsapp",
        )
    return url


@contextmanager
def announced(url: str) -> Iterator[None]:
    """Let clients of this machine find ``url`` meanwhile, if the note of it can be written."""
    note = _note()
    with suppress(OSError):
        make_private_folder(note.parent)
        write_private(note, url.encode())
    try:
        yield
    finally:
        with suppress(OSError, NotConnectedError):
            if find_gateway() == url:
                note.unlink(missing_ok=True)


def _note() -> Path:
    return data_folder() / "gateway-url"
