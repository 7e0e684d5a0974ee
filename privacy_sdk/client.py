"""``AsyncClient``: checks arguments, plans and applies, and reads back, over any account."""

from __future__ import annotations

import functools
import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Literal, NoReturn, ParamSpec, Self, TypeVar
from weakref import WeakSet

from privacy_sdk.accounts.base import (
    Account,
    AccountInfo,
    Capability,
    KeepsHistory,
    Linkable,
    LinkStatus,
    OverHttp,
    require,
)
from privacy_sdk.accounts.callers import calling, checked_name, default_name
from privacy_sdk.cassettes import cassette_of
from privacy_sdk.errors import InvalidInputError, UsageError, short_repr
from privacy_sdk.errors.masks import mask_text
from privacy_sdk.errors.public import set_module
from privacy_sdk.model import words
from privacy_sdk.model.address_book import AddressBook
from privacy_sdk.model.arguments import (
    CategoryLike,
    DurationLike,
    ListCategoryLike,
    ValueLike,
    as_category,
    as_list_category,
    as_pair,
    as_seconds,
    as_time,
)
from privacy_sdk.model.changes import ChangeResult, Outcome, Report
from privacy_sdk.model.history import HistoryEntry
from privacy_sdk.model.people import PeopleLike, PersonLike, as_people, as_person
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import (
    ON_LIST,
    Contact,
    DisallowedList,
    DisallowedListAction,
    DisallowedListUpdate,
    DisallowedListUser,
    Jid,
    PrivacySettingsResponse,
    SetPrivacySettingResponse,
    lists_in_use,
)
from privacy_sdk.policies.excluded import change_excluded, list_words
from privacy_sdk.policies.people import find_people
from privacy_sdk.policies.state import read_state
from privacy_sdk.policies.turns import turn_of
from privacy_sdk.policies.verify import Observer, VerifiedChanges
from privacy_sdk.support.caller_warnings import warn_caller
from privacy_sdk.support.gateways import DEFAULT_TIMEOUT, given_or_env
from privacy_sdk.support.names import NamesLike, read_names

if TYPE_CHECKING:
    from privacy_sdk.accounts.emulated.account import EmulatedAccount
    from privacy_sdk.cassettes.transport import CassetteTransport, RecordMode
    from privacy_sdk.policies.plan import Plan
    from privacy_sdk.policies.policy import Policy, PolicyLike
    from privacy_sdk.policies.result import ApplyResult
    from privacy_sdk.policies.run import Progress
    from privacy_sdk.views.visibility import Visibility

P = ParamSpec("P")
T = TypeVar("T")


