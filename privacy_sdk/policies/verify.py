"""Changes that are read back: WhatsApp answers success to changes that it did not make, too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeVar

from privacy_sdk.accounts.base import Account, Capability, RunsPlans, no_list
from privacy_sdk.errors import (
    AnswerTimeoutError,
    ConflictError,
    GatewayError,
    InvalidInputError,
    IqError,
    NotAppliedError,
    NotConnectedError,
    NotSupportedError,
    OutcomeUnknownError,
    OvertakenError,
    PrivacyError,
    UnreadableAnswerError,
)
from privacy_sdk.model import words
from privacy_sdk.model.changes import (
    Change,
    ChangeResult,
    ExcludedChange,
    ListChange,
    Outcome,
    SettingChange,
    TimerChange,
)
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import (
    NO_DHASH,
    ON_LIST,
    DisallowedList,
    DisallowedListAction,
    DisallowedListUpdate,
    DisallowedListUser,
    Jid,
    PrivacyCategory,
    PrivacyValue,
    SetPrivacySettingResponse,
)
from privacy_sdk.policies.state import SETTINGS, TIMER, Part, Unread, read_info, read_state

T = TypeVar("T")

READS = 2
"""How often a read-back is tried while its answers are lost."""

LOST = (OutcomeUnknownError, UnreadableAnswerError)
"""Errors after which a change may have been made."""

_SUCCESS = "WhatsApp answered success"
_UNREADABLE_NOW = (
    IqError,
    NotConnectedError,
    AnswerTimeoutError,
    GatewayError,
    UnreadableAnswerError,
)


class Answer(NamedTuple):
    """The answer to a change, before it is known what became of it.

    ``APPLIED`` means that WhatsApp answered success, ``UNKNOWN`` that its answer was lost; with
    the version of the list that it led to, and that on which it was based.
    """

    outcome: Outcome
    reason: str = ""
    dhash: str | None = None
    based_on: str | None = None


def judge(
    change: Change,
    answer: Answer,
    after: SettingsState,
    unread: Mapping[Part, PrivacyError] = MappingProxyType({}),
    before: SettingsState = SettingsState(),  # noqa: B008
) -> ChangeResult:
    """Return what became of a change, by its answer and by what was read back or is unread.

    What was accepted and is still as it was before was not made; what is something else again
    was overtaken, for all that can be known.

    Example:
        >>> change = TimerChange(0, 5)
        >>> judge(change, Answer(Outcome.APPLIED), SettingsState(timer=0)).reason
        'WhatsApp answered success, but it is 0 s.'
        >>> judge(change, Answer(Outcome.APPLIED), SettingsState(timer=7)).outcome
        <Outcome.OVERTAKEN: 'overtaken'>
        >>> judge(change, Answer(Outcome.UNKNOWN, "Lost."), SettingsState(timer=5)).outcome
        <Outcome.APPLIED: 'applied'>
    """
    if answer.outcome in (Outcome.REFUSED, Outcome.NOT_TRIED):
        return ChangeResult(change, answer.outcome, answer.reason)
    is_lost = answer.outcome is Outcome.UNKNOWN
    evidence = _evidence(change, after)
    if evidence is None:
        error = unread.get(_part(change))
        if isinstance(error, NotSupportedError) and not is_lost:
            reason = f"{_SUCCESS}; this account cannot read it back."
            return ChangeResult(change, Outcome.APPLIED, reason)
        why = error.message if error else "WhatsApp does not report it."
        reason = f"{answer.reason or f'{_SUCCESS}.'} It could not be read back: {why}"
        return ChangeResult(change, Outcome.UNKNOWN, reason)
    is_made, now, missed = evidence
    if is_made:
        return ChangeResult(change, Outcome.APPLIED)
    if is_lost:
        return ChangeResult(change, Outcome.UNKNOWN, f"{answer.reason} As of now {now}.", missed)
    if _is_overtaken(change, answer, after, before):
        found = f"{now.removeprefix('it is ')} is set" if now.startswith("it is ") else now
        reason = f"{_wanted(change)} was accepted and {found} now: changed since, or not made."
        return ChangeResult(change, Outcome.OVERTAKEN, reason, missed)
    return ChangeResult(change, Outcome.REFUSED, f"{_SUCCESS}, but {now}.", missed)


def _is_overtaken(
    change: Change, answer: Answer, after: SettingsState, before: SettingsState
) -> bool:
    """Whether what was read back is neither what was wanted nor what was there before."""
    match change:
        case SettingChange(category=category):
            return after.settings[category] != before.settings.get(category, change.before)
        case TimerChange():
            return after.timer != (change.before if before.timer is None else before.timer)
        case ListChange(category=category):
            dhash = after.lists.get(category, DisallowedList()).dhash or NO_DHASH
            return answer.dhash is not None and dhash not in (answer.dhash, answer.based_on)


def _wanted(change: Change) -> str:
    match change:
        case SettingChange(after=value):
            return f"{value.value!r}"
        case TimerChange(after=seconds):
            return f"{seconds} s"
        case ListChange():
            return "The change"


def _part(change: Change) -> Part:
    match change:
        case SettingChange():
            return SETTINGS
        case ListChange(category=category):
            return category
        case TimerChange():
            return TIMER


class _Evidence(NamedTuple):
    is_made: bool
    now: str
    missed: frozenset[Jid] = frozenset()


def _evidence(change: Change, after: SettingsState) -> _Evidence | None:
    """Whether a change was made; None when what tells was not read."""
    match change:
        case SettingChange(category=category, after=value):
            found = after.settings.get(category)
            return None if found is None else _Evidence(found == value, f"it is {found.value!r}")
        case TimerChange(after=seconds):
            timer = after.timer
            return None if timer is None else _Evidence(timer == seconds, f"it is {timer} s")
        case ListChange(category=category, action=action, people=people):
            held = after.lists.get(category)
            if held is None and after.settings.get(category, ON_LIST) is ON_LIST:
                return None
            listed = frozenset[Jid]() if held is None else held.identities
            adds = action is DisallowedListAction.ADD
            missed = frozenset(
                user.jid for user in people if listed.isdisjoint(user.identities) is adds
            )
            now = (
                f"{len(missed)} of {len(people)} people {'were not added' if adds else 'remain'}; "
                f"the list holds {words.people(len(held or ()))}"
            )
            return _Evidence(not missed, now, missed)


class Observer(Protocol):
    """What follows the settings of a client, such as a panel."""

    def settings_read(self, state: SettingsState) -> None:
        """Take over what was read of the account; the rest is as it was."""


class VerifiedChanges:
    """The changes of an account, each followed by reading what became of it.

    Each raises :class:`~privacy_sdk.NotAppliedError` when WhatsApp answered success and did
    not make the change, :class:`~privacy_sdk.errors.OvertakenError` when something else is set
    afterwards, and :class:`~privacy_sdk.OutcomeUnknownError` when it cannot be known whether it
    was made. An account that cannot read what was changed is taken at its word, and one that
    :class:`RunsPlans` verifies at its other end: it is asked here only when an answer was lost.
    What was read is told to ``on_read``.

    Whoever calls them holds the :func:`turn_of` the account.

    Attributes:
        account: The account.
    """

    def __init__(
        self,
        account: Account,
        on_read: Callable[[SettingsState], None] = lambda state: None,
        *,
        other_end: RunsPlans | None = None,
        is_watched: Callable[[], bool] = lambda: False,
    ) -> None:
        self.account, self._on_read, self._is_watched = account, on_read, is_watched
        self._other_end = account if isinstance(account, RunsPlans) else other_end
        self._capabilities: frozenset[str] | None = None

    async def capabilities(self) -> frozenset[str]:
        """Return what the account can do; asked once."""
        if self._capabilities is None:
            self._capabilities = (await read_info(self.account)).capabilities
        return self._capabilities

    async def set_privacy_setting(
        self, category: PrivacyCategory, value: PrivacyValue, *, unreported: bool = False
    ) -> SetPrivacySettingResponse:
        """Change one setting."""
        return await self._verified(
            f"{value.value!r} for {category.value!r}",
            lambda: self.account.set_privacy_setting(category, value, unreported=unreported),
            lambda after: _response(category, after),
            SettingChange(category, None, value),
        )

    async def set_privacy_disallowed_list(
        self, category: PrivacyCategory, update: DisallowedListUpdate
    ) -> SetPrivacySettingResponse:
        """Change a disallowed list; without a dhash, as it stands."""
        based_on = update.dhash

        async def send() -> SetPrivacySettingResponse:
            nonlocal based_on
            if self._other_end:
                return await self.account.set_privacy_disallowed_list(category, update)
            based_on, response = await update_list(self.account, category, update)
            return response

        return await self._verified(
            f"The change of the list of {category.value!r}",
            send,
            lambda after: _response(category, after),
            *_list_changes(category, update),
            based_on=lambda: based_on,
        )

    async def set_default_disappearing_mode(self, seconds: int) -> None:
        """Set the default timer of new chats [s]."""
        await self._verified(
            f"A disappearing time of {seconds} s",
            lambda: self.account.set_default_disappearing_mode(seconds),
            lambda after: None,
            TimerChange(None, seconds),
        )

    async def change_excluded(
        self, category: PrivacyCategory, update: DisallowedListUpdate
    ) -> ExcludedChange:
        """Except people or no longer except them, without opening the category to anybody.

        The category is put on its list first where it is open to everyone or to contacts.

        Raises:
            InvalidInputError: Nobody sees the category; nothing was changed.
        """
        if other_end := self._other_end:
            return await self._verified(
                f"The change of who is excepted in {category.value!r}",
                lambda: other_end.change_excluded(category, update),
                lambda after: ExcludedChange(None, _response(category, after).dhash),
                *_list_changes(category, update),
            )
        value = (await self.account.fetch_privacy_settings()).get_value(category)
        if value is not ON_LIST:
            if value not in (PrivacyValue.ALL, PrivacyValue.CONTACTS):
                raise would_open(category, value)
            if all(entry.action is DisallowedListAction.REMOVE for entry in update.users):
                return ExcludedChange(value, None)
            await self._verified(
                f"{ON_LIST.value!r} for {category.value!r}",
                lambda: self.account.set_privacy_setting(category, ON_LIST),
                lambda after: _response(category, after),
                SettingChange(category, value, ON_LIST),
            )
        # Refused when the category has left its list: whoever closes it meanwhile has the say.
        response = await self.set_privacy_disallowed_list(category, update)
        return ExcludedChange(value, response.dhash)

    async def _verified(
        self,
        what: str,
        send: Callable[[], Awaitable[T]],
        response: Callable[[SettingsState], T],
        *changes: Change,
        based_on: Callable[[], str | None] = lambda: None,
    ) -> T:
        """Return the answer to a request that was verified.

        Args:
            what: What is sent, in words.
            send: Sends it.
            response: What stands in for its answer when that was lost.
            *changes: What it is to change.
            based_on: The version of the list that it was based on, once it was sent.
        """
        before = SettingsState() if self._other_end else await self._before(changes)
        answered: T | None = None
        lost: PrivacyError | None = None
        try:
            answered = await send()
        except LOST as error:
            lost = error
        else:
            if self._other_end:
                await self._tell(changes)
                return answered
        unread: dict[Part, PrivacyError] = {}
        after = await self._read_back(changes, unread, is_lost=lost is not None)
        self._on_read(after)
        failed = next((e for e in unread.values() if not isinstance(e, NotSupportedError)), None)
        if failed and not isinstance(failed, _UNREADABLE_NOW):
            raise failed
        dhash = answered.dhash if isinstance(answered, SetPrivacySettingResponse) else None
        answer = Answer(Outcome.UNKNOWN, lost.message) if lost else Answer(Outcome.APPLIED)
        answer = answer._replace(dhash=dhash, based_on=based_on())
        for result in (judge(change, answer, after, unread, before) for change in changes):
            if result.outcome is Outcome.REFUSED:
                raise NotAppliedError(f"{what} was not applied. {result.reason}")
            if result.outcome is Outcome.OVERTAKEN:
                raise OvertakenError(result.reason)
            if result.outcome is Outcome.UNKNOWN:
                raise OutcomeUnknownError(result.reason) from failed or lost
        if failed:
            raise OutcomeUnknownError(
                f"{answer.reason} It was made; its list could not be read: {failed.message}"
            ) from failed
        return response(after) if answered is None else answered

    async def _tell(self, changes: tuple[Change, ...]) -> None:
        """Tell of changes that the other end has verified; a list is read for who watches."""
        settings = {c.category: c.after for c in changes if isinstance(c, SettingChange)}
        timers = [change.after for change in changes if isinstance(change, TimerChange)]
        state = SettingsState(settings, timer=timers[0] if timers else None)
        if any(isinstance(change, ListChange) for change in changes) and self._is_watched():
            state = await self._read_back(changes, {}, is_lost=False)
        self._on_read(state)

    async def _before(self, changes: tuple[Change, ...]) -> SettingsState:
        """Read what is to be changed, so that a change that was not made shows as such.

        Raises:
            PrivacyError: It cannot be read, and nothing was sent.
        """
        unread: dict[Part, PrivacyError] = {}
        timer = any(isinstance(change, TimerChange) for change in changes)
        state = await read_state(
            self.account,
            await self.capabilities() if timer else (),
            settings=any(isinstance(c, SettingChange) and c.before is None for c in changes),
            lists=(),
            timer=timer,
            unread=unread,
            attempts=READS,
        )
        for error in unread.values():
            if not isinstance(error, NotSupportedError | AnswerTimeoutError):
                raise error
        return state

    async def _read_back(
        self, changes: tuple[Change, ...], unread: Unread, *, is_lost: bool
    ) -> SettingsState:
        """Read what was changed; and the dhash of a list, if an answer that held it was lost."""
        lists = {
            change.category
            for change in changes
            if isinstance(change, ListChange)
            or (isinstance(change, SettingChange) and change.after is ON_LIST and is_lost)
        }
        timer = any(isinstance(change, TimerChange) for change in changes)
        try:
            capabilities = await self.capabilities() if lists or timer else frozenset[str]()
        except PrivacyError as error:
            unread.update(dict.fromkeys((SETTINGS, TIMER, *lists), error))
            return SettingsState()
        return await read_state(
            self.account,
            capabilities,
            settings=any(isinstance(change, SettingChange) for change in changes),
            lists=lists,
            timer=timer,
            unread=unread,
            attempts=READS,
        )


def would_open(category: PrivacyCategory, value: PrivacyValue | None) -> InvalidInputError:
    """Return why nobody is excepted from a category: that would open it to all others."""
    if value is PrivacyValue.NONE:
        what = "is shown to nobody, so nobody is excepted"
    else:
        what = "is not reported" if value is None else f"is set to {value.value!r}"
    return InvalidInputError(
        f"{category.value!r} {what}.",
        hint=f"Set it to {ON_LIST.value!r} first, if all other contacts may see it.",
    )


def _response(category: PrivacyCategory, after: SettingsState) -> SetPrivacySettingResponse:
    held = after.lists.get(category)
    return SetPrivacySettingResponse(None if held is None else held.dhash)


def _list_changes(
    category: PrivacyCategory, update: DisallowedListUpdate
) -> tuple[ListChange, ...]:
    people: dict[DisallowedListAction, list[DisallowedListUser]] = {}
    for entry in update.users:
        user = DisallowedListUser(entry.jid, entry.pn_jid)
        people.setdefault(entry.action, []).append(user)
    return tuple(ListChange(category, action, tuple(each)) for action, each in people.items())


async def update_list(
    account: Account, category: PrivacyCategory, update: DisallowedListUpdate
) -> tuple[str | None, SetPrivacySettingResponse]:
    """Change a list; without a dhash as it stands, by optimistic concurrency.

    When the phone changes the list between its reading and its change, both are done again,
    once. An account that cannot read lists starts from the last dhash that it knows, and has
    nothing to do again.

    Returns:
        The version that it was based on, as far as that is known, and the answer.

    Raises:
        InvalidInputError: Without a dhash, the category is not on its list; nothing was sent.
        ConflictError: The list has another version than that of the update; or, without one,
            it was changed meanwhile twice: the hint tells what it held each time.
    """
    capabilities = (await read_info(account)).capabilities
    if update.dhash is not None or Capability.READ_DISALLOWED_LIST not in capabilities:
        return update.dhash, await account.set_privacy_disallowed_list(category, update)
    held: list[DisallowedList] = []
    while True:
        held.append(await account.fetch_disallowed_list(category))
        if held[-1].dhash is None:
            raise no_list(category)
        strict = DisallowedListUpdate(held[-1].dhash, update.users)
        try:
            return strict.dhash, await account.set_privacy_disallowed_list(category, strict)
        except ConflictError as conflict:
            if len(held) < 2:
                continue
            added = sum(entry.action is DisallowedListAction.ADD for entry in update.users)
            raise ConflictError(
                conflict.code,
                conflict.text,
                error_type=conflict.error_type,
                hint=f"The list of {category.value!r} was changed on the phone at the same time, "
                f"twice: it held {words.people(len(held[0]))}, then {words.people(len(held[1]))}; "
                f"{added} to add, {len(update.users) - added} to remove. Nothing was changed "
                "here: try again.",
            ) from None
