"""A client at the end of a notebook's cell: who sees what, as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privacy_sdk.accounts.base import Account, Capability
from privacy_sdk.cassettes import cassette_of
from privacy_sdk.errors import PrivacyError
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import PrivacySettingsResponse, lists_in_use
from privacy_sdk.policies.state import read_state
from privacy_sdk.views.html import error_text, text_html
from privacy_sdk.views.visibility import visibility

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient


async def client_html(client: AsyncClient) -> str:
    """Who sees what of a client's account; a plain line when that cannot be had.

    At most three round trips, each within the client's own time-out: which account it is, its
    settings, and at once its timer and lists, as far as they can be read. While a recording is
    made, nothing is asked that was not asked for: what was fetched last is shown then. A replay
    is looked at where it stands.
    """
    name = repr(client).removeprefix("Async")
    try:
        settings, state = await _read(client.account)
    except PrivacyError as error:
        return f"<p>{text_html(name)}: {text_html(error_text(error), 1_000)}</p>"
    if settings is None:
        return f"<p>{text_html(name)}: nothing was fetched yet.</p>"
    seen = visibility(
        settings,
        timer=state.timer,
        excepted={category: len(held) for category, held in state.lists.items()},
        unreadable=settings.unreadable,
        account=client.account.id,
    )
    return f"<p>{text_html(name)}</p>{seen.as_html()}"


async def _read(account: Account) -> tuple[PrivacySettingsResponse | None, SettingsState]:
    if (cassette := cassette_of(account)) is not None:
        from privacy_sdk.accounts.http import HttpAccount

        if not cassette.is_replaying:
            return account.seen if isinstance(account, HttpAccount) else None, SettingsState()
        account = HttpAccount(account=account.id, transport=cassette.looking(), offline=True)
    settings = await account.fetch_privacy_settings()
    state = await read_state(
        account,
        frozenset(Capability),  # to find out what it can do would be another question
        settings=False,
        lists=lists_in_use(settings),
        unread={},
    )
    return settings, state
