"""Changes: from what to what, in which direction, in which safe order, with what outcome."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from privacy_sdk.errors.public import set_module
from privacy_sdk.model import words
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import (
    LOCKED_BY_DEFENSE,
    DisallowedListAction,
    DisallowedListUser,
    DisallowedListUserEntry,
    Jid,
    Names,
    PrivacyCategory,
    PrivacyValue,
    exposure,
)


@set_module("privacy_sdk.policies")
class Direction(Names):
    """Whether a change shows less to others, or more."""

    TIGHTER = "tighter"
    """Fewer people are let in, or messages stay for a shorter time."""
    LOOSER = "looser"
    """More people are let in, or messages stay longer."""
    SAME = "same"
    """As many people are let in."""


@set_module("privacy_sdk.policies")
@dataclass(frozen=True, slots=True)
class SettingChange:
    """A category gets another value.

    Attributes:
        category: Which setting.
        before: What it is set to; None when that is not known.
        after: What it is to be set to.
        direction: Tighter or looser; None when that cannot be said.
        obstacle: Why it cannot be done; empty when it can.
    """

    category: PrivacyCategory
    before: PrivacyValue | None
    after: PrivacyValue
    direction: Direction | None = None
    obstacle: str = ""


@set_module("privacy_sdk.policies")
@dataclass(frozen=True, slots=True)
class ListChange:
    """People are added to a category's list of excepted people, or removed from it.

    Attributes:
        category: Which list.
        action: What is done with all of them.
        people: Who they are.
        before: How many people the list holds; None when that is not known.
        direction: Tighter when people are added, looser when they are removed.
        obstacle: Why it cannot be done; empty when it can.
    """

    category: PrivacyCategory
    action: DisallowedListAction
    people: tuple[DisallowedListUser, ...]
    before: int | None = None
    direction: Direction | None = None
    obstacle: str = ""

    @property
    def entries(self) -> tuple[DisallowedListUserEntry, ...]:
        """The people as a list update takes them."""
        return tuple(
            DisallowedListUserEntry(user.jid, user.pn_jid, self.action) for user in self.people
        )

    @property
    def after(self) -> int | None:
        """How many people the list is to hold; None when that is not known."""
        sign = 1 if self.action is DisallowedListAction.ADD else -1
        return None if self.before is None else self.before + sign * len(self.people)


@set_module("privacy_sdk.policies")
@dataclass(frozen=True, slots=True)
class TimerChange:
    """The default disappearing time of new chats gets another value.

    Attributes:
        before: What it is [s]; None when that is not known.
        after: What it is to be [s]; 0 is off.
        direction: Tighter when messages stay for a shorter time.
        obstacle: Why it cannot be done; empty when it can.
    """

    before: int | None
    after: int
    direction: Direction | None = None
    obstacle: str = ""


Change: TypeAlias = SettingChange | ListChange | TimerChange
"""Anything that a plan changes."""


def in_words(change: Change) -> tuple[str, str, str]:
    """Describe a change in words: what is changed, from what, to what.

    Example:
        >>> in_words(TimerChange(0, 604_800))
        ('Disappearing messages', 'off', '7 days')
    """
    match change:
        case SettingChange(category=category, before=value, after=after):
            was = words.NOT_KNOWN if value is None else words.audience(value)
            return words.label(category), was, words.audience(after)
        case ListChange(category=category):
            what = f"{words.label(category)}: except"
            return what, words.people(change.before), words.people(change.after)
        case TimerChange(before=seconds, after=wanted):
            was = words.NOT_KNOWN if seconds is None else words.timer(seconds)
            return words.TIMER, was, words.timer(wanted)


def change_row(change: Change) -> dict[str, str | int | None]:
    """A change as a table and a script have it: wire strings, and numbers instead of people.

    Example:
        >>> change_row(TimerChange(0, 604_800))  # doctest: +NORMALIZE_WHITESPACE
        {'change': 'timer', 'category': None, 'from': 0, 'to': 604800,
         'direction': None, 'obstacle': ''}
    """
    kind = {SettingChange: "setting", ListChange: "exceptions", TimerChange: "timer"}[type(change)]
    category = None if isinstance(change, TimerChange) else change.category
    columns = ("category", "from", "to", "direction")
    cells = (category, change.before, change.after, change.direction)
    plain = (cell if cell is None or isinstance(cell, int) else cell.value for cell in cells)
    return {"change": kind, **dict(zip(columns, plain, strict=True)), "obstacle": change.obstacle}


def needed(changes: Iterable[Change]) -> frozenset[PrivacyCategory]:
    """Return the categories that changes depend on: their own, and defense mode if it may lock one.

    Example:
        >>> sorted(needed([SettingChange(PrivacyCategory.LAST, None, PrivacyValue.NONE)]))
        [<PrivacyCategory.DEFENSE_MODE: 'defense'>, <PrivacyCategory.LAST: 'last'>]
    """
    own = frozenset(change.category for change in changes if not isinstance(change, TimerChange))
    return own | {PrivacyCategory.DEFENSE_MODE} if own & LOCKED_BY_DEFENSE else own


def with_directions(changes: Iterable[Change], standing: SettingsState) -> tuple[Change, ...]:
    """Return the changes with the direction of each, seen from the present settings."""
    changes = tuple(changes)
    before = after = standing.settings.get(PrivacyCategory.LAST)
    for change in changes:
        if isinstance(change, SettingChange) and change.category is PrivacyCategory.LAST:
            after = change.after
    return tuple(replace(change, direction=_direction(change, before, after)) for change in changes)


def _direction(
    change: Change, last_before: PrivacyValue | None, last_after: PrivacyValue | None
) -> Direction | None:
    old: float | None
    new: float | None
    match change:
        case ListChange(action=action):
            old, new = (1, 0) if action is DisallowedListAction.ADD else (0, 1)
        case TimerChange(before=seconds, after=wanted):
            old, new = None if seconds is None else seconds or math.inf, wanted or math.inf
        case SettingChange(category=PrivacyCategory.DEFENSE_MODE, after=value):
            old, new = (1, 0) if value is PrivacyValue.ON_STANDARD else (0, 1)
        case SettingChange(category=category, before=was, after=value):
            old = None if was is None else exposure(category, was, last_before)
            new = exposure(category, value, last_after)
    if old is None or new is None:
        return None
    if old == new:
        return Direction.SAME
    return Direction.TIGHTER if new < old else Direction.LOOSER


def opened_with_list(changes: Iterable[Change]) -> frozenset[PrivacyCategory]:
    """Return the categories that a list's update alone is to open to contacts except some.

    Set first and listed then, whoever is to be excepted would see it in between: as for one that
    is on ``none``. One that contacts see already needs no such care.

    Source:
        An update with the dhash ``none`` puts the category on the list, as the clients' sources
        read; observed nowhere by us.
    """
    changes = tuple(changes)
    added = {
        change.category
        for change in changes
        if isinstance(change, ListChange)
        and change.action is DisallowedListAction.ADD
        and not change.obstacle
    }
    return frozenset(
        change.category
        for change in changes
        if isinstance(change, SettingChange)
        and change.category in added
        and change.after is PrivacyValue.CONTACT_BLACKLIST
        and change.before not in (PrivacyValue.ALL, PrivacyValue.CONTACTS)
    )


def in_safe_order(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return the changes in their :func:`safe_order`."""
    return tuple(changes[place] for place in safe_order(changes))


