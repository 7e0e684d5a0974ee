"""Where a client finds its gateway, and what an address, token or account's name may be."""

from __future__ import annotations

import os
import re
from typing import TypeVar
from urllib.parse import urlsplit

from privacy_sdk.errors import InvalidInputError

T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:8480"

DEFAULT_TIMEOUT = 30.0
"""How long one answer may take [s]; above the gateway's own limit towards WhatsApp."""

_ACCOUNT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def given_or_env(given: str | None, variable: str, default: T) -> str | T:
    """What was passed, else what the environment says, else the default."""
    return given if given is not None else os.environ.get(variable) or default


def checked_url(url: object) -> str:
    """An address that a gateway can have, without its trailing slash.

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
            hint="Pass the token as token=… or in PRIVACY_SDK_TOKEN.",
        )
    if not usable:
        raise unusable
    return url.rstrip("/")


def checked_account(account: object) -> str | None:
    """A name that an account can have; None for none."""
    if account is None:
        return None
    if isinstance(account, str) and _ACCOUNT_ID.fullmatch(account):
        return account
    raise InvalidInputError(
        f"{account!r} is not an account's name.",
        hint="Up to 64 letters, digits, dots, dashes and underscores.",
    )


def checked_timeout(timeout: object) -> float:
    """A time-out above zero [s]."""
    if isinstance(timeout, int | float) and not isinstance(timeout, bool) and timeout > 0:
        return timeout
    raise InvalidInputError(f"{timeout!r} is not a timeout.", hint="Pass seconds above 0.")
