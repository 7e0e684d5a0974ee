"""The account of a linked phone, as tryx reaches it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from privacy_sdk.accounts.base import AccountInfo, LostAnswerError, no_list
from privacy_sdk.accounts.nodes import match_contacts
from privacy_sdk.accounts.whatsapp import tryx_names
from privacy_sdk.accounts.whatsapp.linked import ANSWER_DUE, LinkedAccount
from privacy_sdk.accounts.whatsapp.session import DATABASE
from privacy_sdk.accounts.whatsapp.supervisor import backoff
from privacy_sdk.accounts.whatsapp.tryx_errors import error_from_tryx
from privacy_sdk.accounts.whatsapp.tryx_runtime import TryxRuntime, open_tryx
from privacy_sdk.accounts.wire import refuse_unreported
from privacy_sdk.errors import ConflictError, NotSupportedError, OutcomeUnknownError
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
from privacy_sdk.support.locks import LoopLocks

T = TypeVar("T")


@set_module("privacy_sdk")
class TryxAccount(LinkedAccount):
    """The account of a phone that is linked as WhatsApp Web is, through tryx.

    It connects in the background once it is started or asked something; until it is connected
    every operation fails at once, with what to do. One process at a time holds the session.

    tryx cannot see a refusal inside a success, so a change that this account answers is one that
    WhatsApp *accepted*; :class:`~privacy_sdk.AsyncClient` reads back that it took, here as on a
    gateway. tryx cannot read a list either: the dhash of each list is that of the last change
    made here, and an update without dhash is based on it, or on ``none`` while none is known. A
    change made on the phone in between makes that a conflict; the category is then set to its
    list once more, whose answer holds the dhash, and the update is tried once with it.

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

    backend, keys = "whatsapp", DATABASE

    def __init__(
        self,
        id: str = "me",
        *,
        folder: Path | None = None,
        timeout: float = ANSWER_DUE,
        runtime: Callable[[Path], Any] = open_tryx,
        pause: Callable[[int], float] = backoff,
    ) -> None:
        super().__init__(id, folder=folder, timeout=timeout, pause=pause)
        self._app = runtime
        self._dhashes: dict[str, str] | None = None
        self._unreadable = 0
        self._reported: Collection[str] | None = None
        self._updating: defaultdict[PrivacyCategory, LoopLocks] = defaultdict(LoopLocks)

    def _open(self, keys: Path) -> TryxRuntime:
        return TryxRuntime(self._app(keys))

    async def info(self) -> AccountInfo:
        """Return where it stands, what to do next, and what it can do."""
        info = await super().info()
        if not self._unreadable:
            return info
        more = f"WhatsApp reports {self._unreadable} more settings, whose names tryx cannot tell."
        return replace(info, hint=f"{info.hint} {more}")

    async def fetch_privacy_settings(self) -> PrivacySettingsResponse:
        """Fetch all settings; those whose name tryx loses are counted."""
        rows = await self._ask(lambda client: client.privacy.fetch_settings())
        settings = [tryx_names.to_setting(row) for row in rows]
        self._unreadable = settings.count(None)
        self._reported = frozenset(filter(None, map(tryx_names.to_category, rows)))
        return PrivacySettingsResponse(filter(None, settings), unreadable=self._unreadable)

    async def set_privacy_setting(
        self, category: PrivacyCategory, value: PrivacyValue, *, unreported: bool = False
    ) -> SetPrivacySettingResponse:
        """Change one setting.

        Raises:
            NotSupportedError: A category or value that tryx cannot send.
        """
        pair = tryx_names.to_member(category), tryx_names.to_member(value)
        if not unreported:
            if self._reported is None:
                await self.fetch_privacy_settings()
            refuse_unreported(category, self._reported or ())
        return SetPrivacySettingResponse(
            await self._change(category, lambda client: client.privacy.set_setting(*pair))
        )

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

        async def send(dhash: str) -> str | None:
            given = tryx_names.to_update(dhash, update)
            return await self._change(
                category, lambda client: client.privacy.set_disallowed_list(name, given)
            )

        async with self._updating[category].here:
            known = update.dhash or self._kept().get(category.value)
            answered = conflict = None
            if known is not None:
                try:
                    answered = await send(known)
                except ConflictError as error:
                    conflict = error
            if answered is None and update.dhash is None:
                # Setting it again tells the version; what was closed meanwhile stays closed.
                settings = await self.fetch_privacy_settings()
                if settings.get_value(category) is not PrivacyValue.CONTACT_BLACKLIST:
                    raise no_list(category)
                again = await self.set_privacy_setting(
                    category, PrivacyValue.CONTACT_BLACKLIST, unreported=True
                )
                if again.dhash not in (None, known):
                    answered = await send(again.dhash)
        if answered is None:
            raise conflict or OutcomeUnknownError(
                "A change of a list was accepted, and its answer holds no new version of the "
                "list; that is how a refusal looks here.",
                hint="Look at the list on the phone.",
            )
        return SetPrivacySettingResponse(answered)

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

    async def _look_up(self, phones: Sequence[str]) -> list[Contact]:
        rows = await self._ask(lambda client: client.contact.get_info(list(phones)))
        return [_contact(row) for row in rows]

    async def _change(
        self, category: PrivacyCategory, ask: Callable[[Any], Awaitable[str | None]]
    ) -> str | None:
        """Make a change that answers a dhash, and keep that.

        Without one the last one is kept, for a refusal inside a success looks like that; if it is
        stale, the next update finds out.
        """
        dhash = await self._ask(ask, changes=True) or None
        if dhash is not None and self._kept().get(category.value) != dhash:
            self._kept()[category.value] = dhash
            self._session.write_dhashes(self._kept())
        return dhash

    async def _ask(self, ask: Callable[[Any], Awaitable[T]], *, changes: bool = False) -> T:
        with self._hold:
            return await self._ask_now(ask, changes=changes)

    async def _ask_now(self, ask: Callable[[Any], Awaitable[T]], *, changes: bool) -> T:
        runtime: TryxRuntime = await self._runtime()
        try:
            async with asyncio.timeout(self._timeout):
                return await ask(runtime.client)
        except TimeoutError:
            late = LostAnswerError(f"no answer came within {self._timeout:g} seconds")
            raise late.as_error(changes=changes) from None
        except Exception as error:
            raise error_from_tryx(error, changes=changes) from None

    def _forget(self) -> None:
        self._dhashes = self._reported = None
        super()._forget()

    def _kept(self) -> dict[str, str]:
        if self._dhashes is None:
            self._dhashes = self._session.read_dhashes()
        return self._dhashes


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
