"""The panel's rows together: what is set, what is chosen instead, and the plan that it makes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

from privacy_sdk.model.changes import Change, ListChange, Outcome, TimerChange
from privacy_sdk.model.types import (
    DisallowedList,
    Jid,
    PrivacyCategory,
    PrivacySetting,
    PrivacyValue,
)
from privacy_sdk.notebook.panel.excluded import ExcludedEditor
from privacy_sdk.notebook.panel.look import Look
from privacy_sdk.notebook.panel.reading import TIMER, Reading
from privacy_sdk.notebook.panel.rows import Row, SettingRow, TimerRow
from privacy_sdk.policies.plan import Plan, make_plan
from privacy_sdk.policies.policy import Policy
from privacy_sdk.policies.result import ApplyResult
from privacy_sdk.views.tables import Tone

_SAID = {
    Outcome.APPLIED: ("Applied.", Tone.GOOD),
    Outcome.REFUSED: ("Refused.", Tone.BAD),
    Outcome.UNKNOWN: ("Not known whether it was applied.", Tone.CAREFUL),
    Outcome.NOT_TRIED: ("Not tried.", Tone.CAREFUL),
}


class Board:
    """The rows: one for each known category that is reported, and one for the timer.

    Args:
        reading: How the account stands.
        look: What makes the widgets.
        chosen: Called with a row's key when another choice is made there.
        add: Called with a row and the number typed, when a person is to be excepted.
        remove: Called with a row and the people selected, when they are not to be any more.
    """

    def __init__(
        self,
        reading: Reading,
        look: Look,
        *,
        chosen: Callable[[str], object],
        add: Callable[[SettingRow, str], object],
        remove: Callable[[SettingRow, tuple[Jid, ...]], object],
    ) -> None:
        self.reading = reading
        self._look, self._chosen = look, chosen
        self._add, self._remove = add, remove
        self._settings: dict[str, SettingRow] = {}
        self._timer = TimerRow(reading.standing.timer, reading.unread.get(TIMER, ""), look, chosen)
        self.take(reading)

    @property
    def rows(self) -> dict[str, Row[Any]]:
        """All rows by their keys."""
        return {**self._settings, TIMER: self._timer}

    @property
    def fault(self) -> str:
        """What keeps a choice from being used; empty when nothing does."""
        return next((row.fault for row in self.rows.values() if row.fault), "")

    @property
    def excepts(self) -> bool:
        """Whether people are shown."""
        return any(row.exceptions for row in self._settings.values())

    def unknown(self) -> Iterator[PrivacySetting]:
        """The settings that this version does not know, which are only shown."""
        for category, value in self.reading.standing.settings.items():
            if not category.is_known:
                yield PrivacySetting(category, value)

    def plan(self, account: str | None) -> Plan:
        """What is chosen and not set, without choices that cannot be used."""
        standing = self.reading.standing
        wanted: dict[Any, Any] = {}
        people = {}
        for row in self._settings.values():
            if row.is_changed:
                wanted[row.category] = row.wanted
                if row.exceptions and row.exceptions.is_changed:
                    people[row.category] = row.exceptions.wanted
        if self._timer.is_changed and not self._timer.fault:
            wanted[TIMER] = self._timer.wanted
        lists = {category: held for category, held in standing.lists.items() if category in wanted}
        return make_plan(Policy(wanted), replace(standing, lists=lists), people, account)

    def take(self, reading: Reading, mine: Collection[str] = ()) -> None:
        """Show what is set now; choices that were not applied yet stay.

        Args:
            reading: How the account stands.
            mine: Keys of the rows that the panel itself may have changed.
        """
        self.reading = reading
        settings = reading.standing.settings
        rows = {}
        for category, value in settings.items():
            if category.is_known:
                is_mine = category.value in mine
                row = self._settings.get(category.value) or self._made(category, value)
                row.take(value, is_mine=is_mine)
                row.take_list(*self._listed(category, value), is_mine=is_mine)
                rows[row.key] = row
        self._settings = rows
        self._timer.take_timer(
            reading.standing.timer, reading.unread.get(TIMER, ""), is_mine=TIMER in mine
        )

    def take_applied(self, applied: ApplyResult) -> None:
        """Show what became of a plan, and what is set by its account."""
        mine = {key_of(result.change) for result in applied}
        rows = self.rows
        for key in mine:
            rows[key].remarks.clear()
        for result in applied:
            what = "People: " if isinstance(result.change, ListChange) else ""
            said, tone = _SAID[result.outcome]
            remark = f"{what}{said} {result.reason}".rstrip(), tone
            rows[key_of(result.change)].remarks.append(remark)
        standing, after = self.reading.standing, applied.after
        self.take(
            replace(
                self.reading,
                standing=replace(
                    standing,
                    settings={**standing.settings, **after.settings},
                    timer=standing.timer if after.timer is None else after.timer,
                ),
            ),
            mine,
        )

    def show(self, plan: Plan, *, enabled: bool, full: bool) -> list[Any]:
        """The widgets of all rows, brought up to date."""
        obstacles = {key_of(change): change.obstacle for change in plan}
        for row in self.rows.values():
            row.show(obstacles.get(row.key, ""), enabled=enabled, full=full)
        return [row.box for row in self.rows.values()]

    def revert(self, keys: Collection[str] | None = None) -> None:
        """Choose what is set, in some rows or in all."""
        for key, row in self.rows.items():
            if keys is None or key in keys:
                row.revert()

    def _made(self, category: PrivacyCategory, value: PrivacyValue) -> SettingRow:
        editor = None
        if category.supports_disallowed_list():
            editor = ExcludedEditor(
                category,
                self._look,
                lambda number: self._add(row, number),
                lambda people: self._remove(row, people),
            )
        row = SettingRow(category, value, self._look, self._chosen, editor)
        return row

    def _listed(
        self, category: PrivacyCategory, value: PrivacyValue
    ) -> tuple[DisallowedList | None, str]:
        if value is not PrivacyValue.CONTACT_BLACKLIST:
            return DisallowedList(), ""
        unread = self.reading.unread.get(category, "Who is excepted was not read.")
        return self.reading.standing.lists.get(category), unread


def key_of(change: Change) -> str:
    """The key of the row that a change belongs to."""
    return TIMER if isinstance(change, TimerChange) else change.category.value
