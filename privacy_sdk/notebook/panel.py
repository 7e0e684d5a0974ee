"""The control panel: what is set, what is to be changed, and what became of it.

Read :class:`Panel` from the top: what a user calls, then what a click starts, then how it is sent
and shown. A row per setting is in ``rows``, what is read of the account in ``settings``.

Callbacks come in any thread, and requests are made on the loop thread. So whoever touches rows or
widgets holds the panel's lock, and nobody waits for an answer while holding it.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeAlias

import ipywidgets

from privacy_sdk.accounts.base import AccountState
from privacy_sdk.errors import (
    InvalidInputError,
    NotRecordedError,
    OutdatedPlanError,
    PrivacyError,
    UsageError,
)
from privacy_sdk.errors.masks import mask_account
from privacy_sdk.errors.public import set_module
from privacy_sdk.model import words
from privacy_sdk.model.arguments import CategoryLike, as_list_category
from privacy_sdk.model.changes import Change, ListChange, Outcome, in_words
from privacy_sdk.model.people import NameFinder, PeopleLike, as_people
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import (
    LOCKED_BY_DEFENSE,
    DisallowedListAction,
    Jid,
    PrivacyCategory,
    PrivacySetting,
    PrivacySettingsResponse,
    PrivacyValue,
)
from privacy_sdk.notebook.rows import SettingRow, TimerRow
from privacy_sdk.notebook.settings import AccountSettings, key_of, read_settings
from privacy_sdk.notebook.widgets import (
    WidgetFactory,
    badge_html,
    message_html,
    remark_html,
    set_children,
    style_html,
)
from privacy_sdk.policies.people import find_people
from privacy_sdk.policies.plan import Plan, make_plan
from privacy_sdk.policies.policy import MAXIMUM, STRICTEST, Policy, PolicyLike, as_policy
from privacy_sdk.policies.result import ApplyResult
from privacy_sdk.policies.state import TIMER
from privacy_sdk.support.loop import LOOP
from privacy_sdk.views.html import error_text, settings_table, short, text_html
from privacy_sdk.views.tables import Cell, Table, Tone
from privacy_sdk.views.visibility import visibility

if TYPE_CHECKING:
    from privacy_sdk.cassettes.transport import CassetteTransport
    from privacy_sdk.client import AsyncClient

P = ParamSpec("P")

Presets: TypeAlias = Iterable[str | os.PathLike[str]] | Mapping[str, PolicyLike]
"""Paths of policy files, or policies by what they are called."""

_PACKAGED = {"Maximum privacy": MAXIMUM, "Strictest": STRICTEST}
_READING = "Reading what is set…"
_MAY_STILL_BE_APPLIED = "What was sent may still be applied; the panel reads what is set."
_OUTDATED = (
    "Something was changed elsewhere meanwhile, and nothing was sent. It is marked above; "
    "Apply now starts from there."
)
_OUTCOMES = {
    Outcome.APPLIED: ("Applied.", Tone.GOOD),
    Outcome.REFUSED: ("Refused.", Tone.BAD),
    Outcome.OVERTAKEN: ("Changed since, or not applied.", Tone.CAREFUL),
    Outcome.UNKNOWN: ("Not known whether it was applied.", Tone.CAREFUL),
    Outcome.NOT_TRIED: ("Not tried.", Tone.CAREFUL),
}


def _on_click(
    method: Callable[Concatenate[Panel, P], None],
) -> Callable[Concatenate[Panel, P], None]:
    """Make a method ignore clicks while something is under way, and show what it raises."""

    @wraps(method)
    def click(panel: Panel, /, *args: P.args, **kwargs: P.kwargs) -> None:
        with panel._lock:
            if not (panel._busy_with or panel._is_closed):
                try:
                    method(panel, *args, **kwargs)
                except PrivacyError as error:
                    panel._say(error_text(error), Tone.BAD)

    return click


@set_module("privacy_sdk")
class Panel(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets comes without types
    """Controls for an account's settings, a widget as any other of ipywidgets.

    Made by ``client.panel()``. A choice is a pending change until the Apply button or
    :meth:`apply` sends it. The panel reads and sends in the background, so that other cells
    run meanwhile; whatever it shows can be read and chosen from code as well.

    Example:
        >>> import privacy_sdk as ps
        >>> panel = ps.Client.emulated().panel()
        >>> panel.controls["last"].value = "nobody"
        >>> panel.plan
        Plan of 1 change for 'demo'
          setting    from      to      direction
          Last seen  everyone  nobody  tighter
        >>> panel.apply().is_complete
        True
        >>> panel.close()
    """

    def __init__(
        self,
        client: AsyncClient,
        settings: AccountSettings,
        owner: object = None,
        presets: Mapping[str, Policy] = MappingProxyType({}),
    ) -> None:
        self._client, self._owner, self._settings = client, owner, settings
        self._lock = threading.RLock()
        self._busy_with = ""
        self._message = "", Tone.PLAIN
        self._applied: ApplyResult | None = None
        self._read_meanwhile: list[SettingsState] = []
        self._is_closed = False
        self._ignores_choices = False
        self._rows: dict[str, SettingRow | TimerRow] = {}
        self._make = make = WidgetFactory()
        self._head, self._unknown = make.html(), make.html()
        self._plan_html = make.html("", "psdk-plan")
        self._message_html = make.html("", "psdk-status")
        self._rows_box = make.box([], "psdk-rows")
        self._buttons = {
            text: make.button(text, on_click, f"psdk-{text.lower()}")
            for text, on_click in (
                ("Apply", self._click_apply),
                ("Revert", self.revert),
                ("Undo", self._click_undo),
                ("Refresh", self._click_refresh),
            )
        }
        self._whole_numbers = make.checkbox("Show whole phone numbers")
        self._whole_numbers.observe(lambda _: self._show(), "value")
        self._presets = make.box(
            [make.html("Presets, to choose from:"), *map(self._preset_button, presets.items())],
            "psdk-buttons",
            row=True,
        )
        self._foot = make.box([], "psdk-buttons", row=True)
        parts = self._plan_html, self._message_html, self._foot, self._presets
        super().__init__(
            [make.html(style_html()), self._head, self._rows_box, self._unknown, *parts],
            layout=make.layout,
            _dom_classes=("privacy-sdk",),
        )
        self._update(settings)
        client._observers.add(self)

    @property
    def controls(self) -> Mapping[str, Any]:
        """The dropdowns, by category and ``"timer"``; their values are wire strings, or seconds.

        A value may be set to an option's words as well; any other is refused with what there is.

        Example:
            >>> import privacy_sdk as ps
            >>> controls = ps.Client.emulated().panel().controls
            >>> controls["online"].value = "same as last seen"
            >>> controls["online"].value
            'match_last_seen'
            >>> controls["online"].value = "nobody"
            Traceback (most recent call last):
            privacy_sdk.InvalidInputError: Online cannot be set to 'nobody'.
            It can be: everyone ('all'), same as last seen ('match_last_seen').
        """
        return {key: row.control for key, row in self._rows.items()}

    @property
    def settings(self) -> PrivacySettingsResponse:
        """What is set, as last read."""
        pairs = self._settings.state.settings.items()
        return PrivacySettingsResponse(PrivacySetting(*pair) for pair in pairs)

    @property
    def message(self) -> str:
        """What the panel says of what it does or did last; empty for nothing."""
        return self._busy_with or self._message[0]

    @property
    def plan(self) -> Plan:
        """The pending changes.

        Raises:
            InvalidInputError: A choice cannot be used, such as a time that is none.
        """
        with self._lock:
            if problem := self._problem:
                raise InvalidInputError(problem)
            return self._plan()

    @property
    def applied(self) -> ApplyResult | None:
        """What became of the changes that were applied last; None before."""
        return self._applied

    def apply(self) -> ApplyResult:
        """Send the pending changes, and wait for what becomes of them.

        Returns:
            What became of each change; ``undo()`` gives the plan that takes them back.

        Raises:
            OutdatedPlanError: A setting was changed elsewhere meanwhile; nothing was sent, and
                the panel shows what is set now.
            PrivacyError: The changes could not be sent.
            UsageError: The panel is busy, or closed.
        """
        plan = self._begin_apply()
        return LOOP.run(lambda: self._apply(plan), on_interrupt=_MAY_STILL_BE_APPLIED)

    def refresh(self) -> None:
        """Read what is set now; choices that were not applied yet stay.

        Raises:
            PrivacyError: It cannot be read.
            UsageError: The panel is busy, or closed.
        """
        self._begin(_READING)
        LOOP.run(self._refresh)

    def revert(self) -> None:
        """Choose what is set; nothing is sent."""
        with self._lock:
            if not (self._busy_with or self._is_closed):
                self._revert(self._rows)
                self._end()

    def undo(self) -> None:
        """Choose what was set before this panel last applied something; nothing is sent.

        Raises:
            UsageError: Nothing was applied that can be taken back; or the panel is busy or closed.

        Example:
            >>> import privacy_sdk as ps
            >>> panel = ps.Client.emulated().panel()
            >>> panel.controls["last"].value = "nobody"
            >>> applied = panel.apply()
            >>> panel.undo()
            >>> panel.plan
            Plan of 1 change for 'demo'
              setting    from    to        direction
              Last seen  nobody  everyone  looser
        """
        with self._lock:
            self._refuse_if_busy()
            if not (changes := self._undoable):
                raise UsageError("This panel applied nothing that can be taken back.")
            with self._ignoring_choices():
                # A list before its people; they need not come last in a plan.
                for change in sorted(changes, key=lambda it: isinstance(it, ListChange)):
                    self._choose_change(change)
            self._say_chosen("Undo")

    def choose(self, policy: PolicyLike) -> None:
        """Choose what a policy wants; nothing is sent, and what it does not name stays.

        Args:
            policy: A :class:`~privacy_sdk.Policy`, a mapping of one, or the path of its file.

        Raises:
            InvalidPolicyError: The policy is invalid; lists every problem.
            InvalidContactError: People who are not on WhatsApp, or twice in one list.
            UsageError: The panel is busy, or closed.

        Example:
            >>> import privacy_sdk as ps
            >>> panel = ps.Client.emulated().panel()
            >>> panel.choose({"last": "none", "timer": "7d"})
            >>> [len(panel.plan), panel.controls["timer"].value]
            [2, 604800]
        """
        wanted = as_policy(policy, self._client.names.find)
        with self._lock:
            self._refuse_if_busy()
        LOOP.run(lambda: self._choose_policy(wanted, "The policy"))

    def exclude(self, category: CategoryLike, people: PeopleLike) -> None:
        """Choose to except people from a category, with the next :meth:`apply`.

        Args:
            category: ``last``, ``profile``, ``status`` or ``groupadd``.
            people: One person or several: phone numbers with ``+`` and country code, JIDs
                or LIDs.

        Raises:
            InvalidContactError: Nobody is meant, or somebody is not on WhatsApp.
            InvalidInputError: Nobody sees the category.
            UsageError: The panel is closed.

        Example:
            >>> import privacy_sdk as ps
            >>> panel = ps.Client.emulated().panel()
            >>> panel.exclude("profile", "+999 11 555 0101")
            >>> panel.plan
            Plan of 2 changes for 'demo'
              setting                from      to                   direction
              Profile photo          everyone  my contacts except…  tighter
              Profile photo: except  0 people  1 person             tighter
        """
        self._find_and_choose(category, people, is_added=True)

    def include(self, category: CategoryLike, people: PeopleLike) -> None:
        """Choose to except people no longer, with the next :meth:`apply`; see :meth:`exclude`."""
        self._find_and_choose(category, people, is_added=False)

    def close(self) -> None:
        """Close the widgets; a table of the settings is left of the panel.

        Changes that were sent go on; what is only chosen is forgotten.
        """
        with self._lock:
            self._is_closed = True
            self._client._observers.discard(self)
            self._make.close()
            super().close()
            self.__dict__.pop("_repr_mimebundle_", None)  # ipywidgets sets it to None

    def __repr__(self) -> str:
        client = repr(self._client).removeprefix("Async")
        with self._lock:
            count = len(self._plan())
        state = "closed" if self._is_closed else f"{_changes(count)} pending"
        return f"Panel({client}, {state})"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The widget, and the settings as a table for pages where no widget lives."""
        bundle = {} if self._is_closed else super()._repr_mimebundle_(**kwargs)
        table = settings_table(self.settings, repr(self))
        return {**bundle, "text/plain": repr(self), "text/html": table.as_html()}

    # --- What a click starts: it never waits, and nobody sees what it raises.

    def _changed(self, key: str) -> None:
        """Another choice was made in a row: its remarks were about the last one."""
        with self._lock:
            if not (self._ignores_choices or self._is_closed):
                self._rows[key].remarks.clear()
                self._say()

    @_on_click
    def _click_apply(self) -> None:
        plan = self._begin_apply()
        LOOP.submit(lambda: self._apply(plan))

    @_on_click
    def _click_refresh(self) -> None:
        self._begin(_READING)
        LOOP.submit(self._refresh)

    @_on_click
    def _click_add(self, row: SettingRow, number: str) -> None:
        try:
            people = as_people(
                [each.strip() for each in re.split("[,;\n]", number) if each.strip()],
                self._client.names.find,
            )
        except PrivacyError as error:
            self._remark(row, error)
        else:
            LOOP.submit(lambda: self._choose_people(row, people, is_added=True))

    @_on_click
    def _click_undo(self) -> None:
        self.undo()

    @_on_click
    def _click_preset(self, name: str, policy: Policy) -> None:
        LOOP.submit(lambda: self._choose_policy(policy, name))

    @_on_click
    def _click_remove(self, row: SettingRow, people: tuple[Jid, ...]) -> None:
        row.choose_people(remove=people)
        self._changed(row.key)

    def _preset_button(self, preset: tuple[str, Policy]) -> Any:
        name, policy = preset
        return self._make.button(
            short(name, 40),
            lambda: self._click_preset(name, policy),
            tooltip=f"Choose {short(name)}; nothing is sent before Apply",
        )

    # --- What is pending, and the one thing that is under way.

    @property
    def _problem(self) -> str:
        """Why a choice cannot be used; empty when all can."""
        return next((row.problem for row in self._rows.values() if row.problem), "")

    @property
    def _undoable(self) -> tuple[Change, ...]:
        """What takes back what this panel applied last."""
        return self._applied.undo().possible if self._applied else ()

    @property
    def _is_locked(self) -> bool:
        """Whether defense mode is on, and to stay on."""
        mode = PrivacyCategory.DEFENSE_MODE
        is_on = self._settings.state.settings.get(mode) is PrivacyValue.ON_STANDARD
        return is_on and not self._rows[mode.value].is_changed

    def _plan(self) -> Plan:
        """The pending changes, without choices that cannot be used."""
        state = self._settings.state
        wanted: dict[Any, Any] = {}
        people = {}
        for key, row in self._rows.items():
            if row.is_changed and not row.problem:
                wanted[key] = row.wanted
                if row.excluded and row.excluded.is_changed:
                    people[PrivacyCategory(key)] = row.excluded.wanted
        lists = {category: held for category, held in state.lists.items() if category in wanted}
        standing = replace(state, lists=lists)
        return make_plan(
            Policy(wanted), standing, people, self._client.account.id, names=self._client.names
        )

    def _begin(self, what: str) -> None:
        """Say what is under way from now on.

        Raises:
            UsageError: Something is under way already, or the panel is closed.
        """
        with self._lock:
            self._refuse_if_busy()
            self._busy_with = what
            self._show()

    def _begin_apply(self) -> Plan:
        with self._lock:
            plan = self.plan
            self._begin(f"Applying {_changes(len(plan.possible))}…")
            return plan

    def _end(self, text: str = "", tone: Tone = Tone.PLAIN) -> None:
        """Say that nothing is under way any more, and what came of it."""
        with self._lock:
            self._busy_with = ""
            read, self._read_meanwhile = self._read_meanwhile, []
            for state in read:
                self._settings = self._settings.updated(state)
            self._say(text, tone)
            if read:
                self._take_over(self._settings)

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise UsageError("The panel is closed.", hint="Make a new one: client.panel()")

    def _refuse_if_busy(self) -> None:
        self._refuse_if_closed()
        if self._busy_with:
            raise UsageError(f"The panel is busy: {self._busy_with}", hint="Wait for it.")

    def _find_and_choose(
        self, category: CategoryLike, people: PeopleLike, *, is_added: bool
    ) -> None:
        self._refuse_if_closed()
        category, jids = as_list_category(category), as_people(people, self._client.names.find)
        row = self._rows.get(category.value)
        if not isinstance(row, SettingRow):
            raise InvalidInputError(f"WhatsApp does not report {category.value!r}.")
        LOOP.run(lambda: self._choose_people(row, jids, is_added=is_added))

    # --- What is done on the loop thread. What it raises after a click is shown here only.

    async def _apply(self, plan: Plan) -> ApplyResult:
        """Send a plan, and show what became of it, by what the answer says."""
        keys = {key_of(change) for change in plan}
        try:
            applied = await self._client.apply(plan, progress=self._show_progress)
        except asyncio.CancelledError:
            self._busy_with = _READING
            text = f"Interrupted. {_MAY_STILL_BE_APPLIED}"
            LOOP.submit(lambda: self._refresh(text, Tone.CAREFUL))
            raise
        except OutdatedPlanError:
            with suppress(PrivacyError):
                await self._refresh(_OUTDATED, Tone.BAD)
            raise
        except NotRecordedError:
            self._revert(keys)
            self._end(_not_recorded(self._client, plan), Tone.BAD)
            raise
        except Exception as error:
            self._end(error_text(error), Tone.BAD)
            raise
        self._applied = applied
        message = f"{applied.table().title}.", Tone.GOOD if applied.is_complete else Tone.BAD
        with self._lock:
            self._remark_outcomes(applied)
        with suppress(PrivacyError):
            await self._refresh(*message, keys, self._settings.updated(applied.after, keys))
        return applied

    def _show_progress(self, done: int, total: int) -> None:
        with self._lock:
            self._busy_with = f"Applying {_changes(total)}{f', {done} made' if done else ''}…"
            self._show()

    async def _refresh(
        self,
        text: str = "",
        tone: Tone = Tone.PLAIN,
        own: Collection[str] = (),
        known: AccountSettings | None = None,
    ) -> None:
        """Read what is set, and show it in all panels of the client.

        Args:
            text: What to say then.
            tone: How it is meant.
            own: Keys of the rows that this panel itself may have changed.
            known: What need not be read again; else only who the account is.
        """
        known = known or AccountSettings(self._settings.info)
        try:
            settings = await read_settings(self._client.account, known)
        except asyncio.CancelledError:
            self._end("Interrupted.", Tone.CAREFUL)
            raise
        except Exception as error:
            self._end(f"{text} {error_text(error)}".lstrip(), Tone.BAD)
            raise
        self._update(settings, own)
        self._end(text, tone)
        self._client._notify(settings.state, by=self)

    def settings_read(self, state: SettingsState) -> None:
        """Show what was read after a change by other code; the client calls this."""
        with self._lock:
            if self._busy_with:
                self._read_meanwhile.append(state)
            else:
                self._take_over(self._settings.updated(state))

    def _take_over(self, settings: AccountSettings) -> None:
        self._update(settings)
        if not (settings.is_complete or self._is_closed or self._client.recording):
            LOOP.submit(self._read_missing)

    async def _read_missing(self) -> None:
        """Read a list that began with a change by other code."""
        with suppress(PrivacyError):
            read = await read_settings(self._client.account, self._settings)
            with self._lock:
                now = self._settings.state
                new = {c: held for c, held in read.state.lists.items() if c not in now.lists}
                timer = read.state.timer if now.timer is None else None
                settings = self._settings.updated(SettingsState(lists=new, timer=timer))
                self._update(replace(settings, unread={**read.unread, **settings.unread}))

    async def _choose_policy(self, policy: Policy, name: str) -> None:
        """Find out who the people of a policy are, and choose what it wants."""
        try:
            people = {str(category): jids for category, jids in policy.exceptions.items()}
            names = self._client.names
            found = await find_people(self._client.account, people, names.label)
            names.learn(user for users in found.values() for user in users)
            with self._lock:
                if self._is_closed or self._busy_with:
                    return
                with self._ignoring_choices():
                    for key, value in policy.settings.items():
                        if row := self._rows.get(key.value):
                            row.choose(value)
                            if key.value in found and isinstance(row, SettingRow):
                                row.choose_exactly(found[key.value])
                    if policy.timer is not None:
                        self._rows[TIMER].choose(policy.timer)
                self._say_chosen(name, [key for key in policy.settings if key not in self._rows])
        except PrivacyError as error:
            self._say(f"{name}: {error_text(error)}", Tone.BAD)
            raise

    def _choose_change(self, change: Change) -> None:
        row = self._rows[key_of(change)]
        if not isinstance(change, ListChange):
            row.choose(change.after)
        elif isinstance(row, SettingRow):
            if change.action is DisallowedListAction.ADD:
                row.choose_people(add=change.people)
            else:
                row.choose_people(remove=[j for user in change.people for j in user.identities])

    def _say_chosen(self, name: str, unreported: Iterable[str] = ()) -> None:
        """Say what a preset or an undo chose; the plan above tells what that would change."""
        chosen = "chosen and not applied yet; the plan above shows what it changes."
        text = f"{name}: {chosen if self._plan() else 'all is set so already.'}"
        labels = ", ".join(words.label(PrivacyCategory(key)) for key in unreported)
        self._say(text + (f" Not reported for this account: {labels}." if labels else ""))

    async def _choose_people(
        self, row: SettingRow, people: Iterable[Jid], *, is_added: bool
    ) -> None:
        """Find out who people are, and choose to except them, or no longer."""
        try:
            names = self._client.names
            found = await find_people(self._client.account, {"people": tuple(people)}, names.label)
            users = found["people"]
            names.learn(users)
            with self._lock:
                if not self._is_closed:
                    with self._ignoring_choices():
                        if is_added:
                            row.choose_people(add=users)
                        else:
                            row.choose_people(remove=[j for user in users for j in user.identities])
                    self._changed(row.key)
        except PrivacyError as error:
            self._remark(row, error)
            raise

    # --- How it is shown.

    def _update(self, settings: AccountSettings, own: Collection[str] = ()) -> None:
        """Take over what is set now; choices that were not applied yet stay."""
        with self._ignoring_choices():
            self._settings = settings
            if self._is_closed:
                return
            self._head.value = _head_html(self._client, settings)
            rows: dict[str, SettingRow | TimerRow] = {}
            for category in settings.state.settings:
                if category.is_known:
                    rows[category.value] = self._rows.get(category.value) or SettingRow(
                        category,
                        settings,
                        self._make,
                        self._changed,
                        self._click_add,
                        self._click_remove,
                        self._client.names,
                    )
            rows[TIMER] = self._rows.get(TIMER) or TimerRow(settings, self._make, self._changed)
            for key, row in rows.items():
                row.update(settings, is_own=key in own)
            self._rows = rows
            self._show()

    def _revert(self, keys: Collection[str]) -> None:
        with self._ignoring_choices():
            for key in keys:
                self._rows[key].revert()

    @contextmanager
    def _ignoring_choices(self) -> Iterator[None]:
        """Set controls without taking that for a choice of the user's."""
        with self._lock:
            before, self._ignores_choices = self._ignores_choices, True
            try:
                yield
            finally:
                self._ignores_choices = before

    def _remark_outcomes(self, applied: ApplyResult) -> None:
        for result in applied:
            self._rows[key_of(result.change)].remarks.clear()
        for result in applied:
            what = "People: " if isinstance(result.change, ListChange) else ""
            text, tone = _OUTCOMES[result.outcome]
            remark = f"{what}{text} {result.reason}".rstrip(), tone
            self._rows[key_of(result.change)].remarks.append(remark)

    def _remark(self, row: SettingRow, error: PrivacyError) -> None:
        with self._lock:
            text = re.sub(r"\bpeople(\[\d+\])?: ", "", error_text(error))
            row.remarks = [(text, Tone.BAD)]
            self._show()

    def _say(self, text: str = "", tone: Tone = Tone.PLAIN) -> None:
        with self._lock:
            self._message = text, tone
            self._show()

    def _show(self) -> None:
        """Bring all widgets up to date."""
        with self._ignoring_choices():
            if self._is_closed:
                return
            plan, problem, is_busy = self._plan(), self._problem, bool(self._busy_with)
            text, tone = self._message
            self._unknown.value = _unknown_html(self.settings)
            self._plan_html.value = _plan_html(plan)
            self._message_html.value = (
                message_html(self._busy_with, busy=True) if is_busy else message_html(text, tone)
            )
            obstacles = {key_of(change): change.obstacle for change in plan}
            locked = LOCKED_BY_DEFENSE if self._is_locked else ()
            for key, row in self._rows.items():
                row.show(
                    obstacles.get(key, ""),
                    enabled=not is_busy,
                    full=self._whole_numbers.value,
                    locked=key in locked,
                )
            set_children(self._rows_box, *(row.box for row in self._rows.values()))
            self._buttons["Apply"].disabled = bool(is_busy or problem or not plan.possible)
            self._buttons["Revert"].disabled = bool(is_busy or not (plan or problem))
            self._buttons["Refresh"].disabled = is_busy
            back, undo = self._undoable, self._buttons["Undo"]
            undo.description = f"Undo {_changes(len(back))}" if back else "Undo"
            undo.tooltip = f"Choose again: {_in_a_line(back)}" if back else None
            undo.disabled = is_busy or not back
            for button in self._presets.children[1:]:
                button.disabled = is_busy
            has_people = any(row.excluded for row in self._rows.values())
            numbers = [self._whole_numbers] if has_people else []
            set_children(self._foot, *self._buttons.values(), *numbers)


