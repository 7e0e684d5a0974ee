"""Typed records → DataFrames."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from privacy_sdk.errors.masks import mask_account, mask_text
from privacy_sdk.model import words
from privacy_sdk.model.address_book import NO_NAMES, AddressBook
from privacy_sdk.model.changes import Change, ChangeResult, change_row, result_row
from privacy_sdk.model.history import HistoryEntry
from privacy_sdk.model.people import written
from privacy_sdk.model.types import (
    DisallowedList,
    PrivacyCategory,
    PrivacySettingsResponse,
    PrivacyValue,
    exposure,
)


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

ERROR = Column("error", "str", "why an account could not be read; <NA> where it could")
"""The last column of the settings table of many accounts."""

PLAN_COLUMNS = (
    Column("change", "str", "what is changed: setting, exceptions or timer"),
    Column("category", "string", "wire string of the category; <NA> for the timer"),
    Column("from", "string", "value, number of people or seconds before; <NA> when not known"),
    Column("to", "string", "value, number of people or seconds wanted; <NA> when not known"),
    Column("direction", "string", "tighter, looser or same; <NA> when that cannot be said"),
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
    Column("number", "string", "the person's phone number, masked by default; <NA> when not known"),
    Column("jid", "str", "the person's address, a LID, masked likewise"),
)
"""The columns of the table of people excepted in a category."""

NAME = Column(
    "name", "string", "what you call the person, else the username, masked likewise; <NA> without"
)
"""The column before these where names are given, or WhatsApp says a username."""

HISTORY_COLUMNS = (
    Column("at", "datetime64[us, UTC]", "when it was made, or noticed"),
    Column("setting", "str", "what WhatsApp's own settings call it"),
    Column("category", "str", "wire string of the category; <NA> for the timer"),
    Column("from", "str", "value, number of people or seconds before; <NA> when not known"),
    Column("to", "str", "the same after it"),
    Column("by", "str", "the client's name; 'phone or elsewhere'"),
    Column("outcome", "str", "applied, refused, unknown, not_tried; noticed"),
)
"""The columns of the table of what was changed."""

_ALLOWED = {category: ", ".join(category.valid_values) for category in PrivacyCategory}

_Key: TypeAlias = tuple[PrivacyCategory, PrivacyValue, PrivacyValue | None]
"""All that a row depends on: the setting, and the value of last seen where it follows that."""


def settings_frame(
    response: PrivacySettingsResponse,
    *,
    account: str | None = None,
    allowed: bool = False,
    recording: str | None = None,
    recorded_at: datetime | None = None,
) -> pd.DataFrame:
    """DataFrame (n, 4), one row per reported category, index ``category``.

    Columns are those of :data:`COLUMNS`, followed by :data:`ALLOWED` where it is asked for; an
    empty answer keeps them and their dtypes.
    ``attrs`` hold ``account`` and ``fetched_at`` (ISO 8601, UTC); of a replay also
    ``recording``, and as ``fetched_at`` when the answer was recorded, where that is known.

    Example:
        >>> from privacy_sdk import PrivacySetting, PrivacySettingsResponse, PrivacyValue
        >>> setting = PrivacySetting(PrivacyCategory.STATUS, PrivacyValue.CONTACTS)
        >>> settings_frame(PrivacySettingsResponse([setting]))
                 setting     audience  exposure     value
        category
        status     About  my contacts         2  contacts
    """
    rows, places = _find([response], bool(allowed))
    frame = rows.take(places)
    frame.attrs = _attrs(account)
    if recording is not None:
        del frame.attrs["fetched_at"]
        frame.attrs["recording"] = recording
        if recorded_at is not None:
            frame.attrs["fetched_at"] = recorded_at.isoformat(timespec="seconds")
    return frame


def accounts_frame(
    responses: Mapping[str, PrivacySettingsResponse],
    errors: Mapping[str, str] = MappingProxyType({}),
    *,
    allowed: bool = False,
) -> pd.DataFrame:
    """DataFrame (n, 5), one row per account and category, index ``account, category``.

    Columns are those of :data:`COLUMNS`, then :data:`ALLOWED` where it is asked for, then
    :data:`ERROR`. Accounts that could not be read follow, each a row without a category.

    Args:
        responses: What each account's server reported, by the account's name.
        errors: Why others could not be read, likewise.
        allowed: Whether to add :data:`ALLOWED`.
    """
    lengths = [*map(len, responses.values()), *(1 for _ in errors)]
    rows, places = _find(responses.values(), bool(allowed))
    places = np.pad(places, (0, len(errors)))  # with 0, the row without a category
    frame = rows.take(places)
    codes, categories = pd.factorize(rows.index)
    names = pd.Index([*responses, *errors], dtype="str")
    frame.index = pd.MultiIndex(
        levels=[names, categories],  # type: ignore[list-item]
        codes=[np.arange(len(lengths)).repeat(lengths), codes[places]],  # type: ignore[list-item]
        names=["account", "category"],
    )
    said = pd.Series([None, *errors.values()], dtype=ERROR.dtype)
    which = np.maximum(np.arange(len(frame)) - len(frame) + len(errors) + 1, 0)
    frame[ERROR.name] = said.array.take(which)
    frame.attrs = _attrs(None)
    return frame


def _attrs(account: str | None) -> dict[Hashable, Any]:
    # ISO text: a datetime in attrs is lost by to_parquet.
    fetched_at = datetime.now(UTC).isoformat(timespec="seconds")
    return {"account": mask_account(account), "fetched_at": fetched_at}


def _find(
    responses: Collection[PrivacySettingsResponse], allowed: bool
) -> tuple[pd.DataFrame, np.ndarray[Any, np.dtype[np.intp]]]:
    """Distinct rows of settings, and which of them the responses hold, in their order.

    However many are held, few are distinct: those are worded once, and taken from there.
    """
    places, rows = _prepared(frozenset(), allowed)
    try:
        found = [places[key] for key in _keys(responses)]
    except KeyError:
        places, rows = _prepared(frozenset(_keys(responses)).difference(places), allowed)
        found = [places[key] for key in _keys(responses)]
    return rows, np.array(found, dtype=np.intp)


def _keys(responses: Iterable[PrivacySettingsResponse]) -> Iterator[_Key]:
    follows = PrivacyValue.MATCH_LAST_SEEN
    for response in responses:
        last = response.get_value(PrivacyCategory.LAST)
        for each in response:
            yield each.category, each.value, last if each.value is follows else None


@lru_cache(maxsize=8)
def _prepared(
    others: frozenset[_Key], allowed: bool
) -> tuple[dict[_Key | None, int], pd.DataFrame]:
    """One row without a category, every row that this version can set, others; where each is."""
    keys: list[_Key | None] = [None]
    for category in PrivacyCategory:
        for value in category.valid_values:
            follows = value is PrivacyValue.MATCH_LAST_SEEN
            last = [*PrivacyCategory.LAST.valid_values, None] if follows else [None]
            keys += [(category, value, each) for each in last]
    keys += others
    columns = (*COLUMNS, ALLOWED) if allowed else COLUMNS
    cells = [{} if key is None else _setting_cells(*key) for key in keys]
    index = pd.Index([each.get("category") for each in cells], dtype="str", name="category")
    data = {
        name: pd.Series([each.get(name) for each in cells], index, dtype)
        for name, dtype, _ in columns
    }
    return {key: place for place, key in enumerate(keys)}, pd.DataFrame(data)


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


def changes_frame(
    frames: Mapping[str, pd.DataFrame],
    errors: Mapping[str, str] = MappingProxyType({}),
    *,
    empty: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """DataFrame, one row per account and change, index ``account, change``, then :data:`ERROR`.

    Accounts that failed follow, each a row without a change.

    Args:
        frames: The table of plans, of what became of them, or of what was changed, by the
            account's name.
        errors: Why others have none, likewise.
        empty: What has the columns where there are no tables.
    """
    lengths = [*map(len, frames.values()), *(1 for _ in errors)]
    rows = sum(map(len, frames.values()))
    changes = [place for frame in frames.values() for place in range(len(frame))]
    index = pd.MultiIndex.from_arrays(
        [
            pd.Index([*frames, *errors], dtype="str").repeat(lengths),
            pd.array([*changes, *(pd.NA for _ in errors)], dtype="Int64"),
        ],
        names=["account", "change"],
    )
    whole = pd.DataFrame() if empty is None else empty
    if frames:
        whole = pd.concat(frames.values(), ignore_index=True)
    whole = whole.reindex(range(len(index))).set_axis(index)
    whole[ERROR.name] = pd.Series([None] * rows + [*errors.values()], index, ERROR.dtype)
    return whole


def history_frame(entries: Sequence[HistoryEntry], *, account: str | None = None) -> pd.DataFrame:
    """DataFrame (n, 7), one row per change, with :data:`HISTORY_COLUMNS`."""
    columns: dict[str, list[Any]] = {
        "at": [entry.at for entry in entries],
        "setting": [words.history_label(entry) for entry in entries],
        "category": [entry.category and entry.category.value for entry in entries],
        "from": [entry.before for entry in entries],
        "to": [entry.after for entry in entries],
        "by": [entry.by for entry in entries],
        "outcome": [entry.outcome for entry in entries],
    }
    frame = pd.DataFrame(
        {name: pd.Series(columns[name], dtype=dtype) for name, dtype, _ in HISTORY_COLUMNS}
    )
    frame.attrs["account"] = account
    return frame


def excluded_frame(
    people: DisallowedList,
    names: AddressBook = NO_NAMES,
    *,
    masked: bool = True,
    **attributes: str | None,
) -> pd.DataFrame:
    """DataFrame (n, 2), one row per person, with :data:`EXCLUDED_COLUMNS`, perhaps :data:`NAME`.

    Args:
        people: Who is on the list.
        names: What people are called.
        masked: Whether to hide most digits.
        **attributes: What the table's ``attrs`` hold, beside the list's ``dhash``.
    """
    shown = mask_text if masked else str
    rows = [
        {
            "name": names.name(user)
            or (user.masked_username if masked else user.username and f"@{user.username}"),
            "number": user.pn_jid and shown(written(user.pn_jid)),
            "jid": shown(str(user.jid)),
        }
        for user in people
    ]
    has_names = bool(names) or any(row["name"] for row in rows)
    columns = (NAME, *EXCLUDED_COLUMNS) if has_names else EXCLUDED_COLUMNS
    return _plain(columns, rows, **attributes, dhash=people.dhash)


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
    frame.attrs.update(attributes, account=mask_account(attributes.get("account")))
    return frame
