"""Typed records → DataFrames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from privacy_sdk.errors.masks import mask_text
from privacy_sdk.model import words
from privacy_sdk.model.changes import Change, ChangeResult, change_row, result_row
from privacy_sdk.model.types import (
    DisallowedList,
    PrivacyCategory,
    PrivacySettingsResponse,
    PrivacyValue,
    exposure,
)

if TYPE_CHECKING:
    from pandas.api.extensions import ExtensionArray


class Column(NamedTuple):
    """A column of a table: its name, its dtype, and what it says."""

    name: str
    dtype: str
    meaning: str


COLUMNS = (
    Column("setting", "str", "what WhatsApp's own settings call the category"),
    Column("audience", "str", "who is meant by the value, in words"),
    Column(
        "exposure",
        "Int64",
        "how many are meant: 4 all, 3 known, 2 contacts, 1 contact_blacklist, 0 none; "
        "match_last_seen is that of last; <NA> for defense and unknown values",
    ),
    Column("value", "str", "wire string of the value"),
)
"""The columns of the settings table, whose index is ``category`` (``str``, wire strings)."""

ALLOWED = Column("allowed", "str", "wire strings of the values that may be set; 'any' when unknown")
"""The column that the settings table has where it is asked for."""

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

EXCLUDED_COLUMNS = (
    Column("number", "str", "the person's phone number, masked by default; <NA> when not known"),
    Column("jid", "str", "the person's address, a LID, masked likewise"),
)
"""The columns of the table of people excepted in a category."""

_DTYPES = {"category": "str"} | {name: dtype for name, dtype, _ in (*COLUMNS, ALLOWED)}
_ALLOWED = {category: ", ".join(category.valid_values) for category in PrivacyCategory}


def settings_frame(
    response: PrivacySettingsResponse, *, account: str | None = None, allowed: bool = False
) -> pd.DataFrame:
    """DataFrame (n, 4), one row per reported category, index ``category``.

    Columns are those of :data:`COLUMNS`, followed by :data:`ALLOWED` where it is asked for; an
    empty answer keeps them and their dtypes.
    ``attrs`` hold ``account`` and ``fetched_at`` (ISO 8601, UTC).

    Example:
        >>> from privacy_sdk import PrivacySetting, PrivacySettingsResponse, PrivacyValue
        >>> setting = PrivacySetting(PrivacyCategory.STATUS, PrivacyValue.CONTACTS)
        >>> settings_frame(PrivacySettingsResponse([setting]))
                 setting     audience  exposure     value
        category
        status     About  my contacts         2  contacts
    """
    rows = _Rows([response])
    return _framed(rows, pd.Index(rows.column("category"), name="category"), account, allowed)


def accounts_frame(
    responses: Mapping[str, PrivacySettingsResponse], *, allowed: bool = False
) -> pd.DataFrame:
    """DataFrame (n, 4), one row per account and category, index ``account, category``.

    Args:
        responses: What each account's server reported, by the account's name.
        allowed: Whether to add :data:`ALLOWED`.
    """
    rows = _Rows(responses.values())
    lengths = [len(response) for response in responses.values()]
    codes, categories = pd.factorize(rows.distinct("category"))
    index = pd.MultiIndex(
        levels=[pd.Index(list(responses), dtype="str"), categories],  # type: ignore[list-item]
        codes=[np.arange(len(lengths)).repeat(lengths), codes[rows.places]],  # type: ignore[list-item]
        names=["account", "category"],
    )
    return _framed(rows, index, None, allowed)


def _framed(rows: _Rows, index: pd.Index, account: str | None, allowed: bool) -> pd.DataFrame:
    columns = (*COLUMNS, ALLOWED) if allowed else COLUMNS
    frame = pd.DataFrame({name: rows.column(name) for name, _, _ in columns}, index=index)
    # ISO text: a datetime in attrs is lost by to_parquet.
    frame.attrs = {
        "account": account,
        "fetched_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return frame


class _Rows:
    """Rows of settings: however many there are, few are distinct, and only those are worded."""

    def __init__(self, responses: Iterable[PrivacySettingsResponse]) -> None:
        found: dict[tuple[PrivacyCategory, PrivacyValue, PrivacyValue | None], int] = {}
        places = []
        for response in responses:
            last = response.get_value(PrivacyCategory.LAST)
            for setting in response:
                key = (setting.category, setting.value, last)
                places.append(found.setdefault(key, len(found)))
        self.places = np.array(places, dtype=np.intp)
        self._distinct = [_setting_cells(*key) for key in found]

    def distinct(self, name: str) -> pd.Series[Any]:
        """A column's cells in the distinct rows."""
        return pd.Series([cells[name] for cells in self._distinct], dtype=_DTYPES[name])

    def column(self, name: str) -> ExtensionArray:
        """A column's cells."""
        cells: ExtensionArray = self.distinct(name).array
        return cells.take(self.places)


def _setting_cells(
    category: PrivacyCategory, value: PrivacyValue, last: PrivacyValue | None
) -> dict[str, Any]:
    return {
        "category": category.value,
        "setting": words.label(category),
        "value": value.value,
        "audience": words.audience(value),
        "exposure": exposure(category, value, last),
        "allowed": _ALLOWED.get(category, "any"),
    }


def plan_frame(changes: Iterable[Change], *, account: str | None = None) -> pd.DataFrame:
    """DataFrame (n, 6), one row per change, with :data:`PLAN_COLUMNS`."""
    return _plain(PLAN_COLUMNS, map(change_row, changes), account=account)


def applied_frame(results: Iterable[ChangeResult], *, account: str | None = None) -> pd.DataFrame:
    """DataFrame (n, 7), one row per change that was planned, with :data:`APPLIED_COLUMNS`."""
    return _plain(APPLIED_COLUMNS, map(result_row, results), account=account)


def excluded_frame(
    people: DisallowedList, *, masked: bool = True, **attributes: str | None
) -> pd.DataFrame:
    """DataFrame (n, 2), one row per person, with :data:`EXCLUDED_COLUMNS`.

    Args:
        people: Who is on the list.
        masked: Whether to hide most digits.
        **attributes: What the table's ``attrs`` hold, beside the list's ``dhash``.
    """
    shown = mask_text if masked else str
    rows = [
        {"number": user.pn_jid and shown(f"+{user.pn_jid.user}"), "jid": shown(str(user.jid))}
        for user in people
    ]
    return _plain(EXCLUDED_COLUMNS, rows, **attributes, dhash=people.dhash)


def _plain(
    columns: Sequence[Column], rows: Iterable[Mapping[str, object]], **attributes: str | None
) -> pd.DataFrame:
    rows = list(rows)
    index = pd.RangeIndex(len(rows))
    cells = {
        name: [None if row[name] is None else str(row[name]) for row in rows]
        for name, _, _ in columns
    }
    frame = pd.DataFrame(
        {name: pd.Series(cells[name], index, dtype) for name, dtype, _ in columns}, index=index
    )
    frame.attrs.update(attributes)
    return frame
