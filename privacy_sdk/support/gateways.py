"""Where gateways are: addresses, names of accounts, and the variables that tell of them."""

from __future__ import annotations

import ipaddress
import math
import os
import re
from contextlib import suppress
from typing import TypeVar
from urllib.parse import urlsplit

from privacy_sdk.errors import InvalidInputError, short_person, short_repr

T = TypeVar("T")

DEFAULT_PORT = 8480

DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"

DEFAULT_TIMEOUT = 30.0
"""How long one answer may take [s]; above the gateway's own limit towards WhatsApp."""

_NOT_LOOKED_UP = frozenset({"localhost", "127.0.0.1", "::1"})
"""The usual hosts, for which no table of names need be loaded."""

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
        if parts.hostname not in _NOT_LOOKED_UP:
            (parts.hostname or "").encode("idna")  # as looking up the name will do
    except ValueError:
        raise unusable from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidInputError(
            "A gateway's address holds no password, query or fragment.",
            hint="Pass the token by itself, or in PRIVACY_SDK_TOKEN.",
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
        f"{short_person(account)} is not an account's name.",
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


def checked_wait(wait: object) -> float:
    """Return how long to wait for a gateway [s].

    Raises:
        InvalidInputError: Not a number, or less than zero.
    """
    if isinstance(wait, int | float) and not isinstance(wait, bool) and 0 <= wait < math.inf:
        return wait
    raise InvalidInputError(
        f"{short_repr(wait)} is no time to wait.", hint="Pass seconds, 0 or more."
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
