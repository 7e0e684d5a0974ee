"""What the history says: the plan that takes a change back, and the settings of a moment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from privacy_sdk.accounts.base import Account
from privacy_sdk.errors import InvalidInputError, OutdatedPlanError, UsageError
from privacy_sdk.model import words
from privacy_sdk.model.address_book import AddressBook
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
from privacy_sdk.policies.plan import Plan
from privacy_sdk.policies.result import ApplyResult
from privacy_sdk.policies.state import read_state

_ADD = DisallowedListAction.ADD
_APPLIED = Outcome.APPLIED.value


async def undo_last(
    account: Account,
    capabilities: Collection[str],
    entries: Sequence[HistoryEntry],
    names: AddressBook,
) -> Plan:
    """Return the plan that takes back the last operation of an account's history.

    Raises:
        UsageError: There is none that was not taken back.
        OutdatedPlanError: What it changed was changed again since.
    """
    operation = _last_operation(entries)
    results, before = changes_of(operation)
    changes = [result.change for result in results]
    now = await read_state(
        account,
        capabilities,
        lists=[each.category for each in changes if not isinstance(each, TimerChange)],
        timer=any(isinstance(each, TimerChange) for each in changes),
    )
    if differences := _differences(changes, now):
        raise OutdatedPlanError(differences)
    name = operation[0].operation
    return ApplyResult(results, before, now, account.id, names, name).undo()


def _last_operation(entries: Sequence[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Return the changes of the last call that was not taken back, without those that failed.

    What was set to what it was already is none.
    """
    made = [e for e in entries if e.operation and e.outcome == _APPLIED and _has_changed(e)]
    undone = {entry.undoes for entry in made}
    for last in reversed(made):
        if not last.undoes and last.operation not in undone:
            return tuple(entry for entry in made if entry.operation == last.operation)
    raise UsageError(
        "There is no change to take back.",
        hint="Changes made here are; those of the phone are not. See client.history().",
    )


def _has_changed(entry: HistoryEntry) -> bool:
    return entry.change == "exceptions" or entry.before != entry.after or entry.lost is not None


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
                count = None if entry.before is None else int(entry.before)
                for action in DisallowedListAction:
                    people = tuple(
                        DisallowedListUser(each.jid, each.pn_jid)
                        for each in entry.people
                        if each.action is action
                    )
                    if people:
                        changes.append(change := ListChange(category, action, people, count))
                        count = change.after
    return (
        tuple(ChangeResult(change, Outcome.APPLIED) for change in changes),
        SettingsState(lists=lists),
    )


def _differences(changes: Iterable[Change], now: SettingsState) -> list[str]:
    """Return a sentence for each setting, list or timer that is not as it was left."""
    settings: dict[PrivacyCategory, PrivacyValue] = {}
    timer: int | None = None
    of_lists = []
    for change in changes:
        match change:
            case SettingChange(category=category, after=value):
                settings[category] = value
            case TimerChange(after=seconds):
                timer = seconds
            case ListChange(category=category, action=action, people=people):
                if (held := now.lists.get(category)) is None:
                    continue
                listed = {user.jid for user in held}
                missed = sum((user.jid in listed) is not (action is _ADD) for user in people)
                if missed:
                    who = words.people(missed)
                    of_lists.append(
                        f"The list of {category.value!r} was changed, for {who} of those."
                    )
    return [*SettingsState(settings, {}, timer).differences(now), *of_lists]


def state_at(entries: Sequence[HistoryEntry], now: SettingsState, at: datetime) -> SettingsState:
    """Return the settings of a moment, as far as they are known, from those of now.

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
