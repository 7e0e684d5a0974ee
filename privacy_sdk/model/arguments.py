"""Parse arguments: names, pairs, categories with lists, durations."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from operator import index
from typing import Literal, TypeAlias

from privacy_sdk.errors import (
    InvalidDurationError,
    InvalidInputError,
    InvalidPairError,
    NoDisallowedListError,
    UnknownNameError,
    short_repr,
)
from privacy_sdk.model import words
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
"""A category, the wire name of a known one or what the screen calls it, in any case; unknown
ones by ``PrivacyCategory.other``."""

ListCategoryLike: TypeAlias = PrivacyCategory | ListCategoryName | str
"""A category that has a list of excepted people, or a name of it."""

ValueLike: TypeAlias = PrivacyValue | ValueName | str
"""A value, the wire name of a known one or the screen's words for it, in any case; unknown ones
by ``PrivacyValue.other``."""

DurationLike: TypeAlias = int | timedelta | str
"""Whole seconds from 0 to 4294967295, a timedelta of as many, or a text: ``"7d"``, ``"off"``."""


def folded(text: str) -> str:
    """Return what spellings of a word have in common, whatever their case, dots and hyphens.

    Example:
        >>> folded("My contacts except…"), folded("GROUP_ADD")
        ('my contacts except', 'group add')
    """
    plain = unicodedata.normalize("NFKC", text).casefold().strip().rstrip(".")
    return " ".join(re.split(r"[\s_-]+", plain))


CATEGORY_WORDS = {
    category.value: (category.name, words.label(category), *others)
    for category, others in {
        PrivacyCategory.LAST: ("lastseen",),
        PrivacyCategory.ONLINE: (),
        PrivacyCategory.PROFILE: ("photo", "picture", "avatar"),
        PrivacyCategory.STATUS: (),
        PrivacyCategory.GROUP_ADD: (),
        PrivacyCategory.READ_RECEIPTS: ("receipts",),
        PrivacyCategory.CALL_ADD: (),
        PrivacyCategory.MESSAGES: (),
        PrivacyCategory.DEFENSE_MODE: ("defence",),
    }.items()
}
"""The wire names of the known categories, each with the words it also goes by."""

VALUE_WORDS = {
    value.value: (value.name, words.audience(value), *others)
    for value, others in {
        PrivacyValue.ALL: ("everybody", "public"),
        PrivacyValue.CONTACTS: (),
        PrivacyValue.NONE: ("no one", "no"),
        PrivacyValue.CONTACT_BLACKLIST: ("contacts except", "blacklist"),
        PrivacyValue.MATCH_LAST_SEEN: ("match",),
        PrivacyValue.KNOWN: (),
        PrivacyValue.OFF: (),
        PrivacyValue.ON_STANDARD: ("standard",),
    }.items()
}
"""The wire names of the known values, likewise."""

_CATEGORIES = {
    folded(word): category
    for category in PrivacyCategory
    for word in (category.value, category.name, words.label(category))
}
_VALUES = {
    folded(word): value
    for value in PrivacyValue
    for word in (value.value, value.name, words.audience(value))
}
# Only a word that can hardly be another is taken for a slip of a value: a value shows.
_CLOSE = 0.8

_UNITS = {
    word: seconds
    for seconds, spellings in {
        1: ("s", "sec", "second", "seconds"),
        60: ("m", "min", "minute", "minutes"),
        3_600: ("h", "hour", "hours"),
        86_400: ("d", "day", "days"),
        604_800: ("w", "week", "weeks"),
    }.items()
    for word in spellings
}
_HOW = "Write it as 7d, 24 hours, 90m, off, or seconds; WhatsApp itself offers {}.".format(
    ", ".join(words.TIMER_LABELS.values())
)


def as_category(category: CategoryLike) -> PrivacyCategory:
    """Return the category that an argument names.

    Raises:
        UnknownNameError: A string that is no known category, with the nearest one.

    Example:
        >>> as_category("last"), as_category("Profile photo")
        (<PrivacyCategory.LAST: 'last'>, <PrivacyCategory.PROFILE: 'profile'>)
    """
    if isinstance(category, PrivacyCategory):
        return category
    if isinstance(category, str) and (found := _CATEGORIES.get(folded(category))):
        return found
    raise UnknownNameError("category", category, CATEGORY_WORDS)


def as_value(value: ValueLike, allowed: Iterable[PrivacyValue] = PrivacyValue) -> PrivacyValue:
    """Return the value that an argument names.

    Args:
        value: The argument.
        allowed: What may be meant by one that names none.

    Raises:
        UnknownNameError: A string that is no known value, with the nearest one; never with one
            that means the opposite, or is not allowed.

    Example:
        >>> as_value("contacts"), as_value("Nobody")
        (<PrivacyValue.CONTACTS: 'contacts'>, <PrivacyValue.NONE: 'none'>)
        >>> as_value("contact_allowlist")
        Traceback (most recent call last):
        privacy_sdk.UnknownNameError: 'contact_allowlist' is not a known value.
        Known: all, contacts, none, contact_blacklist, match_last_seen, known, off, on_standard.
    """
    if isinstance(value, PrivacyValue):
        return value
    if isinstance(value, str) and (found := _VALUES.get(folded(value))):
        return found
    raise UnknownNameError(
        "value", value, {each.value: VALUE_WORDS[each] for each in allowed}, cutoff=_CLOSE
    )


def as_pair(category: CategoryLike, value: ValueLike) -> tuple[PrivacyCategory, PrivacyValue]:
    """Return a category and a value that may be set together.

    Raises:
        UnknownNameError: A string that names no category or value.
        InvalidPairError: The category does not accept the value.
    """
    category = as_category(category)
    value = as_value(value, category.valid_values or PrivacyValue)
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
        InvalidDurationError: Negative, fractional, too long, a bool, a text that is none, or no
            duration at all.

    Example:
        >>> as_seconds(timedelta(days=7)), as_seconds("7 days"), as_seconds("off")
        (604800, 604800, 0)
    """
    seconds: object = duration
    if isinstance(duration, str):
        seconds = _parse_duration(duration)
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


