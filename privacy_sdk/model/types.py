"""The specification's types, under its names, and its table of valid pairs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import EnumType, StrEnum
from typing import Any, Protocol, Self

from privacy_sdk.errors import (
    InvalidInputError,
    InvalidJidError,
    UnknownNameError,
    short_person,
    short_repr,
)
from privacy_sdk.errors.masks import DOTS, mask_digits
from privacy_sdk.errors.public import set_module


class _NamesType(EnumType):
    """Keeps the methods of strings out of what completion offers."""

    def __dir__(cls) -> list[str]:
        own = cls.__mro__[: cls.__mro__.index(Names)]
        return sorted({name for each in own for name in vars(each) if not name.startswith("_")})


class Names(StrEnum, metaclass=_NamesType):
    """An enumeration of strings whose completion offers its members and its own methods only."""

    def __dir__(self) -> list[str]:
        cls = type(self)
        return sorted({"name", "value", *dir(cls)} - cls.__members__.keys())


class _WireName(Names):
    """A string of the wire protocol; an unknown one keeps its string."""

    @classmethod
    def _missing_(cls, value: object) -> Self:
        value = _wire_string(value)
        unknown = str.__new__(cls, value)
        unknown._name_ = "OTHER"
        unknown._value_ = value
        return unknown

    @classmethod
    def other(cls, wire: str) -> Self:
        """Return the member for a wire name that this version may not know.

        Raises:
            InvalidInputError: Not a string, an empty one, or one that cannot be printed.
        """
        if not _wire_string(wire).isprintable():
            raise InvalidInputError(f"{short_repr(wire)} cannot be printed, so it is no wire name.")
        return cls(wire)

    @property
    def is_known(self) -> bool:
        """Whether the specification names it."""
        return self._value_ in type(self)._value2member_map_

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        return type(self), (self.value,)


def _wire_string(wire: object) -> str:
    if not isinstance(wire, str) or not wire:
        raise InvalidInputError(
            f"{short_repr(wire)} is not a wire name.", hint="Pass a non-empty one."
        )
    return str(wire)


@set_module("privacy_sdk")
class PrivacyCategory(_WireName):
    """Which setting is read or written.

    Members are strings of the wire protocol. A category that is not among them keeps its
    string: ``PrivacyCategory("brand_new").value == "brand_new"``.

    Source:
        ``PrivacyCategory`` of the specification; ``STATUS`` is the About text, as WhatsApp
        Web and whatsmeow have it.

    Example:
        >>> PrivacyCategory.ONLINE.valid_values
        (<PrivacyValue.ALL: 'all'>, <PrivacyValue.MATCH_LAST_SEEN: 'match_last_seen'>)
        >>> PrivacyCategory("brand_new")
        <PrivacyCategory.OTHER: 'brand_new'>
    """

    LAST = "last"
    """Who sees when you were last online."""
    ONLINE = "online"
    """Who sees that you are online now."""
    PROFILE = "profile"
    """Who sees your profile photo."""
    STATUS = "status"
    """Who sees your About text (not your stories)."""
    GROUP_ADD = "groupadd"
    """Who can add you to groups."""
    READ_RECEIPTS = "readreceipts"
    """Whether others see that you read their messages."""
    CALL_ADD = "calladd"
    """Who can call you."""
    MESSAGES = "messages"
    """Who can message you."""
    DEFENSE_MODE = "defense"
    """Whether stricter settings are locked on."""

    @property
    def valid_values(self) -> tuple[PrivacyValue, ...]:
        """The values that may be set; empty for an unknown category, which accepts any."""
        return _VALID_VALUES.get(self, ())

    def is_valid_value(self, value: PrivacyValue | str) -> bool:
        """Whether ``value`` may be set; an unknown category accepts anything.

        Example:
            >>> PrivacyCategory.ONLINE.is_valid_value(PrivacyValue.NONE)
            False
        """
        return not self.is_known or value in self.valid_values

    def supports_disallowed_list(self) -> bool:
        """Whether people can be excepted by name: last, profile, status and groupadd."""
        return PrivacyValue.CONTACT_BLACKLIST in self.valid_values


@set_module("privacy_sdk")
class PrivacyValue(_WireName):
    """What a category is set to; an unknown value keeps its string.

    Source:
        ``PrivacyValue`` of the specification.

    Example:
        >>> PrivacyValue("contacts")
        <PrivacyValue.CONTACTS: 'contacts'>
        >>> PrivacyValue.other("contact_allowlist").is_known
        False
    """

    ALL = "all"
    """Everyone."""
    CONTACTS = "contacts"
    """Contacts only."""
    NONE = "none"
    """Nobody."""
    CONTACT_BLACKLIST = "contact_blacklist"
    """Contacts except the people of a list."""
    MATCH_LAST_SEEN = "match_last_seen"
    """The same people as for last seen."""
    KNOWN = "known"
    """People you know: contacts and people you have talked to."""
    OFF = "off"
    """Defense mode is off."""
    ON_STANDARD = "on_standard"
    """Defense mode is on."""


ON_LIST = PrivacyValue.CONTACT_BLACKLIST
"""The value of a category that has a disallowed list."""

NO_DHASH = "none"
"""What stands for the dhash of a list that has none."""

_V = PrivacyValue
_AUDIENCES = (_V.ALL, _V.CONTACTS, _V.CONTACT_BLACKLIST, _V.NONE)
_VALID_VALUES: dict[PrivacyCategory, tuple[PrivacyValue, ...]] = {
    PrivacyCategory.LAST: _AUDIENCES,
    PrivacyCategory.ONLINE: (_V.ALL, _V.MATCH_LAST_SEEN),
    PrivacyCategory.PROFILE: _AUDIENCES,
    PrivacyCategory.STATUS: _AUDIENCES,
    PrivacyCategory.GROUP_ADD: _AUDIENCES,
    PrivacyCategory.READ_RECEIPTS: (_V.ALL, _V.NONE),
    PrivacyCategory.CALL_ADD: (_V.ALL, _V.KNOWN, _V.CONTACTS),
    PrivacyCategory.MESSAGES: (_V.ALL, _V.CONTACTS),
    PrivacyCategory.DEFENSE_MODE: (_V.OFF, _V.ON_STANDARD),
}

LIST_CATEGORIES: tuple[PrivacyCategory, ...] = tuple(
    category for category in PrivacyCategory if category.supports_disallowed_list()
)
"""The categories that have a list of excepted people."""

MAX_LISTED = 64_000
"""How many people a disallowed list holds at most, by WhatsApp Web's interface."""

