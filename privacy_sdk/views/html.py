"""Settings, errors and texts as people see them; every value in HTML is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from privacy_sdk.errors import PrivacyError
from privacy_sdk.errors.masks import mask_text
from privacy_sdk.model import words
from privacy_sdk.model.types import PrivacySetting
from privacy_sdk.views.tables import Cell, Table


def short(text: object, longest: int = 200) -> str:
    """Return a text, cut where it is longer than anybody reads."""
    whole = str(text)
    return whole if len(whole) <= longest else f"{whole[: longest - 1]}…"


def text_html(text: object, longest: int = 200) -> str:
    """Return a text as HTML, cut where it is longer than anybody reads.

    Example:
        >>> text_html("<b>"), len(text_html("x" * 1_000))
        ('&lt;b&gt;', 200)
    """
    return escape(short(text, longest))


def settings_table(settings: Iterable[PrivacySetting], title: str) -> Table:
    """Return settings as a table: in words, with their wire strings.

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
    """Return what happened and what to do next.

    Example:
        >>> from privacy_sdk.errors import NotConnectedError
        >>> error_text(NotConnectedError("No gateway answers."))
        'No gateway answers. Start a gateway with: privacy-sdk gateway'
    """
    if isinstance(error, PrivacyError):
        return f"{error.message} {error.hint}".rstrip()
    return f"{type(error).__name__}: {mask_text(str(error))}"
