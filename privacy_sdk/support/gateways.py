"""Where gateways are: addresses, names of accounts, and the variables that tell of them."""

from __future__ import annotations

import ipaddress
import math
import os
import re
from typing import TypeVar
from urllib.parse import urlsplit

from privacy_sdk.errors import InvalidInputError

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
        f"{url!r} is not a gateway's address.", hint=f"It looks like {DEFAULT_URL}."
    )
    if not isinstance(url, str):
        raise unusable
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
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
        f"{account!r} is not an account's name.",
        hint="Up to 64 letters, digits, dots, dashes and underscores.",
    )


def checked_timeout(timeout: object) -> float:
    """Return a time-out above zero [s].

    Raises:
        InvalidInputError: Not a number, or zero or less.
    """
    if isinstance(timeout, int | float) and not isinstance(timeout, bool) and timeout > 0:
        return timeout
    raise InvalidInputError(f"{timeout!r} is not a timeout.", hint="Pass seconds above 0.")


def checked_wait(wait: object) -> float:
    """Return how long to wait for a gateway [s].

    Raises:
        InvalidInputError: Not a number, or less than zero.
    """
    if isinstance(wait, int | float) and not isinstance(wait, bool) and 0 <= wait < math.inf:
        return wait
    raise InvalidInputError(f"{wait!r} is no time to wait.", hint="Pass seconds, 0 or more.")


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