def _one_operation(
    method: Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    """Let the history tell all that a call changes as one operation of the client."""

    @functools.wraps(method)
    async def call(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with calling(self._name or default_name()):
            return await method(self, *args, **kwargs)

    return call


@set_module("privacy_sdk")
class AsyncClient:
    """WhatsApp's account-privacy settings, awaited; takes the arguments of ``Client``.

    Names may be members or wire strings. Bad input is refused before anything is sent, and a
    change is read back: one that the server did not make raises, whatever it answered.
    Every method can raise what is listed here; each lists what it adds.

    Raises:
        InvalidInputError: An argument cannot be used, as its subclasses tell; nothing was sent.
        NotConnectedError: The gateway, or WhatsApp behind it, cannot be reached.
        AnswerTimeoutError: No answer to a question came in time.
        OutcomeUnknownError: The answer to a change was lost or could not be verified.
        IqError: WhatsApp refused; a subclass tells why, such as ``RateLimitError``.
        GatewayError: The gateway refused: a wrong token, no such account, too many requests.
        UnreadableAnswerError: An answer is not of the interface.
        NotRecordedError: A replay holds no answer to this.
        UsageError: The client is closed.

    Example:
        >>> import asyncio, privacy_sdk as ps
        >>> async def last_seen():
        ...     async with ps.AsyncClient.emulated() as client:
        ...         settings = await client.fetch_privacy_settings()
        ...         return settings.get_value("last")
        >>> asyncio.run(last_seen())
        <PrivacyValue.ALL: 'all'>
    """

    _name = _label = ""

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        account: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        wait: float = 0.0,
        ca: str | os.PathLike[str] | None = None,
        record: str | os.PathLike[str] | None = None,
        record_mode: RecordMode = None,
        insecure: bool = False,
        names: NamesLike | None = None,
        name: str | None = None,
    ) -> None:
        from privacy_sdk.accounts.http import HttpAccount
        from privacy_sdk.accounts.network import network_to
        from privacy_sdk.support.tokens import token_in_environment

        if name is not None:
            if not isinstance(name, str):
                raise InvalidInputError(f"{short_repr(name)} is not a client's name.")
            self._name = checked_name(name)
        if replayed := os.environ.get("PRIVACY_SDK_REPLAY"):
            from privacy_sdk.cassettes.transport import CassetteTransport

            self._use(CassetteTransport(replayed, whole_process=True).replayed(account), names)
            return
        url = given_or_env(url, "PRIVACY_SDK_URL", None)
        url, network = network_to(url, token=token, ca=ca)
        transport = None
        by_variable = record is None
        record = (os.environ.get("PRIVACY_SDK_RECORD") or None) if by_variable else record
        if record is not None:
            from privacy_sdk.cassettes.transport import CassetteTransport

            transport = CassetteTransport(
                record,
                records=True,
                record_mode=record_mode,
                inner=network,
                whole_process=by_variable,
            )
            if transport.is_replaying:
                self._use(transport.replayed(account), names)
                return
        account = given_or_env(account, "PRIVACY_SDK_ACCOUNT", None)
        token = token if token is not None else token_in_environment()
        served = HttpAccount(
            url,
            token=token,
            account=account,
            timeout=timeout,
            wait=wait,
            transport=transport or network,
            insecure=insecure,
        )
        self._use(served, names)

    def _use(self, account: Account, names: NamesLike | None) -> None:
        self._account = account
        self._names = read_names(names)
        self._observers: WeakSet[Observer] = WeakSet()
        self._changes = VerifiedChanges(
            account, self._notify, is_watched=lambda: bool(self._observers and not self.recording)
        )

    def _notify(self, state: SettingsState, *, by: Observer | None = None) -> None:
        """Tell the observers what was read after a change, except the one that read it."""
        for observer in tuple(self._observers):
            if observer is not by:
                observer.settings_read(state)

    @classmethod
    def from_account(cls, account: Account, *, names: NamesLike | None = None) -> Self:
        """Return a client of an account at hand, such as one of your own making.

        Args:
            account: The account.
            names: What you call people, as for the class.

        Example:
            >>> import privacy_sdk as ps
            >>> account = ps.EmulatedAccount("mine", settings={"last": "none"})
            >>> ps.Client.from_account(account).info().id
            'mine'
        """
        client = cls.__new__(cls)
        client._use(account, names)
        return client

    @classmethod
    def emulated(
        cls,
        *,
        seed: int = 0,
        settings: Mapping[str, str] | None = None,
        contacts: Iterable[Contact] | None = None,
        record: str | os.PathLike[str] | None = None,
        record_mode: RecordMode = None,
        names: NamesLike | None = None,
    ) -> Self:
        """Return a client of an account that lives in this process and answers anything.

        Args:
            seed: The same seed gives the same dhashes.
            settings: What it is set to at first, category to value; None for a new account's.
            contacts: Whom it can find; None for a handful of fictional people.
            record: Path of a cassette that every exchange is written to, with the gateway's
                application in this process.
            record_mode: As for the class.
            names: What you call people, as for the class.

        Raises:
            PrivacyError: ``record`` without the gateway's extra.

        Example:
            >>> import privacy_sdk as ps
            >>> ps.Client.emulated()
            Client.emulated()
            >>> ps.Client.emulated(settings={"last": "none"}).fetch_privacy_settings()["value"]
            category
            last    none
            Name: value, dtype: str
        """
        from privacy_sdk.accounts.emulated.account import EmulatedAccount

        account = EmulatedAccount(seed=seed, settings=settings, contacts=contacts)
        if record is None:
            client = cls.from_account(account, names=names)
            client._label = "AsyncClient.emulated()"
        else:
            client = cls.from_account(_recorded_here(account, record, record_mode), names=names)
            client._label = f"AsyncClient.emulated(record={os.fspath(record)!r})"
        return client

    @classmethod
    def replay(cls, recording: str | os.PathLike[str], *, names: NamesLike | None = None) -> Self:
        """Return a client that answers from a cassette, offline.

        A change goes to where it was recorded, and a question is answered by what was answered
        there. Numbers of one's own stand for the recording's pseudonyms, by their order.

        Args:
            recording: Path of a cassette; a bare name such as ``"tour"`` is one that comes
                with the package.
            names: What you call people, as for the class.

        Raises:
            RecordingError: No such cassette, or one that cannot be read.

        Example:
            >>> import privacy_sdk as ps
            >>> ps.Client.replay("tour")
            Client.replay('tour')
        """
        from privacy_sdk.cassettes.transport import CassetteTransport

        return cls.from_account(CassetteTransport(recording).replayed(), names=names)

    @property
    def recording(self) -> CassetteTransport | None:
        """The recording that answers; None when an account does."""
        cassette = cassette_of(self._account)
        return cassette if cassette is not None and cassette.is_replaying else None

    @property
    def account(self) -> Account:
        """The account behind the client; an emulated one takes events with ``emulate``.

        Example:
            >>> import asyncio, privacy_sdk as ps
            >>> client = ps.AsyncClient.from_account(account := ps.EmulatedAccount())
            >>> asyncio.run(account.emulate(ps.testing.PhoneSets("last", "none")))
            >>> client.account is account
            True
        """
        return self._account

    @property
    def names(self) -> AddressBook:
        """What people are called here; nothing of it is sent, recorded or logged.

        Example:
            >>> import privacy_sdk as ps
            >>> ps.AsyncClient.emulated(names={"Ana": "+999 11 555 0101"}).names
            AddressBook(1 person)
        """
        return self._names

    @property
    def is_open(self) -> bool:
        """Whether connections may be open."""
        return isinstance(self._account, OverHttp) and self._account.is_open

    async def info(self) -> AccountInfo:
        """Return who the account is: its id, backend, state and capabilities.

        Example:
            >>> import privacy_sdk as ps
            >>> ps.Client.emulated().info().backend
            'emulated'
        """
        return await self._account.info()

    async def fetch_privacy_settings(self) -> PrivacySettingsResponse:
        """Fetch all settings that the server reports, known and unknown, in its order.

        Source:
            ``fetch_privacy_settings`` of the specification.
        """
        return await self._account.fetch_privacy_settings()

    async def visibility(self, person: PersonLike | None = None) -> Visibility:
        """Return who sees what: a row per setting, a column per kind of viewer.

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
        state = await read_state(
            self._account,
            await self._changes.capabilities(),
            settings=False,
            lists=lists_in_use(response),
            timer=user is None,
        )
        # A list without dhash is none: its category left it since the settings were read.
        lists = {category: held for category, held in state.lists.items() if held.dhash}
        if user is not None:
            return person_visibility(
                response,
                self._names.label(user)
                if self._names.name(user)
                else mask_text(str(user.jid) if user.pn_jid is None else f"+{user.pn_jid.user}"),
                is_excepted={
                    category: not held.identities.isdisjoint(user.identities)
                    for category, held in lists.items()
                },
                unreadable=response.unreadable,
                account=self._account.id,
            )
        return visibility(
            response,
            timer=state.timer,
            excepted={category: len(held) for category, held in lists.items()},
            unreadable=response.unreadable,
            account=self._account.id,
        )

    async def _find(
        self, people: Mapping[str, Sequence[Jid]]
    ) -> dict[str, tuple[DisallowedListUser, ...]]:
        """Return who people are, by the place where they were named."""
        found = await find_people(self._account, people, self._names.label)
        for users in found.values():
            self._names.learn(users)
        return found

    async def _find_person(self, person: PersonLike) -> DisallowedListUser:
        """Return who a person is; as addressed, where the account cannot find contacts."""
        jid = as_person(person, self._names.find)
        phone = jid if jid.is_phone else None
        if Capability.FIND_CONTACTS not in await self._changes.capabilities():
            return DisallowedListUser(jid, phone)
        (user,) = (await self._find({"person": [jid]}))["person"]
        return DisallowedListUser(user.jid, user.pn_jid or phone)

    @_one_operation
    async def set_privacy_setting(
        self, category: CategoryLike, value: ValueLike, *, unreported: bool = False
    ) -> SetPrivacySettingResponse:
        """Change one setting, and verify it by reading it back.

        Args:
            category: last online profile status groupadd readreceipts calladd messages defense
            value: What to set it to; one of the category's valid values.
            unreported: Whether to send a category that WhatsApp does not report for this
                account; accounts are said to have been locked out by that.

        Returns:
            The list's dhash when the value is ``contact_blacklist``, to be kept for the next
            update of that list.

        Raises:
            UnknownNameError: A string that names no category or value.
            InvalidPairError: The category does not accept the value.
            NotSupportedError: WhatsApp does not report the category, or the account cannot
                send it; nothing was sent.
            NotAppliedError: WhatsApp answered success, and the setting is another.

        Source:
            ``set_privacy_setting`` of the specification; reading back is ours.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> client.set_privacy_setting("last", "contacts")
            Last seen: my contacts
            >>> client.set_privacy_setting(ps.PrivacyCategory.ONLINE, "none")
            Traceback (most recent call last):
            privacy_sdk.InvalidPairError: 'online' cannot be set to 'none'.
            Allowed for 'online': all, match_last_seen.
        """
        category, value = as_pair(category, value)
        async with turn_of(self._account):
            response = await self._changes.set_privacy_setting(
                category, value, unreported=unreported
            )
        return replace(response, description=f"{words.label(category)}: {words.audience(value)}")

    @_one_operation
    async def set_privacy_disallowed_list(
        self, category: ListCategoryLike, update: DisallowedListUpdate
    ) -> SetPrivacySettingResponse:
        """Add people to a category's disallowed list or remove them, and verify it.

        The list is not read back of an account that cannot read lists.

        Args:
            category: ``last``, ``profile``, ``status`` or ``groupadd``, already set to
                ``contact_blacklist``.
            update: Whom to add and remove, and the dhash that this is based on.

        Returns:
            The list's new dhash, to be kept for the next update.

        Raises:
            UnknownNameError: A string that names no category.
            NoDisallowedListError: The category has no list.
            ConflictError: The list changed since that dhash was read.
            NotAppliedError: WhatsApp answered success, and the list is another.

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
        async with turn_of(self._account):
            response = await self._changes.set_privacy_disallowed_list(category, update)
        description = f"{words.label(category)}: {list_words(update.users)}"
        return replace(response, description=description)

    @_one_operation
    async def set_default_disappearing_mode(self, duration: DurationLike) -> None:
        """Set the default disappearing time of new chats; existing chats keep their own.

        Args:
            duration: Whole seconds, or a timedelta; 0 turns it off. WhatsApp's own interface
                offers 86_400 (24 hours), 604_800 (7 days) and 7_776_000 (90 days).

        Raises:
            InvalidDurationError: Negative, fractional, over 4294967295, or no number.
            NotAppliedError: WhatsApp answered success, and the timer is another.

        Source:
            ``set_default_disappearing_mode`` of the specification; reading back is ours.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> client.set_default_disappearing_mode(604_800)
            >>> client.fetch_default_disappearing_mode()
            604800
        """
        seconds = as_seconds(duration)
        async with turn_of(self._account):
            await self._changes.set_default_disappearing_mode(seconds)

    async def fetch_default_disappearing_mode(self) -> int:
        """Fetch the default disappearing time of new chats [s]; 0 is off.

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
        """Fetch the people excepted in a category, with the list's dhash.

        Args:
            category: ``last``, ``profile``, ``status`` or ``groupadd``.

        Returns:
            Empty, without dhash, while the category is not set to ``contact_blacklist``.

        Raises:
            UnknownNameError: A string that names no category.
            NoDisallowedListError: The category has no list.
            NotSupportedError: The account cannot read lists.

        Source:
            The protocol facts; the specification only updates lists.

        Example:
            >>> import privacy_sdk as ps
            >>> ps.Client.emulated().fetch_disallowed_list("last")
            DisallowedList(dhash=None, users=())
        """
        return await self._account.fetch_disallowed_list(as_list_category(category))

    async def history(
        self, since: str | datetime | None = None, category: CategoryLike | None = None
    ) -> tuple[HistoryEntry, ...]:
        """Return what was changed, when and by whom: what was made here, and what was noticed.

        A change that was made elsewhere is noticed when the settings are read: then its entry
        says between when it was. The gateway keeps the journal; an account in this process, for
        as long as that lives.

        Args:
            since: From when on, such as ``"2026-11-24 18:00"``; without a zone local time.
            category: Of which setting.

        Raises:
            InvalidInputError: No time, or one to come.
            UnknownNameError: A string that names no category.
            NotSupportedError: No journal is kept.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> response = client.set_privacy_setting("last", "contacts")
            >>> client.account.emulate(ps.testing.PhoneSets("last", "none"))
            >>> settings = client.fetch_privacy_settings()
            >>> client.history()[["setting", "from", "to", "outcome"]]
                 setting      from        to  outcome
            0  Last seen       all  contacts  applied
            1  Last seen  contacts      none  noticed
        """
        name = None if category is None else as_category(category).value
        moment = None if since is None else as_time(since, say_local)
        keeper = require(self._account, KeepsHistory)
        return await keeper.history(since=moment, category=name)

    async def watch(self, *, after: int | None = None) -> AsyncGenerator[HistoryEntry, None]:
        """Yield each change as it is made or noticed, until the loop over it ends.

        None is missed and none comes twice, also when the gateway is started anew meanwhile. An
        account that tells nothing of what is changed elsewhere is read once a minute for as long
        as somebody watches.

        Args:
            after: The ``id`` of the last entry that is known; by default it begins with the
                next change.

        Raises:
            NotSupportedError: No journal is kept.
            TooManyWatchersError: As many watch the account as may.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> response = client.set_privacy_setting("last", "contacts")
            >>> for entry in client.watch(after=0):
            ...     print(entry.before, entry.after, entry.outcome)
            ...     break
            all contacts applied
        """
        keeper = require(self._account, KeepsHistory)
        async with aclosing(keeper.watch(after=after)) as changes:
            async for _, entry in changes:
                if entry is not None:
                    yield entry

    async def undo(self) -> Plan:
        """Return the plan that takes back the last change that was made here.

        A change is a whole call: a set, an exclude, a timer, an apply. Applied, it counts as taken
        back, and the next one goes further back.

        Raises:
            OutdatedPlanError: What it changed was changed again since; nothing was changed.
            UsageError: There is no change to take back.
            NotSupportedError: No journal is kept.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> response = client.exclude("profile", "+999 11 555 0101")
            >>> applied = client.apply(client.undo())
            >>> client.fetch_privacy_settings().loc["profile", "value"]
            'all'
        """
        from privacy_sdk.policies.history import undo_last

        entries, capabilities = await self.history(), await self._changes.capabilities()
        return await undo_last(self._account, capabilities, entries, self._names)

    async def snapshot(self, at: str | datetime | None = None) -> Policy:
        """Return the settings of now, or of a moment, as a policy that restores them.

        What a policy cannot hold is left out and listed in its notes: categories and values
        that this version does not know, lists and timer that the account cannot read.

        Args:
            at: Of which moment, as far as the history tells; as for :meth:`history`.

        Raises:
            InvalidInputError: No time, one to come, or one of which nothing is known.
            NotSupportedError: Of a moment, and no journal is kept.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> before = client.snapshot()
            >>> client.set_privacy_setting("last", "none")
            Last seen: nobody
            >>> client.plan(before)
            Plan of 1 change for 'demo'
              setting    from    to        direction
              Last seen  nobody  everyone  looser
        """
        from privacy_sdk.policies.history import state_at
        from privacy_sdk.policies.policy import policy_of

        moment = None if at is None else as_time(at, say_local)
        state = await read_state(self._account, await self._changes.capabilities())
        if moment is not None:
            state = state_at(await self.history(moment), state, moment)
        return policy_of(state)

    async def plan(self, policy: PolicyLike, *, only: Literal["tighter"] | None = None) -> Plan:
        """Return the changes that bring the settings to a policy; nothing is changed.

        Args:
            policy: A :class:`~privacy_sdk.Policy`, a mapping of one, the path of a YAML file
                with one, what :meth:`snapshot` returned, or a table of settings whose column
                ``value`` was edited.
            only: ``"tighter"`` leaves out what would loosen anything, or cannot be said to
                tighten it.

        Returns:
            The changes in the order in which it is safe to make them; empty when nothing is
            to do. What cannot be done is among them, with the reason.

        Raises:
            InvalidPolicyError: The policy is invalid; lists every problem.
            InvalidContactError: People who are not on WhatsApp, or twice in one list.
            NotSupportedError: The policy names phone numbers, and the account cannot find
                contacts.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> len(client.plan(ps.policies.MAXIMUM)), len(client.plan(client.snapshot()))
            (7, 0)
            >>> client.plan({"last": "none", "status": "all"}, only="tighter")
            Plan of 1 change for 'demo'
              setting    from      to      direction
              Last seen  everyone  nobody  tighter
        """
        from privacy_sdk.policies.plan import make_plan
        from privacy_sdk.policies.policy import as_policy

        policy = as_policy(policy, self._names.find)
        places = {f"exceptions.{category.value}": category for category in policy.exceptions}
        found = await self._find({place: policy.exceptions[places[place]] for place in places})
        # A list that is only kept is not read; one that is left is, so that it can be restored.
        lists = [
            category
            for category, value in policy.settings.items()
            if category.supports_disallowed_list()
            and (category in policy.exceptions or value is not ON_LIST)
        ]
        state = await read_state(
            self._account,
            await self._changes.capabilities(),
            lists=lists,
            timer=policy.timer is not None,
        )
        people = {places[place]: users for place, users in found.items()}
        for held in state.lists.values():
            self._names.learn(held)
        return make_plan(policy, state, people, self._account.id, only=only, names=self._names)

    async def apply(self, plan: Plan, *, progress: Progress | None = None) -> ApplyResult:
        """Apply a plan, beside the account, and verify each of its changes.

        What tightens is changed before what loosens; a list is changed with its category, and
        defense mode, which locks other settings, goes off first and on last. A refusal does
        not keep the rest from being tried, unless it would be refused likewise: then the rest
        is not tried.

        Args:
            plan: What to change; changes with an obstacle are not tried.
            progress: Called with the number of changes made and that of all.

        Returns:
            The outcome of each change, and the state then; ``undo()`` returns the plan that
            takes back exactly what was applied. A refused or unknown change raises nothing:
            see ``is_complete``.

        Raises:
            OutdatedPlanError: The settings are not those that the plan starts from; nothing
                was changed.
            InvalidInputError: No plan, or one for another account.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> applied = client.apply(client.plan(ps.policies.MAXIMUM))
            >>> applied.is_complete, len(client.apply(applied.undo()))
            (True, 7)
        """
        from privacy_sdk.policies.plan import Plan
        from privacy_sdk.policies.result import ApplyResult
        from privacy_sdk.policies.run import apply_changes

        if not isinstance(plan, Plan):
            raise InvalidInputError(
                f"{short_repr(plan)} is no plan.", hint="Make one with client.plan(policy)."
            )
        if None not in (plan.account, self._account.id) and plan.account != self._account.id:
            raise InvalidInputError(
                f"The plan is for account {plan.account!r}, not for {self._account.id!r}.",
                hint="Make a plan with the client that is to apply it.",
            )
        report = Report()
        with calling(self._name or default_name(), plan.undoes) as operation:
            if plan.possible:
                async with turn_of(self._account):
                    changes = plan.possible
                    report = await apply_changes(self._account, plan.before, changes, progress)
                self._notify(report.after)
        tried = iter(report.results)
        results = tuple(
            ChangeResult(change, Outcome.NOT_TRIED, change.obstacle)
            if change.obstacle
            else next(tried)
            for change in plan
        )
        return ApplyResult(results, plan.before, report.after, plan.account, plan.names, operation)

    @_one_operation
    async def exclude(
        self, category: ListCategoryLike, people: PeopleLike
    ) -> SetPrivacySettingResponse:
        """Except people from a category: they no longer see what your other contacts see.

        Excluding never shows more to anybody. Only contacts can be excepted, so a category
        that is open to everyone or to contacts is first set to ``contact_blacklist``, as the
        phone does for "My contacts except…"; strangers then are not let in either. One that
        nobody sees is refused, for that would open it to all your other contacts.

        The change is made to the list as it stands, and done again once when the phone
        changed the list meanwhile. Who is excepted already stays so.

        Args:
            category: ``last``, ``profile``, ``status`` or ``groupadd``.
            people: One person or several: phone numbers with ``+`` and country code, JIDs
                or LIDs; the unmasked table of :meth:`.Client.excluded` or a column of it; with
                ``names=``, names that are one person's.

        Returns:
            The list's new dhash.

        Raises:
            UnknownNameError: A string that names no category.
            NoDisallowedListError: The category has no list.
            InvalidContactError: No phone numbers, people not on WhatsApp or named twice; all
                are named, and nothing was changed.
            InvalidInputError: Nobody sees the category; nothing was changed.
            NotSupportedError: There are phone numbers, and the account cannot find contacts.
            ConflictError: The list was changed meanwhile, twice; the hint tells what it held.
            NotAppliedError: WhatsApp answered success, and the setting or list is another.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> client.exclude("profile", ["+999 11 555 0101", "+999 11 555 0102"])
            Profile photo: my contacts except 2 people (was: everyone) (dhash ...)
            >>> client.excluded("profile")["number"].tolist()
            ['99•••01', '99•••02']
        """
        return await self._change_excluded(category, people, DisallowedListAction.ADD)

    @_one_operation
    async def include(
        self, category: ListCategoryLike, people: PeopleLike
    ) -> SetPrivacySettingResponse:
        """Take people off the excepted ones of a category: they see what other contacts see.

        Nothing is changed while nobody is excepted, because a category is open to everyone
        or to contacts. Otherwise like :meth:`exclude`.

        Args:
            category: ``last``, ``profile``, ``status`` or ``groupadd``.
            people: As for :meth:`exclude`.

        Returns:
            The list's new dhash; None when nobody is excepted.

        Raises:
            PrivacyError: As for :meth:`exclude`.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> response = client.exclude("profile", ["+999 11 555 0101", "+999 11 555 0102"])
            >>> response = client.include("profile", "+999 11 555 0101")
            >>> client.excluded("profile")["number"].tolist()
            ['99•••02']
        """
        return await self._change_excluded(category, people, DisallowedListAction.REMOVE)

    async def excluded(self, category: ListCategoryLike) -> DisallowedList:
        """Fetch the people excepted in a category, as :meth:`fetch_disallowed_list` does.

        Args:
            category: ``last``, ``profile``, ``status`` or ``groupadd``.
        """
        return await self.fetch_disallowed_list(category)

    async def _change_excluded(
        self, category: ListCategoryLike, people: PeopleLike, action: DisallowedListAction
    ) -> SetPrivacySettingResponse:
        category, jids = as_list_category(category), as_people(people, self._names.find)
        return await change_excluded(self._changes, category, jids, action, self._find)

    async def link_status(self) -> LinkStatus:
        """Return how far a phone is linked, with the present QR code.

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
            privacy_sdk.NotSupportedError: This account is no phone's, so ...
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
            privacy_sdk.NotSupportedError: This account is no phone's, so ...
        """
        return await require(self._account, Linkable).unlink()

    async def aclose(self) -> None:
        """Close the connections; a client of a gateway or recording cannot be used any more.

        Example:
            >>> import privacy_sdk as ps
            >>> with ps.Client.emulated() as client:  # closes it at the end
            ...     settings = client.fetch_privacy_settings()
        """
        await self._account.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.aclose()

    def __getstate__(self) -> NoReturn:
        raise UsageError(
            "A client holds a token and connections, and cannot be pickled.",
            hint="Make a client in each process.",
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows, where nothing can be awaited."""
        from privacy_sdk.views.html import text_html

        name = text_html(repr(self))
        return f"<p>{name}: <code>await client.visibility()</code> shows who sees what.</p>"

    def __repr__(self) -> str:
        if (recording := self.recording) is not None:
            return f"AsyncClient.replay({Path(recording.name).name!r})"
        return self._label or f"AsyncClient({self._account!r})"


def say_local(at: datetime) -> None:
    """Warn that a time had no zone, and as what it was taken."""
    warn_caller(f"A time without a zone is taken as local time: {at:%Y-%m-%d %H:%M:%S%z}.")


def _recorded_here(
    account: EmulatedAccount, record: str | os.PathLike[str], record_mode: RecordMode
) -> Account:
    """Return an account behind the gateway's application in this process, which is recorded."""
    from privacy_sdk.accounts.http import HttpAccount
    from privacy_sdk.cassettes.transport import ApplicationTransport, CassetteTransport
    from privacy_sdk.gateway import create_app

    application = ApplicationTransport(create_app({account.id: account}, token=None))
    transport = CassetteTransport(record, records=True, record_mode=record_mode, inner=application)
    if transport.is_replaying:
        return transport.replayed()
    return HttpAccount(account=account.id, transport=transport)
