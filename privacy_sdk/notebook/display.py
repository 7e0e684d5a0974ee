"""A client at the end of a notebook's cell: who sees what, as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privacy_sdk.accounts.base import Account, OverHttp
from privacy_sdk.errors import PrivacyError
from privacy_sdk.model.types import PrivacySettingsResponse
from privacy_sdk.views.html import error_text, text_html
from privacy_sdk.views.visibility import visibility

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient


async def client_html(client: AsyncClient) -> str:
    """Who sees what of a client's account; a plain line when that cannot be had.

    At most three exchanges, each within the client's own time-out: which account it is, its
    settings, and its timer; the lists of excepted people are not read. While a recording is
    made, nothing is asked that was not asked for: what was fetched last is shown then. A replay
    is looked at where it stands.
    """
    name = repr(client).removeprefix("Async")
    try:
        settings, timer = await _read(client.account)
    except PrivacyError as error:
        return f"<p>{text_html(name)}: {text_html(error_text(error), 1_000)}</p>"
    if settings is None:
        return f"<p>{text_html(name)}: nothing was fetched yet.</p>"
    seen = visibility(
        settings, timer=timer, unreadable=settings.unreadable, account=client.account.id
    )
    return f"<p>{text_html(name)}</p>{seen.as_html()}"


async def _read(account: Account) -> tuple[PrivacySettingsResponse | None, int | None]:
    if isinstance(account, OverHttp) and account.transport is not None:
        from privacy_sdk.accounts.http import HttpAccount
        from privacy_sdk.cassettes.transport import CassetteTransport

        transport = account.transport
        if isinstance(account, HttpAccount) and isinstance(transport, CassetteTransport):
            if not transport.is_replaying:
                return account.seen, None
            account = HttpAccount(account=account.id, transport=transport.looking(), offline=True)
            return await account.fetch_privacy_settings(), None
    settings = await account.fetch_privacy_settings()
    try:
        return settings, await account.fetch_default_disappearing_mode()
    except PrivacyError:
        return settings, None