def open_panel(client: AsyncClient, owner: object = None, presets: Presets = ()) -> Panel:
    """Read what is set, and return a panel of it.

    Args:
        client: Whose settings they are.
        owner: What must live as long as the panel, such as a ``Client`` that would close
            ``client`` with its own end.
        presets: Policies to choose from beside those of the package: paths of their files, or
            policies by what they are called.

    Raises:
        InvalidPolicyError: A preset is invalid; lists every problem.
        PrivacyError: The settings cannot be read.
    """
    policies = _policies(presets, client.names.find)
    return Panel(client, LOOP.run(lambda: read_settings(client.account)), owner, policies)


def _policies(presets: Presets, names: NameFinder) -> dict[str, Policy]:
    """Policies by the names of their buttons."""
    if isinstance(presets, str | os.PathLike):
        presets = [presets]
    named: Mapping[str, PolicyLike] = (
        presets if isinstance(presets, Mapping) else {Path(path).stem: path for path in presets}
    )
    return {**_PACKAGED, **{name: as_policy(each, names) for name, each in named.items()}}


def _changes(count: int) -> str:
    return f"{count} change{'' if count == 1 else 's'}"


def _plan_html(plan: Plan) -> str:
    """What would change, and what that makes of who sees what; empty for nothing."""
    seen = plan.visibility() if plan else None
    return plan.table().as_html() + (seen.as_html() if seen else "") if plan else ""


