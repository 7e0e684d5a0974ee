"""Typed records → DataFrames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from privacy_sdk import wording
from privacy_sdk.changes import Change, ListChange, SettingChange, TimerChange
from privacy_sdk.exposure import exposure
from privacy_sdk.redact import mask_text
from privacy_sdk.types import DisallowedList, PrivacyCategory, PrivacySettingsResponse

if TYPE_CHECKING:
    from privacy_sdk.applied import Result


class Column(NamedTuple):
    """A column of a table: its name, its dtype, and what it says."""

    name: str
    dtype: str
    meaning: str


COLUMNS = (
    Column("setting", "str", "what WhatsApp's own settings call the category"),
    Column("value", "str", "wire string of the value"),
    Column("audience", "str", "who is meant by the value, in words"),
    Column(
        "exposure",
        "Int64",
        "how many are meant: 4 all, 3 known, 2 contacts, 1 contact_blacklist, 0 none; "
        "match_last_seen is that of last; <NA> for defense and unknown values",
    ),
    Column("allowed", "str", "wire strings of the values that may be set; 'any' when unknown"),
)
"""The columns of the settings table, whose index is ``category`` (``str``, wire strings)."""

PLAN_COLUMNS = (
    Column("change", "str", "what is changed: setting, exceptions or timer"),
    Column("category", "str", "wire string of the category; <NA> for the timer"),
    Column("from", "str", "value, number of people or seconds before; <NA> when not known"),
    Column("to", "str", "value, number of people or seconds wanted"),
    Column("direction", "str", "tighter, looser or same; <NA> when that cannot be said"),
    Column("obstacle", "str", "why it cannot be done; empty when it can"),
)
"""The columns of a plan's table."""

APPLIED_COLUMNS = (
    *PLAN_COLUMNS[:-1],
    Column("outcome", "str", "applied, refused, unknown or not_tried"),
    Column("reason", "str", "why it was not applied; what is not known of it"),
)
"""The columns of the table of what became of a plan."""

EXCEPTIONS_COLUMNS = (
    Column("number", "str", "the person's phone number, masked by default; <NA> when not known"),
    Column("jid", "str", "the person's address, a LID, masked likewise"),
)
"""The columns of the table of people excepted in a category."""

_ALLOWED = {category: ", ".join(category.valid_values) for category in PrivacyCategory}


def settings_frame(
    response: PrivacySettingsResponse, *, account: str | None = None
) -> pd.DataFrame:
    """DataFrame (n, 5), one row per reported category, index ``category``.

    Columns are those of :data:`COLUMNS`; an empty answer keeps them and their dtypes.
    ``attrs`` hold ``account`` and ``fetched_at`` (ISO 8601, UTC).

    Example:
        >>> from privacy_sdk.types import PrivacySetting, PrivacySettingsResponse, PrivacyValue
        >>> setting = PrivacySetting(PrivacyCategory.STATUS, PrivacyValue.CONTACTS)
        >>> settings_frame(PrivacySettingsResponse([setting]))[["setting", "audience", "exposure"]]
                 setting     audience  exposure
        category
        status     About  my contacts         2
    """
    columns = _columns([response])
    index = pd.Index(columns.pop("category"), dtype="str", name="category")
    return _framed(columns, index, account)


def accounts_frame(responses: Mapping[str, PrivacySettingsResponse]) -> pd.DataFrame:
    """DataFrame (n, 5), one row per account and category, index ``account, category``.

    Args:
        responses: What each account's server reported, by the account's name.
    """
    columns = _columns(responses.values())
    accounts = [account for account, response in responses.items() for _ in response]
    index = pd.MultiIndex.from_arrays(
        [pd.Index(accounts, dtype="str"), pd.Index(columns.pop("category"), dtype="str")],
        names=["account", "category"],
    )
    return _framed(columns, index, None)


def _framed(columns: dict[str, list[Any]], index: pd.Index, account: str | None) -> pd.DataFrame:
    frame = pd.DataFrame(
        {name: pd.Series(columns[name], index, dtype) for name, dtype, _ in COLUMNS},
        index=index,
    )
    # ISO text: a datetime in attrs is lost by to_parquet.
    frame.attrs = {
        "account": account,
        "fetched_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return frame


def _columns(responses: Iterable[PrivacySettingsResponse]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        name: [] for name in ("category", *(column.name for column in COLUMNS))
    }
    add = [values.append for values in columns.values()]
    for response in responses:
        last = response.get_value(PrivacyCategory.LAST)
        for setting in response:
            category, value = setting.category, setting.value
            row = (
                category.value,
                wording.label(category),
                value.value,
                wording.audience(value),
                exposure(category, value, last),
                _ALLOWED.get(category, "any"),
            )
            for append, cell in zip(add, row, strict=True):
                append(cell)
    return columns


def plan_frame(changes: Iterable[Change], *, account: str | None = None) -> pd.DataFrame:
    """DataFrame (n, 6), one row per change, with :data:`PLAN_COLUMNS`."""
    rows = [(*_cells(change), change.obstacle) for change in changes]
    return _plain(PLAN_COLUMNS, rows, account=account)


def applied_frame(results: Iterable[Result], *, account: str | None = None) -> pd.DataFrame:
    """DataFrame (n, 7), one row per change that was planned, with :data:`APPLIED_COLUMNS`."""
    rows = [(*_cells(each.change), each.outcome.value, each.reason) for each in results]
    return _plain(APPLIED_COLUMNS, rows, account=account)


def exceptions_frame(
    people: DisallowedList, *, masked: bool = True, **attributes: str | None
) -> pd.DataFrame:
    """DataFrame (n, 2), one row per person, with :data:`EXCEPTIONS_COLUMNS`.

    Args:
        people: Who is on the list.
        masked: Whether to hide most digits.
        **attributes: What the table's ``attrs`` hold, beside the list's ``dhash``.
    """
    shown = mask_text if masked else str
    rows = [
        (None if user.pn_jid is None else shown(f"+{user.pn_jid.user}"), shown(str(user.jid)))
        for user in people
    ]
    return _plain(EXCEPTIONS_COLUMNS, rows, **attributes, dhash=people.dhash)


def _cells(change: Change) -> tuple[str | None, ...]:
    direction = change.direction and change.direction.value
    match change:
        case SettingChange(category=category, before=value, after=wanted):
            return "setting", category.value, value and value.value, wanted.value, direction
        case ListChange(category=category, before=count, after=goal):
            return "exceptions", category.value, _text(count), _text(goal), direction
        case TimerChange(before=seconds, after=goal):
            return "timer", None, _text(seconds), _text(goal), direction


def _text(count: int | None) -> str | None:
    return None if count is None else str(count)


def _plain(
    columns: Sequence[Column], rows: Sequence[Sequence[str | None]], **attributes: str | None
) -> pd.DataFrame:
    index = pd.RangeIndex(len(rows))
    frame = pd.DataFrame(
        {
            name: pd.Series([row[place] for row in rows], index, dtype)
            for place, (name, dtype, _) in enumerate(columns)
        },
        index=index,
    )
    frame.attrs.update(attributes)
    return frame
