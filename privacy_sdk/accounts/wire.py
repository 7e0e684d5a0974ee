"""JSON to records and back: pure functions, shared by a gateway and its clients.

Reading is lenient where the protocol is open (unknown names keep their string, a broken row
is left out with a warning) and strict where a guess could mislead. Whatever cannot be read
is an :class:`~privacy_sdk.errors.UnreadableAnswerError`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, TypeAlias, TypeGuard

from privacy_sdk.accounts.base import AccountInfo, LinkStatus
from privacy_sdk.accounts.events import Event, NextAnswer, PhoneLists, PhoneSets
from privacy_sdk.errors import (
    InvalidInputError,
    InvalidRequestError,
    NotSupportedError,
    UnreadableAnswerError,
    short_repr,
)
from privacy_sdk.errors.escapes import printable
from privacy_sdk.model.arguments import as_list_category, as_pair, as_seconds
from privacy_sdk.model.changes import (
    Change,
    ChangeResult,
    ExcludedChange,
    ListChange,
    Outcome,
    Report,
    SettingChange,
    TimerChange,
)
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import (
    Contact,
    DisallowedList,
    DisallowedListUpdate,
    DisallowedListUser,
    DisallowedListUserEntry,
    Jid,
    Names,
    PrivacyCategory,
    PrivacySetting,
    PrivacySettingsResponse,
    PrivacyValue,
    SetPrivacySettingResponse,
)
from privacy_sdk.support.caller_warnings import warn_caller

Json: TypeAlias = dict[str, Any]

_LONGEST_WORDS = 300


def member(document: object, name: str, kind: type | tuple[type, ...]) -> Any:
    """Return a member of a JSON object.

    Raises:
        UnreadableAnswerError: There is none, or one of another type.
    """
    value = document.get(name, ...) if isinstance(document, dict) else ...
    if isinstance(value, bool) or not isinstance(value, kind):
        raise UnreadableAnswerError(f"The answer has no readable {name!r}.")
    return value


def words(document: object, name: str) -> str:
    r"""A member that is a text for people: short, and harmless in a terminal.

    Example:
        >>> words({"hint": "wait\\x1b[2J"}, "hint")
        'wait\\x1b[2J'
    """
    text = printable(member(document, name, str)[: _LONGEST_WORDS + 1])
    return text if len(text) <= _LONGEST_WORDS else f"{text[: _LONGEST_WORDS - 1]}…"


def wire_name(document: object, name: str) -> str:
    """A member that is the name of a category or of a value."""
    found = member(document, name, str)
    if _is_wire_name(found):
        return found
    raise UnreadableAnswerError(f"The answer has no readable {name!r}.")


def _version(document: object) -> str | None:
    """The version of a list, which is sent back as it came."""
    is_there = member(document, "dhash", (str, type(None))) is not None
    return wire_name(document, "dhash") if is_there else None


def to_json(value: Any) -> Any:
    """Return a record as JSON: its fields by their names, in which names and addresses are texts.

    A field that is not compared is for people, and does not travel.

    Example:
        >>> to_json(PrivacySettingsResponse([_setting("last", "all")]))
        {'settings': [{'category': 'last', 'value': 'all'}], 'unreadable': 0}
        >>> to_json(Contact("999115550101"))
        {'phone': '999115550101', 'jid': None, 'pn_jid': None}
    """
    return _writer(value.__class__)(value)


@lru_cache
def _writer(kind: type) -> Callable[[Any], Any]:
    """Return what makes JSON of values of a class."""
    if issubclass(kind, Jid | Names):
        return str
    if issubclass(kind, DisallowedListUserEntry):
        return _entry_to_json
    if issubclass(kind, PrivacySetting):  # what is asked for most, in a third of the time
        return lambda it: {"category": str(it.category), "value": str(it.value)}
    if issubclass(kind, tuple):
        return lambda it: [_writer(each.__class__)(each) for each in it]
    if issubclass(kind, frozenset):
        return lambda it: sorted(map(str, it))
    if is_dataclass(kind):
        members = [each.name for each in fields(kind) if each.compare]
        return lambda it: {
            name: _writer(value.__class__)(value)
            for name in members
            for value in (getattr(it, name),)
        }
    return lambda it: it


def _entry_to_json(entry: DisallowedListUserEntry) -> Json:
    action, jid, pn_jid = entry.action, entry.jid, entry.pn_jid
    return {"action": str(action), "jid": to_json(jid), "pn_jid": to_json(pn_jid)}


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
    return PrivacySettingsResponse(settings.values(), unreadable)


def refuse_unreported(category: PrivacyCategory, reported: Collection[str]) -> None:
    """Refuse to set a category that the server did not report.

    Raises:
        NotSupportedError: It did not.

    Source:
        Baileys PR #1071, where accounts are said to have been locked out of WhatsApp Web by a
        set of such a category; that thread's claim.
    """
    if category.value not in reported:
        raise NotSupportedError(
            f"WhatsApp does not report {category.value!r} for this account, and a set of such a "
            "category may lock it out.",
            hint="Set it on the phone; unreported=True (--unreported) sends it all the same.",
        )


@lru_cache(maxsize=1_000)
def _setting(name: str, value: str) -> PrivacySetting:
    return PrivacySetting(PrivacyCategory(name), PrivacyValue(value))


def _count(document: object, name: str) -> int:
    """Return the number that a member counts; 0 when it is not there."""
    value = document.get(name, 0) if isinstance(document, Mapping) else 0
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _is_wire_name(name: object) -> TypeGuard[str]:
    return isinstance(name, str) and 0 < len(name) <= 256 and _is_printable(name)


@lru_cache(maxsize=1_000)
def _is_printable(name: str) -> bool:
    return printable(name) == name


def _warn(message: str) -> None:
    warn_caller(f"{message} That row is left out.")


def set_response_from_json(document: object) -> SetPrivacySettingResponse:
    """Read the answer to a change."""
    return SetPrivacySettingResponse(_version(document))


def update_to_json(update: DisallowedListUpdate) -> Json:
    """Return ``{"dhash"?, "users": [{"action", "jid", "pn_jid"}, …]}``."""
    dhash = {} if update.dhash is None else {"dhash": update.dhash}
    return {**dhash, "users": to_json(update.users)}


def update_from_json(document: object) -> DisallowedListUpdate:
    """Read a list update out of a request.

    Raises:
        InvalidRequestError: A request of another shape.
        InvalidInputError: An address that is none, a person named twice, an empty update.
    """
    members = document if isinstance(document, Mapping) else {}
    return DisallowedListUpdate(members.get("dhash"), _entries(members.get("users")))


def _entries(users: object) -> tuple[DisallowedListUserEntry, ...]:
    if not (isinstance(users, list) and all(isinstance(user, Mapping) for user in users)):
        raise InvalidRequestError("The request has no readable 'users'.")
    return tuple(
        DisallowedListUserEntry(user.get("jid"), user.get("pn_jid"), user.get("action", "add"))
        for user in users
    )


def list_from_json(document: object) -> DisallowedList:
    """Read a disallowed list."""
    users = (
        DisallowedListUser(
            read_jid(member(user, "jid", str)), _optional_jid(user, "pn_jid"), _username(user)
        )
        for user in member(document, "users", list)
    )
    return DisallowedList(_version(document), tuple(users))


def _username(user: Mapping[str, object]) -> str | None:
    name = user.get("username")
    return name if isinstance(name, str) and name else None


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


def excluded_change_from_json(document: object) -> ExcludedChange:
    """Read ``{"before", "dhash"}``."""
    before = member(document, "before", (str, type(None)))
    return ExcludedChange(
        None if before is None else PrivacyValue(wire_name(document, "before")), _version(document)
    )


def contacts_from_json(document: object) -> tuple[Contact, ...]:
    """Read who phone numbers belong to."""
    return tuple(
        Contact(
            _phone(row),
            jid=_optional_jid(row, "jid"),
            pn_jid=_optional_jid(row, "pn_jid"),
        )
        for row in member(document, "contacts", list)
    )


def _phone(row: object) -> str:
    phone: str = member(row, "phone", str)
    if not (phone.isascii() and phone.isdecimal() and len(phone) <= 32):
        raise UnreadableAnswerError("The answer names a phone number that cannot be read.")
    return phone


def account_from_json(document: object) -> AccountInfo:
    """Read one account."""
    capabilities = member(document, "capabilities", list)
    has_hint = isinstance(document, Mapping) and "hint" in document
    return AccountInfo(
        words(document, "id"),
        words(document, "backend"),
        words(document, "state"),
        frozenset(name for name in capabilities if _is_wire_name(name)),
        words(document, "hint") if has_hint else "",
    )


def accounts_from_json(document: object) -> tuple[AccountInfo, ...]:
    """Read ``{"accounts": […]}``."""
    return tuple(account_from_json(row) for row in member(document, "accounts", list))


def link_status_from_json(document: object) -> LinkStatus:
    """Read how far a phone is linked."""
    expires = member(document, "expires_in", (int, type(None)))
    if expires is not None and not 0 <= expires < 2**32:
        raise UnreadableAnswerError("The answer has no readable 'expires_in'.")
    linked_as = member(document, "linked_as", (str, type(None)))
    return LinkStatus(
        words(document, "state"),
        words(document, "hint"),
        _qr(document),
        expires,
        None if linked_as is None else words(document, "linked_as"),
    )


def _qr(document: object) -> str | None:
    """What a QR code says, as long as one can be."""
    text: str | None = member(document, "qr", (str, type(None)))
    if text is not None and not (0 < len(text) <= 1_000 and text.isprintable()):
        raise UnreadableAnswerError("The answer has no readable 'qr'.")
    return text


def _state_to_json(state: SettingsState, held_to_json: Callable[[DisallowedList], Json]) -> Json:
    """Return ``{"settings": […], "lists": [{"category", …}, …], "duration"}``."""
    return {
        "settings": to_json(state.response.settings),
        "lists": [
            {"category": str(category), **held_to_json(held)}
            for category, held in state.lists.items()
        ],
        "duration": state.timer,
    }


def _state_from_json(
    document: object, held_from_json: Callable[[object], DisallowedList]
) -> SettingsState:
    """Read the state of settings."""
    return SettingsState(
        {
            PrivacyCategory(wire_name(row, "category")): PrivacyValue(wire_name(row, "value"))
            for row in member(document, "settings", list)
        },
        {
            PrivacyCategory(wire_name(row, "category")): held_from_json(row)
            for row in member(document, "lists", list)
        },
        None
        if member(document, "duration", (int, type(None))) is None
        else duration_from_json(document),
    )


def _version_from_json(document: object) -> DisallowedList:
    return DisallowedList(_version(document))


def change_to_json(change: Change) -> Json:
    """Return a change; ``change`` names its kind, and only what is wanted travels."""
    match change:
        case SettingChange(category=category, after=value):
            return {"change": "setting", "category": category.value, "value": value.value}
        case ListChange(category=category, entries=entries):
            return {"change": "list", "category": str(category), "users": to_json(entries)}
        case TimerChange(after=seconds):
            return {"change": "timer", "duration": seconds}


def plan_to_json(before: SettingsState, changes: Iterable[Change]) -> Json:
    """Return ``{"expected": …, "changes": […]}``."""
    return {
        "expected": _state_to_json(before, lambda held: {"dhash": held.dhash}),
        "changes": [change_to_json(change) for change in changes],
    }


def plan_from_json(document: object) -> tuple[SettingsState, tuple[Change, ...]]:
    """Read what is expected and what to change, out of a request.

    Raises:
        InvalidInputError: A pair, list or duration that cannot be.
        InvalidRequestError: A request of another shape; one thing changed twice, or a list both
            ways in one change.
    """
    try:
        expected = member(document, "expected", Mapping)
        if (seconds := member(expected, "duration", (int, type(None)))) is not None:
            as_seconds(seconds)
        before = _state_from_json(expected, _version_from_json)
        for category in before.lists:
            as_list_category(category)
        rows = member(document, "changes", list)
        changes = tuple(_change_from_json(row, before) for row in rows)
    except UnreadableAnswerError:
        raise InvalidRequestError("The request has no readable plan.") from None
    if len(set(map(_what, changes))) < len(changes):
        raise InvalidRequestError(
            "The request changes one thing twice.", hint="Name each setting and list once."
        )
    return before, changes


def _what(change: Change) -> object:
    match change:
        case SettingChange(category=category):
            return category
        case ListChange(category=category, action=action):
            return category, action
        case TimerChange():
            return None


def _change_from_json(row: object, before: SettingsState) -> Change:
    kind = member(row, "change", str)
    if kind == "timer":
        return TimerChange(before.timer, as_seconds(member(row, "duration", int)))
    category = PrivacyCategory.other(member(row, "category", str))
    if kind == "setting":
        pair = as_pair(category, PrivacyValue.other(member(row, "value", str)))
        return SettingChange(category, before.settings.get(category), pair[1])
    update = DisallowedListUpdate(None, _entries(member(row, "users", list)))
    actions = {entry.action for entry in update.users}
    if len(actions) > 1:
        raise InvalidRequestError(
            "A list change adds people or removes them, not both.", hint="Make it two changes."
        )
    people = tuple(DisallowedListUser(entry.jid, entry.pn_jid) for entry in update.users)
    return ListChange(as_list_category(category), actions.pop(), people)


def report_to_json(report: Report) -> Json:
    """Return ``{"outcomes": [{"outcome", "reason", "missed"}, …], "found": …}``."""
    outcomes = [
        {"outcome": str(each.outcome), "reason": each.reason, "missed": to_json(each.missed)}
        for each in report.results
    ]
    return {"outcomes": outcomes, "found": _state_to_json(report.after, to_json)}


def report_from_json(document: object, changes: Sequence[Change]) -> Report:
    """Read what became of the changes that were asked for, in that order."""
    outcomes = member(document, "outcomes", list)
    if len(outcomes) != len(changes):
        raise UnreadableAnswerError("The answer has not one outcome for each change.")
    results = tuple(map(_result, changes, outcomes))
    return Report(results, _state_from_json(member(document, "found", Mapping), list_from_json))


def _result(change: Change, row: object) -> ChangeResult:
    outcome = member(row, "outcome", str)
    return ChangeResult(
        change,
        Outcome(outcome) if outcome in tuple(Outcome) else Outcome.UNKNOWN,
        words(row, "reason"),
        frozenset(map(read_jid, member(row, "missed", list))),
    )


def event_to_json(event: Event) -> Json:
    """Return an event for an emulated account; ``event`` names its kind."""
    kinds = {PhoneSets: "phone_sets", PhoneLists: "phone_lists", NextAnswer: "next_answer"}
    return {"event": kinds[type(event)], **to_json(event)}


def event_from_json(document: object) -> Event:
    """Read an event out of a request.

    Raises:
        InvalidRequestError: No event that this version knows, or one with other members.
        InvalidInputError: A member with a value that it cannot have.
    """
    members = dict(document) if isinstance(document, Mapping) else {}
    kind = members.pop("event", None)
    try:
        match kind:
            case "phone_sets":
                return PhoneSets(**members)
            case "phone_lists":
                return PhoneLists(users=_entries(members.pop("users", None)), **members)
            case "next_answer":
                return NextAnswer(**members)
    except TypeError:
        raise InvalidRequestError(f"An event {kind!r} has other members.") from None
    raise InvalidRequestError("The request holds no event that is known here.")
