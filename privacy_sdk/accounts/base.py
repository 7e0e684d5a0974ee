"""What every account can be asked: one protocol for emulated, linked and remote ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from privacy_sdk.model.types import (
    Contact,
    DisallowedList,
    DisallowedListUpdate,
    PrivacyCategory,
    PrivacySettingsResponse,
    PrivacyValue,
    SetPrivacySettingResponse,
)

if TYPE_CHECKING:
    from privacy_sdk.model.changes import Change, Report
    from privacy_sdk.model.state import SettingsState


class Capability(StrEnum):
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


class AccountState(StrEnum):
    """Where an account stands with WhatsApp."""

    UNLINKED = "unlinked"
    """No phone is linked."""
    WAITING_FOR_SCAN = "waiting_for_scan"
    """A QR code waits for the phone's camera."""
    CONNECTING = "connecting"
    """A connection to WhatsApp is being made."""
    CONNECTED = "connected"
    """Logged in: questions and changes are answered."""
    LOGGED_OUT = "logged_out"
    """The link was ended, on the phone or by WhatsApp."""
    REPLACED = "replaced"
    """Another program took over the session."""
    BANNED = "banned"
    """WhatsApp has locked the account out for a while."""
    OUTDATED = "outdated"
    """WhatsApp no longer accepts this version of the library that connects to it."""
    FAILED = "failed"
    """The session cannot be opened."""


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """What an account says of itself.

    Attributes:
        id: Its name on the gateway.
        backend: ``emulated`` or ``whatsapp``.
        state: An :class:`AccountState`; another string from a newer gateway.
        capabilities: :class:`Capability` names; others from a newer gateway.
        hint: What the state means and what to do next; empty when there is nothing to say.
    """

    id: str
    backend: str
    state: str = AccountState.CONNECTED
    capabilities: frozenset[str] = frozenset()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """How far a phone is linked to an account.

    Attributes:
        state: An :class:`AccountState`; another string from a newer gateway.
        hint: What the state means and what to do next.
        qr: What the QR code for the phone's camera says, while there is one. Whoever has it
            can become a linked device, so it is in no repr.
        expires_in: How long that code holds [s].
        linked_as: The linked phone's number, masked; None while no phone is linked.

    Example:
        >>> LinkStatus("waiting_for_scan", qr="2@secret")
        LinkStatus(state='waiting_for_scan', hint='', expires_in=None, linked_as=None)
    """

    state: str
    hint: str = ""
    qr: str | None = field(default=None, repr=False)
    expires_in: int | None = None
    linked_as: str | None = None


@runtime_checkable
class Account(Protocol):
    """The specification's four operations, the reads, and who the contacts are.

    Arguments are typed records that were already checked; whoever takes them from a person
    checks first. A refusal is an :class:`~privacy_sdk.IqError`, a lost answer to a change an
    :class:`~privacy_sdk.OutcomeUnknownError`. That a change *took* is for the caller to read
    back: WhatsApp has been seen to answer success to changes that it did not make.
    """

    @property
    def id(self) -> str | None:
        """Its name on the gateway; None while that is not known."""
        ...

    async def info(self) -> AccountInfo:
        """Who this is and what it can do."""
        ...

    async def fetch_privacy_settings(self) -> PrivacySettingsResponse:
        """All settings that the server reports."""
        ...

    async def set_privacy_setting(
        self, category: PrivacyCategory, value: PrivacyValue
    ) -> SetPrivacySettingResponse:
        """Change one setting."""
        ...

    async def set_privacy_disallowed_list(
        self, category: PrivacyCategory, update: DisallowedListUpdate
    ) -> SetPrivacySettingResponse:
        """Add people to a category's disallowed list, or remove them."""
        ...

    async def set_default_disappearing_mode(self, duration: int) -> None:
        """Set the default timer of new chats [s]; 0 turns it off."""
        ...

    async def fetch_disallowed_list(self, category: PrivacyCategory) -> DisallowedList:
        """Who is excepted in a category."""
        ...

    async def fetch_default_disappearing_mode(self) -> int:
        """The default timer of new chats [s]; 0 is off."""
        ...

    async def find_contacts(self, phones: Sequence[str]) -> tuple[Contact, ...]:
        """The addresses of phone numbers (digits with country code), in the order asked."""
        ...

    async def aclose(self) -> None:
        """Let go of what the account holds."""
        ...


@runtime_checkable
class RemoteAccount(Protocol):
    """An account whose other end does by itself what takes several steps.

    It makes the changes of a plan, and redoes a list's change that met another one.
    """

    async def apply_changes(self, before: SettingsState, changes: Sequence[Change]) -> Report:
        """Make the changes of a plan beside the account."""
        ...
