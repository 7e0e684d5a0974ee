"""JSON to records and back: pure functions, shared by a gateway and its clients.

Reading is lenient where the protocol is open (unknown names keep their string, a broken row
is left out with a warning) and strict where a guess could mislead. Whatever cannot be read
is an :class:`~privacy_sdk.UnreadableAnswerError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any, TypeAlias, TypeGuard

from privacy_sdk.accounts.base import AccountInfo, LinkStatus
from privacy_sdk.accounts.emulated.events import Event, NextAnswer, PhoneLists, PhoneSets
from privacy_sdk.errors import (
    InvalidInputError,
    InvalidRequestError,
    UnreadableAnswerError,
    short_repr,
)
from privacy_sdk.model.arguments import as_seconds
from privacy_sdk.model.types import (
    Contact,
    DisallowedList,
    DisallowedListUpdate,
    DisallowedListUser,
    DisallowedListUserEntry,
    Jid,
    PrivacyCategory,
    PrivacySetting,
    PrivacySettingsResponse,
    PrivacyValue,
    SetPrivacySettingResponse,
)
from privacy_sdk.support.caller_warnings import warn_caller

Json: TypeAlias = dict[str, Any]


def member(document: object, name: str, kind: type | tuple[type, ...]) -> Any:
    """Return a member of a JSON object.

    Raises:
        UnreadableAnswerError: There is none, or one of another type.
    """
    value = document.get(name, ...) if isinstance(document, Mapping) else ...
    if isinstance(value, bool) or not isinstance(value, kind):
        raise UnreadableAnswerError(f"The answer has no readable {name!r}.")
    return value


def settings_to_json(response: PrivacySettingsResponse) -> Json:
    """Return ``{"settings": [{"category", "value"}, …], "unreadable"?}``."""
    unreadable = {"unreadable": response.unreadable} if response.unreadable else {}
    return {
        "settings": [
            {"category": setting.category.value, "value": setting.value.value}
            for setting in response
        ],
        **unreadable,
    }


def settings_from_json(document: object) -> PrivacySettingsResponse:
    """Read settings; a row without name or value, or with an error, is left out with a warning.

    Example:
        >>> settings_from_json({"settings": [{"category": "new", "value": "all"}]}).settings[0]
        PrivacySetting(category=<PrivacyCategory.OTHER: 'new'>, value=<PrivacyValue.ALL: 'all'>)
    """
    rows = (
        (row.get("category"), row.get("value")) if isinstance(row, Mapping) else (None, None)
        for row in member(document, "settings", list)
    )
    return settings_from_rows(rows, _count(document, "unreadable"))


def settings_from_rows(
    rows: Iterable[tuple[object, object]], unreadable: int = 0
) -> PrivacySettingsResponse:
    """Read names and values as a server reports them; what is no setting is left out, and said.

    Args:
        rows: A name and a value each, whatever came in their place.
        unreadable: How many more settings were reported under names that were lost on the way.
    """
    settings: dict[str, PrivacySetting] = {}
    for name, value in rows:
        if not _is_wire_name(name):
            _warn("The server reported a setting without a name.")
        elif not _is_wire_name(value):
            _warn(f"The server reported {short_repr(name)} without a value.")
        elif value == "error":
            _warn(f"The server reported an error in place of the value of {short_repr(name)}.")
        elif name in settings:
            _warn(f"The server reported {short_repr(name)} twice; the first is kept.")
        else:
            settings[name] = _setting(name, value)
    if unreadable:
        warn_unreadable(unreadable)
    return PrivacySettingsResponse(settings.values(), unreadable)


@lru_cache(maxsize=1_000)
def _setting(name: str, value: str) -> PrivacySetting:
    return PrivacySetting(PrivacyCategory(name), PrivacyValue(value))


def warn_unreadable(count: int) -> None:
    """Warn of settings that an account could not name."""
    warn_caller(
        f"WhatsApp reported {count} more settings under names that this account cannot read."
    )


def _count(document: object, name: str) -> int:
    """Return the number that a member counts; 0 when it is not there."""
    value = document.get(name, 0) if isinstance(document, Mapping) else 0
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _is_wire_name(name: object) -> TypeGuard[str]:
    return isinstance(name, str) and bool(name) and name.isprintable()


def _warn(message: str) -> None:
    warn_caller(f"{message} That row is left out.")


def set_response_to_json(response: SetPrivacySettingResponse) -> Json:
    """Return ``{"dhash"}``."""
    return {"dhash": response.dhash}


def set_response_from_json(document: object) -> SetPrivacySettingResponse:
    """Read the answer to a change."""
    return SetPrivacySettingResponse(member(document, "dhash", (str, type(None))))


def entry_to_json(entry: DisallowedListUserEntry) -> Json:
    """Return ``{"action", "jid", "pn_jid"}``."""
    return {
        "action": entry.action.value,
        "jid": str(entry.jid),
        "pn_jid": None if entry.pn_jid is None else str(entry.pn_jid),
    }


def update_to_json(update: DisallowedListUpdate) -> Json:
    """Return ``{"dhash"?, "users": [{"action", "jid", "pn_jid"}, …]}``."""
    dhash = {} if update.dhash is None else {"dhash": update.dhash}
    return {**dhash, "users": [entry_to_json(entry) for entry in update.users]}


def update_from_json(document: object) -> DisallowedListUpdate:
    """Read a list update out of a request.

    Raises:
        InvalidRequestError: A request of another shape.
        InvalidInputError: An address that is none, a person named twice, an empty update.
    """
    fields = document if isinstance(document, Mapping) else {}
    return DisallowedListUpdate(fields.get("dhash"), _entries(fields.get("users")))


def _entries(users: object) -> tuple[DisallowedListUserEntry, ...]:
    if not (isinstance(users, list) and all(isinstance(user, Mapping) for user in users)):
        raise InvalidRequestError("The request has no readable 'users'.")
    return tuple(
        DisallowedListUserEntry(user.get("jid"), user.get("pn_jid"), user.get("action", "add"))
        for user in users
    )


def list_to_json(people: DisallowedList) -> Json:
    """Return ``{"dhash", "users": [{"jid", "pn_jid"}, …]}``."""
    return {
        "dhash": people.dhash,
        "users": [
            {"jid": str(user.jid), "pn_jid": None if user.pn_jid is None else str(user.pn_jid)}
            for user in people
        ],
    }


def list_from_json(document: object) -> DisallowedList:
    """Read a disallowed list."""
    users = (
        DisallowedListUser(read_jid(member(user, "jid", str)), _optional_jid(user, "pn_jid"))
        for user in member(document, "users", list)
    )
    return DisallowedList(member(document, "dhash", (str, type(None))), tuple(users))


def read_jid(text: str | None) -> Jid:
    """Parse an address that an answer names.

    Raises:
        UnreadableAnswerError: It is none.
    """
    try:
        return Jid.parse(text or "")
    except InvalidInputError as error:
        raise UnreadableAnswerError(
            f"The answer names somebody who cannot be read: {error}"
        ) from None


def _optional_jid(document: object, name: str) -> Jid | None:
    text = member(document, name, (str, type(None)))
    return None if text is None else read_jid(text)


def duration_from_json(document: object) -> int:
    """Read ``{"duration"}`` [s]."""
    try:
        return as_seconds(member(document, "duration", int))
    except InvalidInputError as error:
        raise UnreadableAnswerError(f"The answer's duration: {error.message}") from None


def contacts_to_json(contacts: Iterable[Contact]) -> Json:
    """Return ``{"contacts": [{"phone", "jid", "pn_jid"}, …]}``, null for nobody's number."""
    return {
        "contacts": [
            {
                "phone": contact.phone,
                "jid": None if contact.jid is None else str(contact.jid),
                "pn_jid": None if contact.pn_jid is None else str(contact.pn_jid),
            }
            for contact in contacts
        ]
    }


