"""The result of applying a plan, and the plan that takes it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from privacy_sdk.errors.masks import mask_account
from privacy_sdk.errors.public import set_module
from privacy_sdk.model.address_book import AddressBook
from privacy_sdk.model.changes import (
    Change,
    ChangeResult,
    ListChange,
    Outcome,
    SettingChange,
    TimerChange,
    in_safe_order,
    needed,
    opened_with_list,
    with_directions,
)
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import DisallowedListAction, PrivacyCategory, PrivacyValue
from privacy_sdk.policies.people import unique_people
from privacy_sdk.policies.plan import Plan, change_cells, people_cell
from privacy_sdk.views.tables import Cell, Table, Tabular, Tone

if TYPE_CHECKING:
    import pandas as pd

    from privacy_sdk.views.visibility import Visibility


_ADD, _REMOVE = DisallowedListAction.ADD, DisallowedListAction.REMOVE


_TONES = {
    Outcome.APPLIED: Tone.GOOD,
    Outcome.REFUSED: Tone.BAD,
    Outcome.OVERTAKEN: Tone.CAREFUL,
    Outcome.UNKNOWN: Tone.CAREFUL,
    Outcome.NOT_TRIED: Tone.CAREFUL,
}


@set_module("privacy_sdk")
@dataclass(frozen=True, slots=True, repr=False)
class ApplyResult(Tabular):
    """The result of applying a plan: the outcome of each change; its repr is a table.

    Attributes:
        results: A result for each change of the plan, in its order.
        before: The state that the plan started from.
        after: The state when it had been applied: all settings, and the people of each list and
            the timer that the plan changed, as far as they could be read.
        account: Name of the account.
        names: What the client's owner calls people; not compared.
        operation: Its name in the history; not compared.

    Example:
        >>> import privacy_sdk as ps
        >>> client = ps.Client.emulated()
        >>> client.account.emulate(ps.testing.NextAnswer("not_applied", category="online"))
        >>> applied = client.apply(client.plan(ps.Policy(last="none", online="match_last_seen")))
        >>> applied
        Applied to 'demo': 1 applied, 1 refused
          setting    from      to                 direction  outcome  reason
          Last seen  everyone  nobody             tighter    applied
          Online     everyone  same as last seen  tighter    refused  WhatsApp answered success, ...
        >>> client.apply(applied.undo())
        Applied to 'demo': 1 applied
          setting    from    to        direction  outcome  reason
          Last seen  nobody  everyone  looser     applied
    """

    results: tuple[ChangeResult, ...] = ()
    before: SettingsState = field(default_factory=SettingsState)
    after: SettingsState = field(default_factory=SettingsState)
    account: str | None = None
    names: AddressBook = field(default_factory=AddressBook, compare=False)
    operation: str = field(default="", compare=False)

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[ChangeResult]:
        return iter(self.results)

    @property
    def is_complete(self) -> bool:
        """Whether every change was applied."""
        return all(result.outcome is Outcome.APPLIED for result in self)

    def undo(self) -> Plan:
        """Return the plan that takes back exactly what was applied, for ``client.apply``.

        It starts from :attr:`after`, so it is outdated when something changed since. Changes
        that were refused, not tried, or whose outcome is unknown are not touched.
        """
        left = {
            result.change.category
            for result in self
            if result.outcome is Outcome.APPLIED
            and isinstance(result.change, SettingChange)
            and result.change.before is PrivacyValue.CONTACT_BLACKLIST
        }
        # Closed again, a category loses its list; emptied before that, it would show itself.
        closed = opened_with_list(each.change for each in self if each.outcome is Outcome.APPLIED)
        changes = [back for result in self for back in _reversed(result, left | closed)]
        for category in sorted(left):
            changes += self._restored(category)
        return Plan(
            in_safe_order(with_directions(changes, self.after)),
            self._state_for(changes),
            self.account,
            self.names,
            self.operation,
        )

    def _restored(self, category: PrivacyCategory) -> Iterator[Change]:
        """Yield the people of a list that was lost when its category left it."""
        if category not in self.before.lists:
            why = "Who was excepted is not known: this account cannot read lists."
            yield ListChange(category, _ADD, (), obstacle=why)
            return
        removed = (
            user
            for result in self
            if isinstance(result.change, ListChange)
            and result.change.category == category
            and result.change.action is _REMOVE
            for user in result.people
        )
        if people := unique_people((*self.before.lists[category], *removed)):
            yield ListChange(category, _ADD, people, 0)

    def _state_for(self, changes: Sequence[Change]) -> SettingsState:
        premises = needed(changes)
        return SettingsState(
            {c: value for c, value in self.after.settings.items() if c in premises},
            {c: held for c, held in self.after.lists.items() if c in premises},
            self.after.timer if any(isinstance(c, TimerChange) for c in changes) else None,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame (n, 7), one row per change, in the plan's order.

        Columns are those of ``frames.APPLIED_COLUMNS``; ``attrs`` hold ``account``.
        """
        from privacy_sdk.views.frames import applied_frame

        return applied_frame(self.results, account=self.account)

    def visibility(self) -> Visibility:
        """What was made of who sees what: the rows that changed, before → after."""
        from privacy_sdk.views.visibility import visibility_of_changes

        applied = [each.change for each in self if each.outcome is Outcome.APPLIED]
        return visibility_of_changes(applied, self.before.settings, account=self.account)

    def table(self) -> Table:
        """Return the results in words."""
        counts = Counter(result.outcome for result in self)
        summary = ", ".join(f"{n} {outcome_words(each)}" for each in Outcome if (n := counts[each]))
        to = f" to {mask_account(self.account)!r}" if self.account else ""
        people = [people_cell(result.change, self.names) for result in self]
        who = ("who",) if any(cell.text for cell in people) else ()
        header = ("setting", "from", "to", "direction", *who, "outcome", "reason")
        rows = [
            (
                *change_cells(result.change),
                *([cell] if who else []),
                Cell(outcome_words(result.outcome), _TONES[result.outcome]),
                Cell(result.reason),
            )
            for result, cell in zip(self, people, strict=True)
        ]
        return Table(f"Applied{to}: {summary or 'there was nothing to do'}", header, rows)


def outcome_words(outcome: Outcome) -> str:
    """Return an outcome in words."""
    return outcome.value.replace("_", " ")


def _reversed(result: ChangeResult, left: set[PrivacyCategory]) -> Iterator[Change]:
    """Yield what takes back a change, in so far as it was applied.

    Categories that ``left`` ``contact_blacklist`` have their lists restored as wholes.
    """
    is_applied = result.outcome is Outcome.APPLIED
    match result.change:
        case SettingChange(category=category, before=before, after=after) if is_applied:
            if before is None:
                yield SettingChange(category, after, after, obstacle="What it was is not known.")
            else:
                is_valid = category.is_valid_value(before)
                why = "" if is_valid else f"{before.value!r} cannot be set."
                yield SettingChange(category, after, before, obstacle=why)
        case TimerChange(before=seconds, after=wanted) if is_applied:
            why = "" if seconds is not None else "What it was is not known."
            yield TimerChange(wanted, wanted if seconds is None else seconds, obstacle=why)
        case ListChange(category=category) as change if category not in left and result.people:
            applied = replace(change, people=result.people)
            back = _REMOVE if change.action is _ADD else _ADD
            yield ListChange(category, back, applied.people, applied.after)
