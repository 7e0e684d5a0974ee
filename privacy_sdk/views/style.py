"""Tables of settings in colour: how much each setting shows, at a glance."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pandas as pd

from privacy_sdk.errors import InvalidInputError, NotSupportedError, short_repr

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

EXPOSURE = {
    0: ("nobody", "#eef3f8", "#1d3550"),
    1: ("contacts except…", "#d3e5f2", "#12314f"),
    2: ("contacts", "#f3e6bd", "#4a3600"),
    3: ("people I know", "#f5c98a", "#4f2900"),
    4: ("everyone", "#d9622b", "#000000"),
}
"""What an exposure is called, with a background and a text colour of its own: from blue, which is
closed, to orange, which is open. Every eye tells these apart, and the words need no colour."""

_CALM = "opacity: .65"


def style(frame: pd.DataFrame) -> Styler:
    """A table of settings in colour, of one account or many.

    Args:
        frame: What ``client.fetch_privacy_settings`` gave, or rows and columns of it, with its
            column ``exposure``.

    Returns:
        A pandas Styler: exposure from 0 to 4 as colours with words, what has none calm, text
        left. It goes on like any Styler, with ``to_html`` or ``to_excel``.

    Raises:
        InvalidInputError: No table with a column ``exposure``.
        NotSupportedError: Jinja2 is not installed, which pandas makes HTML with.

    Example:
        >>> import privacy_sdk as ps
        >>> html = ps.style(ps.Client.emulated().fetch_privacy_settings()).to_html()
        >>> "4 everyone" in html, "2 contacts" in html
        (True, True)
    """
    if not isinstance(frame, pd.DataFrame) or "exposure" not in frame.columns:
        raise InvalidInputError(
            f"{short_repr(type(frame).__name__)} is no table with a column 'exposure'.",
            hint="Pass what client.fetch_privacy_settings() gave.",
        )
    try:
        styler = frame.style
    except (ImportError, AttributeError):
        raise NotSupportedError(
            "Coloured tables need Jinja2, which is not installed.",
            hint='pip install "privacy-sdk[notebook]"',
        ) from None
    # By its id a table finds its colours: the same table has the same whenever it is made, and
    # another table on the same page another.
    content = hashlib.sha256(frame.to_csv().encode()).hexdigest()
    return (
        styler.set_uuid(f"psdk-{content[:12]}")
        .format({"exposure": _words}, escape="html")
        .format_index(escape="html", axis=0)
        .map(_colours, subset=["exposure"])
        .map(lambda _: "text-align: left; white-space: nowrap; padding: .25em .8em")
        .set_table_styles([{"selector": "th", "props": "text-align: left; padding: .25em .8em;"}])
    )


def _words(exposure: Any) -> str:
    if pd.isna(exposure):
        return "–"
    name, _, _ = EXPOSURE.get(exposure, ("", "", ""))
    return f"{exposure} {name}".rstrip()


def _colours(exposure: Any) -> str:
    if pd.isna(exposure) or exposure not in EXPOSURE:
        return _CALM
    _, background, text = EXPOSURE[exposure]
    return f"background-color: {background}; color: {text}"
