"""The account of a linked phone, as tryx reaches it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from privacy_sdk.accounts.base import AccountInfo, Capability, LinkStatus, LostAnswerError
from privacy_sdk.accounts.nodes import match_contacts, no_list
from privacy_sdk.accounts.whatsapp import tryx_names
from privacy_sdk.accounts.whatsapp.session import Session
from privacy_sdk.accounts.whatsapp.supervisor import Supervisor, backoff
from privacy_sdk.accounts.whatsapp.tryx_errors import error_from_tryx
from privacy_sdk.accounts.whatsapp.tryx_runtime import check_installed, open_tryx
from privacy_sdk.accounts.wire import warn_unreadable
from privacy_sdk.errors import (
    ConflictError,
    NotConnectedError,
    NotSupportedError,
    OutcomeUnknownError,
    UsageError,
)
from privacy_sdk.errors.masks import DOTS
from privacy_sdk.errors.public import set_module
from privacy_sdk.model.types import (
    Contact,
    DisallowedList,
    DisallowedListUpdate,
    PrivacyCategory,
    PrivacySettingsResponse,
    PrivacyValue,
    SetPrivacySettingResponse,
)
from privacy_sdk.support.gateways import checked_timeout
from privacy_sdk.support.locks import LoopLocks

T = TypeVar("T")

ANSWER_DUE = 20.0
"""How long WhatsApp may take to answer [s]; below what gateway and clients allow."""

CAPABILITIES = frozenset({Capability.FIND_CONTACTS, Capability.LINK})


@set_module("privacy_sdk")
class TryxAccount:
    """The account of a phone that is linked as WhatsApp Web is.

    It connects in the background once it is started or asked something; until it is connected
    every operation fails at once, with what to do. One process at a time holds the session.

    tryx cannot see a refusal inside a success, so a change that this account answers is one that
    WhatsApp *accepted*; :class:`~privacy_sdk.AsyncClient` reads back that it took, here as on a
    gateway. tryx cannot read a list either: the dhash of each list is that of the last change
    made here, and an update without dhash is based on it, or on ``none`` while none is known. A
    change made on the phone in between makes that a conflict.

    Args:
        id: Its name on a gateway, and that of its session on this machine.
        folder: Where the session is kept; the platform's folder for user data by default.
        timeout: How long WhatsApp may take to answer [s].
        runtime: Makes what connects, out of the path of a database; tryx by default.
        pause: How long to wait before connecting again, after so many failures in a row [s].

    Raises:
        PrivacyError: The extra ``whatsapp`` is not installed.

    Source:
        tryx 1.5.0. Nothing here was tried on WhatsApp itself.

    Example:
        >>> TryxAccount("me")
        TryxAccount('me')
    """

    def __init__(
        self,
        id: str = "me",
        *,
        folder: Path | None = None,
        timeout: float = ANSWER_DUE,
        runtime: Callable[[Path], Any] = open_tryx,
        pause: Callable[[int], float] = backoff,
    ) -> None:
        check_installed()
        session = Session(id, folder)
        self.id = session.account
        self._session = session
        self._timeout = checked_timeout(timeout)
        self._supervisor = Supervisor(
            self.id,
            open_runtime=lambda: runtime(session.open()),
            forget=self._forget,
            pause=pause,
        )
        self._is_started = self._is_closed = False
        self._dhashes: dict[str, str] | None = None
        self._updating: defaultdict[PrivacyCategory, LoopLocks] = defaultdict(LoopLocks)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"

    async def start(self) -> None:
        """Begin to connect, unless that was done.

        Raises:
            UsageError: The account is closed.
        """
        if self._is_closed:
            raise UsageError("The account is closed.", hint="Make a new one.")
        if not self._is_started:
            self._is_started = True
            self._supervisor.ask()

    async def info(self) -> AccountInfo:
        """Return where it stands, what to do next, and what it can do."""
        await self.start()
        state, hint = self._supervisor.state, self._supervisor.hint
        return AccountInfo(self.id, "whatsapp", state, CAPABILITIES, hint)

    async def link_status(self) -> LinkStatus:
        """Return how far a phone is linked, with the QR code of the moment."""
        await self.start()
        code = self._supervisor.code()
        phone = self._supervisor.phone()
        return LinkStatus(
            self._supervisor.state,
            self._supervisor.hint,
            qr=code and code[0],
            expires_in=code and code[1],
            linked_as=phone and f"+{phone[:2]} {DOTS} {phone[-2:]}",
        )

    async def link(self) -> LinkStatus:
        """Connect, with a QR code to scan if no phone is linked; again after the link ended."""
        await self.start()
        self._supervisor.ask()
        return await self.link_status()

    async def unlink(self) -> LinkStatus:
        """Delete the keys; the device is to be removed on the phone as well.

        tryx cannot log out, and keeps its socket until this process ends.

        Raises:
            PrivacyError: Another process holds the session.
        """
        self._is_started = True
        await self._supervisor.unlink()
        return await self.link_status()

    async def fetch_privacy_settings(self) -> PrivacySettingsResponse:
        """Fetch all settings; a warning counts those whose name tryx loses."""
        rows = await self._ask(lambda client: client.privacy.fetch_settings())
        settings = [tryx_names.to_setting(row) for row in rows]
        unreadable = settings.count(None)
        if unreadable:
            warn_unreadable(unreadable)
        return PrivacySettingsResponse(filter(None, settings), unreadable=unreadable)

    async def set_privacy_setting(
        self, category: PrivacyCategory, value: PrivacyValue
    ) -> SetPrivacySettingResponse:
        """Change one setting.

        Raises:
            NotSupportedError: A category or value that tryx cannot send.
        """
        pair = tryx_names.to_member(category), tryx_names.to_member(value)
        return await self._change(category, lambda client: client.privacy.set_setting(*pair))

    async def set_privacy_disallowed_list(
        self, category: PrivacyCategory, update: DisallowedListUpdate
    ) -> SetPrivacySettingResponse:
        """Change a list, based on the update's dhash, else on the last one known.

        Raises:
            NotSupportedError: A category that tryx cannot send.
            ConflictError: The list has another version.
            OutcomeUnknownError: The answer was lost, or holds no new version: a refusal inside
                a success looks like that here.
        """
        name = tryx_names.to_member(category)
        async with self._updating[category].here:
            dhash = update.dhash or self._kept().get(category.value)
            if dhash is None:
                raise no_list(category)
            given = tryx_names.to_update(dhash, update)
            try:
                answer = await self._change(
                    category, lambda client: client.privacy.set_disallowed_list(name, given)
                )
            except ConflictError as error:
                if update.dhash is not None:
                    raise
                self._keep(category, None)
                raise ConflictError(
                    error.code,
                    error.text,
                    hint="The list has a version that this account does not know, for it cannot "
                    f"read lists. Set {category.value!r} to 'contact_blacklist' once more: the "
                    "answer holds the version.",
                ) from None
        if answer.dhash is None:
            raise OutcomeUnknownError(
                "A change of a list was accepted, and its answer holds no new version of the "
                "list; that is how a refusal looks here.",
                hint="Look at the list on the phone.",
            )
        return answer

    async def set_default_disappearing_mode(self, duration: int) -> None:
        """Set the default timer of new chats [s]."""
        await self._ask(
            lambda client: client.privacy.set_default_disappearing_mode(duration), changes=True
        )

    async def fetch_disallowed_list(self, category: PrivacyCategory) -> DisallowedList:
        """Refuse to read who is excepted in a category, which tryx cannot tell.

        Raises:
            NotSupportedError: Always.
        """
        _not_supported("who is on a list")

    async def fetch_default_disappearing_mode(self) -> int:
        """Refuse to read the default timer, which tryx cannot tell.

        Raises:
            NotSupportedError: Always.
        """
        _not_supported("the default timer")

    async def find_contacts(self, phones: Sequence[str]) -> tuple[Contact, ...]:
        """Find the addresses of phone numbers, in the order asked; none for who is not found.

        Source:
            The stub of ``tryx.client.ContactClient.get_info``. That its rows name the numbers as
            they were asked for is assumed; a number with a row that does not is asked alone.
        """
        return await match_contacts(phones, self._look_up)

    async def aclose(self) -> None:
        """Disconnect, and release the session to other processes."""
        self._is_closed = True
        await self._supervisor.stop()
        self._session.close()

    async def _look_up(self, phones: Sequence[str]) -> list[Contact]:
        rows = await self._ask(lambda client: client.contact.get_info(list(phones)))
        return [_contact(row) for row in rows]

    async def _change(
        self, category: PrivacyCategory, ask: Callable[[Any], Awaitable[str | None]]
    ) -> SetPrivacySettingResponse:
        """Make a change that answers a dhash, and keep that."""
        try:
            dhash = await self._ask(ask, changes=True)
        except (OutcomeUnknownError, asyncio.CancelledError):
            self._keep(category, None)
            raise
        self._keep(category, dhash)
        return SetPrivacySettingResponse(dhash)

    async def _ask(self, ask: Callable[[Any], Awaitable[T]], *, changes: bool = False) -> T:
        await self.start()
        client = self._supervisor.client
        if client is None:
            state = self._supervisor.state.replace("_", " ")
            raise NotConnectedError(
                f"The account is not connected to WhatsApp ({state}).", hint=self._supervisor.hint
            )
        try:
            async with asyncio.timeout(self._timeout):
                return await ask(client)
        except TimeoutError:
            late = LostAnswerError(f"no answer came within {self._timeout:g} seconds")
            raise late.as_error(changes=changes) from None
        except Exception as error:
            raise error_from_tryx(error, changes=changes) from None

    def _forget(self) -> None:
        """Delete the keys, and what is known of lists: the next phone may be another one."""
        self._dhashes = None
        self._session.remove()

    def _kept(self) -> dict[str, str]:
        if self._dhashes is None:
            self._dhashes = self._session.read_dhashes()
        return self._dhashes

    def _keep(self, category: PrivacyCategory, dhash: str | None) -> None:
        kept = dict(self._kept())
        if dhash:
            kept[category.value] = dhash
        else:
            kept.pop(category.value, None)
        if kept != self._dhashes:
            self._dhashes = kept
            self._session.write_dhashes(kept)


def _contact(row: Any) -> Contact:
    if not row.is_registered:
        return Contact(row.jid.user)
    address = tryx_names.to_jid(row.jid)
    return Contact(
        row.jid.user,
        tryx_names.to_jid(row.lid),
        address if address and address.is_phone else None,
    )


def _not_supported(what: str) -> NoReturn:
    raise NotSupportedError(
        f"This account cannot read {what}: the library that connects to WhatsApp does not offer "
        "it.",
        hint="Look at it on the phone.",
    )
