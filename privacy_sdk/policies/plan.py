"""Plans: the changes that bring the settings to a policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from privacy_sdk.errors import UnknownNameError
from privacy_sdk.errors.masks import mask_account
from privacy_sdk.errors.public import set_module
from privacy_sdk.model import words
from privacy_sdk.model.address_book import NO_NAMES, AddressBook
from privacy_sdk.model.changes import (
    Change,
    Direction,
    ListChange,
    SettingChange,
    TimerChange,
    in_safe_order,
    in_words,
    needed,
    opened_with_list,
    with_directions,
)
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import (
    LOCKED_BY_DEFENSE,
    DisallowedListAction,
    DisallowedListUser,
    PrivacyCategory,
    PrivacyValue,
)
from privacy_sdk.policies.people import by_identity, on_list
from privacy_sdk.views.tables import Cell, Table, Tabular, Tone

if TYPE_CHECKING:
    import pandas as pd

    from privacy_sdk.policies.policy import Policy
    from privacy_sdk.views.visibility import Visibility

_NAMED = 3
"""How many people of a list's change a table names."""

_OPENED = (
    "Opened to contacts in the step that excepts these people, so that they never see it. "
    "That WhatsApp does so is read in other clients, observed nowhere; else nothing is opened."
)
_WITH_LIST = "Set by its list's update."

TONES = {Direction.TIGHTER: Tone.GOOD, Direction.LOOSER: Tone.CAREFUL}
"""How the direction of a change is coloured."""


