"""Small tables as text, as HTML, and for rich in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from privacy_sdk.views.visibility import Visibility


class Tone(StrEnum):
    """The colour of a cell, by its meaning."""

    PLAIN = ""
    GOOD = "good"
    CAREFUL = "careful"
    BAD = "bad"


class Cell(NamedTuple):
    """A text and its tone."""

    text: str
    tone: Tone = Tone.PLAIN


# A background of its own keeps the contrast above 4.5 in light and in dark notebooks.
_CSS = {
    Tone.GOOD: "background:#dafbe1;color:#0f5323",
    Tone.CAREFUL: "background:#fff1cc;color:#6b4700",
    Tone.BAD: "background:#ffe0dd;color:#8f1410",
}
STYLES = {Tone.PLAIN: "", Tone.GOOD: "green", Tone.CAREFUL: "yellow", Tone.BAD: "red"}
"""The styles of rich that stand for tones."""


class Table(NamedTuple):
    """A title, names of columns, and rows of cells."""

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]

    def as_text(self) -> str:
        """Return the table in plain text, its columns aligned.

        Example:
            >>> rows = [(Cell("x"), Cell("")), (Cell("long"), Cell("y"))]
            >>> print(Table("Two rows", ("a", "b"), rows).as_text())
            Two rows
              a     b
              x
              long  y
        """
        lines = [self.header, *([cell.text for cell in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        formatted = (
            "  " + "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
            for line in (lines if self.rows else [])
        )
        return "\n".join([self.title, *(line.rstrip() for line in formatted)])

    def as_html(self) -> str:
        """Return the table in HTML, every text escaped."""
        from privacy_sdk.model.html import html_table

        rows = [[_in_html(cell) for cell in row] for row in self.rows]
        return html_table(self.title, self.header, rows)

    def as_rich(self) -> RichTable:
        """Return the table for ``rich.print``."""
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(title=Text(self.title), title_justify="left", box=None)
        for name in self.header if self.rows else ():
            table.add_column(Text(name), overflow="fold")
        for row in self.rows:
            table.add_row(*(Text(cell.text, style=STYLES[cell.tone]) for cell in row))
        return table


def _in_html(cell: Cell) -> str:
    from html import escape

    text = escape(cell.text)
    if cell.tone is Tone.PLAIN:
        return text
    return f'<span style="{_CSS[cell.tone]};padding:0 .4em;border-radius:.3em">{text}</span>'


class Tabular:
    """A record whose text and HTML are a table."""

    __slots__ = ()

    def table(self) -> Table:
        """Return the table."""
        raise NotImplementedError

    def visibility(self) -> Visibility | None:
        """Who sees what by it, where that can be said."""
        return None

    def __repr__(self) -> str:
        return self.table().as_text()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        table = self.table()
        picture = self.visibility()
        text, html = table.as_text(), table.as_html()
        if picture:
            text, html = f"{text}\n\n{picture}", html + picture.as_html()
        return {"text/plain": text, "text/html": html}

    def __rich__(self) -> RichTable:
        return self.table().as_rich()
