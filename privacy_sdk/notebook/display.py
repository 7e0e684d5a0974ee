"""A client at the end of a notebook's cell: its settings as HTML."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from privacy_sdk.accounts.base import OverHttp
from privacy_sdk.errors import AnswerTimeoutError, PrivacyError
from privacy_sdk.model.types import PrivacySettingsResponse
from privacy_sdk.views.html import error_text, settings_table, text_html

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient

_PATIENCE = 5.0
"""How long a notebook waits for the settings of a client that ends a cell [s]."""


async def client_html(client: AsyncClient) -> str:
    """Return a client's settings as a table; a plain line when they cannot be had.

    The settings are fetched, unless a recording is made or replayed: showing a client must not
    consume a recorded answer. Then what was fetched last is shown, or the first answer of the
    recording.
    """
    name = repr(client).removeprefix("Async")
    try:
        async with asyncio.timeout(_PATIENCE):
            settings = await _settings(client)
    except TimeoutError:
        late = AnswerTimeoutError(f"No answer came within {_PATIENCE:g} seconds.")
        return f"<p>{text_html(name)}: {text_html(error_text(late))}</p>"
    except PrivacyError as error:
        return f"<p>{text_html(name)}: {text_html(error_text(error), 1_000)}</p>"
    if settings is None:
        return f"<p>{text_html(name)}: nothing was fetched yet.</p>"
    return settings_table(settings, name).as_html()


async def _settings(client: AsyncClient) -> PrivacySettingsResponse | None:
    account = client.account
    if not isinstance(account, OverHttp) or account.transport is None:
        return await account.fetch_privacy_settings()

    from privacy_sdk.accounts.http import HttpAccount
    from privacy_sdk.cassettes.transport import CassetteTransport

    transport = account.transport
    if not isinstance(account, HttpAccount) or not isinstance(transport, CassetteTransport):
        return await account.fetch_privacy_settings()
    if account.seen is not None or not transport.is_replaying:
        return account.seen
    anew = CassetteTransport(transport.path)
    return await HttpAccount(
        account=account.id, transport=anew, offline=True
    ).fetch_privacy_settings()
