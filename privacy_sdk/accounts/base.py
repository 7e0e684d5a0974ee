"""Accounts as protocols: what each can be asked, and what some can do beyond that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from privacy_sdk.accounts.backends import Capability as Capability
from privacy_sdk.accounts.backends import describe
from privacy_sdk.errors import (
    AnswerTimeoutError,
    InvalidInputError,
    NotSupportedError,
    OutcomeUnknownError,
)
from privacy_sdk.errors.public import set_module
from privacy_sdk.model.types import (
    ON_LIST,
    Contact,
    DisallowedList,
    DisallowedListUpdate,
    Names,
    PrivacyCategory,
    PrivacySettingsResponse,
    PrivacyValue,
    SetPrivacySettingResponse,
)

if TYPE_CHECKING:
    from datetime import datetime

    import httpx2

    from privacy_sdk.accounts.events import Event
    from privacy_sdk.model.changes import Change, ExcludedChange, Report
    from privacy_sdk.model.history import HistoryEntry, HistoryStream
    from privacy_sdk.model.state import SettingsState

T = TypeVar("T")

PATIENCE = 300.0
"""How long somebody may take to find the phone and scan its code [s]."""


@set_module("privacy_sdk.accounts")
class AccountState(Names):
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
    PASSKEY = "passkey"
    """WhatsApp asked for a passkey while a phone was being linked, and none can be given."""
    BANNED = "banned"
    """WhatsApp has locked the account out for a while."""
    OUTDATED = "outdated"
    """WhatsApp no longer accepts this version of the library that connects to it."""
    FAILED = "failed"
    """The session cannot be opened."""


@set_module("privacy_sdk")
@dataclass(frozen=True, slots=True)
class AccountInfo:
    """What an account says of itself.

    Attributes:
        id: Its name on the gateway.
        backend: ``emulated``, ``whatsapp`` or ``raw``.
        state: An :class:`.AccountState`; another string from a newer gateway.
        capabilities: :class:`.Capability` names; others from a newer gateway.
        hint: What the state means and what to do next; empty when there is nothing to say.
    """

    id: str
    backend: str
    state: str = AccountState.CONNECTED
    capabilities: frozenset[str] = frozenset()
    hint: str = ""

    def _repr_html_(self) -> str:
        rows = [
            ("account", self.id),
            ("backend", describe(self.backend)),
            ("state", _words(self.state)),
            ("can also", ", ".join(map(_words, sorted(self.capabilities)))),
            ("hint", self.hint),
        ]
        return _html(f"Account {self.id!r}", rows)


@set_module("privacy_sdk.accounts")
@dataclass(frozen=True, slots=True)
class LinkStatus:
    """How far a phone is linked to an account.

    Attributes:
        state: An :class:`.AccountState`; another string from a newer gateway.
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

    def _repr_html_(self) -> str:
        rows = [
            ("state", _words(self.state)),
            ("linked as", self.linked_as or ""),
            ("hint", self.hint),
        ]
        return _html("Link of a phone", rows)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _html(title: str, rows: Sequence[tuple[str, str]]) -> str:
    from html import escape

    from privacy_sdk.model.html import html_table

    written = [(escape(name), escape(text)) for name, text in rows if text]
    return html_table(title, ("what", "value"), written)


@set_module("privacy_sdk.accounts")
class LostAnswerError(Exception):
    """A request was sent and may have arrived; why no answer came, as half a sentence.

    Never seen by users: whoever knows whether something was being changed makes it
    :meth:`as_error`.
    """

    def as_error(self, *, changes: bool) -> OutcomeUnknownError | AnswerTimeoutError:
        """Return what it means for its caller: of a change, that its outcome is unknown.

        Example:
            >>> LostAnswerError("no answer came").as_error(changes=True)
            OutcomeUnknownError('A change was sent and no answer came.')
        """
        if changes:
            return OutcomeUnknownError(f"A change was sent and {self}.")
        return AnswerTimeoutError(f"A question was asked and {self}.")