LOCKED_BY_DEFENSE = frozenset(
    {
        PrivacyCategory.LAST,
        PrivacyCategory.ONLINE,
        PrivacyCategory.PROFILE,
        PrivacyCategory.STATUS,
        PrivacyCategory.GROUP_ADD,
        PrivacyCategory.CALL_ADD,
        PrivacyCategory.MESSAGES,
    }
)
"""Categories that cannot be set while defense mode is on.

Source:
    WhatsApp Web's code, as read by others; observed nowhere by us.
"""

_EXPOSURE = {
    PrivacyValue.ALL: 4,
    PrivacyValue.KNOWN: 3,
    PrivacyValue.CONTACTS: 2,
    PrivacyValue.CONTACT_BLACKLIST: 1,
    PrivacyValue.NONE: 0,
}


def exposure(
    category: PrivacyCategory, value: PrivacyValue, last: PrivacyValue | None = None
) -> int | None:
    """Rank how many people a setting lets in: 4 (all) to 0 (none); None where there is no rank.

    ``match_last_seen`` follows ``last``, the value of last seen.

    Example:
        >>> exposure(PrivacyCategory.LAST, PrivacyValue.CONTACTS)
        2
    """
    if category is PrivacyCategory.DEFENSE_MODE or not category.is_known:
        return None
    if value is PrivacyValue.MATCH_LAST_SEEN:
        return None if last is None else _EXPOSURE.get(last)
    return _EXPOSURE.get(value)


