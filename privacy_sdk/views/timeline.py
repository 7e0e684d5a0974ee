"""What was changed, as a timeline of dots: in text and in HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from privacy_sdk.errors import InvalidInputError, short_repr
from privacy_sdk.model import words
from privacy_sdk.model.html import style_sheet
from privacy_sdk.model.types import PrivacyValue
from privacy_sdk.views.html import short, text_html

if TYPE_CHECKING:
    import pandas as pd

_SIGNS = {"applied": "●", "noticed": "◆", "refused": "○", "unknown": "?"}
_OTHER = "○"
_WIDTH = 48
"""How many characters a line of dots has in text."""

_MOST = 1_000
"""How many changes are shown; no eye tells more of them apart."""

_COLUMNS = ("at", "setting", "from", "to", "by", "outcome")


class Dot(NamedTuple):
    """A change: when it was, from 0 to 1 of the line, what became of it, and all of it in words."""

    place: float
    outcome: str
    text: str

    @property
    def sign(self) -> str:
        """What stands for it."""
        return _SIGNS.get(self.outcome, _OTHER)


@dataclass(frozen=True, slots=True, repr=False)
class Timeline:
    """A line of dots for each setting; shows itself in a notebook and in a terminal.

    Attributes:
        title: How many changes, and from when to when.
        lines: The dots of each setting, in time's order.
    """

    title: str
    lines: Mapping[str, Sequence[Dot]]

    def as_text(self) -> str:
        """Return the lines in plain text; where dots meet, the last one shows."""
        label = max(map(len, self.lines), default=0)
        drawn = [self.title]
        for name, dots in self.lines.items():
            line = ["·"] * _WIDTH
            for dot in dots:
                line[round(dot.place * (_WIDTH - 1))] = dot.sign
            drawn.append(f"  {name.ljust(label)}  {''.join(line)}")
        used = dict.fromkeys(dot.outcome for dots in self.lines.values() for dot in dots)
        legend = ", ".join(f"{_SIGNS.get(each, _OTHER)} {each}" for each in used)
        return "\n".join([*drawn, *([f"  {legend}"] if legend else [])])

    def as_html(self) -> str:
        """Return the lines in HTML; without style they are lists of changes in words."""
        rows = "".join(
            f'<tr><th scope="row">{text_html(name)}</th>'
            f"<td><ol>{''.join(map(_in_html, dots))}</ol></td></tr>"
            for name, dots in self.lines.items()
        )
        return (
            f'<div class="psdk-time"><style>{style_sheet("views", "timeline")}</style><table>'
            f"<caption>{escape(self.title)}</caption><tbody>{rows}</tbody></table></div>"
        )

    def __repr__(self) -> str:
        return self.as_text()

    def _repr_html_(self) -> str:
        return self.as_html()


def timeline(frame: pd.DataFrame) -> Timeline:
    """Return what was changed as a timeline: a line for each setting, a dot for each change.

    Args:
        frame: What ``client.history`` or ``fleet.history`` gave, or rows of it. Times are shown
            in the zone of its column ``at``.

    Returns:
        A picture that shows itself: dots in a notebook, each with its change in words; signs in
        a terminal.

    Raises:
        InvalidInputError: No such table.

    Example:
        >>> import privacy_sdk as ps
        >>> client = ps.Client.emulated()
        >>> response = client.set_privacy_setting("last", "contacts")
        >>> ps.timeline(client.history())
        1 change, 2... UTC
          Last seen  ●···...
          ● applied
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame) or not set(_COLUMNS) <= set(frame.columns):
        raise InvalidInputError(
            f"{short_repr(type(frame).__name__)} is no table of what was changed.",
            hint="Pass what client.history() gave.",
        )
    shown = frame[frame["at"].notna()].sort_values("at", kind="stable").tail(_MOST)
    if shown.empty:
        return Timeline("Nothing was changed.", {})
    first, last = shown["at"].iloc[0], shown["at"].iloc[-1]
    span = (last - first).total_seconds() or 1.0
    accounts = [None] * len(shown)
    if "account" in shown.index.names:
        accounts = list(shown.index.get_level_values("account"))
    lines: dict[str, list[Dot]] = {}
    for account, at, setting, before, after, by, outcome in zip(
        accounts, *(shown[name] for name in _COLUMNS), strict=True
    ):
        words_of = [_in_words(setting, value) for value in (before, after)]
        text = f"{at:%Y-%m-%d %H:%M:%S}: {' → '.join(words_of)}, {outcome}, {by}"
        name = short(setting if account is None else f"{account}: {setting}", 60)
        place = (at - first).total_seconds() / span
        lines.setdefault(name, []).append(Dot(place, outcome, short(text)))
    count = words.counted(len(shown), "change")
    if len(frame) > _MOST:
        count = f"The last {count} of {len(frame):,}"
    return Timeline(f"{count}, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M %Z}", lines)


def _in_words(setting: str, value: Any) -> str:
    if not isinstance(value, str):
        return "?"
    if not value.isdecimal():
        return words.audience(PrivacyValue.other(value))
    return words.people(int(value)) if setting.endswith(")") else words.timer(int(value))


def _in_html(dot: Dot) -> str:
    kind = f' class="psdk-{dot.outcome}"' if dot.outcome in _SIGNS else ""
    text = escape(dot.text)
    return (
        f'<li{kind} style="--psdk-at:{dot.place:.2%}" title="{text}">'
        f'<span aria-hidden="true">{dot.sign}</span> <span class="psdk-said">{text}</span></li>'
    )
