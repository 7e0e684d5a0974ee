"""Words for categories, values, times and numbers of people, as WhatsApp's own screens say them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privacy_sdk.model.types import PrivacyCategory, PrivacyValue

if TYPE_CHECKING:
    from privacy_sdk.model.history import HistoryEntry

_C, _V = PrivacyCategory, PrivacyValue

_LABELS = {
    _C.LAST: "Last seen",
    _C.ONLINE: "Online",
    _C.PROFILE: "Profile photo",
    _C.STATUS: "About",
    _C.GROUP_ADD: "Groups",
    _C.READ_RECEIPTS: "Read receipts",
    _C.CALL_ADD: "Calls",
    _C.MESSAGES: "Messages",
    _C.DEFENSE_MODE: "Defense mode",
}

_AUDIENCES = {
    _V.ALL: "everyone",
    _V.KNOWN: "people I know",
    _V.CONTACTS: "my contacts",
    _V.CONTACT_BLACKLIST: "my contacts except…",
    _V.NONE: "nobody",
    _V.MATCH_LAST_SEEN: "same as last seen",
    _V.OFF: "off",
    _V.ON_STANDARD: "on",
}

_MEANINGS = {
    _C.LAST: "can see when you were last online",
    _C.ONLINE: "can see that you are online",
    _C.PROFILE: "can see your profile photo",
    _C.STATUS: "can read your About text",
    _C.GROUP_ADD: "can add you to groups",
    _C.READ_RECEIPTS: "can see that you have read their messages",
    _C.CALL_ADD: "can call you",
    _C.MESSAGES: "can message you",
}

_SUBJECTS = {
    _V.ALL: "Everyone",
    _V.KNOWN: "Only people you know",
    _V.CONTACTS: "Only your contacts",
    _V.CONTACT_BLACKLIST: "Your contacts, except the people listed,",
    _V.NONE: "Nobody",
    _V.MATCH_LAST_SEEN: "The same people as for last seen",
}

_DEFENSE = {
    _V.OFF: "Your other settings are as you chose them.",
    _V.ON_STANDARD: "Stricter protection is on; it locks most of the other settings.",
}

NOT_KNOWN = "not known"
"""The words for a value that cannot be read."""

TIMER = "Disappearing messages"
"""What WhatsApp's own settings call the default disappearing time."""

TIMER_LABELS = {0: "off", 86_400: "24 hours", 604_800: "7 days", 7_776_000: "90 days"}
"""What WhatsApp's own interface offers as the default disappearing time [s]."""


def label(category: PrivacyCategory) -> str:
    """Return what WhatsApp's own settings call a category; an unknown one's wire name.

    Example:
        >>> label(PrivacyCategory.STATUS)
        'About'
    """
    return _LABELS.get(category, category.value)


def audience(value: PrivacyValue) -> str:
    """Return who is meant by a value, in a few words; an unknown one's wire name.

    Example:
        >>> audience(PrivacyValue.CONTACTS)
        'my contacts'
    """
    return _AUDIENCES.get(value, value.value)


def excepting(value: PrivacyValue | None, count: int) -> str:
    """Return who is meant by a value, with how many people its list excepts.

    Example:
        >>> excepting(PrivacyValue.CONTACT_BLACKLIST, 2), excepting(PrivacyValue.ALL, 0)
        ('my contacts except 2 people', 'everyone')
    """
    if value is not PrivacyValue.CONTACT_BLACKLIST:
        return NOT_KNOWN if value is None else audience(value)
    return f"my contacts except {people(count) if count else 'nobody'}"


def meaning(category: PrivacyCategory, value: PrivacyValue) -> str:
    """Say in a sentence what a setting means for other people.

    Example:
        >>> meaning(PrivacyCategory.CALL_ADD, PrivacyValue.KNOWN)
        'Only people you know can call you.'
        >>> meaning(PrivacyCategory("new"), PrivacyValue.ALL)
        "This version does not know what 'new' set to 'all' means."
    """
    if category is _C.DEFENSE_MODE and value in _DEFENSE:
        return _DEFENSE[value]
    if category in _MEANINGS and value in _SUBJECTS:
        return f"{_SUBJECTS[value]} {_MEANINGS[category]}."
    return f"This version does not know what {category.value!r} set to {value.value!r} means."


def timer(seconds: int) -> str:
    """Return a disappearing time in words.

    Example:
        >>> timer(0), timer(604_800), timer(172_800), timer(90)
        ('off', '7 days', '2 days', '90 seconds')
    """
    if seconds in TIMER_LABELS:
        return TIMER_LABELS[seconds]
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count, rest = divmod(seconds, length)
        if count and not rest:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} second{'s' if seconds != 1 else ''}"


def counted(count: int, noun: str) -> str:
    """Return a number of things in words.

    Example:
        >>> counted(1, "change"), counted(64_000, "account")
        ('1 change', '64,000 accounts')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def people(count: int | None) -> str:
    """Return a number of people in words.

    Example:
        >>> people(1), people(64_000), people(None)
        ('1 person', '64,000 people', 'not known')
    """
    if count is None:
        return NOT_KNOWN
    return f"{count:,} {'person' if count == 1 else 'people'}"


def history_label(entry: HistoryEntry) -> str:
    """Return what a change is of."""
    if entry.category is None:
        return "Account started" if entry.change == "start" else "Disappearing messages"
    what = " (excepted)" if entry.change == "exceptions" else ""
    return f"{label(entry.category)}{what}"
