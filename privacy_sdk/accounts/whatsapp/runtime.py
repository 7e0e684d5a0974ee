"""The seam between a supervisor and a library that connects to WhatsApp."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from privacy_sdk.accounts.base import AccountState


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened in a session, and the state that it leads to.

    Attributes:
        event: What happened, for the log.
        state: The state of the account from now on; some of them end the session.
        detail: What a person should know of it.
        code: A QR code to scan, while waiting for it.
        holds: How long that code holds [s].
        until: When a ban ends.
    """

    event: str
    state: AccountState
    detail: str = ""
    code: str | None = field(default=None, repr=False)
    holds: float = 0.0
    until: datetime | None = None


Report: TypeAlias = Callable[[Step], None]


class Runtime(Protocol):
    """Runs sessions of one linked phone, one after the other, by a library of its own."""

    async def run(self, report: Report) -> None:
        """Connect, and report what happens until the session is over.

        Cancelled, it ends the session. Nothing is reported once it has returned.

        Raises:
            PrivacyError: The session cannot be run.
        """
        ...

    @property
    def is_logged_in(self) -> bool:
        """Whether questions are answered now."""
        ...

    @property
    def phone(self) -> str | None:
        """The digits of the linked phone's number, once they are known."""
        ...


PASSKEY = "passkey_prologue_request"
"""The type of the notification by which WhatsApp asks for a passkey while a device is linked.

Source:
    whatsmeow #1185 and whatsapp-rust #928, as the protocol facts compile them.
"""