def _head_html(client: AsyncClient, settings: AccountSettings) -> str:
    """Whose settings these are, and who sees what."""
    info, state = settings.info, settings.state
    badges = ""
    if (recording := client.recording) is not None:
        name = recording.name
        badges = badge_html(f"Replay of {name!r}: answers were recorded, nothing is sent")
    elif info.backend == "emulated":
        badges = badge_html("Emulated account")
    account = f"Account {text_html(mask_account(info.id))}" if info.id else ""
    trouble = ""
    if info.state != AccountState.CONNECTED:
        name = info.state.replace("_", " ").capitalize()
        trouble = remark_html(f"{name}. {info.hint}", Tone.CAREFUL)
    seen = visibility(
        [PrivacySetting(*pair) for pair in state.settings.items()],
        timer=state.timer,
        excepted={category: len(held) for category, held in state.lists.items()},
        account=client.account.id,
    )
    return f"<p>{badges}{account}</p>{trouble}{seen.as_html()}"


def _unknown_html(settings: PrivacySettingsResponse) -> str:
    """The settings that this version does not know; empty when there is none."""
    if not settings:
        return message_html("The server reported no settings.", Tone.CAREFUL)
    rows = [
        (Cell(short(each.category.value)), Cell(short(each.value.value)))
        for each in settings
        if not each.category.is_known
    ]
    if not rows:
        return ""
    count = "1 setting" if len(rows) == 1 else f"{len(rows)} settings"
    summary = f"{count} that this version does not know and only shows"
    table = Table("", ("category", "value"), rows).as_html()
    is_open = " open" if len(rows) <= 5 else ""
    return f"<details{is_open}><summary>{summary}</summary>{table}</details>"