def contacts_from_json(document: object) -> tuple[Contact, ...]:
    """Read who phone numbers belong to."""
    return tuple(
        Contact(
            member(row, "phone", str),
            jid=_optional_jid(row, "jid"),
            pn_jid=_optional_jid(row, "pn_jid"),
        )
        for row in member(document, "contacts", list)
    )


def account_to_json(info: AccountInfo) -> Json:
    """Return ``{"id", "backend", "state", "capabilities", "hint"}``."""
    return {
        **asdict(info),
        "state": str(info.state),
        "capabilities": sorted(map(str, info.capabilities)),
    }


def account_from_json(document: object) -> AccountInfo:
    """Read one account."""
    capabilities = member(document, "capabilities", list)
    has_hint = isinstance(document, Mapping) and "hint" in document
    return AccountInfo(
        member(document, "id", str),
        member(document, "backend", str),
        member(document, "state", str),
        frozenset(name for name in capabilities if isinstance(name, str)),
        member(document, "hint", str) if has_hint else "",
    )


def accounts_from_json(document: object) -> tuple[AccountInfo, ...]:
    """Read ``{"accounts": […]}``."""
    return tuple(account_from_json(row) for row in member(document, "accounts", list))


def link_status_to_json(status: LinkStatus) -> Json:
    """Return ``{"state", "hint", "qr", "expires_in", "linked_as"}``."""
    return {**asdict(status), "state": str(status.state)}


def link_status_from_json(document: object) -> LinkStatus:
    """Read how far a phone is linked."""
    return LinkStatus(
        member(document, "state", str),
        member(document, "hint", str),
        member(document, "qr", (str, type(None))),
        member(document, "expires_in", (int, type(None))),
        member(document, "linked_as", (str, type(None))),
    )


def event_to_json(event: Event) -> Json:
    """Return an event for an emulated account; ``event`` names its kind."""
    match event:
        case PhoneSets(category=category, value=value):
            return {"event": "phone_sets", "category": category.value, "value": value.value}
        case PhoneLists(category=category, users=users):
            return {
                "event": "phone_lists",
                "category": category.value,
                "users": [entry_to_json(entry) for entry in users],
            }
        case NextAnswer(fault=fault, category=only):
            return {
                "event": "next_answer",
                **asdict(event),
                "fault": str(fault),
                "category": None if only is None else str(only),
            }


def event_from_json(document: object) -> Event:
    """Read an event out of a request.

    Raises:
        InvalidRequestError: No event that this version knows, or one with other members.
        InvalidInputError: A member with a value that it cannot have.
    """
    fields = dict(document) if isinstance(document, Mapping) else {}
    kind = fields.pop("event", None)
    try:
        match kind:
            case "phone_sets":
                return PhoneSets(**fields)
            case "phone_lists":
                return PhoneLists(users=_entries(fields.pop("users", None)), **fields)
            case "next_answer":
                return NextAnswer(**fields)
    except TypeError:
        raise InvalidRequestError(f"An event {kind!r} has other members.") from None
    raise InvalidRequestError("The request holds no event that is known here.")
