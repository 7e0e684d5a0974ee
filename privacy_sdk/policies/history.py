"""What the history says: the plan that takes a change back, and the settings of a moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from privacy_sdk.errors import InvalidInputError, OutdatedPlanError, UsageError
from privacy_sdk.model import words
from privacy_sdk.model.changes import (
    Change,
    ChangeResult,
    ListChange,
    Outcome,
    SettingChange,
    TimerChange,
)
from privacy_sdk.model.history import NOTICED, HistoryEntry
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import (
    DisallowedList,
    DisallowedListAction,
    DisallowedListUser,
    PrivacyCategory,
    PrivacyValue,
)

_ADD = DisallowedListAction.ADD
_ON_LIST = PrivacyValue.CONTACT_BLACKLIST
_APPLIED = Outcome.APPLIED.value


def last_operation(entries: Sequence[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Return the changes of the last call that was not taken back, without those that failed.

    Raises:
        UsageError: There is none.
    """
    made = [e for e in entries if e.operation and e.outcome == _APPLIED]
    undone = {entry.undoes for entry in made}
    for last in reversed(made):
        if not last.undoes and last.operation not in undone:
            return tuple(entry for entry in made if entry.operation == last.operation)
    raise UsageError(
        "There is no change to take back.",
        hint="Changes made here are; those of the phone are not. See client.history().",
    )


def changes_of(
    operation: Sequence[HistoryEntry],
) -> tuple[tuple[ChangeResult, ...], SettingsState]:
    """Return the changes of an operation as results, and the lists that it lost."""
    changes: list[Change] = []
    lists: dict[PrivacyCategory, DisallowedList] = {}
    for entry in operation:
        match entry:
            case HistoryEntry(change="setting", category=category) if category is not None:
                before = None if entry.before is None else PrivacyValue.other(entry.before)
                changes.append(SettingChange(category, before, _value(entry)))
                if entry.lost is not None:
                    lists[category] = DisallowedList("lost", entry.lost)
            case HistoryEntry(change="timer"):
                seconds = None if entry.before is None else int(entry.before)
                changes.append(TimerChange(seconds, int(entry.after or 0)))
            case HistoryEntry(change="exceptions", category=category) if category is not None:
                for action in DisallowedListAction:
                    people = tuple(
                        DisallowedListUser(each.jid, each.pn_jid)
                        for each in entry.people
                        if each.action is action
                    )
                    if people:
                        changes.append(ListChange(category, action, people))
    return (
        tuple(ChangeResult(change, Outcome.APPLIED) for change in changes),
        SettingsState(lists=lists),
    )


def check_unchanged(results: Sequence[ChangeResult], now: SettingsState) -> None:
    """Refuse to take back what was changed since.

    Raises:
        OutdatedPlanError: A setting, the timer or a person on a list is otherwise now.
    """
    settings: dict[PrivacyCategory, PrivacyValue] = {}
    timer: int | None = None
    differences = []
    for result in results:
        match result.change:
            case SettingChange(category=category, after=value):
                settings[category] = value
            case TimerChange(after=seconds):
                timer = seconds
            case ListChange(category=category, action=action, people=people):
                held = now.lists.get(category)
                if held is not None:
                    listed = {user.jid for user in held}
                    missed = sum((user.jid in listed) is not (action is _ADD) for user in people)
                    if missed:
                        who = words.people(missed)
                        differences.append(
                            f"The list of {category.value!r} was changed, for {who} of those."
                        )
    if differences := [*SettingsState(settings, {}, timer).differences(now), *differences]:
        raise OutdatedPlanError(differences)


def state_at(entries: Sequence[HistoryEntry], now: SettingsState, at: datetime) -> SettingsState:
    """Return the settings of a moment, as far as they are known, from those of now.

    Args:
        entries: What was changed since, in its order.
        now: What is read now.
        at: The moment.

    Raises:
        InvalidInputError: The account, an emulated one, was started anew since.
    """
    settings, lists, timer = dict(now.settings), dict(now.lists), now.timer
    for entry in reversed(entries):
        if entry.at <= at or entry.outcome not in (_APPLIED, NOTICED):
            continue
        category = entry.category
        if entry.change == "start":
            raise InvalidInputError(
                f"Nothing is known of {at.isoformat(sep=' ', timespec='seconds')}.",
                hint=f"The account was started anew at {entry.at.isoformat(timespec='seconds')}.",
            )
        if entry.change == "timer":
            timer = None if entry.before is None else int(entry.before)
        elif category is not None and entry.change == "setting":
            settings.pop(category, None)
            lists.pop(category, None)
            if entry.before is not None:
                settings[category] = PrivacyValue.other(entry.before)
            if entry.lost is not None:
                lists[category] = DisallowedList("then", entry.lost)
        elif category is not None and category in lists:
            people = {user.jid: user for user in lists[category]}
            for each in entry.people:
                if each.action is _ADD:
                    people.pop(each.jid, None)
                else:
                    people[each.jid] = DisallowedListUser(each.jid, each.pn_jid)
            lists[category] = DisallowedList("then", tuple(people.values()))
    return SettingsState(settings, lists, timer)


def _value(entry: HistoryEntry) -> PrivacyValue:
    return PrivacyValue.other(entry.after or "")
