"""Settings and errors as people see them in a notebook; every value in HTML is escaped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from privacy_sdk.accounts.base import OverHttp
from privacy_sdk.errors import AnswerTimeoutError, PrivacyError
from privacy_sdk.errors.masks import mask_text
from privacy_sdk.model import words
from privacy_sdk.model.types import PrivacySetting, PrivacySettingsResponse
from privacy_sdk.views.tables import Cell, Table

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient

_PATIENCE = 5.0
"""How long a notebook waits for the settings of a client that ends a cell [s]."""


def short(text: object, longest: int = 200) -> str:
    """Text, cut where it is longer than anybody reads."""
    written = str(text)
    return written if len(written) <= longest else f"{written[: longest - 1]}…"


def text_html(text: object, longest: int = 200) -> str:
    """Text as HTML, cut where it is longer than anybody reads.

    Example:
        >>> text_html("<b>"), len(text_html("x" * 1_000))
        ('&lt;b&gt;', 200)
    """
    return escape(short(text, longest))


def settings_table(settings: Iterable[PrivacySetting], title: str) -> Table:
    """Settings in words, with their wire strings.

    Example:
        >>> from privacy_sdk.model.types import PrivacyCategory, PrivacyValue
        >>> setting = PrivacySetting(PrivacyCategory.STATUS, PrivacyValue.ALL)
        >>> print(settings_table([setting], "Now").as_text())
        Now
          setting  audience  category  value
          About    everyone  status    all
    """
    rows = [
        tuple(
            Cell(short(text))
            for text in (
                words.label(each.category),
                words.audience(each.value),
                each.category.value,
                each.value.value,
            )
        )
        for each in settings
    ]
    return Table(short(title), ("setting", "audience", "category", "value"), rows)


def error_text(error: BaseException) -> str:
    """What happened and what to do next.

    Example:
        >>> from privacy_sdk.errors import NotConnectedError
        >>> error_text(NotConnectedError("No gateway answers."))
        'No gateway answers. Start a gateway with: privacy-sdk gateway'
    """
    if isinstance(error, PrivacyError):
        return f"{error.message} {error.hint}".rstrip()
    return f"{type(error).__name__}: {mask_text(str(error))}"


async def client_html(client: AsyncClient) -> str:
    """A client's settings as a table; a plain line when they cannot be had.

    They are fetched, with one exception: while a recording is made or replayed a table takes
    no part in it, for every answer has its turn there. What was fetched last is shown then,
    or the first answer of the recording.
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
