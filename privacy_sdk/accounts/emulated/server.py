"""WhatsApp's side of an emulated account: request nodes in, answer nodes out.

What is known of the real one and what is assumed is said at
:class:`~privacy_sdk.EmulatedAccount`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from copy import deepcopy
from xml.etree.ElementTree import Element

from privacy_sdk.accounts.emulated.events import Fault, NextAnswer
from privacy_sdk.model.types import (
    LOCKED_BY_DEFENSE,
    MAX_LISTED,
    Contact,
    DisallowedList,
    DisallowedListAction,
    DisallowedListUser,
    DisallowedListUserEntry,
    PrivacyCategory,
    PrivacyValue,
)

_ON_LIST = PrivacyValue.CONTACT_BLACKLIST.value
_FIRST_DHASH = 1_790_000_000_000


def node(tag: str, *children: Element, **attributes: object) -> Element:
    """A node; an attribute that is None is left out."""
    made = Element(tag, {name: str(v) for name, v in attributes.items() if v is not None})
    made.extend(children)
    return made


def iq(kind: str, xmlns: str | None = None, *content: Element) -> Element:
    """A request (``get``, ``set``) or an answer (``result``, ``error``)."""
    return node("iq", *content, type=kind, xmlns=xmlns)


class _Refusal(Exception):
    def __init__(self, code: int, text: str, *, inside: bool = False) -> None:
        self.error = node("error", code=code, text=text)
        self.inside = inside


class EmulatedServer:
    """Settings, lists and timer of one account, and whom its owner can find."""

    def __init__(self, settings: Mapping[str, str], contacts: Iterable[Contact], seed: int) -> None:
        self._settings: dict[str, str] = {}
        self._lists: dict[str, DisallowedList] = {}
        self._timer = "0"
        self._contacts = {contact.phone: contact for contact in contacts}
        self._phones = {contact.jid: contact.pn_jid for contact in self._contacts.values()}
        self._time = _FIRST_DHASH
        self._random = random.Random(seed)  # noqa: S311  repeatable is what it must be
        for name, value in settings.items():
            self.put_setting(name, value)

    def answer(self, request: Element, fault: NextAnswer | None = None) -> Element:
        """The answer to a request, spoiled as ``fault`` says."""
        match fault:
            case NextAnswer(fault=Fault.REFUSED):
                return iq("error", None, _error(fault))
            case NextAnswer(fault=Fault.REFUSED_INSIDE):
                return self._refused_inside(request, _error(fault), fault.category)
            case NextAnswer(fault=Fault.NOT_TAKEN):
                before = self._settings.copy(), self._lists.copy(), self._timer
                answer = self._answer(request)
                self._settings, self._lists, self._timer = before
                return answer
            case _:
                return self._answer(request)

    def put_setting(self, name: str, value: str) -> None:
        """Change a setting, whatever it accepts."""
        self._settings[name] = value
        if value != _ON_LIST:
            self._lists.pop(name, None)
        elif name not in self._lists:
            self._lists[name] = DisallowedList(self._new_dhash())

    def put_people(self, name: str, entries: Iterable[DisallowedListUserEntry]) -> None:
        """Change the people of a list, which puts its category on it."""
        held = self._held(name)
        users = self._changed(held, entries)
        if held.dhash is None or users != held.users:
            self._lists[name] = DisallowedList(self._new_dhash(), users)
        self._settings[name] = _ON_LIST

    def _held(self, name: str) -> DisallowedList:
        return self._lists.get(name, DisallowedList())

    def _changed(
        self, held: DisallowedList, entries: Iterable[DisallowedListUserEntry]
    ) -> tuple[DisallowedListUser, ...]:
        people = {user.jid: user for user in held}
        for entry in entries:
            if entry.action is DisallowedListAction.REMOVE:
                people.pop(entry.jid, None)
            elif entry.jid not in people:
                pn_jid = entry.pn_jid or self._phones.get(entry.jid)
                people[entry.jid] = DisallowedListUser(entry.jid, pn_jid)
        return tuple(people.values())

    def _new_dhash(self) -> str:
        self._time += self._random.randint(1_000, 3_600_000)
        return str(self._time)

    def _answer(self, request: Element) -> Element:
        try:
            return iq("result", None, *self._content(request))
        except _Refusal as refusal:
            if refusal.inside:
                return self._refused_inside(request, refusal.error)
            return iq("error", None, refusal.error)

    def _content(self, request: Element) -> Iterable[Element]:
        content = request[0]
        match request.get("xmlns"), request.get("type"), [child.tag for child in content]:
            case "privacy", "get", []:
                rows = (node("category", name=n, value=v) for n, v in self._settings.items())
                return [node("privacy", *rows)]
            case "privacy", "get", ["list"]:
                return [node("privacy", *self._list(content[0].attrib["name"]))]
            case "privacy", "set", ["category"]:
                return [node("privacy", self._change(content[0]))]
            case "disappearing_mode", "get", []:
                return [node("disappearing_mode", duration=self._timer)]
            case "disappearing_mode", "set", []:
                self._timer = content.attrib["duration"]
                return []
            case "usync", "get", _:
                found = (self._find(user.attrib["phone"]) for user in content)
                return [node("usync", *found)]
        raise _Refusal(501, "feature-not-implemented")

    def _list(self, name: str) -> Iterable[Element]:
        held = self._held(name)
        if held.dhash is not None:
            users = (node("user", jid=user.jid, pn_jid=user.pn_jid) for user in held)
            yield node("list", *users, name=name, value=_ON_LIST, dhash=held.dhash)

    def _change(self, wanted: Element) -> Element:
        name, value, dhash = wanted.attrib["name"], wanted.attrib["value"], wanted.get("dhash")
        if self._settings.get("defense") == "on_standard" and name in LOCKED_BY_DEFENSE:
            raise _Refusal(423, "locked")
        if not PrivacyCategory(name).is_valid_value(value):
            raise _Refusal(400, "bad-request")
        if dhash is None:
            self.put_setting(name, value)
        else:
            self._update_list(name, dhash, wanted)
        return node("category", name=name, value=value, dhash=self._held(name).dhash)

    def _update_list(self, name: str, dhash: str, users: Iterable[Element]) -> None:
        held = self._held(name)
        if dhash != (held.dhash or "none"):
            raise _Refusal(409, "conflict", inside=True)
        entries = [
            DisallowedListUserEntry(user.attrib["jid"], user.get("pn_jid"), user.attrib["action"])
            for user in users
        ]
        if not all(entry.jid.is_lid for entry in entries):
            raise _Refusal(400, "bad-request")
        if len(self._changed(held, entries)) > max(MAX_LISTED, len(held)):
            raise _Refusal(419, "resource-limit")
        self.put_people(name, entries)

    def _find(self, phone: str) -> Element:
        contact = self._contacts.get(phone, Contact(phone))
        return node("user", phone=phone, jid=contact.jid, pn_jid=contact.pn_jid)

    def _refused_inside(self, request: Element, error: Element, row: str | None = None) -> Element:
        content = deepcopy(request[0])
        if content.tag == "privacy" and not len(content):
            rows = self._settings | {row or next(iter(self._settings), "last"): "error"}
            content.extend(
                node("category", *([error] if v == "error" else []), name=n, value=v)
                for n, v in rows.items()
            )
        else:
            refused = content[0] if len(content) else content
            refused[:] = [error]
            refused.set("value", "error")
        return iq("result", None, content)


def _error(fault: NextAnswer) -> Element:
    return node(
        "error",
        code=fault.code,
        text=fault.text,
        type=fault.error_type or None,
        backoff=fault.backoff,
    )