@set_module("privacy_sdk")
@runtime_checkable
class Account(Protocol):
    """The specification's four operations, the reads, and who the contacts are.

    Arguments are typed records that were already checked; whoever takes them from a person
    checks first. That a change *took* is for the caller to read back: WhatsApp has been seen to
    answer success to changes that it did not make.

    Raises:
        NotConnectedError: Of every operation but ``info`` and ``aclose``: nothing was sent.
        IqError: WhatsApp refused, in whichever shape; its subclasses name the usual codes.
        OutcomeUnknownError: A change was sent, and its answer did not come or cannot be read.
        AnswerTimeoutError: A question was asked, and no answer came in time.
        UnreadableAnswerError: The answer to a question cannot be read.
        NotSupportedError: The account cannot do this; nothing was sent. A capability tells
            beforehand for the reads and for ``find_contacts``.
        UsageError: The account is closed.
    """

    @property
    def id(self) -> str | None:
        """Its name on the gateway; None while that is not known."""
        ...

    async def info(self) -> AccountInfo:
        """Return who this is, where it stands, and what it can do; also while not connected.

        Raises:
            PrivacyError: What knows it cannot be reached.
        """
        ...

    async def fetch_privacy_settings(self) -> PrivacySettingsResponse:
        """Fetch all settings that the server reports; unknown names keep their wire string."""
        ...

    async def set_privacy_setting(
        self, category: PrivacyCategory, value: PrivacyValue, *, unreported: bool = False
    ) -> SetPrivacySettingResponse:
        """Change one setting; idempotent.

        Args:
            category: Which.
            value: What to set it to.
            unreported: Whether it is sent although the last fetch did not report the category.

        Raises:
            NotSupportedError: The server did not report the category, or the account cannot
                send it.
        """
        ...

    async def set_privacy_disallowed_list(
        self, category: PrivacyCategory, update: DisallowedListUpdate
    ) -> SetPrivacySettingResponse:
        """Add people to a category's disallowed list, or remove them.

        Raises:
            ConflictError: The list has another version than the update's dhash; without one,
                it was changed meanwhile.
        """
        ...

    async def set_default_disappearing_mode(self, duration: int) -> None:
        """Set the default timer of new chats [s]; 0 turns it off; idempotent."""
        ...

    async def fetch_disallowed_list(self, category: PrivacyCategory) -> DisallowedList:
        """Fetch who is excepted in a category; nobody, without dhash, off its list.

        Raises:
            NotSupportedError: Without :attr:`.Capability.READ_DISALLOWED_LIST`.
        """
        ...

    async def fetch_default_disappearing_mode(self) -> int:
        """Fetch the default timer of new chats [s]; 0 is off.

        Raises:
            NotSupportedError: Without :attr:`.Capability.READ_DISAPPEARING_MODE`.
        """
        ...

    async def find_contacts(self, phones: Sequence[str]) -> tuple[Contact, ...]:
        """Find the addresses of phone numbers (digits with country code), in the order asked.

        Raises:
            NotSupportedError: Without :attr:`.Capability.FIND_CONTACTS`.
        """
        ...

    async def aclose(self) -> None:
        """Close what the account holds; it cannot be used any more."""
        ...


@set_module("privacy_sdk.accounts")
@runtime_checkable
class Linkable(Protocol):
    """An account that stands for a phone, which can be linked and unlinked."""

    async def link_status(self) -> LinkStatus:
        """Return how far a phone is linked, with the QR code of the moment."""
        ...

    async def link(self) -> LinkStatus:
        """Connect, with a QR code to scan if no phone is linked; again after the link ended."""
        ...

    async def unlink(self) -> LinkStatus:
        """Delete the keys of the linked phone.

        Raises:
            PrivacyError: Another process holds the session.
        """
        ...


