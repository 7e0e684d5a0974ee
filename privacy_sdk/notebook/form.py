"""All rows of the panel together: what is chosen in them is a plan."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from privacy_sdk.model import words
from privacy_sdk.model.address_book import AddressBook
from privacy_sdk.model.changes import ListChange, Outcome
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import (
    LOCKED_BY_DEFENSE,
    DisallowedListAction,
    DisallowedListUser,
    PrivacyCategory,
    PrivacyValue,
)
from privacy_sdk.notebook.rows import SettingRow, TimerRow
from privacy_sdk.notebook.settings import AccountSettings, key_of
from privacy_sdk.notebook.widgets import WidgetFactory, set_children
from privacy_sdk.policies.plan import Plan, make_plan
from privacy_sdk.policies.policy import Policy
from privacy_sdk.policies.result import ApplyResult
from privacy_sdk.policies.state import TIMER
from privacy_sdk.views.tables import Tone

_OUTCOMES = {
    Outcome.APPLIED: ("Applied.", Tone.GOOD),
    Outcome.REFUSED: ("Refused.", Tone.BAD),
    Outcome.OVERTAKEN: ("Changed since, or not applied.", Tone.CAREFUL),
    Outcome.UNKNOWN: ("Not known whether it was applied.", Tone.CAREFUL),
    Outcome.NOT_TRIED: ("Not tried.", Tone.CAREFUL),
}


class Form:
    """The rows of all settings, and what is chosen in them.

    Controls are set in any thread: whoever uses a form holds its lock.

    Attributes:
        rows: The rows, by category and ``"timer"``.
        box: Their widgets.
        undoes: The operation of the history that the choices take back, if they do.
        lock: Held by whoever touches rows or widgets.
    """

    def __init__(
        self,
        make: WidgetFactory,
        names: AddressBook,
        on_choice: Callable[[], object],
        on_add: Callable[[SettingRow, str], object],
        on_remove: Callable[[SettingRow, tuple[DisallowedListUser, ...]], object],
    ) -> None:
        self._make, self._names, self._on_choice = make, names, on_choice
        self._on_add, self._on_remove = on_add, on_remove
        self._state = SettingsState()
        self._sets_by_itself = False
        self.lock = threading.RLock()
        self.rows: dict[str, SettingRow | TimerRow] = {}
        self.box = make.box([], "psdk-rows")
        self.undoes = ""

    def update(self, settings: AccountSettings, own: Collection[str] = ()) -> None:
        """Take over what is set now; choices that were not applied yet stay.

        Args:
            settings: What is set.
            own: Keys of the rows that the panel itself may have changed.
        """
        self._state = settings.state
        known = (category.value for category in settings.state.settings if category.is_known)
        with self._setting():
            self.rows = {
                key: self.rows.get(key) or self._row(key, settings) for key in (*known, TIMER)
            }
            for key, row in self.rows.items():
                row.update(settings, is_own=key in own)
        set_children(self.box, *(row.box for row in self.rows.values()))

    def _row(self, key: str, settings: AccountSettings) -> SettingRow | TimerRow:
        if key == TIMER:
            return TimerRow(settings, self._make, self._chosen)
        return SettingRow(
            PrivacyCategory(key),
            settings,
            self._make,
            self._chosen,
            self._on_add,
            self._on_remove,
            self._names,
        )

    @property
    def problem(self) -> str:
        """Why a choice cannot be used; empty when all can."""
        return next((row.problem for row in self.rows.values() if row.problem), "")

    @property
    def has_people(self) -> bool:
        """Whether people are excepted by any choice."""
        return any(row.excluded for row in self.rows.values())

    def plan(self, account: str | None) -> Plan:
        """The pending changes, without choices that cannot be used."""
        wanted: dict[Any, Any] = {}
        people = {}
        for key, row in self.rows.items():
            if row.is_changed and not row.problem:
                wanted[key] = row.wanted
                if row.excluded and row.excluded.is_changed:
                    people[PrivacyCategory(key)] = row.excluded.wanted
        lists = {c: held for c, held in self._state.lists.items() if c in wanted}
        state = replace(self._state, lists=lists)
        plan = make_plan(Policy(wanted), state, people, account, names=self._names)
        return replace(plan, undoes=self.undoes)

    def choose_policy(
        self, policy: Policy, people: Mapping[str, Sequence[DisallowedListUser]]
    ) -> list[str]:
        """Choose what a policy wants; return the settings of it that there are not.

        Args:
            policy: The policy.
            people: Who is meant by its exceptions, by category.
        """
        self.undoes = ""
        with self._setting():
            for category, value in policy.settings.items():
                if row := self.rows.get(category.value):
                    row.choose(value)
                    if category.value in people and isinstance(row, SettingRow):
                        row.choose_exactly(people[category.value])
            if policy.timer is not None:
                self.rows[TIMER].choose(policy.timer)
        return [words.label(each) for each in policy.settings if each.value not in self.rows]

    def choose_undo(self, plan: Plan) -> None:
        """Choose what a plan that takes something back wants, and nothing else."""
        self.revert()
        with self._setting():
            # A list before its people; they need not come last in a plan.
            for change in sorted(plan.possible, key=lambda each: isinstance(each, ListChange)):
                row = self.rows[key_of(change)]
                if not isinstance(change, ListChange):
                    row.choose(change.after)
                elif isinstance(row, SettingRow):
                    is_added = change.action is DisallowedListAction.ADD
                    row.choose_people(change.people, is_added=is_added)
        self.undoes = plan.undoes

    def choose_people(
        self, row: SettingRow, users: Iterable[DisallowedListUser], *, is_added: bool
    ) -> None:
        """Choose to except people in a row, or no longer."""
        with self._setting():
            row.choose_people(users, is_added=is_added)
        self._chosen(row.key)

    def revert(self, keys: Iterable[str] | None = None) -> None:
        """Choose what is set, in all rows or in some."""
        self.undoes = ""
        with self._setting():
            for key in self.rows if keys is None else keys:
                self.rows[key].revert()

    def remark(self, applied: ApplyResult) -> None:
        """Say in the rows what became of their changes."""
        for result in applied:
            self.rows[key_of(result.change)].remarks.clear()
        for result in applied:
            what = "People: " if isinstance(result.change, ListChange) else ""
            text, tone = _OUTCOMES[result.outcome]
            remark = f"{what}{text} {result.reason}".rstrip(), tone
            self.rows[key_of(result.change)].remarks.append(remark)

    def show(self, plan: Plan, *, enabled: bool, full: bool) -> None:
        """Bring the widgets up to date.

        Args:
            plan: The pending changes.
            enabled: Whether anything can be chosen now.
            full: Whether to show whole phone numbers.
        """
        obstacles = {key_of(change): change.obstacle for change in plan}
        mode = self.rows.get(PrivacyCategory.DEFENSE_MODE.value)
        is_on = mode is not None and mode.value is PrivacyValue.ON_STANDARD and not mode.is_changed
        locked = LOCKED_BY_DEFENSE if is_on else ()
        for key, row in self.rows.items():
            why_not = obstacles.get(key, "")
            row.show(why_not, enabled=enabled, full=full, locked=key in locked)

    def _chosen(self, key: str) -> None:
        """Another choice was made in a row: its remarks were about the last one."""
        with self.lock:
            if not self._sets_by_itself:
                self.undoes = ""
                self.rows[key].remarks.clear()
                self._on_choice()

    @contextmanager
    def _setting(self) -> Iterator[None]:
        """Set controls without taking that for a choice of the user's."""
        with self.lock:
            before, self._sets_by_itself = self._sets_by_itself, True
            try:
                yield
            finally:
                self._sets_by_itself = before
