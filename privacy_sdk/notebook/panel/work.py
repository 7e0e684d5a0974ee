"""What the panel does when something is chosen or pressed, and what it shows meanwhile.

Callbacks come in any thread, and requests are made on the loop's. So whoever touches the
board or the view holds the lock, and nobody waits for an answer while holding it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakSet

from privacy_sdk.errors import (
    InvalidInputError,
    NotRecordedError,
    OutdatedPlanError,
    PrivacyError,
    UsageError,
)
from privacy_sdk.model.arguments import CategoryLike, as_list_category
from privacy_sdk.model.types import DisallowedListUser, Jid
from privacy_sdk.notebook.panel.board import Board, key_of
from privacy_sdk.notebook.panel.look import Look
from privacy_sdk.notebook.panel.reading import Reading, read
from privacy_sdk.notebook.panel.replay import miss_in_words
from privacy_sdk.notebook.panel.rows import SettingRow
from privacy_sdk.notebook.panel.view import View
from privacy_sdk.policies.people import as_people, find_people
from privacy_sdk.policies.plan import Plan
from privacy_sdk.policies.result import ApplyResult
from privacy_sdk.support.loop import LOOP
from privacy_sdk.views.display import error_text
from privacy_sdk.views.tables import Tone

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient

_OPEN: WeakKeyDictionary[AsyncClient, WeakSet[Work]] = WeakKeyDictionary()
"""The panels of each client, which tell each other what they read."""

READING = "Reading what is set…"
MAY_STILL_TAKE = "What was sent may still take; the panel reads what is set."
_OUTDATED = (
    "Something was changed elsewhere meanwhile, and nothing was sent. It is marked above; "
    "Apply now starts from there."
)


def _applying(count: int) -> str:
    return f"Applying {count} change{'' if count == 1 else 's'}…"


class Work:
    """A panel's board and view, and the one thing that is done with them at a time.

    Attributes:
        board: What is set and what is chosen.
        view: The widgets.
        doing: What is under way, in words; empty when nothing is.
        said: What there is to say otherwise.
        applied: What became of the changes that were applied last.
        is_closed: Whether the widgets are gone.
    """

    def __init__(self, client: AsyncClient, reading: Reading, owner: object) -> None:
        self.doing = ""
        self.said: tuple[str, Tone] = "", Tone.PLAIN
        self.applied: ApplyResult | None = None
        self.is_closed = False
        self._client, self._owner = client, owner
        self._lock = threading.RLock()
        self._is_quiet = False
        self._look = Look()
        self.board = Board(
            reading,
            self._look,
            chosen=self._chosen,
            add=self._press_add,
            remove=self._press_remove,
        )
        self.view = View(
            self._look,
            {"Apply": self._press_apply, "Revert": self.revert, "Refresh": self._press_refresh},
            switched=self._show,
        )
        self._show()
        _OPEN.setdefault(client, WeakSet()).add(self)

    def plan(self) -> Plan:
        """The pending changes.

        Raises:
            InvalidInputError: A choice cannot be used.
        """
        with self._lock:
            if self.board.fault:
                raise InvalidInputError(self.board.fault)
            return self._plan()

    def row(self, category: CategoryLike) -> SettingRow:
        """The row of a category from which people can be excepted."""
        self._refuse_if_closed()
        row = self.board.rows.get(as_list_category(category).value)
        if not isinstance(row, SettingRow):
            raise InvalidInputError(f"WhatsApp does not report {category!r} for this account.")
        return row

    def state(self) -> str:
        """How many changes are pending, in words."""
        with self._lock:
            count = len(self._plan())
        return "closed" if self.is_closed else f"{count} change{'' if count == 1 else 's'} pending"

    def begin(self, doing: str) -> None:
        """Say what is done now.

        Raises:
            UsageError: Something is being done already, or the panel is closed.
        """
        with self._lock:
            self._refuse_if_closed()
            if self.doing:
                raise UsageError(f"The panel is at work: {self.doing}", hint="Wait for it.")
            self.doing = doing
            self._show()

    def begin_to_apply(self) -> Plan:
        """The plan that is applied now."""
        with self._lock:
            plan = self.plan()
            self.begin(_applying(len(plan.possible)))
            return plan

    def revert(self) -> None:
        """Choose what is set."""
        with self._lock:
            if not (self.doing or self.is_closed):
                with self._quietly():
                    self.board.revert()
                self._say("")

    def close(self) -> None:
        """Close the widgets."""
        with self._lock:
            self.is_closed = True
            self._look.close()

    def _refuse_if_closed(self) -> None:
        if self.is_closed:
            raise UsageError("The panel is closed.", hint="Make a new one: client.panel()")

    def _plan(self) -> Plan:
        return self.board.plan(self._client.account.id)

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Set controls without taking that for somebody's choice."""
        with self._lock:
            before, self._is_quiet = self._is_quiet, True
            try:
                yield
            finally:
                self._is_quiet = before

    def _show(self) -> None:
        with self._quietly():
            if not self.is_closed:
                self.view.show(
                    self.board,
                    self._plan(),
                    client=self._client,
                    doing=self.doing,
                    said=self.said,
                )

    def _say(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        with self._lock:
            self.said = text, tone
            self._show()

    def _end(self, text: str = "", tone: Tone = Tone.PLAIN) -> None:
        with self._lock:
            self.doing = ""
            self._say(text, tone)

    # Called when something is chosen or pressed: never to wait, and nobody sees what is raised.

    def _chosen(self, key: str) -> None:
        """What was said of another choice is over."""
        with self._lock:
            if not (self._is_quiet or self.is_closed):
                self.board.rows[key].remarks.clear()
                self._say("")

    def _press(self, start: Callable[[], object]) -> None:
        """A second click while the first is at work does nothing."""
        with self._lock:
            if not (self.doing or self.is_closed):
                try:
                    start()
                except PrivacyError as error:
                    self._say(error_text(error), Tone.BAD)

    def _press_apply(self) -> None:
        def start() -> None:
            plan = self.begin_to_apply()
            LOOP.submit(lambda: self.applying(plan))

        self._press(start)

    def _press_refresh(self) -> None:
        def start() -> None:
            self.begin(READING)
            LOOP.submit(self.refreshing)

        self._press(start)

    def _press_add(self, row: SettingRow, number: str) -> None:
        def start() -> None:
            try:
                jids = as_people(number.strip())
            except PrivacyError as error:
                self._remark(row, error)
            else:
                LOOP.submit(lambda: self.finding(row, jids, is_to_join=True))

        self._press(start)

    def _press_remove(self, row: SettingRow, people: tuple[Jid, ...]) -> None:
        self._press(lambda: self._except(row, leaving=people))

    # Done on the loop's thread. After a click nobody sees what is raised, so all of it is shown.

    async def applying(self, plan: Plan) -> ApplyResult:
        """Send a plan, and show what became of it."""
        try:
            applied = await self._client.apply(plan, progress=self._progress)
        except asyncio.CancelledError:
            self.doing = READING
            said = f"Interrupted. {MAY_STILL_TAKE}"
            LOOP.submit(lambda: self.refreshing(said, Tone.CAREFUL))
            raise
        except OutdatedPlanError:
            with suppress(PrivacyError):
                await self.refreshing(_OUTDATED, Tone.BAD)
            raise
        except NotRecordedError:
            with self._quietly():
                self.board.revert({key_of(change) for change in plan})
            self._end(miss_in_words(self._client, plan), Tone.BAD)
            raise
        except Exception as error:
            self._end(error_text(error), Tone.BAD)
            raise
        self.applied = applied
        with self._quietly():
            if not self.is_closed:
                self.board.take_applied(applied)
        with suppress(PrivacyError):
            tone = Tone.GOOD if applied.is_complete else Tone.BAD
            mine = {key_of(change) for change in plan}
            await self.refreshing(f"{applied.table().title}.", tone, mine)
        return applied

    def _progress(self, done: int, total: int) -> None:
        with self._lock:
            self.doing = f"{_applying(total)[:-1]}, {done} made…" if done else _applying(total)
            self._show()

    async def refreshing(
        self, said: str = "", tone: Tone = Tone.PLAIN, mine: Collection[str] = ()
    ) -> None:
        """Read what is set, show it to all panels of the client, and say something here.

        Args:
            said: What to say.
            tone: How it is meant.
            mine: Keys of the rows that this panel itself may have changed.
        """
        try:
            reading = await read(self._client.account)
        except asyncio.CancelledError:
            self._end("Interrupted.", Tone.CAREFUL)
            raise
        except Exception as error:
            self._end(f"{said} {error_text(error)}".lstrip(), Tone.BAD)
            raise
        self._take(reading, mine)
        self._end(said, tone)
        for other in _OPEN[self._client] - {self}:
            if not other.doing:
                other._take(reading)

    async def finding(self, row: SettingRow, people: Iterable[Jid], *, is_to_join: bool) -> None:
        """Find out who people are, and choose to except them, or no longer."""
        try:
            users = (await find_people(self._client.account, {"people": tuple(people)}))["people"]
            self._except(
                row,
                joining=users if is_to_join else (),
                leaving=() if is_to_join else [user.jid for user in users],
            )
        except PrivacyError as error:
            self._remark(row, error)
            raise

    def _take(self, reading: Reading, mine: Collection[str] = ()) -> None:
        with self._quietly():
            if not self.is_closed:
                self.board.take(reading, mine)
                self._show()

    def _except(
        self,
        row: SettingRow,
        *,
        joining: Iterable[DisallowedListUser] = (),
        leaving: Iterable[Jid] = (),
    ) -> None:
        with self._lock:
            if not self.is_closed:
                with self._quietly():
                    row.choose_people(joining=joining, leaving=leaving)
                self._chosen(row.key)

    def _remark(self, row: SettingRow, error: PrivacyError) -> None:
        with self._lock:
            row.remarks = [(error_text(error).removeprefix("people[0]: "), Tone.BAD)]
            self._show()