@set_module("privacy_sdk")
@dataclass(frozen=True, slots=True, repr=False)
class Plan(Tabular):
    """Changes, in the order in which it is safe to make them.

    Its repr is a table; empty, hence false, when nothing is to do. ``client.plan`` and
    ``ApplyResult.undo`` return one, ``client.apply`` takes it.

    Attributes:
        changes: The changes; those with an ``obstacle`` are not tried.
        before: The state that they start from; a plan is not applied to any other.
        account: Name of the account that it is for.
        names: What the client's owner calls people; on this machine only, and not compared.
        undoes: The operation of the history that it takes back; not compared.

    Example:
        >>> import privacy_sdk as ps
        >>> client = ps.Client.emulated()
        >>> client.plan(ps.Policy(last="none", status="all"))
        Plan of 2 changes for 'demo', 1 of them looser
          setting    from         to        direction
          Last seen  everyone     nobody    tighter
          About      my contacts  everyone  looser
        >>> len(client.plan({"last": "all"}))
        0
    """

    changes: tuple[Change, ...] = ()
    before: SettingsState = field(default_factory=SettingsState)
    account: str | None = None
    names: AddressBook = field(default_factory=AddressBook, compare=False)
    undoes: str = field(default="", compare=False)

    def __len__(self) -> int:
        return len(self.changes)

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    @property
    def possible(self) -> tuple[Change, ...]:
        """The changes that have no obstacle."""
        return tuple(change for change in self.changes if not change.obstacle)

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame (n, 6), one row per change, in their order.

        Columns are those of ``frames.PLAN_COLUMNS``; ``attrs`` hold ``account``.

        Example:
            >>> import privacy_sdk as ps
            >>> plan = ps.Client.emulated().plan(ps.Policy(last="none"))
            >>> plan.to_frame().loc[0, ["category", "from", "to", "direction"]].tolist()
            ['last', 'all', 'none', 'tighter']
        """
        from privacy_sdk.views.frames import plan_frame

        return plan_frame(self.changes, account=self.account)

    def visibility(self) -> Visibility:
        """What it would make of who sees what: the rows that change, before → after.

        Example:
            >>> import privacy_sdk as ps
            >>> ps.Client.emulated().plan(ps.Policy(last="none")).visibility()
            Who sees what of 'demo', before → after
            <BLANKLINE>
              strangers
              │   people I know
              │   │   my contacts
              │   │   │   excepted people
              ●→○ ●→○ ●→○  –   Last seen  Nobody can see when you were last online.
            <BLANKLINE>
              ● yes, ○ no, – does not apply
        """
        from privacy_sdk.views.visibility import visibility_of_changes

        return visibility_of_changes(self.possible, self.before.settings, account=self.account)

    def table(self) -> Table:
        """Return the plan in words."""
        opened = opened_with_list(self)
        notes = [
            Cell(change.obstacle, Tone.BAD)
            if change.obstacle or getattr(change, "category", None) not in opened
            else Cell(_OPENED if isinstance(change, ListChange) else _WITH_LIST, Tone.CAREFUL)
            for change in self
        ]
        header: tuple[str, ...] = ("setting", "from", "to", "direction")
        people = [people_cell(change, self.names) for change in self]
        columns = [("who", people), ("note" if opened else "why not", notes)]
        shown = [(name, cells) for name, cells in columns if any(cell.text for cell in cells)]
        rows = [
            (*change_cells(change), *(cells[place] for _, cells in shown))
            for place, change in enumerate(self)
        ]
        header = (*header, *(name for name, _ in shown))
        of = f" for {mask_account(self.account)!r}" if self.account else ""
        if not rows:
            return Table(f"Plan{of}: nothing is to be changed", header, rows)
        looser = sum(change.direction is Direction.LOOSER for change in self)
        more = f", {looser} of them looser" if looser and len(rows) > 1 else ""
        count = words.counted(len(rows), "change")
        return Table(f"Plan of {count}{of}{more}", header, rows)


def people_cell(change: Change, names: AddressBook) -> Cell:
    """Return who is added to a list or removed, where names are known."""
    if not (names and isinstance(change, ListChange)):
        return Cell("")
    first = [names.label(user) for user in change.people[:_NAMED]]
    more = [f"{len(change.people) - _NAMED} more"] if len(change.people) > _NAMED else []
    return Cell(", ".join([*first, *more]))


def change_cells(change: Change) -> tuple[Cell, ...]:
    """Return a change in words: what, from, to, direction."""
    way = change.direction
    return (
        *map(Cell, in_words(change)),
        Cell(way.value, TONES.get(way, Tone.PLAIN)) if way else Cell(""),
    )


def make_plan(
    policy: Policy,
    state: SettingsState,
    people: Mapping[PrivacyCategory, Sequence[DisallowedListUser]],
    account: str | None = None,
    *,
    only: str | None = None,
    names: AddressBook = NO_NAMES,
) -> Plan:
    """Return the changes that bring the settings to a policy.

    The state holds the lists that the policy touches, as far as the account can read them;
    ``people`` are those whom its exceptions name. ``only="tighter"`` leaves out whatever is not
    known to let in fewer people, and whatever hangs on it.
    """
    if only is not None:
        only = _as_only(only)
    while True:
        plan = _whole_plan(policy, state, people, account, names)
        left: set[str] = {
            "timer" if isinstance(change, TimerChange) else change.category
            for change in plan
            if not (only is None or isinstance(change, ListChange)) and change.direction != only
        }
        if not left:
            break
        if PrivacyCategory.LAST in left:  # which "same as last seen" is judged by
            left = {PrivacyCategory.LAST}
        policy = policy.without(left)
        people = {category: each for category, each in people.items() if category not in left}
    if only is None:
        return plan
    return replace(plan, changes=tuple(each for each in plan if each.direction == only))


def _as_only(only: str) -> Direction:
    if only != Direction.TIGHTER:
        raise UnknownNameError("filter", only, [Direction.TIGHTER])
    return Direction.TIGHTER


def _whole_plan(
    policy: Policy,
    state: SettingsState,
    people: Mapping[PrivacyCategory, Sequence[DisallowedListUser]],
    account: str | None,
    names: AddressBook,
) -> Plan:
    changes: list[Change] = []
    for category, value in policy.settings.items():
        before = state.settings.get(category)
        obstacle = _obstacle(category, policy, state)
        if before != value:
            changes.append(SettingChange(category, before, value, obstacle=obstacle))
        if category not in people:
            continue
        held: Sequence[DisallowedListUser] | None = ()
        if before is PrivacyValue.CONTACT_BLACKLIST:
            held = state.lists[category].users if category in state.lists else None
        changes += _list_changes(category, held, people[category], obstacle)
    if policy.timer not in (None, state.timer):
        changes.append(TimerChange(state.timer, policy.timer))
    premises = policy.settings.keys() | needed(changes)
    expected = SettingsState(
        {c: value for c, value in state.settings.items() if c in premises},
        state.lists,
        None if policy.timer is None else state.timer,
    )
    return Plan(in_safe_order(with_directions(changes, state)), expected, account, names)


def _obstacle(category: PrivacyCategory, policy: Policy, state: SettingsState) -> str:
    defense = PrivacyCategory.DEFENSE_MODE
    is_locked = state.settings.get(defense) is PrivacyValue.ON_STANDARD
    if is_locked and category in LOCKED_BY_DEFENSE and policy.settings.get(defense) != "off":
        return "Defense mode locks it; turn that off in the same policy."
    if category not in state.settings:
        return "WhatsApp does not report it for this account."
    return ""


def _list_changes(
    category: PrivacyCategory,
    held: Sequence[DisallowedListUser] | None,
    wanted: Sequence[DisallowedListUser],
    obstacle: str,
) -> Iterator[ListChange]:
    """Yield what turns the list that is held into the wanted one: an addition, a removal."""
    add, remove = DisallowedListAction.ADD, DisallowedListAction.REMOVE
    if held is None:
        obstacle = obstacle or "This account cannot read lists; use exclude and include."
        yield ListChange(category, add, tuple(wanted), obstacle=obstacle)
        return
    listed, kept = by_identity(held), by_identity(wanted)
    missing = tuple(user for user in wanted if not on_list(user, listed))
    surplus = tuple(user for user in held if not on_list(user, kept))
    if missing:
        yield ListChange(category, add, missing, len(held), obstacle=obstacle)
    if surplus:
        count = len(held) + len(missing)
        yield ListChange(category, remove, surplus, count, obstacle=obstacle)