@set_module("privacy_sdk.accounts")
@runtime_checkable
class Emulator(Protocol):
    """An account that events can be made to happen to: a change on the phone, a bad answer."""

    async def emulate(self, event: Event) -> None:
        """Make something happen.

        Raises:
            InvalidInputError: No event.
        """
        ...


@set_module("privacy_sdk.accounts")
@runtime_checkable
class RunsPlans(Protocol):
    """An account whose other end does by itself what takes several steps.

    It makes the changes of a plan, excepts people without opening anything, and verifies every
    change while nobody else makes one.
    """

    async def change_excluded(
        self, category: PrivacyCategory, update: DisallowedListUpdate
    ) -> ExcludedChange:
        """Except people or no longer except them; an ``InvalidInputError`` where that opens it."""
        ...

    async def apply_changes(self, before: SettingsState, changes: Sequence[Change]) -> Report:
        """Make the changes of a plan beside the account, and report what became of each.

        Raises:
            OutdatedPlanError: The settings are not as ``before`` says; nothing was changed.
            OutcomeUnknownError: The answer was lost.
        """
        ...


@set_module("privacy_sdk.accounts")
@runtime_checkable
class KeepsHistory(Protocol):
    """An account whose changes are written down."""

    async def history(
        self, *, since: datetime | None = None, category: str | None = None
    ) -> tuple[HistoryEntry, ...]:
        """Return what was changed and noticed, in its order.

        Raises:
            NotSupportedError: Its gateway keeps no journal.
        """
        ...

    def watch(self, *, after: int | None = None) -> HistoryStream:
        """Yield each change as it is made or noticed, with its id, for ever.

        The first pair is the place from which on nothing is missed, without a change; so is one
        after each interruption. What is read after it is as new as what follows.

        Args:
            after: The id of the last change that is known; the newest there is by default.

        Raises:
            NotSupportedError: As for :meth:`history`.
        """
        ...


@set_module("privacy_sdk.accounts")
@runtime_checkable
class Startable(Protocol):
    """An account that connects in the background once it is started."""

    async def start(self) -> None:
        """Begin to connect, unless that was done."""
        ...


@runtime_checkable
class OverHttp(Protocol):
    """An account on a gateway, reached through a transport that may record or replay."""

    url: str
    transport: httpx2.AsyncBaseTransport | None

    @property
    def is_open(self) -> bool:
        """Whether connections may be open."""
        ...


_CANNOT: dict[type, tuple[str, str | None]] = {
    KeepsHistory: ("What was changed of this account is not written down.", None),
    Linkable: ("This account is no phone's, so there is nothing to link.", None),
    Emulator: (
        "This account is not an emulated one.",
        "Events happen to emulated accounts only: ps.Client.emulated().",
    ),
}


def require(account: Account, protocol: type[T]) -> T:
    """Return the account as one that can do more than every account can.

    Ask ``isinstance(account, Linkable)`` where it is no error if it cannot. Having the methods
    does not promise that the account at the other end can do it: an account on a gateway has
    them all, and what cannot be done there is refused there, by the same error.

    Raises:
        NotSupportedError: It is none.

    Example:
        >>> from privacy_sdk.accounts.emulated.account import EmulatedAccount
        >>> require(EmulatedAccount(), Linkable)
        Traceback (most recent call last):
        privacy_sdk.NotSupportedError: This account is no phone's, so there is ...
    """
    if isinstance(account, protocol):
        return account
    message, hint = _CANNOT.get(protocol, (f"This account is not {protocol.__name__}.", None))
    raise NotSupportedError(message, hint=hint)


def no_list(category: PrivacyCategory) -> InvalidInputError:
    """Return why a list is not changed as it stands: there is none, and that would make one."""
    return InvalidInputError(
        f"{category.value!r} is not known to be on {ON_LIST.value!r}, so its list was not changed.",
        hint=f"Set it to {ON_LIST.value!r} first, if all other contacts may see it; the answer "
        "holds the list's version.",
    )