def safe_order(changes: Sequence[Change]) -> list[int]:
    """Return the indices of the changes in the order in which it is safe to make them.

    What tightens comes before what loosens. Defense mode, which locks other settings, goes
    off first and on last. A list exists only while its category is on
    ``contact_blacklist``, so it is changed right after its category gets there, and right
    before it leaves; where its update is what opens the category, that comes first.
    """
    opened = opened_with_list(changes)
    settings = {
        change.category: (place, change)
        for place, change in enumerate(changes)
        if isinstance(change, SettingChange)
    }

    def key(place: int) -> tuple[int, int, int]:
        change = changes[place]
        if isinstance(change, ListChange) and change.category in settings:
            anchor, setting = settings[change.category]
            arrives = (
                setting.after is PrivacyValue.CONTACT_BLACKLIST and change.category not in opened
            )
            return _rank(setting), anchor, 1 if arrives else -1
        return _rank(change), place, 0

    return sorted(range(len(changes)), key=key)


def _rank(change: Change) -> int:
    if isinstance(change, SettingChange) and change.category is PrivacyCategory.DEFENSE_MODE:
        return 4 if change.after is PrivacyValue.ON_STANDARD else 0
    match change.direction:
        case Direction.TIGHTER:
            return 1
        case Direction.LOOSER:
            return 3
        case _:
            return 2


@set_module("privacy_sdk.policies")
class Outcome(Names):
    """The outcome of a change."""

    APPLIED = "applied"
    """It was made; it was read back where the account can."""
    REFUSED = "refused"
    """It was not made, whatever WhatsApp answered."""
    OVERTAKEN = "overtaken"
    """It was accepted, and something else is set now: changed since, or not made."""
    UNKNOWN = "unknown"
    """It was sent, and whether it was made could not be read."""
    NOT_TRIED = "not_tried"
    """It was not sent."""


@set_module("privacy_sdk.policies")
@dataclass(frozen=True, slots=True)
class ChangeResult:
    """A change and its outcome.

    Attributes:
        change: The change.
        outcome: Whether it was applied.
        reason: Why it was not applied, or what is not known of it; else empty.
        missed: The people of a list change for whom it did not take.
    """

    change: Change
    outcome: Outcome
    reason: str = ""
    missed: frozenset[Jid] = frozenset()

    @property
    def people(self) -> tuple[DisallowedListUser, ...]:
        """The people of a list change for whom it took."""
        is_known = self.outcome is Outcome.APPLIED or self.missed
        if not (isinstance(self.change, ListChange) and is_known):
            return ()
        return tuple(user for user in self.change.people if user.jid not in self.missed)


def result_row(result: ChangeResult) -> dict[str, str | int | None]:
    """The row of a change, with its outcome and the reason for it."""
    row = change_row(result.change)
    return {**row, "outcome": result.outcome.value, "reason": result.reason}


@dataclass(frozen=True, slots=True)
class ExcludedChange:
    """What became of people who were excepted, or no longer are.

    Attributes:
        before: What the category was set to; None when that is not known.
        dhash: The list's new version; None when nobody is excepted.
    """

    before: PrivacyValue | None
    dhash: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """An account's report of changes that it was asked to make.

    Attributes:
        results: One for each change, in the order in which they were given.
        after: What the settings are then, as far as they could be read.
    """

    results: tuple[ChangeResult, ...] = ()
    after: SettingsState = field(default_factory=SettingsState)
