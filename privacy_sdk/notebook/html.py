"""What the panel says, as HTML: its style, messages, and what is set and would change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privacy_sdk.accounts.base import AccountState
from privacy_sdk.errors.masks import mask_account
from privacy_sdk.model.types import PrivacySettingsResponse
from privacy_sdk.model.words import counted
from privacy_sdk.notebook.settings import AccountSettings
from privacy_sdk.policies.plan import Plan
from privacy_sdk.views.html import short, text_html
from privacy_sdk.views.tables import Cell, Table, Tone
from privacy_sdk.views.visibility import visibility

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient


def remark_html(text: str, tone: Tone = Tone.PLAIN) -> str:
    """A remark beside a control."""
    return f'<span class="psdk-remark psdk-{tone}">{text_html(text, 1_000)}</span>'


def message_html(text: str, tone: Tone = Tone.PLAIN, *, busy: bool = False) -> str:
    """A message that screen readers announce; empty for an empty text."""
    if not text:
        return ""
    role = "alert" if tone is Tone.BAD else "status"
    progress = '<progress aria-label="working"></progress>' if busy else ""
    return (
        f'<div class="psdk-message psdk-{tone}" role="{role}">{progress}'
        f"{text_html(text, 4_000)}</div>"
    )


def head_html(client: AsyncClient, settings: AccountSettings) -> str:
    """Whose settings these are, and who sees what."""
    info, state = settings.info, settings.state
    badge = "Emulated account" if info.backend == "emulated" else ""
    if (recording := client.recording) is not None:
        badge = f"Replay of {recording.name!r}: answers were recorded, nothing is sent"
    line = f'<span class="psdk-badge">{text_html(badge)}</span>' if badge else ""
    line += f"Account {text_html(mask_account(info.id))}" if info.id else ""
    trouble = ""
    if info.state != AccountState.CONNECTED:
        name = info.state.replace("_", " ").capitalize()
        trouble = remark_html(f"{name}. {info.hint}", Tone.CAREFUL)
    seen = visibility(
        state.response,
        timer=state.timer,
        excepted={category: len(held) for category, held in state.lists.items()},
        account=client.account.id,
    )
    return f"<p>{line}</p>{trouble}{seen.as_html()}"


def unknown_html(settings: PrivacySettingsResponse) -> str:
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
    summary = f"{counted(len(rows), 'setting')} that this version does not know and only shows"
    table = Table("", ("category", "value"), rows).as_html()
    is_open = " open" if len(rows) <= 5 else ""
    return f"<details{is_open}><summary>{summary}</summary>{table}</details>"


def plan_html(plan: Plan) -> str:
    """What would change, and what that makes of who sees what; empty for nothing."""
    if not plan:
        return ""
    seen = plan.visibility()
    return plan.table().as_html() + (seen.as_html() if seen else "")