_JID = re.compile(
    r"(?P<user>\d{1,20})(?:\.(?P<agent>\d{1,3}))?(?::(?P<device>\d{1,5}))?@(?P<server>[a-z][a-z.]{1,30})",
    re.ASCII,
)
_TWO_SPELLINGS = {
    "55": re.compile(r"(55\d\d)9([6-9]\d{7})", re.ASCII),  # eight from 2 to 5 are a landline's
    "52": re.compile(r"(52)1(\d{10})", re.ASCII),
    "54": re.compile(r"(54)9(\d{10})", re.ASCII),
}
"""By country code, numbers with a digit between the groups that another spelling lacks."""


@set_module("privacy_sdk")
@dataclass(frozen=True, slots=True, repr=False)
class Jid:
    """A WhatsApp address, ``user@server`` or ``user:device@server``.

    ``str()`` gives the whole address, ``repr()`` a masked one, so that printing a list of
    records in a notebook shows nobody's number.

    Attributes:
        user: Digits of a phone number or of a LID (WhatsApp's number-free identity).
        server: ``s.whatsapp.net`` for phone numbers, ``lid`` for LIDs.
        device: Number of the linked device; 0 is the phone itself.

    Source:
        ``Jid`` of the specification.

    Example:
        >>> jid = Jid.parse("999115550101:3@s.whatsapp.net")
        >>> jid.device, jid.is_phone, str(jid)
        (3, True, '999115550101:3@s.whatsapp.net')
        >>> jid
        Jid('99•••01:3@s.whatsapp.net')
    """

    user: str
    server: str
    device: int = 0

    LID = "lid"
    PHONE = "s.whatsapp.net"

    def __post_init__(self) -> None:
        if not (
            isinstance(self.user, str)
            and isinstance(self.server, str)
            and isinstance(self.device, int)
            and not isinstance(self.device, bool)
            and 0 <= self.device < 100_000
            and _JID.fullmatch(str(self))
        ):
            given = self.user, self.server, self.device
            raise InvalidJidError(f"{short_person(given)} is not a WhatsApp address.")

    @classmethod
    def parse(cls, text: str | Jid) -> Self:
        """Parse an address.

        Raises:
            InvalidJidError: Anything but ``digits@server`` with an optional agent and device.
        """
        if isinstance(text, cls):
            return text
        match = _JID.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise InvalidJidError(f"{short_person(text)} is not a WhatsApp address.")
        user = match["user"] + (f".{match['agent']}" if match["agent"] else "")
        jid = object.__new__(cls)  # which was checked: thousands are read at once
        object.__setattr__(jid, "user", user)
        object.__setattr__(jid, "server", match["server"])
        object.__setattr__(jid, "device", int(match["device"] or 0))
        return jid

    @classmethod
    def phone(cls, number: str) -> Self:
        """Return the address of a phone number, given as digits with the country code."""
        return cls(number, cls.PHONE)

    @property
    def person(self) -> Self:
        """The address of the person: without agent and device."""
        if not self.device and "." not in self.user:
            return self
        return type(self)(self.user.partition(".")[0], self.server)

    @property
    def identity(self) -> Self:
        """What the addresses of one person have in common, for comparing; not to be sent.

        Without agent and device, and a number in one of its spellings: WhatsApp knows numbers
        of Brazil with and without the ninth digit, of Mexico with and without 1, of Argentina
        with and without 9, as they were when the account was made.

        Source:
            The numbering plans; that WhatsApp keeps the older spellings is observed by many of
            its clients, by us nowhere.
        """
        person = self.person
        pattern = _TWO_SPELLINGS.get(person.user[:2]) if self.is_phone else None
        if pattern is None or (match := pattern.fullmatch(person.user)) is None:
            return person
        return type(self)("".join(match.groups()), self.server)

    @property
    def is_lid(self) -> bool:
        """Whether it is a LID."""
        return self.server == self.LID

    @property
    def is_phone(self) -> bool:
        """Whether it is a phone number."""
        return self.server == self.PHONE

    def _formatted(self, user: str) -> str:
        return f"{user}{f':{self.device}' if self.device else ''}@{self.server}"

    def _masked(self) -> str:
        return self._formatted(mask_digits(str(self.user).partition(".")[0]))

    def __str__(self) -> str:
        return self._formatted(self.user)

    def __repr__(self) -> str:
        return f"Jid({self._masked()!r})"


