"""The panel's frame: what stands above and below its rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from privacy_sdk.accounts.base import AccountState
from privacy_sdk.notebook.panel.board import Board
from privacy_sdk.notebook.panel.look import STYLE, Look, badge, mark, message
from privacy_sdk.notebook.panel.reading import Reading
from privacy_sdk.notebook.panel.replay import replayed
from privacy_sdk.policies.plan import Plan
from privacy_sdk.views.display import short, text_html
from privacy_sdk.views.tables import Cell, Table, Tone

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient


class View:
    """Head, rows, what is unknown, the plan, a message, and buttons.

    Args:
        look: What makes the widgets.
        pressed: What the buttons do, by the words on them.
        switched: Called when whole numbers are wanted, or no longer.
    """

    def __init__(
        self, look: Look, pressed: dict[str, Callable[[], object]], switched: Callable[[], object]
    ) -> None:
        self.head, self.unknown = look.html(), look.html()
        self.plan, self.message = look.html(kind="psdk-plan"), look.html(kind="psdk-said")
        self._rows = look.box([], "psdk-rows")
        self.buttons = {
            words: look.button(words, action, f"psdk-{words.lower()}")
            for words, action in pressed.items()
        }
        self.numbers = look.switch("Show whole phone numbers")
        self.numbers.observe(lambda _: switched(), "value")
        self._foot = look.box(list(self.buttons.values()), "psdk-buttons", row=True)
        parts = [self.head, self._rows, self.unknown, self.plan, self.message, self._foot]
        self.root = look.box([look.html(STYLE), *parts], "privacy-sdk")

    def show(
        self, board: Board, plan: Plan, *, client: AsyncClient, doing: str, said: tuple[str, Tone]
    ) -> None:
        """Bring everything up to date.

        Args:
            board: The rows.
            plan: What is chosen and can be sent.
            client: Whose settings they are.
            doing: What is under way; empty when nothing is.
            said: What there is to say otherwise.
        """
        self.head.value = head(client, board.reading)
        self.message.value = message(doing, busy=True) if doing else message(*said)
        self.plan.value = plan.table().as_html() if plan else ""
        self.unknown.value = unknown(board)
        rows = board.show(plan, enabled=not doing, full=self.numbers.value)
        if tuple(rows) != self._rows.children:
            self._rows.children = rows
        self.buttons["Apply"].disabled = bool(doing or board.fault or not plan.possible)
        self.buttons["Revert"].disabled = bool(doing or not (plan or board.fault))
        self.buttons["Refresh"].disabled = bool(doing)
        feet = *self.buttons.values(), *([self.numbers] if board.excepts else [])
        if feet != self._foot.children:
            self._foot.children = feet


def head(client: AsyncClient, reading: Reading) -> str:
    """Whose settings these are, as HTML."""
    info = reading.info
    badges = []
    if (recording := replayed(client)) is not None:
        name = recording.path.stem
        badges.append(badge(f"Replay of {name!r}: answers were recorded, nothing is sent"))
    elif info.backend == "emulated":
        badges.append(badge("Emulated account"))
    account = f"Account {text_html(info.id)}" if info.id else ""
    state = ""
    if info.state != AccountState.CONNECTED:
        state = mark(f"{info.state.replace('_', ' ').capitalize()}. {info.hint}", Tone.CAREFUL)
    return f"<p>{''.join(badges)}{account}</p>{state}"


def unknown(board: Board) -> str:
    """The settings that this version does not know, as HTML; empty when there is none."""
    settings = list(board.unknown())
    if not board.reading.standing.settings:
        return message("The server reported no settings.", Tone.CAREFUL)
    if not settings:
        return ""
    count = "1 setting" if len(settings) == 1 else f"{len(settings)} settings"
    rows = [(Cell(short(each.category.value)), Cell(short(each.value.value))) for each in settings]
    table = Table("", ("category", "value"), rows).as_html()
    is_open = " open" if len(settings) <= 5 else ""
    says = f"{count} that this version does not know, only shown"
    return f"<details{is_open}><summary>{says}</summary>{table}</details>"
