"""Who sees what: settings as a picture of dots, in text, in HTML and as a DataFrame.

Nothing is asked here and nothing is guessed: what this version does not know, or what could not
be read, is a question mark.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from privacy_sdk.errors.public import set_module
from privacy_sdk.model import words
from privacy_sdk.model.changes import Change, ListChange, SettingChange, TimerChange
from privacy_sdk.model.html import style_sheet
from privacy_sdk.model.types import (
    LOCKED_BY_DEFENSE,
    PrivacyCategory,
    PrivacySetting,
    PrivacySettingsResponse,
    PrivacyValue,
)

if TYPE_CHECKING:
    import pandas as pd

_C, _V = PrivacyCategory, PrivacyValue


class Mark(StrEnum):
    """Whether a kind of viewer is let in by a setting."""

    YES = "yes"
    """They are let in."""
    NO = "no"
    """They are not."""
    UNKNOWN = "not known"
    """That is not known."""
    NOT_APPLICABLE = "does not apply"
    """There is nobody of that kind, or nothing to see."""

    @property
    def sign(self) -> str:
        """A character for it."""
        return _SIGNS[self]


_SIGNS = {Mark.YES: "●", Mark.NO: "○", Mark.UNKNOWN: "?", Mark.NOT_APPLICABLE: "–"}
_YES, _NO, _UNKNOWN, _NONE = Mark
_ASCII = str.maketrans({"●": "x", "○": ".", "–": "-", "→": ">", "│": "|", "•": "*", "…": "."})


class Viewer(NamedTuple):
    """A kind of viewer: the name of a column, and what people call it."""

    name: str
    label: str


VIEWERS = (
    Viewer("strangers", "strangers"),
    Viewer("known", "people I know"),
    Viewer("contacts", "my contacts"),
    Viewer("excepted", "excepted people"),
)
"""Who looks; ``known`` are people that one has talked to, ``excepted`` contacts on a list."""

PERSON_VIEWERS = (Viewer("if_contact", "if a contact"), Viewer("if_not", "if not"))
"""How one person sees, whom WhatsApp does not say to be a contact or not."""

_MARKS = {
    _V.ALL: (_YES, _YES, _YES, _NONE),
    _V.KNOWN: (_NO, _YES, _YES, _NONE),
    _V.CONTACTS: (_NO, _NO, _YES, _NONE),
    _V.CONTACT_BLACKLIST: (_NO, _NO, _YES, _NO),
    _V.NONE: (_NO, _NO, _NO, _NONE),
}


@dataclass(frozen=True, slots=True)
class VisibilityRow:
    """A setting and whom it lets in.

    Attributes:
        category: Which setting.
        value: What it is set to.
        marks: A mark for each kind of viewer.
        meaning: What that means for others, in a sentence or two.
        before: The marks that it had, where two states are compared.
    """

    category: PrivacyCategory
    value: PrivacyValue
    marks: tuple[Mark, ...]
    meaning: str
    before: tuple[Mark, ...] | None = None

    @property
    def label(self) -> str:
        """What WhatsApp's own settings call it."""
        return _printable(words.label(self.category))

    def signs(self) -> tuple[str, ...]:
        """A character for each kind of viewer; before and after where two states are compared."""
        if self.before is None:
            return tuple(mark.sign for mark in self.marks)
        pairs = zip(self.before, self.marks, strict=True)
        return tuple(
            new.sign.center(3) if new is old else f"{old.sign}→{new.sign}" for old, new in pairs
        )


