"""Who makes a change, and by which call: set by the client, carried by headers, written down."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a change, and by which call.

    Attributes:
        name: The client's name.
        operation: The same for all requests of one call.
        undoes: The operation that the call takes back.
    """

    name: str
    operation: str
    undoes: str = ""


_caller: ContextVar[Caller | None] = ContextVar("privacy_sdk_caller", default=None)
_HEADERS = ("privacy-sdk-client", "privacy-sdk-operation", "privacy-sdk-undoes")
_LONGEST = 64


@contextmanager
def calling(name: str, undoes: str = "") -> Iterator[str]:
    """Let all that is asked meanwhile be one operation of a client of that name; yields it."""
    caller = Caller(name, _new_operation(), undoes)
    token = _caller.set(caller)
    try:
        yield caller.operation
    finally:
        _caller.reset(token)


def present_caller() -> Caller:
    """Return who makes the present call; this program, where nobody said so."""
    return _caller.get() or Caller(default_name(), _new_operation())


def caller_to_headers() -> dict[str, str]:
    """Return the present caller as headers of a request."""
    caller = _caller.get()
    if caller is None:
        return {}
    values = (quote(caller.name), caller.operation, caller.undoes)
    return {name: value for name, value in zip(_HEADERS, values, strict=True) if value}


def caller_from_headers(headers: Mapping[str, str]) -> None:
    """Take the caller of the present task from the headers of a request."""
    name, operation, undoes = (headers.get(each, "")[: 3 * _LONGEST] for each in _HEADERS)
    name = checked_name(unquote(name, errors="replace")) or "a client without a name"
    usable = (each if each.isalnum() and each.isascii() else "" for each in (operation, undoes))
    _caller.set(Caller(name, next(usable) or _new_operation(), next(usable)))


def _new_operation() -> str:
    return f"op{uuid.uuid4().hex}"


def checked_name(name: str) -> str:
    """Return a client's name, printable and of bounded length."""
    return "".join(each if each.isprintable() else "?" for each in name)[:_LONGEST]


_NAMELESS = ("", "-c", "-m", "__main__.py", "ipykernel_launcher.py")
"""What tells nothing of who makes a change."""


def default_name() -> str:
    """Return the notebook's name, else the program's."""
    notebook = os.environ.get("JPY_SESSION_NAME")
    program = Path(notebook or (sys.argv or [""])[0]).name
    return checked_name(program if program not in _NAMELESS else "python")
