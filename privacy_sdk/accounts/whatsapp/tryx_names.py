"""Names to tryx's enums and back; those have no names, no values and no hash."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from privacy_sdk.errors import NotSupportedError
from privacy_sdk.model.types import (
    DisallowedListAction,
    DisallowedListUpdate,
    Jid,
    PrivacyCategory,
    PrivacySetting,
    PrivacyValue,
)

if TYPE_CHECKING:
    from tryx import client as tryx
    from tryx.types import JID

_CATEGORIES = {
    PrivacyCategory.LAST: "Last",
    PrivacyCategory.ONLINE: "Online",
    PrivacyCategory.PROFILE: "Profile",
    PrivacyCategory.STATUS: "Status",
    PrivacyCategory.GROUP_ADD: "GroupAdd",
    PrivacyCategory.READ_RECEIPTS: "ReadReceipts",
    PrivacyCategory.CALL_ADD: "CallAdd",
    PrivacyCategory.MESSAGES: "Messages",
    PrivacyCategory.DEFENSE_MODE: "DefenseMode",
}
_VALUES = {
    PrivacyValue.ALL: "All",
    PrivacyValue.CONTACTS: "Contacts",
    PrivacyValue.NONE: "None_",
    PrivacyValue.CONTACT_BLACKLIST: "ContactBlacklist",
    PrivacyValue.MATCH_LAST_SEEN: "MatchLastSeen",
    PrivacyValue.KNOWN: "Known",
    PrivacyValue.OFF: "Off",
    PrivacyValue.ON_STANDARD: "OnStandard",
}
_ACTIONS = {DisallowedListAction.ADD: "Add", DisallowedListAction.REMOVE: "Remove"}


def to_category(category: PrivacyCategory) -> tryx.PrivacyCategory:
    """Return tryx's member for a category.

    Raises:
        NotSupportedError: An unknown category, in whose place tryx would send the word ``other``.
    """
    member: tryx.PrivacyCategory = _member("PrivacyCategory", _CATEGORIES, category)
    return member


def to_value(value: PrivacyValue) -> tryx.PrivacyValue:
    """Return tryx's member for a value.

    Raises:
        NotSupportedError: An unknown value, in whose place tryx would send the word ``other``.
    """
    member: tryx.PrivacyValue = _member("PrivacyValue", _VALUES, value)
    return member


def _member(enum: str, names: dict[Any, str], ours: PrivacyCategory | PrivacyValue) -> Any:
    from tryx import client

    if ours not in names:
        raise NotSupportedError(
            f"{ours.value!r} cannot be sent: the library that connects to WhatsApp does not "
            "know the word.",
            hint="Change this setting on the phone.",
        )
    return getattr(getattr(client, enum), names[ours])


def to_setting(row: tryx.PrivacySetting) -> PrivacySetting | None:
    """Return a row as ours; None when tryx has lost the name of its category or value."""
    category = _reverse("PrivacyCategory").get(int(row.category))  # type: ignore[call-overload]
    value = _reverse("PrivacyValue").get(int(row.value))  # type: ignore[call-overload]
    return PrivacySetting(category, value) if category and value else None


@cache
def _reverse(enum: str) -> dict[int, Any]:
    from tryx import client

    names: dict[Any, str] = _CATEGORIES if enum == "PrivacyCategory" else _VALUES
    return {int(getattr(getattr(client, enum), name)): ours for ours, name in names.items()}


def to_update(dhash: str, update: DisallowedListUpdate) -> tryx.DisallowedListUpdate:
    """Return a list update as tryx takes it."""
    from tryx import client

    return client.DisallowedListUpdate(
        dhash,
        [
            client.DisallowedListUserEntry(
                getattr(client.DisallowedListAction, _ACTIONS[entry.action]),
                to_tryx_jid(entry.jid),
                None if entry.pn_jid is None else to_tryx_jid(entry.pn_jid),
            )
            for entry in update.users
        ],
    )


def to_tryx_jid(jid: Jid) -> JID:
    """Return a person's address as tryx takes it, without the device."""
    from tryx.types import JID

    return JID(jid.user, jid.server)


def to_jid(jid: JID | None) -> Jid | None:
    """Return tryx's address as ours."""
    return None if jid is None else Jid(jid.user, jid.server)
