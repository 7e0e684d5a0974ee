"""Makes the changes of a plan beside an account, and says what became of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias, TypeVar

from privacy_sdk.accounts.base import Account, Capability, RunsPlans
from privacy_sdk.errors import (
    AnswerTimeoutError,
    NotAuthorizedError,
    NotConnectedError,
    OutcomeUnknownError,
    OutdatedPlanError,
    PrivacyError,
    RateLimitError,
    ServiceUnavailableError,
    UnreadableAnswerError,
)
from privacy_sdk.model.changes import (
    Change,
    ChangeResult,
    ListChange,
    Outcome,
    Report,
    SettingChange,
    TimerChange,
    safe_order,
    with_directions,
)
from privacy_sdk.model.state import SettingsState, read_state
from privacy_sdk.model.types import (
    DisallowedList,
    DisallowedListAction,
    DisallowedListUpdate,
    Jid,
    PrivacyCategory,
    PrivacyValue,
)

T = TypeVar("T")

Progress: TypeAlias = Callable[[int, int], None]
"""Called with how many changes were made and how many there are."""

_ON_LIST = PrivacyValue.CONTACT_BLACKLIST
_LOST = (OutcomeUnknownError, UnreadableAnswerError)
_NO_MORE = (RateLimitError, NotAuthorizedError, ServiceUnavailableError)


async def apply_changes(
    account: Account,
    start: SettingsState,
    changes: Sequence[Change],
    progress: Progress = lambda done, total: None,
) -> Report:
    """Make changes to an account, and read back what became of them.

    What tightens is made before what loosens, each list with its dhash. A refusal does not
    keep the rest from being tried, unless it would be refused likewise: too many requests,
    not authorized, no connection.

    Args:
        account: The account to change, which runs them itself where it can: then a gateway
            does it, in one request.
        start: What the settings must be for anything to be changed.
        changes: What to change.
        progress: Told how far it is.

    Returns:
        A result for each change, in the order given, and what the settings are then.

    Raises:
        OutdatedPlanError: The settings are not what they must be; nothing was changed.
        PrivacyError: They cannot be read; nothing was changed.
    """
    if not isinstance(account, RunsPlans):
        run = _Run(account, (await account.info()).capabilities)
        return await run.apply(start, changes, progress)
    progress(0, len(changes))
    try:
        report = await account.apply_changes(start, changes)
    except _LOST as lost:
        info = await _read(account.info)
        capabilities = info.capabilities if info else frozenset()
        answers = [_Answer(Outcome.UNKNOWN, lost.message)] * len(changes)
        report = await _Run(account, capabilities).report(changes, answers)
    progress(len(changes), len(changes))
    return report


class _Answer(NamedTuple):
    """What came back for a change, before it is known what became of it.

    ``APPLIED`` means that WhatsApp said yes, ``UNKNOWN`` that its answer was lost.
    """

    outcome: Outcome
    reason: str = ""


class _Run:
    """One plan being made to one account."""

    def __init__(self, account: Account, capabilities: frozenset[str]) -> None:
        self._account = account
        self._can_read_lists = Capability.READ_DISALLOWED_LIST in capabilities
        self._can_read_timer = Capability.READ_DISAPPEARING_MODE in capabilities
        self._dhashes: dict[PrivacyCategory, str | None] = {}
        self._unsure: set[PrivacyCategory] = set()
        self._stopped = ""

    async def apply(
        self, start: SettingsState, changes: Sequence[Change], progress: Progress
    ) -> Report:
        now = await read_state(
            self._account,
            lists=start.lists if self._can_read_lists else (),
            timer=start.timer is not None and self._can_read_timer,
        )
        if differences := list(start.differences(now)):
            raise OutdatedPlanError(differences)
        self._dhashes = {category: held.dhash for category, held in start.lists.items()}
        answers: dict[int, _Answer] = {}
        for done, place in enumerate(safe_order(with_directions(changes, now))):
            progress(done, len(changes))
            answers[place] = await self._make(changes[place])
        progress(len(changes), len(changes))
        return await self.report(changes, [answers[place] for place in range(len(changes))])

    async def report(self, changes: Sequence[Change], answers: Iterable[_Answer]) -> Report:
        """Read back, and say what became of each change."""
        found = await self._read_back(changes)
        return Report(
            tuple(
                self._judged(change, answer, found)
                for change, answer in zip(changes, answers, strict=True)
            ),
            found,
        )

    async def _make(self, change: Change) -> _Answer:
        if self._stopped:
            return _Answer(Outcome.NOT_TRIED, self._stopped)
        try:
            return await self._send(change)
        except _LOST as error:
            self._forget_dhash(change)
            return _Answer(Outcome.UNKNOWN, error.message)
        except NotConnectedError as error:
            self._stopped = error.message
            return _Answer(Outcome.NOT_TRIED, error.message)
        except AnswerTimeoutError as error:
            return _Answer(Outcome.NOT_TRIED, f"Its list could not be read: {error.message}")
        except PrivacyError as error:
            self._forget_dhash(change)
            if isinstance(error, _NO_MORE):
                self._stopped = f"Stopped when another change was refused: {error.message}"
            hint = "" if error.hint == error.default_hint else error.hint
            return _Answer(Outcome.REFUSED, f"{error.message} {hint}".rstrip())

    def _forget_dhash(self, change: Change) -> None:
        if not isinstance(change, TimerChange):
            self._dhashes.pop(change.category, None)
            self._unsure.add(change.category)

    async def _send(self, change: Change) -> _Answer:
        match change:
            case SettingChange(category=category, after=value):
                response = await self._account.set_privacy_setting(category, value)
                self._dhashes[category] = response.dhash
            case TimerChange(after=seconds):
                await self._account.set_default_disappearing_mode(seconds)
            case ListChange(category=category):
                dhash = await self._dhash(category)
                if dhash is None and (self._can_read_lists or category in self._unsure):
                    why = f"{category.value!r} was not put on {_ON_LIST.value!r}."
                    return _Answer(Outcome.NOT_TRIED, why)
                update = DisallowedListUpdate(dhash, change.entries)
                response = await self._account.set_privacy_disallowed_list(category, update)
                self._dhashes[category] = response.dhash
        return _Answer(Outcome.APPLIED)

    async def _dhash(self, category: PrivacyCategory) -> str | None:
        """The version of the list that a change is to be based on, read if it was lost."""
        if self._dhashes.get(category) is None and self._can_read_lists:
            return (await self._account.fetch_disallowed_list(category)).dhash
        return self._dhashes.get(category)

    async def _read_back(self, changes: Sequence[Change]) -> SettingsState:
        response = await _read(self._account.fetch_privacy_settings)
        settings = {each.category: each.value for each in response or ()}
        lists: dict[PrivacyCategory, DisallowedList] = {}
        for category in {c.category for c in changes if not isinstance(c, TimerChange)}:
            if settings.get(category) is _ON_LIST and self._can_read_lists:
                held = await _read(partial(self._account.fetch_disallowed_list, category))
                if held is not None:
                    lists[category] = held
        wants_timer = any(isinstance(change, TimerChange) for change in changes)
        timer = (
            await _read(self._account.fetch_default_disappearing_mode)
            if wants_timer and self._can_read_timer
            else None
        )
        return SettingsState(settings, lists, timer)

    def _judged(self, change: Change, answer: _Answer, found: SettingsState) -> ChangeResult:
        if answer.outcome in (Outcome.REFUSED, Outcome.NOT_TRIED):
            return ChangeResult(change, *answer)
        is_lost = answer.outcome is Outcome.UNKNOWN
        seen = _seen(change, found)
        if seen is None:
            if is_lost or self._can_read(change):
                reason = f"{answer.reason or 'WhatsApp said yes.'} It could not be read back."
                return ChangeResult(change, Outcome.UNKNOWN, reason)
            return ChangeResult(
                change, Outcome.APPLIED, "WhatsApp said yes; this account cannot read it back."
            )
        is_made, now, missed = seen
        if is_made:
            return ChangeResult(change, Outcome.APPLIED)
        if is_lost:
            return ChangeResult(
                change, Outcome.UNKNOWN, f"{answer.reason} As of now {now}.", missed
            )
        return ChangeResult(change, Outcome.REFUSED, f"WhatsApp said yes, and {now}.", missed)

    def _can_read(self, change: Change) -> bool:
        match change:
            case SettingChange():
                return True
            case ListChange():
                return self._can_read_lists
            case TimerChange():
                return self._can_read_timer


class _Seen(NamedTuple):
    is_made: bool
    now: str
    missed: frozenset[Jid] = frozenset()


def _seen(change: Change, found: SettingsState) -> _Seen | None:
    """Whether a change was made, by what was read back; None when that was not read."""
    match change:
        case SettingChange(category=category, after=value):
            now = found.settings.get(category)
            return None if now is None else _Seen(now == value, f"it is {now.value!r}")
        case TimerChange(after=seconds):
            timer = found.timer
            return None if timer is None else _Seen(timer == seconds, f"it is {timer} s")
        case ListChange(category=category, action=action, people=people):
            held = found.lists.get(category)
            if held is None and found.settings.get(category, _ON_LIST) is _ON_LIST:
                return None
            listed = {jid for user in held or () for jid in (user.jid, user.pn_jid)}
            is_to_be_listed = action is DisallowedListAction.ADD
            missed = frozenset(
                user.jid for user in people if (user.jid in listed) is not is_to_be_listed
            )
            return _Seen(not missed, f"{len(missed)} of {len(people)} did not take", missed)


async def _read(read: Callable[[], Awaitable[T]]) -> T | None:
    """What is read, tried again after a lost answer; None when it cannot be read."""
    for _ in range(2):
        try:
            return await read()
        except AnswerTimeoutError:
            continue
        except PrivacyError:
            break
    return None