@set_module("privacy_sdk")
@dataclass(frozen=True, slots=True)
class PrivacySetting:
    """One category and what it is set to.

    Source:
        ``PrivacySetting`` of the specification.
    """

    category: PrivacyCategory
    value: PrivacyValue


@set_module("privacy_sdk")
@dataclass(frozen=True, slots=True)
class PrivacySettingsResponse:
    """All settings that the server reported, in its order: a collection by category.

    Attributes:
        settings: One for each category.
        unreadable: How many more the server reported that the account cannot name.

    Source:
        ``PrivacySettingsResponse`` of the specification; ``unreadable`` is ours.

    Example:
        >>> response = PrivacySettingsResponse(
        ...     [PrivacySetting(PrivacyCategory.LAST, PrivacyValue.CONTACTS)]
        ... )
        >>> response.get_value("last")
        <PrivacyValue.CONTACTS: 'contacts'>
        >>> "online" in response, response.get_value("online") is None
        (False, True)
    """

    settings: tuple[PrivacySetting, ...] = ()
    unreadable: int = 0

    def __init__(self, settings: Iterable[PrivacySetting] = (), unreadable: int = 0) -> None:
        object.__setattr__(self, "settings", tuple(settings))
        object.__setattr__(self, "unreadable", unreadable)

    def get(self, category: PrivacyCategory | str) -> PrivacySetting | None:
        """Return the setting of a category; None when the server did not report it."""
        return next((setting for setting in self.settings if setting.category == category), None)

    def get_value(self, category: PrivacyCategory | str) -> PrivacyValue | None:
        """Return the value of a category; None when the server did not report it."""
        setting = self.get(category)
        return setting.value if setting else None

    def __iter__(self) -> Iterator[PrivacySetting]:
        return iter(self.settings)

    def __len__(self) -> int:
        return len(self.settings)

    def _repr_html_(self) -> str:
        from html import escape

        from privacy_sdk.model.html import html_table

        more = f", and {self.unreadable} that cannot be named" if self.unreadable else ""
        rows = [(escape(each.category.value), escape(each.value.value)) for each in self]
        return html_table(f"{len(self)} settings{more}", ("category", "value"), rows)

    def __contains__(self, category: object) -> bool:
        return any(setting.category == category for setting in self.settings)


def lists_in_use(settings: Iterable[PrivacySetting]) -> list[PrivacyCategory]:
    """Return the categories whose list excepts people."""
    return [
        each.category
        for each in settings
        if each.value is PrivacyValue.CONTACT_BLACKLIST and each.category.supports_disallowed_list()
    ]


@set_module("privacy_sdk")
@dataclass(frozen=True, slots=True, repr=False)
class SetPrivacySettingResponse:
    """The server's answer to a change; of a client it shows itself in words.

    Attributes:
        dhash: Version of the category's list, to be kept for its next update; None unless
            the category is on ``contact_blacklist``.
        description: What was changed, in words; empty where only an account was asked.

    Source:
        ``SetPrivacySettingResponse`` of the specification; ``description`` is ours.

    Example:
        >>> SetPrivacySettingResponse("5", description="Last seen: my contacts except…")
        Last seen: my contacts except… (dhash 5)
        >>> SetPrivacySettingResponse()
        SetPrivacySettingResponse(dhash=None)
    """

    dhash: str | None = None
    description: str = field(default="", compare=False, kw_only=True)

    def __repr__(self) -> str:
        if not self.description:
            return f"{type(self).__name__}(dhash={self.dhash!r})"
        return self.description + (f" (dhash {self.dhash})" if self.dhash else "")


