"""Parse arguments: names, pairs, categories with lists, durations."""

from __future__ import annotations

import re
from datetime import timedelta
from difflib import get_close_matches
from operator import index
from typing import Literal, TypeAlias

from privacy_sdk.errors import (
    InvalidDurationError,
    InvalidInputError,
    InvalidPairError,
    NoDisallowedListError,
    UnknownNameError,
)
from privacy_sdk.model.types import LIST_CATEGORIES, PrivacyCategory, PrivacyValue

# The names stand here for editors to complete; a test makes them again from the types.
CategoryName: TypeAlias = Literal[
    "last", "online", "profile", "status", "groupadd", "readreceipts", "calladd", "messages",
    "defense",
]  # fmt: skip
"""The wire names of the known categories."""

ListCategoryName: TypeAlias = Literal["last", "profile", "status", "groupadd"]
"""The wire names of those that have a list of excepted people."""

ValueName: TypeAlias = Literal[
    "all", "contacts", "none", "contact_blacklist", "match_last_seen", "known", "off",
    "on_standard",
]  # fmt: skip
"""The wire names of the known values."""

CategoryLike: TypeAlias = PrivacyCategory | CategoryName | str
"""A category or the wire name of a known one; unknown ones by ``PrivacyCategory.other``."""

ListCategoryLike: TypeAlias = PrivacyCategory | ListCategoryName | str
"""A category that has a list of excepted people, or its wire name."""

ValueLike: TypeAlias = PrivacyValue | ValueName | str
"""A value or the wire name of a known one; unknown ones by ``PrivacyValue.other``."""

DurationLike: TypeAlias = int | timedelta
"""Whole seconds from 0 to 4294967295, or a timedelta of as many."""

CATEGORY_WORDS = {
    category.value: (category.name, *words)
    for category, words in {
        PrivacyCategory.LAST: ("last seen", "last_seen", "lastseen"),
        PrivacyCategory.ONLINE: (),
        PrivacyCategory.PROFILE: ("profile photo", "photo", "picture", "avatar"),
        PrivacyCategory.STATUS: ("about",),
        PrivacyCategory.GROUP_ADD: ("groups", "group add"),
        PrivacyCategory.READ_RECEIPTS: ("receipts", "read receipts"),
        PrivacyCategory.CALL_ADD: ("calls", "call add"),
        PrivacyCategory.MESSAGES: (),
        PrivacyCategory.DEFENSE_MODE: ("defense mode", "defence"),
    }.items()
}
"""The wire names of the known categories, each with the words it also goes by."""

_VALUE_WORDS = {
    value.value: (value.name, *words)
    for value, words in {
        PrivacyValue.ALL: ("everyone", "everybody", "public"),
        PrivacyValue.CONTACTS: ("my contacts",),
        PrivacyValue.NONE: ("nobody", "no one"),
        PrivacyValue.CONTACT_BLACKLIST: ("contacts except", "blacklist"),
        PrivacyValue.MATCH_LAST_SEEN: ("same as last seen", "match"),
        PrivacyValue.KNOWN: (),
        PrivacyValue.OFF: (),
        PrivacyValue.ON_STANDARD: ("on", "standard"),
    }.items()
}

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_HOW = "Write it as 7d, 24h, 90m, off, or seconds."


def as_category(category: CategoryLike) -> PrivacyCategory:
    """Return the category that an argument names.

    Raises:
        UnknownNameError: A string that is no known category, with the nearest one.

    Example:
        >>> as_category("last")
        <PrivacyCategory.LAST: 'last'>
    """
    if isinstance(category, PrivacyCategory):
        return category
    if isinstance(category, str) and category in CATEGORY_WORDS:
        return PrivacyCategory(category)
    raise UnknownNameError("category", category, CATEGORY_WORDS)


def as_value(value: ValueLike) -> PrivacyValue:
    """Return the value that an argument names.

    Raises:
        UnknownNameError: A string that is no known value, with the nearest one.

    Example:
        >>> as_value("contacts")
        <PrivacyValue.CONTACTS: 'contacts'>
    """
    if isinstance(value, PrivacyValue):
        return value
    if isinstance(value, str) and value in _VALUE_WORDS:
        return PrivacyValue(value)
    raise UnknownNameError("value", value, _VALUE_WORDS)


def as_pair(category: CategoryLike, value: ValueLike) -> tuple[PrivacyCategory, PrivacyValue]:
    """Return a category and a value that may be set together.

    Raises:
        UnknownNameError: A string that names no category or value.
        InvalidPairError: The category does not accept the value.
    """
    category, value = as_category(category), as_value(value)
    if not category.is_valid_value(value):
        raise InvalidPairError(category, value, category.valid_values)
    return category, value


def as_list_category(category: CategoryLike) -> PrivacyCategory:
    """Return a category that has a list of excepted people.

    Raises:
        UnknownNameError: A string that names no category.
        NoDisallowedListError: The category has no list.
    """
    category = as_category(category)
    if not category.supports_disallowed_list():
        raise NoDisallowedListError(category, LIST_CATEGORIES)
    return category


def as_seconds(duration: DurationLike) -> int:
    """Return a duration in whole seconds that fits an unsigned 32-bit number.

    Raises:
        InvalidDurationError: Negative, fractional, too long, a bool, or no duration at all.

    Example:
        >>> as_seconds(timedelta(days=7))
        604800
    """
    seconds: object = duration
    if isinstance(duration, timedelta):
        seconds, rest = divmod(duration, timedelta(seconds=1))
        if rest:
            raise InvalidDurationError(duration)
    try:
        whole = index(seconds)  # type: ignore[arg-type]  # a column's number is no int
    except TypeError:
        raise InvalidDurationError(duration) from None
    if isinstance(seconds, bool) or not 0 <= whole < 2**32:
        raise InvalidDurationError(duration)
    return whole


def parse_duration(text: str) -> int:
    """Parse a duration as people write it, into seconds.

    Raises:
        InvalidInputError: Not a duration; the hint names the one that may be meant.
        InvalidDurationError: More than 4294967295 seconds.

    Example:
        >>> parse_duration("7d"), parse_duration("off"), parse_duration("90")
        (604800, 0, 90)
    """
    written = text.strip().lower()
    if written == "off":
        return 0
    if match := re.fullmatch(r"(\d{1,10})([smhdw]?)", written, re.ASCII):
        return as_seconds(int(match[1]) * _UNITS[match[2] or "s"])
    nearest = "off" if get_close_matches(written, ["off"]) else None
    if match := re.match(r"(\d{1,10})\s*([smhdw])", written, re.ASCII):
        nearest = "".join(match.groups())
    meant = f"Did you mean {nearest!r}? " if nearest else ""
    raise InvalidInputError(f"{text!r} is not a duration.", hint=meant + _HOW)
