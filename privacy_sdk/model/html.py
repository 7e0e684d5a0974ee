"""Small tables in HTML: text left, figures right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from importlib import resources


def html_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with its title; only the title where there are no rows.

    Args:
        title: What the table is of.
        header: Names of the columns.
        rows: A cell for each column, in HTML.

    Example:
        >>> html_table("<i>", ["a"], [])
        '<div><p>&lt;i&gt;</p></div>'
    """
    if not rows:
        return f"<div><p>{escape(title)}</p></div>"
    figures = [
        all(row[place].replace(",", "").isdecimal() for row in rows) for place in range(len(header))
    ]
    head = _cells("th", map(escape, header), figures)
    body = "".join(f"<tr>{_cells('td', row, figures)}</tr>" for row in rows)
    style = style_sheet("model", "table")
    return (
        f'<div class="psdk-table"><style>{style}</style><p>{escape(title)}</p>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cells(tag: str, texts: Iterable[str], figures: Sequence[bool]) -> str:
    attributes = {True: ' class="psdk-figure"', False: ""}
    return "".join(
        f"<{tag}{attributes[is_figure]}>{text}</{tag}>"
        for text, is_figure in zip(texts, figures, strict=True)
    )


@cache
def style_sheet(room: str, name: str) -> str:
    """Return a style sheet that lies in a room of the package."""
    return (resources.files(f"privacy_sdk.{room}") / f"{name}.css").read_text("utf-8")
