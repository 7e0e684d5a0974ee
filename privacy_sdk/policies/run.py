"""Apply a plan: make its changes beside the account, and report what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from privacy_sdk.accounts.base import Account, Capability, RunsPlans
from privacy_sdk.errors import (
    AnswerTimeoutError,
    NotAuthorizedError,
    NotConnectedError,
    OutdatedPlanError,
    PrivacyError,
    RateLimitError,
    ServiceUnavailableError,
)
from privacy_sdk.model.changes import (
    Change,
    ListChange,
    Outcome,
    Report,
    SettingChange,
    TimerChange,
    opened_with_list,
    safe_order,
    with_directions,
)
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import (
    NO_DHASH,
    ON_LIST,
    DisallowedListUpdate,
    PrivacyCategory,
)
from privacy_sdk.policies.state import Part, read_info, read_state
from privacy_sdk.policies.verify import LOST, READS, Answer, judge

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the number of changes made and that of all."""

_NOT_OPENED = Answer(
    Outcome.NOT_TRIED, "Its list was refused, and who is to be excepted would see it."
)
_NO_MORE = (RateLimitError, NotAuthorizedError, ServiceUnavailableError)


async def apply_changes(
    account: Account,
    before: SettingsState,
    changes: Sequence[Change],
    progress: Progress | None = None,
) -> Report:
    """Apply changes to an account, and verify each.

    They are made in their :func:`safe_order`, each list with its dhash. A refusal does not keep
    the rest from being tried, unless it would be refused likewise: too many requests, not
    authorized, no connection. An account that :class:`RunsPlans` applies them itself, in
    one request. Nothing is changed in another state than ``before``.

    Returns:
        A result for each change, in the order given, and the state then.

    Raises:
        OutdatedPlanError: The state is not that expected; nothing was changed.
        PrivacyError: The state cannot be read; nothing was changed.
    """
    progress = progress or (lambda done, total: None)
    if not isinstance(account, RunsPlans):
        run = PlanRun(account, (await read_info(account)).capabilities)
        return await run.apply(before, changes, progress)
    progress(0, len(changes))
    try:
        report = await account.apply_changes(before, changes)
    except LOST as lost:
        try:
            capabilities = (await read_info(account)).capabilities
        except PrivacyError:
            capabilities = frozenset()
        answers = [Answer(Outcome.UNKNOWN, lost.message)] * len(changes)
        report = await PlanRun(account, capabilities).report(changes, answers)
    progress(len(changes), len(changes))
    return report


class PlanRun:
    """One plan that is applied to one account."""

    def __init__(self, account: Account, capabilities: frozenset[str]) -> None:
        self._account = account
        self._capabilities = capabilities
        self._before = SettingsState()
        self._dhashes: dict[PrivacyCategory, str | None] = {}
        self._unsure: set[PrivacyCategory] = set()
        self._opened: dict[PrivacyCategory, Answer | None] = {}
        self._stopped = ""

    async def apply(
        self, before: SettingsState, changes: Sequence[Change], progress: Progress
    ) -> Report:
        """Check the state that is expected, make the changes in a safe order, and read back."""
        now = await read_state(
            self._account,
            self._capabilities,
            lists=before.lists,
            timer=before.timer is not None,
        )
        if differences := list(before.differences(now)):
            raise OutdatedPlanError(differences)
        self._before = now
        self._dhashes = {category: held.dhash for category, held in before.lists.items()}
        self._opened = dict.fromkeys(opened_with_list(changes))
        answers: dict[int, Answer] = {}
        for done, place in enumerate(safe_order(with_directions(changes, now))):
            progress(done, len(changes))
            answers[place] = answer = await self._make(changes[place])
            if isinstance(change := changes[place], ListChange) and change.category in self._opened:
                self._opened[change.category] = answer
        progress(len(changes), len(changes))
        return await self.report(changes, [answers[place] for place in range(len(changes))])

    async def report(self, changes: Sequence[Change], answers: Iterable[Answer]) -> Report:
        """Read back, and judge what became of each change, by the answers in its order."""
        unread: dict[Part, PrivacyError] = {}
        after = await read_state(
            self._account,
            self._capabilities,
            lists=dict.fromkeys(c.category for c in changes if not isinstance(c, TimerChange)),
            timer=any(isinstance(change, TimerChange) for change in changes),
            unread=unread,
            attempts=READS,
        )
        return Report(
            tuple(
                judge(change, self._with_version(change, answer), after, unread, self._before)
                for change, answer in zip(changes, answers, strict=True)
            ),
            after,
        )

    def _with_version(self, change: Change, answer: Answer) -> Answer:
        """Return the answer with the newest version of the list, which later changes led to."""
        if not isinstance(change, ListChange):
            return answer
        newest = self._dhashes.get(change.category)  # forgotten when a later change was refused
        return answer if newest is None else answer._replace(dhash=newest)

    @property
    def _can_read_lists(self) -> bool:
        return Capability.READ_DISALLOWED_LIST in self._capabilities

    async def _make(self, change: Change) -> Answer:
        if self._stopped:
            return Answer(Outcome.NOT_TRIED, self._stopped)
        try:
            return await self._send(change)
        except LOST as error:
            self._forget_dhash(change)
            return Answer(Outcome.UNKNOWN, error.message)
        except NotConnectedError as error:
            self._stopped = error.message
            return Answer(Outcome.NOT_TRIED, error.message)
        except AnswerTimeoutError as error:
            return Answer(Outcome.NOT_TRIED, f"Its list could not be read: {error.message}")
        except PrivacyError as error:
            self._forget_dhash(change)
            if isinstance(error, _NO_MORE):
                self._stopped = f"Stopped when another change was refused: {error.message}"
            hint = "" if error.hint == error.default_hint else error.hint
            return Answer(Outcome.REFUSED, f"{error.message} {hint}".rstrip())

    def _forget_dhash(self, change: Change) -> None:
        if not isinstance(change, TimerChange):
            self._dhashes.pop(change.category, None)
            self._unsure.add(change.category)

    async def _send(self, change: Change) -> Answer:
        match change:
            case SettingChange(category=category) if answer := self._opened.get(category):
                return answer if answer.outcome is not Outcome.REFUSED else _NOT_OPENED
            case SettingChange(category=category, after=value):
                response = await self._account.set_privacy_setting(category, value)
                self._dhashes[category] = response.dhash
            case TimerChange(after=seconds):
                await self._account.set_default_disappearing_mode(seconds)
            case ListChange(category=category):
                opens = category in self._opened
                dhash = NO_DHASH if opens else await self._dhash(category)
                if dhash is None and (self._can_read_lists or category in self._unsure):
                    why = f"{category.value!r} was not put on {ON_LIST.value!r}."
                    return Answer(Outcome.NOT_TRIED, why)
                update = DisallowedListUpdate(dhash, change.entries)
                response = await self._account.set_privacy_disallowed_list(category, update)
                self._dhashes[category] = response.dhash
                return Answer(Outcome.APPLIED, dhash=response.dhash, based_on=dhash)
        return Answer(Outcome.APPLIED)

    async def _dhash(self, category: PrivacyCategory) -> str | None:
        """Return the version of the list that a change is to be based on, read if it was lost."""
        if self._dhashes.get(category) is None and self._can_read_lists:
            return (await self._account.fetch_disallowed_list(category)).dhash
        return self._dhashes.get(category)
