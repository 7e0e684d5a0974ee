"""Plans as JSON: the changes to make and what became of them, read and written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from privacy_sdk.accounts.wire import (
    Json,
    duration_from_json,
    entry_to_json,
    list_from_json,
    list_to_json,
    member,
    read_jid,
    update_from_json,
)
from privacy_sdk.errors import InvalidRequestError, UnreadableAnswerError
from privacy_sdk.model.arguments import as_list_category, as_pair, as_seconds
from privacy_sdk.model.changes import (
    Change,
    ChangeResult,
    ListChange,
    Outcome,
    Report,
    SettingChange,
    TimerChange,
)
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import (
    DisallowedList,
    DisallowedListUpdate,
    DisallowedListUser,
    Jid,
    PrivacyCategory,
    PrivacyValue,
)


def state_to_json(state: SettingsState, list_to_json: Callable[[DisallowedList], Json]) -> Json:
    """``{"settings": […], "lists": [{"category", …}, …], "duration"}``."""
    return {
        "settings": [
            {"category": category.value, "value": value.value}
            for category, value in state.settings.items()
        ],
        "lists": [
            {"category": category.value, **list_to_json(held)}
            for category, held in state.lists.items()
        ],
        "duration": state.timer,
    }


def state_from_json(
    document: object, list_from_json: Callable[[object], DisallowedList]
) -> SettingsState:
    """Read the state of settings."""
    return SettingsState(
        {
            PrivacyCategory(_name(row, "category")): PrivacyValue(_name(row, "value"))
            for row in member(document, "settings", list)
        },
        {
            PrivacyCategory(_name(row, "category")): list_from_json(row)
            for row in member(document, "lists", list)
        },
        None
        if member(document, "duration", (int, type(None))) is None
        else duration_from_json(document),
    )


def _version_to_json(held: DisallowedList) -> Json:
    return {"dhash": held.dhash}


def _version_from_json(document: object) -> DisallowedList:
    return DisallowedList(member(document, "dhash", (str, type(None))))


def _name(document: object, name: str) -> str:
    if wire_name := member(document, name, str):
        return str(wire_name)
    raise UnreadableAnswerError(f"The answer has an empty {name!r}.")


def change_to_json(change: Change) -> Json:
    """A change; ``change`` names its kind, and only what is wanted travels."""
    match change:
        case SettingChange(category=category, after=value):
            return {"change": "setting", "category": category.value, "value": value.value}
        case ListChange(category=category, entries=entries):
            users = [entry_to_json(entry) for entry in entries]
            return {"change": "list", "category": category.value, "users": users}
        case TimerChange(after=seconds):
            return {"change": "timer", "duration": seconds}


def plan_to_json(before: SettingsState, changes: Iterable[Change]) -> Json:
    """``{"expected": …, "changes": […]}``."""
    return {
        "expected": state_to_json(before, _version_to_json),
        "changes": [change_to_json(change) for change in changes],
    }


def plan_from_json(document: Mapping[str, Any]) -> tuple[SettingsState, tuple[Change, ...]]:
    """Read what is expected and what to change, out of a request of the right shape.

    Raises:
        InvalidInputError: A pair, list or duration that cannot be.
        InvalidRequestError: One thing changed twice, or a list both ways in one change.
    """
    if (seconds := document["expected"]["duration"]) is not None:
        as_seconds(seconds)
    before = state_from_json(document["expected"], _version_from_json)
    for category in before.lists:
        as_list_category(category)
    changes = tuple(_change(row, before) for row in document["changes"])
    seen: set[object] = set()
    for change in changes:
        key = _what(change)
        if key in seen:
            raise InvalidRequestError(
                "The request changes one thing twice.", hint="Name each setting and list once."
            )
        seen.add(key)
    return before, changes


def _change(row: Mapping[str, Any], before: SettingsState) -> Change:
    if row["change"] == "timer":
        return TimerChange(before.timer, as_seconds(row["duration"]))
    category = PrivacyCategory.other(row["category"])
    if row["change"] == "setting":
        pair = as_pair(category, PrivacyValue.other(row["value"]))
        return SettingChange(category, before.settings.get(category), pair[1])
    update: DisallowedListUpdate = update_from_json({"users": row["users"]})
    actions = {entry.action for entry in update.users}
    if len(actions) > 1:
        raise InvalidRequestError(
            "A list change adds people or removes them, not both.", hint="Make it two changes."
        )
    people = tuple(DisallowedListUser(entry.jid, entry.pn_jid) for entry in update.users)
    return ListChange(as_list_category(category), actions.pop(), people)


def _what(change: Change) -> object:
    match change:
        case SettingChange(category=category):
            return category
        case ListChange(category=category, action=action):
            return category, action
        case TimerChange():
            return None


def report_to_json(report: Report) -> Json:
    """``{"outcomes": [{"outcome", "reason", "missed"}, …], "found": …}``."""
    return {
        "outcomes": [
            {
                "outcome": result.outcome.value,
                "reason": result.reason,
                "missed": sorted(map(str, result.missed)),
            }
            for result in report.results
        ],
        "found": state_to_json(report.after, list_to_json),
    }


def report_from_json(document: object, changes: Sequence[Change]) -> Report:
    """Read what became of the changes that were asked for, in that order."""
    outcomes = member(document, "outcomes", list)
    if len(outcomes) != len(changes):
        raise UnreadableAnswerError("The answer has not one outcome for each change.")
    results = tuple(
        ChangeResult(change, _outcome(row), member(row, "reason", str), _missed(row))
        for change, row in zip(changes, outcomes, strict=True)
    )
    return Report(results, state_from_json(member(document, "found", Mapping), list_from_json))


def _outcome(row: object) -> Outcome:
    name = member(row, "outcome", str)
    return Outcome(name) if name in tuple(Outcome) else Outcome.UNKNOWN


def _missed(row: object) -> frozenset[Jid]:
    return frozenset(read_jid(text) for text in member(row, "missed", list))
