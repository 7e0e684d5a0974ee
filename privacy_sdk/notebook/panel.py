"""The control panel: what is set, what is to be changed, and what became of it.

Read :class:`Panel` from the top: what a user calls, then what a click starts, then how it is sent
and shown. What is chosen is in ``form``, with a row per setting from ``rows``; what is read of the
account is in ``settings``, what is said of it in ``html``.

Callbacks come in any thread, and requests are made on the loop thread. So whoever touches rows or
widgets holds the panel's lock, and nobody waits for an answer while holding it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import aclosing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import ipywidgets

from privacy_sdk.accounts.base import KeepsHistory, OverHttp, require
from privacy_sdk.errors import (
    InvalidInputError,
    NotRecordedError,
    NotSupportedError,
    OutdatedPlanError,
    PrivacyError,
    UsageError,
)
from privacy_sdk.errors.public import set_module
from privacy_sdk.model.arguments import CategoryLike, as_list_category
from privacy_sdk.model.history import HistoryEntry
from privacy_sdk.model.html import style_sheet
from privacy_sdk.model.people import PeopleLike, as_people
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import (
    Jid,
    PrivacySettingsResponse,
)
from privacy_sdk.model.words import counted
from privacy_sdk.notebook.form import Form
from privacy_sdk.notebook.html import head_html, message_html, plan_html, unknown_html
from privacy_sdk.notebook.presets import Presets, preset_policies
from privacy_sdk.notebook.rows import SettingRow
from privacy_sdk.notebook.settings import AccountSettings, can_watch, key_of, read_settings
from privacy_sdk.notebook.widgets import WidgetFactory, set_children
from privacy_sdk.policies.plan import Plan
from privacy_sdk.policies.policy import Policy, PolicyLike, as_policy
from privacy_sdk.policies.result import ApplyResult
from privacy_sdk.support.loop import LOOP, Work
from privacy_sdk.views.html import error_text, settings_table, short
from privacy_sdk.views.tables import Tone

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient

_READING = "Reading what is set…"
_READING_HISTORY = "Reading what was changed last…"
_MOMENT = 0.05
"""How long a change that is told waits for what else tells of it [s]."""
_MAY_STILL_BE_APPLIED = "What was sent may still be applied; the panel reads what is set."
_OUTDATED = (
    "Something was changed elsewhere meanwhile, and nothing was sent. It is marked above; "
    "Apply now starts from there."
)


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
        self._busy_with = ""
        self._message = "", Tone.PLAIN
        self._applied: ApplyResult | None = None
        self._read_meanwhile: list[SettingsState] = []
        self._changed_meanwhile: list[HistoryEntry] = []
        self._watching: Future[None] | None = None
        self._is_closed = False
        self._make = make = WidgetFactory()
        self._form = Form(
            make,
            client.names,
            self._say,
            self._clicked(self._add_people),
            self._clicked(lambda row, who: self._form.choose_people(row, who, is_added=False)),
        )
        self._lock = self._form.lock
        self._head, self._unknown = make.html(), make.html()
        self._plan_html = make.html("", "psdk-plan")
        self._message_html = make.html("", "psdk-status")
        self._buttons = {
            text: make.button(text, self._clicked(begin), f"psdk-{text.lower()}", tooltip)
            for text, begin, tooltip in (
                ("Apply", self._begin_apply, ""),
                ("Revert", self.revert, ""),
                ("Undo", self._begin_undo, "Choose what takes back the last change"),
                ("Refresh", self._begin_refresh, ""),
            )
        }
        self._whole_numbers = make.checkbox("Show whole phone numbers")
        self._whole_numbers.observe(lambda _: self._show(), "value")
        self._presets = [
            make.button(
                short(name, 40),
                self._clicked(partial(self._work_to_choose, name, policy)),
                tooltip=f"Choose {short(name)}; nothing is sent before Apply",
            )
            for name, policy in presets.items()
        ]
        title = make.html("Presets, to choose from:")
        self._foot = make.box([], "psdk-buttons", row=True)
        super().__init__(
            [
                make.html(f"<style>{style_sheet('notebook', 'panel')}</style>"),
                *(self._head, self._form.box, self._unknown),
                *(self._plan_html, self._message_html, self._foot),
                make.box([title, *self._presets], "psdk-buttons", row=True),
            ],
            layout=make.layout,
            _dom_classes=("privacy-sdk",),
        )
        self._update(settings)
        client._observers.add(self)
        self._watch_if_alone()

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
        return {key: row.control for key, row in self._form.rows.items()}

    @property
    def settings(self) -> PrivacySettingsResponse:
        """What is set, as last read."""
        return self._settings.state.response

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
            if problem := self._form.problem:
                raise InvalidInputError(problem)
            return self._pending

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
        return LOOP.run(self._begin_apply(), on_interrupt=_MAY_STILL_BE_APPLIED)

    def refresh(self) -> None:
        """Read what is set now; choices that were not applied yet stay.

        Raises:
            PrivacyError: It cannot be read.
            UsageError: The panel is busy, or closed.
        """
        LOOP.run(self._begin_refresh())

    def revert(self) -> None:
        """Choose what is set; nothing is sent."""
        with self._lock:
            if not (self._busy_with or self._is_closed):
                self._form.revert()
                self._end()

    def undo(self) -> None:
        """Choose what takes back the last change, instead of what is chosen; nothing is sent.

        It is that of ``client.undo()``: of whoever changed something here, and once applied, the
        next one goes further back. Where no journal is kept, it is what this panel applied last.

        Raises:
            OutdatedPlanError: What it changed was changed again since.
            NotSupportedError: No journal is kept, and this panel applied nothing.
            PrivacyError: It cannot be read what that was, or what is set.
            UsageError: There is no change to take back; or the panel is busy, or closed.

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
        LOOP.run(self._begin_undo())

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
        LOOP.run(self._work_to_choose("The policy", wanted))

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
            if self._watching is not None:
                self._watching.cancel()
                for panel in self._beside()[:1]:
                    panel._watch_if_alone()
            self._make.close()
            super().close()
            attributes: Any = vars(self)
            attributes.pop("_repr_mimebundle_", None)  # ipywidgets sets it to None

    def __repr__(self) -> str:
        client = repr(self._client).removeprefix("Async")
        with self._lock:
            count = len(self._pending)
        state = "closed" if self._is_closed else f"{counted(count, 'change')} pending"
        return f"Panel({client}, {state})"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The widget, and the settings as a table for pages where no widget lives."""
        table = settings_table(self.settings, repr(self))
        bundle = {"text/plain": repr(self), "text/html": table.as_html()}
        if self._is_closed:
            return bundle
        return {"application/vnd.jupyter.widget-view+json": self.get_view_spec(), **bundle}

    # --- What a click starts: it never waits, and nobody sees what it raises.

    def _clicked(self, begin: Callable[..., Work[Any] | None]) -> Callable[..., None]:
        """Return what a click does: nothing while something is under way or after the end.

        Args:
            begin: Returns what is left to do on the loop thread, if anything.
        """

        def click(*args: Any) -> None:
            with self._lock:
                if self._busy_with or self._is_closed:
                    return
                try:
                    work = begin(*args)
                except PrivacyError as error:
                    self._say(error_text(error), Tone.BAD)
                else:
                    if work is not None:
                        LOOP.submit(work)

        return click

    def _add_people(self, row: SettingRow, numbers: str) -> Work[None] | None:
        written = [each.strip() for each in re.split("[,;\n]", numbers) if each.strip()]
        try:
            people = as_people(written, self._client.names.find)
        except PrivacyError as error:
            self._remark(row, error)
            return None
        return lambda: self._choose_people(row, people, is_added=True)

    # --- What is pending, and the one thing that is under way.

    @property
    def _pending(self) -> Plan:
        """The pending changes, without choices that cannot be used."""
        return self._form.plan(self._client.account.id)

    def _begin(self, what: str, work: Work[Any]) -> Work[Any]:
        """Say what is under way from now on, and return it.

        Raises:
            UsageError: Something is under way already, or the panel is closed.
        """
        with self._lock:
            self._refuse_if_busy()
            self._busy_with = what
            self._show()
        return work

    def _begin_apply(self) -> Work[ApplyResult]:
        with self._lock:
            self._refuse_if_busy()
            plan = self.plan
            what = f"Applying {counted(len(plan.possible), 'change')}…"
            return self._begin(what, lambda: self._apply(plan))

    def _begin_refresh(self) -> Work[None]:
        return self._begin(_READING, self._refresh)

    def _begin_undo(self) -> Work[None]:
        return self._begin(_READING_HISTORY, self._undo)

    def _work_to_choose(self, name: str, policy: Policy) -> Work[None]:
        return lambda: self._choose_policy(name, policy)

    def _end(self, text: str = "", tone: Tone = Tone.PLAIN) -> None:
        """Say that nothing is under way any more, and what came of it."""
        with self._lock:
            self._busy_with = ""
            read, self._read_meanwhile = self._read_meanwhile, []
            changed, self._changed_meanwhile = self._changed_meanwhile, []
            for state in read:
                self._settings = self._settings.updated(state)
            self._say(text, tone)
            if read:
                self._take_over(self._settings)
            if not all(map(self._settings.shows, changed)):
                LOOP.submit(self._read_again)

    @contextmanager
    def _ending(self, text: str = "") -> Iterator[None]:
        """End what is under way if it fails, and say why, after what else is to be said."""
        try:
            yield
        except asyncio.CancelledError:
            self._end("Interrupted.", Tone.CAREFUL)
            raise
        except Exception as error:
            self._end(f"{text} {error_text(error)}".lstrip(), Tone.BAD)
            raise

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
        row = self._form.rows.get(category.value)
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
        except NotRecordedError as error:
            self._form.revert(keys)
            self._end(f"Nothing was changed. {error_text(error)}", Tone.BAD)
            raise
        except Exception as error:
            self._end(error_text(error), Tone.BAD)
            raise
        self._applied = applied
        message = f"{applied.table().title}.", Tone.GOOD if applied.is_complete else Tone.BAD
        with self._lock:
            self._form.undoes = ""
            self._form.remark(applied)
        with suppress(PrivacyError):
            await self._refresh(*message, keys, self._settings.updated(applied.after, keys))
        return applied

    def _show_progress(self, done: int, total: int) -> None:
        with self._lock:
            made = f", {done} made" if done else ""
            self._busy_with = f"Applying {counted(total, 'change')}{made}…"
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
        with self._ending(text):
            settings = await self._read(known)
        self._update(settings, own)
        self._end(text, tone)
        self._client._notify(settings.state, by=self)

    async def _read(self, known: AccountSettings | None = None) -> AccountSettings:
        """Read what is set; who the account is need not be asked again."""
        known = known or AccountSettings(self._settings.info)
        return await read_settings(self._client.account, known)

    async def _undo(self) -> None:
        """Find out what takes back the last change, and choose that."""
        with self._ending():
            back = await self._last_change()
            settings = await self._read()
            with self._lock:
                count = len(self._pending)
                self._update(settings)
                self._form.choose_undo(back)
        instead = f" What was chosen before, {counted(count, 'change')}, is not." if count else ""
        self._end(self._what_is_chosen("Undo", instead))
        self._client._notify(settings.state, by=self)

    async def _last_change(self) -> Plan:
        """Return what takes back the last change: the account's, else this panel's.

        Raises:
            UsageError: Nothing of it can be taken back.
        """
        try:
            back = await self._client.undo()
        except NotSupportedError:  # no journal is kept
            if self._applied is None:
                raise
            back = self._applied.undo()
        if not back.possible:
            reasons = dict.fromkeys(change.obstacle for change in back if change.obstacle)
            raise UsageError(" ".join(["There is no change to take back.", *reasons]))
        return back

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

    async def _choose_policy(self, name: str, policy: Policy) -> None:
        """Find out who the people of a policy are, and choose what it wants."""
        try:
            found = await self._client._find(
                {category.value: jids for category, jids in policy.exceptions.items()}
            )
            with self._lock:
                self._refuse_if_busy()
                missing = ", ".join(self._form.choose_policy(policy, found))
                more = f" Not reported for this account: {missing}." if missing else ""
                self._say(self._what_is_chosen(name, more))
        except PrivacyError as error:
            self._say(f"{name}: {error_text(error)}", Tone.BAD)
            raise

    def _what_is_chosen(self, name: str, more: str) -> str:
        """What to say of a preset or an undo; the plan above tells what that would change."""
        chosen = "chosen and not applied yet; the plan above shows what it changes."
        return f"{name}: {chosen if self._pending else 'all is set so already.'}{more}"

    async def _choose_people(
        self, row: SettingRow, people: Iterable[Jid], *, is_added: bool
    ) -> None:
        """Find out who people are, and choose to except them, or no longer."""
        try:
            users = (await self._client._find({"people": tuple(people)}))["people"]
            with self._lock:
                self._refuse_if_closed()
                self._form.choose_people(row, users, is_added=is_added)
        except PrivacyError as error:
            self._remark(row, error)
            raise

    # --- What others change: one panel of a client watches its account, for all of them.

    def _watch_if_alone(self) -> None:
        is_watched = any(panel._watching for panel in self._beside())
        if can_watch(self._client.account) and not is_watched:
            self._watching = LOOP.submit(self._watch)

    def _beside(self) -> list[Panel]:
        """The other open panels of the client."""
        observers = tuple(self._client._observers)
        return [each for each in observers if isinstance(each, Panel) and each is not self]

    async def _watch(self) -> None:
        """Show what is changed elsewhere, for as long as the account's journal tells."""
        account = require(self._client.account, KeepsHistory)
        with suppress(PrivacyError):
            async with aclosing(account.watch()) as changes:
                async for _, entry in changes:
                    if entry is None:  # a connection has begun: before it something may be missed
                        is_known = not isinstance(account, OverHttp)
                    else:
                        is_known = self._settings.shows(entry) or await self._is_shown_soon(entry)
                    if not is_known:
                        await self._read_again()

    async def _is_shown_soon(self, entry: HistoryEntry) -> bool:
        """Whether a change is one of this client, or comes with others that were read."""
        await asyncio.sleep(_MOMENT)
        with self._lock:
            if self._busy_with:
                self._changed_meanwhile.append(entry)
            return bool(self._busy_with) or self._settings.shows(entry)

    async def _read_again(self) -> None:
        """Read what is set, for all panels of the client."""
        with suppress(PrivacyError):
            self._client._notify((await self._read()).state)

    # --- How it is shown.

    def _update(self, settings: AccountSettings, own: Collection[str] = ()) -> None:
        """Take over what is set now; choices that were not applied yet stay."""
        with self._lock:
            self._settings = settings
            if not self._is_closed:
                self._head.value = head_html(self._client, settings)
                self._unknown.value = unknown_html(self.settings)
                self._form.update(settings, own)
                self._show()

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
        with self._lock:
            if self._is_closed:
                return
            plan, is_busy = self._pending, bool(self._busy_with)
            self._form.show(plan, enabled=not is_busy, full=self._whole_numbers.value)
            said = (self._busy_with, Tone.PLAIN) if is_busy else self._message
            self._message_html.value = message_html(*said, busy=is_busy)
            self._plan_html.value = plan_html(plan)
            problem = self._form.problem
            is_useless = {
                "Apply": bool(problem or not plan.possible),
                "Revert": not (plan or problem),
            }
            for name, button in self._buttons.items():
                button.disabled = is_busy or is_useless.get(name, False)
            for button in self._presets:
                button.disabled = is_busy
            numbers = [self._whole_numbers] if self._form.has_people else []
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
    policies = preset_policies(presets, client.names.find)
    return Panel(client, LOOP.run(lambda: read_settings(client.account)), owner, policies)
