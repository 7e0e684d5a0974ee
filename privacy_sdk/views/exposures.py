"""How open many accounts are: a picture of accounts × settings, in text, HTML and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from privacy_sdk.errors import PrivacyError
from privacy_sdk.model import words
from privacy_sdk.model.html import html_table
from privacy_sdk.model.types import PrivacyCategory, PrivacySettingsResponse, exposure
from privacy_sdk.views.html import short

if TYPE_CHECKING:
    import pandas as pd

_SIGNS = {4: "●", 3: "◕", 2: "◑", 1: "◔", 0: "○", None: "–"}
_LEGEND = {
    4: "everyone",
    3: "people I know",
    2: "my contacts",
    1: "my contacts except…",
    0: "nobody",
    None: "no rank, or not reported",
}
_ASCII = str.maketrans({"●": "4", "◕": "3", "◑": "2", "◔": "1", "○": "0", "–": "-", "│": "|"})


@dataclass(frozen=True, slots=True, repr=False)
class Exposures:
    """The exposure of many accounts: a row per account, a column per setting.

    Shows itself: with dots in a terminal, as a coloured table in a notebook.

    Attributes:
        settings: What each account's server reported, by the account's name.
        errors: Why others could not be read, likewise.

    Example:
        >>> import privacy_sdk as ps
        >>> with ps.Fleet(ps.Client.emulated()) as fleet:
        ...     fleet.visibility()
        How open 1 account is
        <BLANKLINE>
          Last seen
          │ Online
          │ │ Profile photo
          │ │ │ About
          │ │ │ │ Groups
          │ │ │ │ │ Read receipts
          │ │ │ │ │ │ Calls
          │ │ │ │ │ │ │ Messages
          │ │ │ │ │ │ │ │ Defense mode
          ● ● ● ◑ ● ● ● ● –  demo
        <BLANKLINE>
          ● everyone, ◑ my contacts, – no rank, or not reported
    """

    settings: Mapping[str, PrivacySettingsResponse] = field(default_factory=dict)
    errors: Mapping[str, PrivacyError] = field(default_factory=dict)

    @property
    def categories(self) -> tuple[PrivacyCategory, ...]:
        """The settings that any account has, in the servers' order."""
        found = (each.category for response in self.settings.values() for each in response)
        return tuple(dict.fromkeys(found))

    def levels(self) -> dict[str, list[int | None]]:
        """Return each account's exposure in each category; None where there is no rank."""
        categories = self.categories
        levels = {}
        for name, response in self.settings.items():
            values = {each.category: each.value for each in response}
            last = values.get(PrivacyCategory.LAST)
            levels[name] = [
                exposure(category, values[category], last) if category in values else None
                for category in categories
            ]
        return levels

    @property
    def title(self) -> str:
        """What is seen, and how many accounts could not be."""
        count, failed = len(self.settings), len(self.errors)
        title = f"How open {count:,} account{' is' if count == 1 else 's are'}"
        return title + (f"; {failed:,} could not be read" if failed else "")

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame, one row per account, one column (Int64) per category.

        Cells are exposures from 4 (everyone) to 0 (nobody), <NA> where there is no rank; an
        account that could not be read has none. Index ``account`` (str).
        """
        import pandas as pd

        levels = self.levels() | {name: [None] * len(self.categories) for name in self.errors}
        return pd.DataFrame(
            {
                category.value: pd.array([row[place] for row in levels.values()], "Int64")
                for place, category in enumerate(self.categories)
            },
            index=pd.Index(list(levels), name="account", dtype="str"),
        )

    def as_text(self, *, is_ascii: bool = False) -> str:
        """Return the picture in plain text."""
        levels = self.levels()
        lines = [self.title, ""]
        if levels:
            for place, category in enumerate(self.categories):
                lines.append(f"  {'│ ' * place}{short(words.label(category))}")
            for name, row in levels.items():
                lines.append(f"  {' '.join(_SIGNS[level] for level in row)}  {name}")
            used = {level for row in levels.values() for level in row}
            legend = (f"{_SIGNS[each]} {_LEGEND[each]}" for each in _LEGEND if each in used)
            lines += ["", f"  {', '.join(legend)}"]
        lines += [f"  ? {name}: {short(error.message)}" for name, error in self.errors.items()]
        text = "\n".join(lines).rstrip()
        if is_ascii:
            text = text.translate(_ASCII).encode("ascii", "backslashreplace").decode()
        return text

    def as_html(self) -> str:
        """Return the picture in HTML: every cell in words, which need no colour."""
        from privacy_sdk.views.style import EXPOSURE

        def cell(level: int | None) -> str:
            if level is None:
                return '<span style="opacity:.65">–</span>'
            name, background, text = EXPOSURE[level]
            style = f"background:{background};color:{text};padding:0 .4em;border-radius:.3em"
            return f'<span style="{style}">{name}</span>'

        header = ["account", *(short(words.label(category)) for category in self.categories)]
        rows = [[escape(name), *map(cell, row)] for name, row in self.levels().items()]
        errors = "".join(
            f"<li>{escape(name)}: {escape(short(error.message))}</li>"
            for name, error in self.errors.items()
        )
        return html_table(self.title, header, rows) + (f"<ul>{errors}</ul>" if errors else "")

    def __repr__(self) -> str:
        return self.as_text()

    def _repr_html_(self) -> str:
        return self.as_html()