@set_module("privacy_sdk")
@dataclass(frozen=True, slots=True, repr=False)
class Visibility:
    """Who sees what of an account: a row per setting, a column per kind of viewer.

    Shows itself: with dots in a terminal, as a table in a notebook.

    Attributes:
        rows: The settings, in the server's order.
        viewers: The kinds of viewers.
        timer: After how long messages of new chats disappear [s]; None when it was not read.
        excepted: How many people are excepted in each category that excepts some; None
            when the list was not read.
        unreadable: How many more settings were reported that cannot be named.
        account: Name of the account.
        person: Who looks, masked; empty for all kinds of viewers.
        before: The state that this is compared with.

    Example:
        >>> import privacy_sdk as ps
        >>> from privacy_sdk.views.visibility import visibility
        >>> visibility([ps.PrivacySetting(ps.PrivacyCategory.LAST, ps.PrivacyValue.CONTACTS)])
        Who sees what
        <BLANKLINE>
          strangers
          │ people I know
          │ │ my contacts
          │ │ │ excepted people
          ○ ○ ● –  Last seen  Only your contacts can see when you were last online.
        <BLANKLINE>
          ● yes, ○ no, – does not apply
          Disappearing messages in new chats: not read
    """

    rows: tuple[VisibilityRow, ...] = ()
    viewers: tuple[Viewer, ...] = VIEWERS
    timer: int | None = None
    excepted: Mapping[PrivacyCategory, int | None] = field(default_factory=dict)
    unreadable: int = 0
    account: str | None = None
    person: str = ""
    before: Self | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, category: PrivacyCategory | str) -> VisibilityRow:
        for row in self.rows:
            if row.category == category:
                return row
        raise KeyError(category)

    def since(self, before: Self) -> Self:
        """The rows that are another than before, each with what it was.

        A setting that was not known before was "not known" to everybody.
        """
        old = {row.category: row for row in before.rows}
        unknown = (Mark.UNKNOWN,) * len(self.viewers)
        rows = [
            replace(row, before=old[row.category].marks if row.category in old else unknown)
            for row in self.rows
            if row.category not in old
            or old[row.category].value != row.value
            or old[row.category].marks != row.marks
        ]
        return replace(self, rows=tuple(rows), before=before)

    @property
    def settings(self) -> PrivacySettingsResponse:
        """The settings that the picture is of."""
        settings = (PrivacySetting(row.category, row.value) for row in self.rows)
        return PrivacySettingsResponse(settings, self.unreadable)

    @property
    def title(self) -> str:
        """What is seen."""
        of = f" of {_printable(self.account)!r}" if self.account else ""
        change = ", before → after" if self.before is not None else ""
        return f"{f'What {self.person} sees' if self.person else 'Who sees what'}{of}{change}"

    def notes(self) -> list[str]:
        """What no dot can say: the timer, how many are excepted, what cannot be named."""
        return list(_notes(self))

    def to_frame(self) -> pd.DataFrame:
        """DataFrame (n, 5), one row per setting, index ``category`` (str, wire strings).

        Columns are ``strangers``, ``known``, ``contacts`` and ``excepted`` (boolean), each
        <NA> when it is not known or does not apply, and ``meaning`` (str). For one person
        they are ``if_contact`` and ``if_not``. ``attrs`` hold ``account``, ``timer`` [s] and
        ``excepted``, how many people are excepted by category.
        """
        import pandas as pd

        index = pd.Index([row.category.value for row in self.rows], name="category", dtype="str")
        marks = {
            viewer.name: pd.array([_known(row.marks[place]) for row in self.rows], "boolean")
            for place, viewer in enumerate(self.viewers)
        }
        meaning = pd.Series([row.meaning for row in self.rows], index, "str")
        frame = pd.DataFrame({**marks, "meaning": meaning}, index=index)
        frame.attrs.update(self.details(), account=self.account)
        return frame

    def details(self) -> dict[str, Any]:
        """The timer, and how many people are excepted by category; None where it was not read."""
        counts = {category.value: count for category, count in self.excepted.items()}
        return {"timer": self.timer, "excepted": counts}

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON takes it; None where it is not known or does not apply."""
        return {
            "account": self.account,
            "person": self.person or None,
            "settings": [
                {
                    "category": row.category.value,
                    "setting": row.label,
                    "value": row.value.value,
                    **{
                        viewer.name: _known(mark)
                        for viewer, mark in zip(self.viewers, row.marks, strict=True)
                    },
                    "meaning": row.meaning,
                }
                for row in self.rows
            ],
            **self.details(),
            "unreadable": self.unreadable,
        }

    def as_text(self, width: int = 80, *, is_ascii: bool = False) -> str:
        """The picture in plain text, no line longer than ``width`` unless a word is.

        Args:
            width: How many characters a line holds.
            is_ascii: Whether to use no other characters than those of ASCII.
        """
        margin = "" if width < _NARROW else "  "
        lines = [*_wrapped(self.title, width), ""]
        if self.rows:
            lines += [*_text_rows(self, width), "", *_wrapped(_legend(self), width, margin)]
        for note in self.notes():
            lines += _wrapped(note, width, margin)
        text = "\n".join(line.rstrip() for line in lines)
        if is_ascii:
            text = text.translate(_ASCII).encode("ascii", "backslashreplace").decode()
        return text

    def as_html(self) -> str:
        """The picture in HTML: no script, every text escaped, readable without its style."""
        return _html(self)

    def __repr__(self) -> str:
        out = sys.stdout
        width = shutil.get_terminal_size().columns if out and out.isatty() else 80
        return self.as_text(width, is_ascii=not _can_write(getattr(out, "encoding", None)))

    def _repr_html_(self) -> str:
        return self.as_html()


def visibility(
    settings: Iterable[PrivacySetting],
    *,
    timer: int | None = None,
    excepted: Mapping[PrivacyCategory, int] | None = None,
    unreadable: int = 0,
    account: str | None = None,
) -> Visibility:
    """Who sees what, by kind of viewer.

    Args:
        settings: What the server reported.
        timer: The default disappearing time [s], where it was read.
        excepted: How many people are on each list that was read.
        unreadable: How many more settings were reported that cannot be named.
        account: Name of the account.
    """
    state = _by_category(settings)
    counts = _counts(state, excepted or {})
    rows = []
    for category, value in state.items():
        effective = _effective(category, value, state)
        marks = _marks(category, value, effective)
        listed = _C.LAST if value is _V.MATCH_LAST_SEEN else category
        if effective is _V.CONTACT_BLACKLIST and counts.get(listed) == 0:
            marks = (*marks[:-1], Mark.NOT_APPLICABLE)
        rows.append(VisibilityRow(category, value, marks, _meaning(category, value, state)))
    return Visibility(
        tuple(rows), timer=timer, excepted=counts, unreadable=unreadable, account=account
    )


def person_visibility(
    settings: Iterable[PrivacySetting],
    person: str,
    *,
    is_excepted: Mapping[PrivacyCategory, bool],
    unreadable: int = 0,
    account: str | None = None,
) -> Visibility:
    """What one person sees: if they are a contact, and if they are not.

    Args:
        settings: What the server reported.
        person: How to call the person; masked.
        is_excepted: Whether the person is on the list of a category, for those that were read.
        unreadable: How many more settings were reported that cannot be named.
        account: Name of the account.
    """
    state = _by_category(settings)
    rows = []
    for category, value in state.items():
        effective = _effective(category, value, state)
        other, _, contacts, _ = _marks(category, value, effective)
        meaning = _meaning(category, value, state)
        if effective is _V.CONTACT_BLACKLIST:
            listed = is_excepted.get(_C.LAST if value is _V.MATCH_LAST_SEEN else category)
            contacts = {True: Mark.NO, False: Mark.YES, None: Mark.UNKNOWN}[listed]
            meaning += {
                True: " This person is excepted.",
                False: " This person is not excepted.",
                None: " Whether this person is excepted is not known.",
            }[listed]
        elif effective is _V.KNOWN:
            other = Mark.UNKNOWN
            meaning += " Whether you have talked to this person is not known."
        rows.append(VisibilityRow(category, value, (contacts, other), meaning))
    return Visibility(
        tuple(rows), PERSON_VIEWERS, unreadable=unreadable, account=account, person=person
    )


def visibility_of_changes(
    changes: Iterable[Change],
    before: Mapping[PrivacyCategory, PrivacyValue],
    *,
    account: str | None = None,
) -> Visibility:
    """What changes make of who sees what: the rows that change, before → after.

    Args:
        changes: Changes that are made.
        before: The settings that they start from, as far as they are known.
        account: Name of the account.
    """
    old, new = dict(before), dict(before)
    timers: tuple[int | None, int | None] = None, None
    old_lists: dict[PrivacyCategory, int] = {}
    new_lists: dict[PrivacyCategory, int] = {}
    for change in changes:
        match change:
            case SettingChange(category=category, before=was, after=value):
                if was is not None:
                    old[category] = was
                    if value is _V.CONTACT_BLACKLIST:  # a list is empty when it begins
                        new_lists.setdefault(category, 0)
                new[category] = value
            case ListChange(category=category, before=count, after=goal):
                if count is not None and goal is not None:
                    old_lists.setdefault(category, count)
                    new_lists[category] = goal
            case TimerChange(before=seconds, after=wanted):
                timers = seconds, wanted
    shown = [
        visibility(
            [PrivacySetting(*pair) for pair in settings.items()],
            timer=timer,
            excepted=lists,
            account=account,
        )
        for settings, timer, lists in zip((old, new), timers, (old_lists, new_lists), strict=True)
    ]
    return shown[1].since(shown[0])


def _by_category(settings: Iterable[PrivacySetting]) -> dict[PrivacyCategory, PrivacyValue]:
    state: dict[PrivacyCategory, PrivacyValue] = {}
    for setting in settings:
        state.setdefault(setting.category, setting.value)
    return state


def _effective(
    category: PrivacyCategory,
    value: PrivacyValue,
    settings: Mapping[PrivacyCategory, PrivacyValue],
) -> PrivacyValue | None:
    """The audience that a value comes to; None when there is none that is known."""
    if not category.is_known or category is _C.DEFENSE_MODE:
        return None
    if value is _V.MATCH_LAST_SEEN:
        value = settings.get(_C.LAST, value)
    return value if value in _MARKS else None


def _marks(
    category: PrivacyCategory, value: PrivacyValue, effective: PrivacyValue | None
) -> tuple[Mark, ...]:
    if category is _C.DEFENSE_MODE and value in category.valid_values:
        return (Mark.NOT_APPLICABLE,) * len(VIEWERS)
    return (Mark.UNKNOWN,) * len(VIEWERS) if effective is None else _MARKS[effective]


def _counts(
    settings: Mapping[PrivacyCategory, PrivacyValue], read: Mapping[PrivacyCategory, int]
) -> dict[PrivacyCategory, int | None]:
    return {
        category: read.get(category)
        for category, value in settings.items()
        if value is _V.CONTACT_BLACKLIST and category.supports_disallowed_list()
    }


def _meaning(
    category: PrivacyCategory,
    value: PrivacyValue,
    settings: Mapping[PrivacyCategory, PrivacyValue],
) -> str:
    meaning = words.meaning(category, value)
    if value is _V.MATCH_LAST_SEEN and (seen := _effective(category, value, settings)):
        meaning = f"{words.meaning(category, seen)} It is the same as for last seen."
    if settings.get(_C.DEFENSE_MODE) is _V.ON_STANDARD:
        if category in LOCKED_BY_DEFENSE:
            meaning += " Locked."
        elif category is _C.DEFENSE_MODE:
            locked = [words.label(each) for each in settings if each in LOCKED_BY_DEFENSE]
            meaning = f"Stricter protection is on. It locks: {', '.join(locked) or 'nothing here'}."
    return _printable(meaning)


def _known(mark: Mark) -> bool | None:
    return {Mark.YES: True, Mark.NO: False}.get(mark)


def _notes(seen: Visibility) -> Iterable[str]:
    was = seen.before
    timer = _timer(seen.timer)
    if was is not None:
        if was.timer != seen.timer:
            yield f"{_TIMER}: {_timer(was.timer)} → {timer}"
    elif not seen.person:
        yield f"{_TIMER}: {timer}"
    for category, count in seen.excepted.items():
        old = count if was is None else was.excepted.get(category, 0)
        if was is None or old != count:
            since = "" if was is None else f"{_people(old)} → "
            yield f"Excepted from {words.label(category)}: {since}{_people(count)}"
    if seen.unreadable:
        is_one = seen.unreadable == 1
        yield (
            f"{seen.unreadable} more setting{' was' if is_one else 's were'} reported that this "
            "account cannot name."
        )


_TIMER = "Disappearing messages in new chats"
_NOT_READ = "not read"


def _people(count: int | None) -> str:
    if count is None:
        return _NOT_READ
    return words.people(count) if count else "nobody"


def _timer(seconds: int | None) -> str:
    return _NOT_READ if seconds is None else words.timer(seconds)


_NARROW = 60
"""Below so many characters a line, what a setting means stands under its name."""

_LONGEST = 200


def _printable(text: str) -> str:
    """A text of the server's that cannot steer a terminal, and is not endless."""
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _can_write(encoding: str | None) -> bool:
    try:
        "".join(_SIGNS.values()).encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _legend(seen: Visibility) -> str:
    used = {mark for row in seen.rows for mark in (*row.marks, *(row.before or ()))}
    return ", ".join(
        f"{mark.sign} {mark.value}".replace(" ", "\N{NO-BREAK SPACE}")
        for mark in Mark
        if mark in used
    )


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    lines = textwrap.wrap(
        text,
        max(width, 12),
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def _text_rows(seen: Visibility, width: int) -> Iterable[str]:
    """Heads that hang over their columns, then a line of dots for each setting."""
    step = 2 if seen.before is None else 4
    is_narrow = width < _NARROW
    margin = "" if is_narrow else "  "
    for place, viewer in enumerate(seen.viewers):
        label = viewer.label.removesuffix(" people") if is_narrow else viewer.label
        yield f"{margin}{'│'.ljust(step) * place}{label}"
    labels = max(len(row.label) for row in seen.rows)
    for row in seen.rows:
        dots = margin + " ".join(row.signs())
        if is_narrow:
            head = _wrapped(row.label, max(width - len(dots) - 1, 8))
            yield f"{dots} {head[0]}"
            yield from (f"{' ' * len(dots)} {more}" for more in head[1:])
            yield from _wrapped(row.meaning, width, "  ")
        else:
            room = min(labels, 20)
            head = _wrapped(row.label, room)
            rest = _wrapped(row.meaning, width - len(dots) - room - 4)
            for count in range(max(len(head), len(rest))):
                start = dots if count == 0 else " " * len(dots)
                name = head[count] if count < len(head) else ""
                text = rest[count] if count < len(rest) else ""
                yield f"{start}  {name.ljust(room)}  {text}"


def _html(seen: Visibility) -> str:
    """A table whose cells say in words what their dots mean, for whoever cannot see them."""
    heads = "".join(
        f'<th role="columnheader" scope="col">{viewer.label[:1].upper()}{viewer.label[1:]}</th>'
        for viewer in seen.viewers
    )
    rows = "".join(
        f'<tr role="row"><th role="rowheader" scope="row">{escape(row.label)}</th>'
        f"{''.join(_html_cells(row))}"
        f'<td role="cell" class="psdk-meaning">{escape(row.meaning)}</td></tr>'
        for row in seen.rows
    )
    notes = f"<li>{_legend(seen)}</li>" if seen.rows else ""
    notes += "".join(f"<li>{escape(note)}</li>" for note in seen.notes())
    title = escape(seen.title)
    table = (
        f'<table role="table"><caption>{title}</caption>'
        f'<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Setting</th>'
        f'{heads}<th role="columnheader" scope="col" class="psdk-meaning">What it means</th></tr>'
        f'</thead><tbody role="rowgroup">{rows}</tbody></table>'
        if seen.rows
        else f"<p>{title}: no setting.</p>"
    )
    kind = "psdk-sees psdk-change" if seen.before is not None else "psdk-sees"
    listed = f"<ul>{notes}</ul>" if notes else ""
    columns = f'style="--psdk-viewers: {len(seen.viewers)}"'
    style = style_sheet("views", "visibility")
    return f'<div class="{kind}" {columns}><style>{style}</style>{table}{listed}</div>'


def _html_cells(row: VisibilityRow) -> Iterable[str]:
    for place, mark in enumerate(row.marks):
        now = _dot(mark)
        if row.before is None or row.before[place] is mark:
            yield f'<td role="cell" class="psdk-mark">{now}</td>'
        else:
            was = _dot(row.before[place])
            yield f'<td role="cell" class="psdk-mark">{was} → {now}</td>'


def _dot(mark: Mark) -> str:
    kind = mark.name.lower().replace("_", "-")
    return (
        f'<span class="psdk-{kind}" aria-hidden="true">{mark.sign}</span>'
        f'<span class="psdk-said"> {mark.value}</span>'
    )
