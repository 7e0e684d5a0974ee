"""``AsyncClient``: takes what a person writes, checks it, and asks an account."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from privacy_sdk.accounts.base import (
    Account,
    AccountInfo,
    Capability,
    Emulator,
    Linkable,
    LinkStatus,
    OverHttp,
    require,
)
from privacy_sdk.accounts.emulated.events import Event
from privacy_sdk.errors import InvalidInputError, UsageError
from privacy_sdk.errors.masks import mask_text
from privacy_sdk.model.arguments import (
    CategoryLike,
    DurationLike,
    ListCategoryLike,
    ValueLike,
    as_list_category,
    as_pair,
    as_seconds,
)
from privacy_sdk.model.types import (
    DisallowedList,
    DisallowedListUpdate,
    DisallowedListUser,
    PrivacySettingsResponse,
    PrivacyValue,
    SetPrivacySettingResponse,
)
from privacy_sdk.policies.verify import Confirming
from privacy_sdk.support.gateways import DEFAULT_TIMEOUT, DEFAULT_URL, checked_url, given_or_env
from privacy_sdk.wanted import WantedSettings

if TYPE_CHECKING:
    from privacy_sdk.policies.people import PersonLike
    from privacy_sdk.views.visibility import Visibility


class AsyncClient(WantedSettings):
    """WhatsApp's account-privacy settings, awaited.

    Names may be members or wire strings. Bad input is refused before anything is sent, and a
    change is read back: one that the server did not make raises, whatever it answered.

    Args:
        url: Address of a gateway; PRIVACY_SDK_URL or http://127.0.0.1:8480 by default.
        token: Its token; PRIVACY_SDK_TOKEN or, on this machine, the gateway's token file.
        account: Name of the account there; PRIVACY_SDK_ACCOUNT or the gateway's only one.
        timeout: How long one answer may take [s].
        record: Path of a cassette that every exchange is written to.
        record_mode: vcrpy's ``once``, ``new_episodes``, ``all`` or ``none``.

    Example:
        >>> import asyncio, privacy_sdk as ps
        >>> async def last_seen():
        ...     async with ps.AsyncClient.emulated() as client:
        ...         settings = await client.fetch_privacy_settings()
        ...         return settings.get_value("last")
        >>> asyncio.run(last_seen())
        <PrivacyValue.ALL: 'all'>
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        account: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        record: str | os.PathLike[str] | None = None,
        record_mode: str = "once",
    ) -> None:
        from privacy_sdk.accounts.http import HttpAccount
        from privacy_sdk.support.tokens import find_token

        url = checked_url(given_or_env(url, "PRIVACY_SDK_URL", DEFAULT_URL))
        transport = None
        by_variable = record is None
        record = (os.environ.get("PRIVACY_SDK_RECORD") or None) if by_variable else record
        if record is not None:
            from privacy_sdk.cassettes.transport import CassetteTransport

            transport = CassetteTransport(
                record, record_mode=record_mode, whole_process=by_variable
            )
        offline = transport is not None and transport.is_replaying
        if transport is not None and offline:
            account = account if account is not None else transport.account
        else:
            account = given_or_env(account, "PRIVACY_SDK_ACCOUNT", None)
            token = token if token is not None else find_token(url)
        self._use(
            HttpAccount(
                url,
                token=token,
                account=account,
                timeout=timeout,
                transport=transport,
                offline=offline,
            ),
            label=None,
        )

    def _use(self, account: Account, *, label: str | None) -> None:
        self._account = account
        self._label = label
        self._confirming = Confirming(account)

    @classmethod
    def from_account(cls, account: Account) -> Self:
        """A client of an account at hand, such as one of your own making."""
        return cls._shown_as(None, account)

    @classmethod
    def _shown_as(cls, label: str | None, account: Account) -> Self:
        client = cls.__new__(cls)
        client._use(account, label=label)
        return client

    @classmethod
    def connect(
        cls,
        account: str | None = None,
        *,
        record: str | os.PathLike[str] | None = None,
        record_mode: str = "once",
    ) -> Self:
        """A client of the gateway that runs on this machine; takes what the class takes.

        Raises:
            NotConnectedError: No gateway runs on this machine.
        """
        from privacy_sdk.support.gateways import running_url

        return cls(running_url(account), account=account, record=record, record_mode=record_mode)

    @classmethod
    def emulated(cls, *, seed: int = 0) -> Self:
        """A client of an account that lives in this process and answers anything.

        Args:
            seed: The same seed gives the same dhashes.
        """
        from privacy_sdk.accounts.emulated.account import EmulatedAccount

        return cls._shown_as("AsyncClient.emulated()", EmulatedAccount(seed=seed))

    @classmethod
    def replay(cls, recording: str | os.PathLike[str]) -> Self:
        """A client that answers from a cassette, offline.

        Args:
            recording: Path of a cassette; a bare name such as ``"tour"`` is one that comes
                with the package.

        Raises:
            RecordingError: No such cassette, or one that cannot be read.
        """
        from privacy_sdk.accounts.http import HttpAccount
        from privacy_sdk.cassettes.transport import CassetteTransport, recording_path

        transport = CassetteTransport(recording_path(recording))
        account = HttpAccount(account=transport.account, transport=transport, offline=True)
        return cls._shown_as(f"AsyncClient.replay({Path(recording).name!r})", account)

    @property
    def account(self) -> Account:
        """The account behind the client."""
        return self._account

    @property
    def is_open(self) -> bool:
        """Whether connections may be open."""
        return isinstance(self._account, OverHttp) and self._account.is_open

    async def info(self) -> AccountInfo:
        """Who the account is: its id, backend, state and capabilities.

        Example:
            >>> import privacy_sdk as ps
            >>> ps.Client.emulated().info().backend
            'emulated'
        """
        return await self._account.info()

    async def fetch_privacy_settings(self) -> PrivacySettingsResponse:
        """All settings that the server reports, known and unknown, in its order.

        Source:
            ``fetch_privacy_settings`` of the specification.
        """
        return await self._account.fetch_privacy_settings()

    async def visibility(self, person: PersonLike | None = None) -> Visibility:
        """Who sees what: a row per setting, a column per kind of viewer.

        Args:
            person: Whose view is wanted: a phone number with ``+`` and country code, a JID or
                a LID. Left out, those of strangers, people you know, contacts, and people
                excepted by name.

        Returns:
            A picture that shows itself in a notebook and in a terminal; ``to_frame()`` gives
            a DataFrame. WhatsApp does not say who is a contact, so one person has two
            columns, "if a contact" and "if not". What is not known is not guessed.

        Raises:
            InvalidContactError: No phone number, or nobody on WhatsApp has it.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> client.visibility().to_frame().loc["status", ["strangers", "contacts"]].tolist()
            [False, True]
            >>> response = client.exclude("status", "+999 11 555 0101")
            >>> seen = client.visibility("+999 11 555 0101")
            >>> seen["status"].meaning
            'Your contacts, except the people listed, can read your About text. This person ...'
        """
        from privacy_sdk.views.visibility import person_visibility, visibility

        user = None if person is None else await self._find_person(person)
        response = await self._account.fetch_privacy_settings()
        lists = {}
        if await self._can(Capability.READ_DISALLOWED_LIST):
            for setting in response:
                on_list = setting.value is PrivacyValue.CONTACT_BLACKLIST
                if on_list and setting.category.supports_disallowed_list():
                    lists[setting.category] = await self._account.fetch_disallowed_list(
                        setting.category
                    )
        # A list without dhash is none: its category left it since the settings were read.
        lists = {category: held for category, held in lists.items() if held.dhash is not None}
        if user is not None:
            addresses = {user.jid, user.pn_jid} - {None}
            return person_visibility(
                response,
                mask_text(str(user.jid) if user.pn_jid is None else f"+{user.pn_jid.user}"),
                is_excepted={
                    category: any({each.jid, each.pn_jid} & addresses for each in held)
                    for category, held in lists.items()
                },
                unreadable=response.unreadable,
                account=self._account.id,
            )
        can_read_timer = await self._can(Capability.READ_DISAPPEARING_MODE)
        return visibility(
            response,
            timer=await self._account.fetch_default_disappearing_mode() if can_read_timer else None,
            excepted={category: len(held) for category, held in lists.items()},
            unreadable=response.unreadable,
            account=self._account.id,
        )

    async def _find_person(self, person: PersonLike) -> DisallowedListUser:
        """Who a person is; as addressed, where the account cannot find contacts."""
        from privacy_sdk.policies.people import as_person, find_people

        jid = as_person(person)
        if not await self._can(Capability.FIND_CONTACTS):
            return DisallowedListUser(jid, jid if jid.is_phone else None)
        (user,) = (await find_people(self._account, {"person": [jid]}))["person"]
        return DisallowedListUser(user.jid, user.pn_jid or (jid if jid.is_phone else None))

    async def set_privacy_setting(
        self, category: CategoryLike, value: ValueLike
    ) -> SetPrivacySettingResponse:
        """Change one setting, and read back that it took.

        Args:
            category: last online profile status groupadd readreceipts calladd messages defense
            value: What to set it to; one of the category's valid values.

        Returns:
            The list's dhash when the value is ``contact_blacklist``, to be kept for the next
            update of that list.

        Raises:
            UnknownNameError: A string that names no category or value; nothing was sent.
            InvalidPairError: The category does not accept the value; nothing was sent.
            IqError: WhatsApp refused.
            NotAppliedError: WhatsApp answered success, and the setting is another.
            OutcomeUnknownError: The answer was lost and the setting is another, so far.

        Source:
            ``set_privacy_setting`` of the specification; reading back is ours.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> client.set_privacy_setting("last", "contacts")
            SetPrivacySettingResponse(dhash=None)
            >>> client.set_privacy_setting(ps.PrivacyCategory.ONLINE, "none")
            Traceback (most recent call last):
            privacy_sdk.errors.InvalidPairError: 'online' cannot be set to 'none'.
            Allowed for 'online': all, match_last_seen.
        """
        category, value = as_pair(category, value)
        return await self._confirming.set_privacy_setting(category, value)

    async def set_privacy_disallowed_list(
        self, category: ListCategoryLike, update: DisallowedListUpdate
    ) -> SetPrivacySettingResponse:
        """Add people to a category's disallowed list or remove them, and read back that it took.

        The read-back is left out for an account that cannot read lists.

        Args:
            category: ``last``, ``profile``, ``status`` or ``groupadd``, already set to
                ``contact_blacklist``.
            update: Whom to add and remove, and the dhash that this is based on.

        Returns:
            The list's new dhash, to be kept for the next update.

        Raises:
            NoDisallowedListError: The category has no list; nothing was sent.
            ConflictError: The list changed since that dhash was read.
            IqError: WhatsApp refused for another reason.
            NotAppliedError: WhatsApp answered success, and the list is another.
            OutcomeUnknownError: The answer was lost; the message says what the list holds now.

        Source:
            ``set_privacy_disallowed_list`` of the specification; reading back is ours.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> dhash = client.set_privacy_setting("last", "contact_blacklist").dhash
            >>> entry = ps.DisallowedListUserEntry("999000000000001@lid")
            >>> update = ps.DisallowedListUpdate(dhash, [entry])
            >>> client.set_privacy_disallowed_list("last", update).dhash != dhash
            True
        """
        category = as_list_category(category)
        if not isinstance(update, DisallowedListUpdate):
            raise InvalidInputError(
                f"A list update is a DisallowedListUpdate, not {type(update).__name__}."
            )
        return await self._confirming.set_privacy_disallowed_list(category, update)

    async def set_default_disappearing_mode(self, duration: DurationLike) -> None:
        """Set after how long messages of new chats disappear; existing chats keep their own.

        Args:
            duration: Whole seconds, or a timedelta; 0 turns it off. WhatsApp's own interface
                offers 86_400 (24 hours), 604_800 (7 days) and 7_776_000 (90 days).

        Raises:
            InvalidDurationError: Negative, fractional, over 4294967295, or no number; nothing
                was sent.
            IqError: WhatsApp refused.
            NotAppliedError: WhatsApp answered success, and the timer is another.
            OutcomeUnknownError: The answer was lost and the timer is another, so far.

        Source:
            ``set_default_disappearing_mode`` of the specification; reading back is ours.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> client.set_default_disappearing_mode(604_800)
            >>> client.fetch_default_disappearing_mode()
            604800
        """
        await self._confirming.set_default_disappearing_mode(as_seconds(duration))

    async def fetch_default_disappearing_mode(self) -> int:
        """After how long messages of new chats disappear [s]; 0 is off.

        Raises:
            NotSupportedError: The account cannot read it.

        Source:
            The protocol facts; the specification only sets it.

        Example:
            >>> import privacy_sdk as ps
            >>> ps.Client.emulated().fetch_default_disappearing_mode()
            0
        """
        return await self._account.fetch_default_disappearing_mode()

    async def fetch_disallowed_list(self, category: ListCategoryLike) -> DisallowedList:
        """Who is excepted in a category, with the list's dhash.

        Args:
            category: ``last``, ``profile``, ``status`` or ``groupadd``.

        Returns:
            Empty, without dhash, while the category is not set to ``contact_blacklist``.

        Raises:
            NoDisallowedListError: The category has no list; nothing was sent.
            NotSupportedError: The account cannot read lists.

        Source:
            The protocol facts; the specification only updates lists.

        Example:
            >>> import privacy_sdk as ps
            >>> ps.Client.emulated().fetch_disallowed_list("last")
            DisallowedList(dhash=None, users=())
        """
        return await self._account.fetch_disallowed_list(as_list_category(category))

    async def link_status(self) -> LinkStatus:
        """How far a phone is linked, with the QR code of the moment.

        Raises:
            NotSupportedError: The account is no phone's.

        Example:
            >>> import asyncio, privacy_sdk as ps
            >>> client = ps.AsyncClient.replay("live_account")
            >>> asyncio.run(client.link()).state
            'connecting'
            >>> asyncio.run(client.link_status())
            LinkStatus(state='waiting_for_scan', hint='On the phone: ...', expires_in=..., ...)
        """
        return await require(self._account, Linkable).link_status()

    async def link(self) -> LinkStatus:
        """Begin to link a phone, or to connect again after the connection ended for good.

        The QR codes are in :meth:`link_status`; ``Client.link`` and ``privacy-sdk link`` show them.

        Raises:
            NotSupportedError: The account is no phone's.

        Example:
            >>> import privacy_sdk as ps
            >>> ps.Client.emulated().link()
            Traceback (most recent call last):
            privacy_sdk.errors.NotSupportedError: This account is no phone's, so ...
        """
        return await require(self._account, Linkable).link()

    async def unlink(self) -> LinkStatus:
        """Delete the keys of the linked phone; the device is to be removed on the phone as well.

        Raises:
            NotSupportedError: The account is no phone's.

        Example:
            >>> import privacy_sdk as ps
            >>> ps.Client.emulated().unlink()
            Traceback (most recent call last):
            privacy_sdk.errors.NotSupportedError: This account is no phone's, so ...
        """
        return await require(self._account, Linkable).unlink()

    async def emulate(self, event: Event) -> None:
        """Make something happen to an emulated account: a change on the phone, a bad answer.

        Raises:
            NotSupportedError: The account is not emulated.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> client.emulate(ps.NextAnswer("not_taken"))
            >>> client.set_privacy_setting("last", "none")
            Traceback (most recent call last):
            privacy_sdk.errors.NotAppliedError: WhatsApp accepted 'none' for 'last', ...
        """
        await require(self._account, Emulator).emulate(event)

    async def aclose(self) -> None:
        """Close the connections; the client cannot be used any more."""
        await self._account.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __getstate__(self) -> NoReturn:
        raise UsageError(
            "A client holds a token and connections, and cannot be pickled.",
            hint="Make a client in each process.",
        )

    def __repr__(self) -> str:
        return self._label or f"AsyncClient({self._account!r})"