@set_module("privacy_sdk")
class DisallowedListAction(Names):
    """Whether a list update adds a person or removes one."""

    ADD = "add"
    """The person is excepted."""
    REMOVE = "remove"
    """The person is no longer excepted."""


_ACTIONS = tuple(DisallowedListAction)


class _HasAddresses(Protocol):
    @property
    def jid(self) -> Jid | None: ...
    @property
    def pn_jid(self) -> Jid | None: ...


class _Addressed:
    """A person who is known by a LID, a number, or both."""

    __slots__ = ()

    @property
    def identities(self: _HasAddresses) -> frozenset[Jid]:
        """The person's LID and number, as :attr:`Jid.identity` compares them.

        Two records are of one person when they share any of them.
        """
        return frozenset(jid.identity for jid in (self.jid, self.pn_jid) if jid is not None)


@set_module("privacy_sdk")
@dataclass(frozen=True, slots=True)
class DisallowedListUserEntry(_Addressed):
    """A person to add to a disallowed list, or to remove from it.

    Attributes:
        jid: The person's LID; device and agent are dropped.
        pn_jid: The person's phone address, where known; likewise.
        action: Add by default.

    Raises:
        InvalidJidError: ``jid`` is no LID, or ``pn_jid`` no phone's address.

    Source:
        ``DisallowedListUserEntry`` of the specification.

    Example:
        >>> DisallowedListUserEntry("999000000000001@lid").action
        <DisallowedListAction.ADD: 'add'>
    """

    jid: Jid
    pn_jid: Jid | None = None
    action: DisallowedListAction = DisallowedListAction.ADD

    def __init__(
        self,
        jid: Jid | str,
        pn_jid: Jid | str | None = None,
        action: DisallowedListAction | str = DisallowedListAction.ADD,
    ) -> None:
        if action not in _ACTIONS:
            raise UnknownNameError("action", action, DisallowedListAction)
        lid, phone = Jid.parse(jid), None if pn_jid is None else Jid.parse(pn_jid)
        if not lid.is_lid:
            raise InvalidJidError(
                f"{lid!r} is not a LID.",
                hint=f"jid is a LID, DIGITS@{Jid.LID}; a phone's address goes into pn_jid. "
                "client.exclude takes phone numbers and finds their LIDs.",
            )
        if not (phone is None or phone.is_phone):
            raise InvalidJidError(
                f"{phone!r} is not a phone's address.", hint=f"pn_jid is DIGITS@{Jid.PHONE}."
            )
        object.__setattr__(self, "jid", lid.person)
        object.__setattr__(self, "pn_jid", phone and phone.person)
        object.__setattr__(self, "action", DisallowedListAction(action))


@set_module("privacy_sdk")
@dataclass(frozen=True, slots=True)
class DisallowedListUpdate:
    """A change of a category's disallowed list.

    Attributes:
        dhash: Version of the list that the change is based on; ``"none"`` when no version is
            known to exist. With a version the update is strict: it fails with
            :class:`~privacy_sdk.ConflictError` when the list has another. None applies the
            change to the list as it stands.
        users: The people to add and remove, each once.

    Source:
        ``DisallowedListUpdate`` of the specification, whose ``dhash`` is not optional.
    """

    dhash: str | None
    users: tuple[DisallowedListUserEntry, ...]

    def __init__(self, dhash: str | None, users: Iterable[DisallowedListUserEntry]) -> None:
        if dhash is not None and not (isinstance(dhash, str) and dhash and dhash.isprintable()):
            raise InvalidInputError(
                f"{short_repr(dhash)} is not a dhash.",
                hint='Pass the dhash of the last answer, "none" if there is none yet, '
                "or None to change the list as it stands.",
            )
        users = _checked_entries(users)
        object.__setattr__(self, "dhash", dhash)
        object.__setattr__(self, "users", users)


