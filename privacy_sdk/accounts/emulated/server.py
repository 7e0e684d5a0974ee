"""WhatsApp's side of an emulated account: request nodes in, answer nodes out.

What is known of the real one and what is assumed is said at
:class:`~privacy_sdk.EmulatedAccount`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from xml.etree.ElementTree import Element

from privacy_sdk.accounts.base import LostAnswerError
from privacy_sdk.accounts.events import CHANGES, Fault, NextAnswer
from privacy_sdk.accounts.nodes import iq, node
from privacy_sdk.model.types import (
    LOCKED_BY_DEFENSE,
    MAX_LISTED,
    NO_DHASH,
    ON_LIST,
    Contact,
    DisallowedList,
    DisallowedListAction,
    DisallowedListUser,
    DisallowedListUserEntry,
    PrivacyCategory,
)

_FIRST_DHASH = 1_790_000_000_000


class _Refusal(Exception):
    def __init__(self, code: int, text: str, *, inside: bool = False) -> None:
        self.error = node("error", code=code, text=text)
        self.inside = inside


def operation_of(request: Element) -> tuple[str, str | None]:
    """Return the operation of an account that sends a request, and the category it is about.

    The operation is empty for a request that no operation sends.

    Example:
        >>> wanted = node("category", name="last", value="none")
        >>> operation_of(iq("set", "privacy", node("privacy", wanted)))
        ('set_privacy_setting', 'last')
    """
    content = request[0] if len(request) else node("nothing")
    match request.get("xmlns"), request.get("type"), [content.tag, *(each.tag for each in content)]:
        case "privacy", "get", ["privacy"]:
            return "fetch_privacy_settings", None
        case "privacy", "get", ["privacy", "list"]:
            return "fetch_disallowed_list", content[0].get("name")
        case "privacy", "set", ["privacy", "category"]:
            updates = content[0].get("dhash") is not None
            operation = "set_privacy_disallowed_list" if updates else "set_privacy_setting"
            return operation, content[0].get("name")
        case "disappearing_mode", "get", _:
            return "fetch_default_disappearing_mode", None
        case "disappearing_mode", "set", ["disappearing_mode"]:
            return "set_default_disappearing_mode", None
        case "usync", "get", ["usync", *_]:
            return "find_contacts", None
    return "", None


class EmulatedServer:
    """Settings, lists and timer of one account, and whom its owner can find.

    Its arguments are those of :class:`~privacy_sdk.EmulatedAccount`.

    Attributes:
        settings: The value of each category.
        lists: The list of each category that is on ``contact_blacklist``.
        timer: The default disappearing time, as the wire has it [s].
        faults: What happens to the next answers that each fits.
    """

    def __init__(
        self,
        settings: Mapping[str, str],
        contacts: Iterable[Contact],
        seed: int = 0,
        latency: float = 0.0,
    ) -> None:
        self.settings: dict[str, str] = {}
        self.lists: dict[str, DisallowedList] = {}
        self.timer = "0"
        self.faults: list[NextAnswer] = []
        self._latency = latency
        self._contacts = {contact.phone: contact for contact in contacts}
        self._phones = {contact.jid: contact.pn_jid for contact in self._contacts.values()}
        self._time = _FIRST_DHASH
        self._random = random.Random(seed)  # noqa: S311  repeatable is what it must be
        for name, value in settings.items():
            self.put_setting(name, value)

    async def ask(self, request: Element) -> Element:
        """Answer a request; the loop always runs in between, as it would on a wire.

        Raises:
            LostAnswerError: The answer is lost by a fault; a change is made all the same.
        """
        fault = self._next_fault(*operation_of(request)) if self.faults else None
        await asyncio.sleep(self._latency / 2)
        answer = self.answer(request, fault)
        if late := self._latency / 2 + (fault.seconds if fault else 0.0):
            await asyncio.sleep(late)
        if fault and fault.fault is Fault.LOST:
            raise LostAnswerError("its answer was lost")
        return answer

    def _next_fault(self, operation: str, category: str | None) -> NextAnswer | None:
        for index, event in enumerate(self.faults):
            if _fits(event, operation, category):
                rest = [replace(event, times=event.times - 1)] if event.times > 1 else []
                self.faults[index : index + 1] = rest
                return event
        return None

    def answer(self, request: Element, fault: NextAnswer | None = None) -> Element:
        """Answer a request, spoiled as ``fault`` says."""
        match fault:
            case NextAnswer(fault=Fault.REFUSED):
                return iq("error", None, _error(fault))
            case NextAnswer(fault=Fault.REFUSED_INSIDE):
                return self._refused_inside(request, _error(fault), fault.category)
            case NextAnswer(fault=Fault.NOT_APPLIED):
                before = self.settings.copy(), self.lists.copy(), self.timer
                answer = self._answer(request)
                self.settings, self.lists, self.timer = before
                return answer
            case _:
                return self._answer(request)

    def put_setting(self, name: str, value: str) -> None:
        """Change a setting, whatever it accepts."""
        self.settings[name] = value
        if value != ON_LIST:
            self.lists.pop(name, None)
        elif name not in self.lists:
            self.lists[name] = DisallowedList(self._new_dhash())

    def put_people(self, name: str, entries: Iterable[DisallowedListUserEntry]) -> None:
        """Change the people of a list, which puts its category on it."""
        held = self._held(name)
        users = self._changed(held, entries)
        if held.dhash is None or users != held.users:
            self.lists[name] = DisallowedList(self._new_dhash(), users)
        self.settings[name] = ON_LIST

    def _held(self, name: str) -> DisallowedList:
        return self.lists.get(name, DisallowedList())

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
        except (KeyError, ValueError):  # what the request lacks, or has in a form that none reads
            return iq("error", None, _Refusal(400, "bad-request").error)

    def _content(self, request: Element) -> Iterable[Element]:
        match operation_of(request)[0]:
            case "fetch_privacy_settings":
                rows = (Element("category", name=n, value=v) for n, v in self.settings.items())
                return [node("privacy", *rows)]
            case "fetch_disallowed_list":
                _check_addressing(request)
                return [node("privacy", *self._list(request[0][0].attrib["name"]))]
            case "set_privacy_disallowed_list":
                _check_addressing(request)
                return [node("privacy", self._change(request[0][0]))]
            case "set_privacy_setting":
                return [node("privacy", self._change(request[0][0]))]
            case "fetch_default_disappearing_mode":
                return [node("disappearing_mode", duration=self.timer)]
            case "set_default_disappearing_mode":
                self.timer = str(int(request[0].attrib["duration"]))
                return []
            case "find_contacts":
                people = request[0].iterfind("list/user/contact")
                return [node("usync", node("list", *(self._find(each.text) for each in people)))]
        raise _Refusal(501, "feature-not-implemented")

    def _list(self, name: str) -> Iterable[Element]:
        held = self._held(name)
        if held.dhash is not None:
            users = (node("user", jid=user.jid, pn_jid=user.pn_jid) for user in held)
            yield node("list", *users, name=name, value=ON_LIST, dhash=held.dhash)

    def _change(self, wanted: Element) -> Element:
        name, value, dhash = wanted.attrib["name"], wanted.attrib["value"], wanted.get("dhash")
        if self.settings.get("defense") == "on_standard" and name in LOCKED_BY_DEFENSE:
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
        if dhash != (held.dhash or NO_DHASH):
            raise _Refusal(409, "conflict", inside=True)
        entries = [
            DisallowedListUserEntry(user.attrib["jid"], user.get("pn_jid"), user.attrib["action"])
            for user in users
        ]
        if len(self._changed(held, entries)) > max(MAX_LISTED, len(held)):
            raise _Refusal(419, "resource-limit")
        self.put_people(name, entries)

    def _find(self, phone: str | None) -> Element:
        number = (phone or "").removeprefix("+")
        found = self._contacts.get(number, Contact(number))
        address = found.pn_jid or found.jid
        contact = node("contact", type="out" if address is None else "in")
        contact.text = phone
        lid = [] if found.jid is None else [node("lid", val=found.jid)]
        return node("user", contact, *lid, jid=address)

    def _refused_inside(self, request: Element, error: Element, row: str | None = None) -> Element:
        operation, category = operation_of(request)
        match operation:
            case "fetch_privacy_settings":
                rows = self.settings | {row or next(iter(self.settings), "last"): "error"}
                content = node(
                    "privacy",
                    *(
                        node("category", *([error] if v == "error" else []), name=n, value=v)
                        for n, v in rows.items()
                    ),
                )
            case "fetch_disallowed_list" | "set_privacy_disallowed_list" | "set_privacy_setting":
                tag = request[0][0].tag
                content = node("privacy", node(tag, error, name=category, value="error"))
            case "find_contacts":
                content = node("usync", node("result", node("contact", error)), node("list"))
            case _:
                content = node("disappearing_mode", error)
        return iq("result", None, content)


def _check_addressing(request: Element) -> None:
    """Refuse what is about a list and names people by phone number."""
    if request[0].get("addressing_mode") != "lid":
        raise _Refusal(400, "bad-request")


def _fits(event: NextAnswer, operation: str, category: str | None) -> bool:
    names_a_row = event.fault is Fault.REFUSED_INSIDE and operation == "fetch_privacy_settings"
    return (
        event.operation in (None, operation)
        and (event.category in (None, category) or names_a_row)
        and (event.fault is not Fault.NOT_APPLIED or operation in CHANGES)
    )


def _error(fault: NextAnswer) -> Element:
    return node(
        "error",
        code=fault.code,
        text=fault.text,
        type=fault.error_type or None,
        backoff=fault.backoff,
    )
