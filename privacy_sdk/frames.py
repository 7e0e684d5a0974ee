"""Typed records → DataFrames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pandas as pd

from privacy_sdk import wording
from privacy_sdk.exposure import exposure
from privacy_sdk.types import PrivacyCategory, PrivacySettingsResponse


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
