"""The gateways' token on this machine: created once, private to its owner, found by clients.

Whoever holds the token can change the account's settings, so the file is refused, not
repaired, when others could have read it.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from privacy_sdk.errors import InvalidInputError
from privacy_sdk.support.files import (
    DATA_DIR,
    SharedFileError,
    data_folder,
    make_private_folder,
    read_private,
    write_private,
)

ENVIRONMENT = "PRIVACY_SDK_TOKEN"
_TOKEN = re.compile(r"[!-~]{1,512}")


def token_path() -> Path:
    """Return the path of the token of this user's gateways, whether it exists or not."""
    return data_folder() / "gateway-token"


def gateway_token() -> tuple[str, str]:
    """Return the token that a gateway asks for, created if there is none, and where it is.

    Raises:
        InvalidInputError: A token that cannot be sent, or a file that others can read or that
            cannot be written.
    """
    if token := token_in_environment():
        return token, ENVIRONMENT
    return stored_token() or _create(), str(token_path())


def token_in_environment() -> str | None:
    """Return the token that PRIVACY_SDK_TOKEN holds; None when it is not set.

    Raises:
        InvalidInputError: One that cannot be sent.
    """
    token = os.environ.get(ENVIRONMENT)
    return checked_token(token, ENVIRONMENT) if token else None


def stored_token() -> str | None:
    """Return the token in the file; None when there is no file.

    Raises:
        InvalidInputError: A file that others can read, or that holds no token.
    """
    path = token_path()
    try:
        content = read_private(path)
    except SharedFileError as error:
        raise InvalidInputError(f"{error}.", hint=_way_on(path)) from None
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}.") from None
    if content is None:
        return None
    return checked_token(content.decode("latin-1").removesuffix("\n"), str(path))


def read_token(path: Path) -> str:
    """The token in a file that a user named.

    Raises:
        InvalidInputError: The file cannot be read, or holds no token.
    """
    try:
        text = path.read_text("latin-1")
    except OSError as error:
        raise InvalidInputError(
            f"The token file {str(path)!r} cannot be read: {error.strerror}."
        ) from None
    return checked_token(text.strip(), f"{str(path)!r}")


def checked_token(token: object, source: str) -> str:
    """Return a token that an HTTP header can carry; the error names its source.

    Raises:
        InvalidInputError: Empty, too long, or with other characters than visible ASCII.
    """
    if isinstance(token, str) and _TOKEN.fullmatch(token):
        return token
    raise InvalidInputError(
        f"The token in {source} is empty, or is not one word of plain text.",
        hint="A token is 1 to 512 visible characters of ASCII.",
    )


def _way_on(path: Path) -> str:
    with suppress(OSError, AttributeError):  # there are no owners on Windows
        if path.lstat().st_uid != os.getuid():
            return f"It is another user's; set {ENVIRONMENT} or {DATA_DIR}."
    return "Delete it, and the gateway makes a new one."


def _create() -> str:
    """Write a new token; of several gateways that start at once, one creates it for all."""
    path, token = token_path(), secrets.token_urlsafe(32)
    try:
        make_private_folder(path.parent)
        write_private(path, f"{token}\n".encode(), replace=False)
    except FileExistsError:
        return stored_token() or _create()
    except OSError as error:
        raise InvalidInputError(
            f"The gateway's token cannot be kept in {path}: {error.strerror}.",
            hint=f"Make that folder writable, or set {ENVIRONMENT}.",
        ) from None
    return token