def _parse_duration(text: str) -> int:
    from difflib import get_close_matches

    written = " ".join(text.lower().split())
    if written == "off":
        return 0
    if match := re.fullmatch(r"(\d{1,10}) ?([a-z]*)", written, re.ASCII):
        number, unit = match.groups()
        if (seconds := _UNITS.get(unit or "s")) is not None:
            return int(number) * seconds
    how = _HOW
    if re.search(r"month|year|\d ?(mo|y)", written):
        how = f"Months and years have no fixed length: say how many days. {_HOW}"
    elif get_close_matches(written, ["off"]):
        how = f"Did you mean 'off'? {_HOW}"
    raise InvalidDurationError(text, hint=how)


def as_time(when: object, on_local: Callable[[datetime], object] = lambda at: None) -> datetime:
    """Return a moment that is past; without a zone it is local time.

    Args:
        when: A datetime, or text in ISO 8601.
        on_local: Is told as what a time without a zone was taken.

    Raises:
        InvalidInputError: No time, or one to come.

    Example:
        >>> as_time("2025-11-24 18:00+00:00").isoformat()
        '2025-11-24T18:00:00+00:00'
    """
    at = when
    if isinstance(when, str):
        with suppress(ValueError):
            at = datetime.fromisoformat(when)
    if not isinstance(at, datetime):
        raise InvalidInputError(
            f"{short_repr(when)} is not a time.", hint='As in "2026-11-24 18:00", local time.'
        )
    has_zone = at.tzinfo is not None
    try:
        at = at.astimezone(UTC if has_zone else None)
    except (OverflowError, ValueError, OSError):
        raise InvalidInputError(f"{short_repr(when)} is not a time of this era.") from None
    if at > datetime.now(UTC):
        raise InvalidInputError(
            f"{short_repr(when)} is still to come.",
            hint=f"Now is {datetime.now(at.tzinfo):%F %T%z}.",
        )
    if not has_zone:
        on_local(at)
    return at.astimezone(UTC)
