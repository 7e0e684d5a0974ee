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


def to_member(ours: PrivacyCategory | PrivacyValue | DisallowedListAction) -> Any:
    """Return tryx's member of the same name: ``GroupAdd`` for ``GROUP_ADD``.

    Raises:
        NotSupportedError: An unknown name, in whose place tryx would send the word ``other``.
    """
    from tryx import client

    if ours not in tuple(type(ours)):
        raise NotSupportedError(
            f"{ours.value!r} cannot be sent: the library that connects to WhatsApp does not "
            "know the word.",
            hint="Change this setting on the phone.",
        )
    name = ours.name.title().replace("_", "")
    return getattr(getattr(client, type(ours).__name__), "None_" if name == "None" else name)


def to_setting(row: tryx.PrivacySetting) -> PrivacySetting | None:
    """Return a row as ours; None when tryx has lost the name of its category or value."""
    category = to_category(row)
    value = _by_number(PrivacyValue).get(int(row.value))  # type: ignore[call-overload]
    return PrivacySetting(category, value) if category and value else None


def to_category(row: tryx.PrivacySetting) -> PrivacyCategory | None:
    """Return the category of a row as ours; None when tryx has lost its name."""
    return _by_number(PrivacyCategory).get(int(row.category))  # type: ignore[call-overload]


@cache
def _by_number(enum: type[PrivacyCategory | PrivacyValue]) -> dict[int, Any]:
    return {int(to_member(ours)): ours for ours in enum}


def to_update(dhash: str, update: DisallowedListUpdate) -> tryx.DisallowedListUpdate:
    """Return a list update as tryx takes it."""
    from tryx import client

    return client.DisallowedListUpdate(
        dhash,
        [
            client.DisallowedListUserEntry(
                to_member(entry.action),
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