def _checked_entries(
    users: Iterable[DisallowedListUserEntry],
) -> tuple[DisallowedListUserEntry, ...]:
    entries = tuple(users) if isinstance(users, Iterable) else (users,)
    if not entries:
        raise InvalidInputError("A list update names nobody.", hint="Pass at least one entry.")
    for entry in entries:
        if not isinstance(entry, DisallowedListUserEntry):
            raise InvalidInputError(
                f"A list update takes DisallowedListUserEntry records, not {type(entry).__name__}."
            )
    if len(entries) > MAX_LISTED:
        raise InvalidInputError(
            f"A list update of {len(entries)} people is too long.",
            hint=f"A disallowed list holds at most {MAX_LISTED:,} people.",
        )
    seen: set[Jid] = set()
    for entry in entries:
        adds = entry.action is DisallowedListAction.ADD
        same = entry.identities if adds else frozenset({entry.jid})
        if not seen.isdisjoint(same):
            raise InvalidInputError(
                f"{entry.jid!r} is named twice in one update.", hint="Name each person once."
            )
        seen |= same
    return entries


@set_module("privacy_sdk")
@dataclass(frozen=True, slots=True)
class DisallowedListUser(_Addressed):
    """A person on a disallowed list.

    Attributes:
        jid: The person's LID.
        pn_jid: The person's phone address, where known.
        username: What WhatsApp says in its place of a person who hides the number.

    Source:
        The protocol facts; a username beside the LID is known to newer clients only.
    """

    jid: Jid
    pn_jid: Jid | None = None
    username: str | None = field(default=None, repr=False)

    @property
    def masked_username(self) -> str | None:
        """What can be shown of the username.

        Example:
            >>> lid = Jid.parse("999000000000001@lid")
            >>> DisallowedListUser(lid, None, "ana.lima").masked_username
            '@an•••'
        """
        return self.username and f"@{self.username[:2]}{DOTS}"


@set_module("privacy_sdk")
@dataclass(frozen=True, slots=True)
class DisallowedList:
    """The people excepted in one category.

    Attributes:
        dhash: Version of the list; None while the category is not on ``contact_blacklist``.
        users: The people, in the server's order.
    """

    dhash: str | None = None
    users: tuple[DisallowedListUser, ...] = ()

    @property
    def identities(self) -> frozenset[Jid]:
        """The LIDs and numbers of all of them, as :attr:`Jid.identity` compares them."""
        return frozenset(each for user in self.users for each in user.identities)

    def __iter__(self) -> Iterator[DisallowedListUser]:
        return iter(self.users)

    def __len__(self) -> int:
        return len(self.users)

    def _repr_html_(self) -> str:
        from html import escape

        from privacy_sdk.model.html import html_table

        count = len(self)
        who = f"{count:,} {'person is' if count == 1 else 'people are'} excepted"
        version = "" if self.dhash is None else f", dhash {self.dhash}"
        rows = [
            (
                mask_digits(each.pn_jid.user)
                if each.pn_jid
                else escape(each.masked_username or ""),
                escape(each.jid._masked()),
            )
            for each in self
        ]
        return html_table(f"{who}{version}", ("number", "jid"), rows)


@set_module("privacy_sdk")
@dataclass(frozen=True, slots=True, repr=False)
class Contact(_Addressed):
    """Who a phone number belongs to.

    Attributes:
        phone: Digits of the number that was asked for, with the country code.
        jid: The person's LID; None when nobody on WhatsApp has the number.
        pn_jid: The person's phone address.
    """

    phone: str
    jid: Jid | None = None
    pn_jid: Jid | None = None

    def __repr__(self) -> str:
        return (
            f"Contact(phone={mask_digits(self.phone)!r}, jid={self.jid!r}, pn_jid={self.pn_jid!r})"
        )