def _not_recorded(client: AsyncClient, plan: Plan) -> str:
    """That a plan was not recorded, and which ones were."""
    recording = client.recording
    if recording is None:
        return ""
    lines = [
        f"The recording {recording.name!r} holds no answer to this; nothing was changed.",
        f"Asked for: {_in_a_line(plan.possible)}.",
    ]
    recorded = dict.fromkeys(map(_in_a_line, _recorded_plans(recording)))
    if recorded:
        lines.append("Recorded, each from what was set then:")
        lines += [f"• {line}." for line in recorded]
    else:
        lines.append("No changes by a panel or a plan were recorded in it.")
    return "\n".join(lines)


def _recorded_plans(recording: CassetteTransport) -> Iterator[tuple[Change, ...]]:
    from privacy_sdk.accounts.wire import plan_from_json

    for request in recording.requests():
        if request.is_plan:
            with suppress(PrivacyError, ValueError, KeyError, TypeError):
                yield plan_from_json(request.body)[1]


def _in_a_line(changes: Iterable[Change]) -> str:
    return ", ".join(map(_briefly, changes))


def _briefly(change: Change) -> str:
    what, before, after = in_words(change)
    if isinstance(change, ListChange):
        more = "more" if change.action is DisallowedListAction.ADD else "fewer"
        return f"{what} {words.people(len(change.people))} {more}"
    return f"{what}: {before} → {after}"
