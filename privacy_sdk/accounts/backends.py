"""What each backend is and can do: one table for ``info()``, the command line and the docs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from privacy_sdk.errors.public import set_module
from privacy_sdk.model.types import Names


@set_module("privacy_sdk.accounts")
class Capability(Names):
    """What an account can do beyond the specification's four operations."""

    READ_DISALLOWED_LIST = "read_disallowed_list"
    """It can say who is on a disallowed list."""
    READ_DISAPPEARING_MODE = "read_disappearing_mode"
    """It can say what the default disappearing time is."""
    FIND_CONTACTS = "find_contacts"
    """It can tell the addresses of a phone number."""
    EMULATE = "emulate"
    """It is emulated, and takes events such as a change made on the phone."""
    LINK = "link"
    """It stands for a phone, which can be linked and unlinked."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One way to have an account.

    Attributes:
        what: What it is, in a line.
        capabilities: What it can do beyond the specification's four operations.
        library: Who connects to WhatsApp; empty for nobody.
        module: What that library is imported as.
        extra: The extra of this package that it comes with.
        sends_unknown: Whether names newer than the specification are kept and can be set.
        keeps_backoff: Whether it tells how long WhatsApp asks to wait after a refusal.
        sees_inside: Whether a refusal inside a success is seen at once, not on reading back.
        notices: Whether it is told of changes made on the phone.
    """

    what: str
    capabilities: frozenset[Capability]
    library: str = ""
    module: str = ""
    extra: str = ""
    sends_unknown: bool = True
    keeps_backoff: bool = True
    sees_inside: bool = True
    notices: bool = False


_READS = frozenset(
    {
        Capability.READ_DISALLOWED_LIST,
        Capability.READ_DISAPPEARING_MODE,
        Capability.FIND_CONTACTS,
    }
)

BACKENDS = {
    "emulated": Backend("made up in this process", _READS | {Capability.EMULATE}),
    "whatsapp": Backend(
        "a linked phone, the default",
        frozenset({Capability.FIND_CONTACTS, Capability.LINK}),
        library="tryx",
        module="tryx",
        extra="whatsapp",
        sends_unknown=False,
        keeps_backoff=False,
        sees_inside=False,
    ),
    "raw": Backend(
        "a linked phone, experimental",
        _READS | {Capability.LINK},
        library="pyaileys",
        module="pyaileys",
        extra="raw",
        notices=True,
    ),
}
"""The backends of ``privacy-sdk gateway --account NAME=BACKEND``, by name."""

_ROWS: dict[str, Callable[[Backend], bool | str]] = {
    "is": lambda each: each.what,
    "connects through": lambda each: each.library or "nothing",
    "reads who is on a list": lambda each: Capability.READ_DISALLOWED_LIST in each.capabilities,
    "reads the default timer": lambda each: Capability.READ_DISAPPEARING_MODE in each.capabilities,
    "finds people by number": lambda each: Capability.FIND_CONTACTS in each.capabilities,
    "links and unlinks a phone": lambda each: Capability.LINK in each.capabilities,
    "reads and sets names newer than the specification": lambda each: each.sends_unknown,
    "says how long WhatsApp asks to wait": lambda each: each.keeps_backoff,
    "sees a refusal inside a success": lambda each: each.sees_inside,
    "notices changes made on the phone": lambda each: each.notices,
}


_YES = {True: "yes", False: "no"}


def describe(backend: str) -> str:
    """Return what a backend can do, in a line; its name alone when it is not known.

    Example:
        >>> describe("whatsapp")
        'whatsapp (tryx): finds people by number, links and unlinks a phone'
    """
    if backend not in BACKENDS:
        return backend
    known = BACKENDS[backend]
    can = ", ".join(name for name, cell in _ROWS.items() if cell(known) is True)
    return f"{backend} ({known.library}): {can}" if known.library else f"{backend}: {can}"


def table() -> Iterator[tuple[str, ...]]:
    """Return the table of the docs, row by row; the first names the backends.

    Example:
        >>> next(table())
        ('', 'emulated', 'whatsapp', 'raw')
    """
    yield ("", *BACKENDS)
    for name, cell in _ROWS.items():
        cells = (cell(backend) for backend in BACKENDS.values())
        yield (name, *(each if isinstance(each, str) else _YES[each] for each in cells))
