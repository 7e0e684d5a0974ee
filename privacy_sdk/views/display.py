"""Settings and errors as people see them in a notebook; every value in HTML is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from privacy_sdk.accounts.base import OverHttp
from privacy_sdk.errors import PrivacyError
from privacy_sdk.errors.masks import mask_text
from privacy_sdk.model import words
from privacy_sdk.model.types import PrivacySetting, PrivacySettingsResponse
from privacy_sdk.views.tables import Cell, Table
from privacy_sdk.views.visibility import visibility

if TYPE_CHECKING:
    from privacy_sdk.accounts.base import Account
    from privacy_sdk.client import AsyncClient


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
    """Who sees what of a client's account; a plain line when that cannot be had.

    At most three exchanges, each within the client's own time-out: which account it is, its
    settings, and its timer; the lists of excepted people are not read. While a recording is
    made or replayed none takes part in it: what was fetched last is shown then, or the first
    answer of the recording.
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
            if account.seen is not None or not transport.is_replaying:
                return account.seen, None
            anew = CassetteTransport(transport.path)
            account = HttpAccount(account=account.id, transport=anew, offline=True)
            return await account.fetch_privacy_settings(), None
    settings = await account.fetch_privacy_settings()
    try:
        return settings, await account.fetch_default_disappearing_mode()
    except PrivacyError:
        return settings, None
