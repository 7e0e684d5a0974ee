"""WhatsApp's request and answer nodes: what each operation sends, and how its answer is read.

A node is an ``xml.etree.ElementTree.Element``: tag, attributes, children, and in ``text`` what
the wire carries as bytes.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import TypeAlias
from xml.etree.ElementTree import Element

from privacy_sdk.accounts.base import AccountInfo, LostAnswerError, no_list
from privacy_sdk.accounts.wire import read_jid, refuse_unreported, settings_from_rows
from privacy_sdk.errors import InvalidInputError, IqError, UnreadableAnswerError
from privacy_sdk.errors.public import set_module
from privacy_sdk.model.arguments import as_seconds
from privacy_sdk.model.types import (
    ON_LIST,
    Contact,
    DisallowedList,
    DisallowedListUpdate,
    DisallowedListUser,
    DisallowedListUserEntry,
    Jid,
    PrivacyCategory,
    PrivacySettingsResponse,
    PrivacyValue,
    SetPrivacySettingResponse,
)
from privacy_sdk.support.locks import LoopLocks

Ask: TypeAlias = Callable[[Element], Awaitable[Element]]
"""Sends a request node and returns the answer node, a refusal included.

The request is an ``iq`` with ``type`` and ``xmlns``; the address and the id that the wire wants
are added by what sends it. It raises

- :class:`~privacy_sdk.NotConnectedError` when nothing was sent;
- :class:`~privacy_sdk.accounts.base.LostAnswerError` when the request may have arrived and no
  answer came, in time or at all;
- nothing for a refusal: that is an answer.
"""


def node(tag: str, *children: Element, **attributes: object) -> Element:
    """A node; an attribute that is None is left out."""
    element = Element(tag, {name: str(v) for name, v in attributes.items() if v is not None})
    element.extend(children)
    return element


def iq(kind: str, xmlns: str | None = None, *content: Element) -> Element:
    """A request (``get``, ``set``) or an answer (``result``, ``error``)."""
    return node("iq", *content, type=kind, xmlns=xmlns)


def contacts_request(phones: Iterable[str]) -> Element:
    """Ask who has phone numbers, and for their LIDs."""
    people = node("list")
    for phone in phones:
        contact = node("contact")
        contact.text = f"+{phone}"
        people.append(node("user", contact))
    query = node("query", node("contact"), node("lid"))
    return iq("get", "usync", node("usync", query, people, mode="query", context="interactive"))


@set_module("privacy_sdk.accounts")
class ProtocolAccount:
    """An account that speaks WhatsApp's own nodes, over anything that carries them.

    Both shapes of refusal are read: a whole request refused, and a refusal inside a success. A
    lost or unreadable answer to a change is an :class:`~privacy_sdk.OutcomeUnknownError`, to a
    question an :class:`~privacy_sdk.errors.AnswerTimeoutError` or
    :class:`~privacy_sdk.errors.UnreadableAnswerError`.

    Args:
        info: What the account says of itself; a subclass whose state changes overrides
            :meth:`info`.
        ask: Sends a request and returns its answer, a refusal included.

    Source:
        The sources of WhatsApp's clients, as the protocol facts compile them.

    Example:
        >>> import asyncio
        >>> async def ask(request):
        ...     category = node("category", name="last", value="all")
        ...     return iq("result", None, node("privacy", category))
        >>> account = ProtocolAccount(AccountInfo("me", "whatsapp"), ask)
        >>> asyncio.run(account.fetch_privacy_settings()).get_value("last")
        <PrivacyValue.ALL: 'all'>
    """

    def __init__(self, info: AccountInfo, ask: Ask) -> None:
        self.id = info.id
        self._info = info
        self._ask = ask
        self._updating: defaultdict[PrivacyCategory, LoopLocks] = defaultdict(LoopLocks)
        self._reported: Collection[str] | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"

    async def info(self) -> AccountInfo:
        """Return who this is and what it can do."""
        return self._info

    async def fetch_privacy_settings(self) -> PrivacySettingsResponse:
        """Fetch all settings; a row that the server could not read is left out with a warning."""
        answer = await self._answer(iq("get", "privacy", node("privacy")), inside=False)
        rows = [*_child(answer, "privacy").iter("category")]
        self._reported = {row.get("name", "") for row in rows}
        return settings_from_rows([(row.get("name"), row.get("value")) for row in rows])

    async def set_privacy_setting(
        self, category: PrivacyCategory, value: PrivacyValue, *, unreported: bool = False
    ) -> SetPrivacySettingResponse:
        """Change one setting."""
        if not unreported:
            refuse_unreported(category, await self._reported_names())
        return await self._change(node("category", name=category, value=value))

    async def _reported_names(self) -> Collection[str]:
        """Return the categories that the last fetch reported; there is one if there was none."""
        if self._reported is None:
            await self.fetch_privacy_settings()
        return self._reported or ()

    async def set_privacy_disallowed_list(
        self, category: PrivacyCategory, update: DisallowedListUpdate
    ) -> SetPrivacySettingResponse:
        """Change a list; without a dhash, as it stands, one update after the other."""
        if update.dhash is not None:
            return await self._update_list(category, update.dhash, update.users)
        async with self._updating[category].here:
            held = await self.fetch_disallowed_list(category)
            if held.dhash is None:
                raise no_list(category)
            return await self._update_list(category, held.dhash, update.users)

    async def _update_list(
        self, category: PrivacyCategory, dhash: str, users: Iterable[DisallowedListUserEntry]
    ) -> SetPrivacySettingResponse:
        entries = (
            node("user", action=user.action, jid=user.jid, pn_jid=user.pn_jid) for user in users
        )
        change = node("category", *entries, name=category, value=ON_LIST, dhash=dhash)
        return await self._change(change, addressing_mode="lid")

    async def _change(self, change: Element, **attributes: str) -> SetPrivacySettingResponse:
        answer = await self._answer(iq("set", "privacy", node("privacy", change, **attributes)))
        category = answer.find("privacy/category")
        return SetPrivacySettingResponse(None if category is None else category.get("dhash"))

    async def fetch_disallowed_list(self, category: PrivacyCategory) -> DisallowedList:
        """Fetch who is excepted in a category; nobody, without dhash, off its list."""
        wanted = node("list", name=category, value=ON_LIST)
        answer = await self._answer(
            iq("get", "privacy", node("privacy", wanted, addressing_mode="lid"))
        )
        held = _child(answer, "privacy").find("list")
        if held is None:
            return DisallowedList()
        users = (
            DisallowedListUser(
                read_jid(user.get("jid")), _jid(user, "pn_jid"), user.get("username") or None
            )
            for user in held.iter("user")
        )
        return DisallowedList(held.get("dhash"), tuple(users))

    async def fetch_default_disappearing_mode(self) -> int:
        """Fetch the default timer of new chats [s]; 0 is off."""
        answer = await self._answer(iq("get", "disappearing_mode", node("disappearing_mode")))
        duration = _child(answer, "disappearing_mode").get("duration", "")
        try:
            return as_seconds(int(duration))
        except (ValueError, InvalidInputError):
            raise UnreadableAnswerError("The answer holds no readable duration.") from None

    async def set_default_disappearing_mode(self, duration: int) -> None:
        """Set the default timer of new chats [s]."""
        await self._answer(
            iq("set", "disappearing_mode", node("disappearing_mode", duration=duration))
        )

    async def find_contacts(self, phones: Sequence[str]) -> tuple[Contact, ...]:
        """Find the addresses of phone numbers, in the order asked; none for who is not found."""
        return await match_contacts(phones, self._look_up)

    async def _look_up(self, phones: Sequence[str]) -> list[Contact]:
        answer = await self._answer(contacts_request(phones))
        return [_contact(user) for user in _child(answer, "usync").iter("user")]

    async def aclose(self) -> None:
        """Do nothing; there is nothing to close."""

    async def _answer(self, request: Element, *, inside: bool = True) -> Element:
        """Return a successful answer; ``inside``, a refusal within it is one of the request."""
        changes = request.get("type") == "set"
        try:
            answer = await self._ask(request)
            if (refusal := _refusal(answer, inside=inside)) is not None:
                raise refusal
            if answer.tag != "iq" or answer.get("type") != "result":
                if changes:
                    raise LostAnswerError("its answer cannot be read")
                raise UnreadableAnswerError("The answer is neither a result nor an error.")
        except LostAnswerError as lost:
            raise lost.as_error(changes=changes) from None
        return answer


def _refusal(answer: Element, *, inside: bool) -> IqError | None:
    """Return the refusal of a whole request, or the one inside a success."""
    error = answer.find(".//error" if inside else "error")
    if error is None:
        is_refused = inside and answer.find("privacy/*[@value='error']") is not None
        is_refused = is_refused or answer.get("type") == "error"
        return IqError(0, "without a reason") if is_refused else None
    code = error.get("code", "")
    return IqError.from_code(
        int(code) if code.isdecimal() and len(code) < 5 else 0,
        error.get("text", ""),
        error_type=error.get("type", ""),
        backoff=_seconds(error.get("backoff")),
    )


def _seconds(text: str | None) -> float | None:
    """Return how long to wait; None when that was not said, or cannot be."""
    try:
        seconds = float(text or "nan")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _child(answer: Element, tag: str) -> Element:
    child = answer.find(tag)
    if child is None:
        raise UnreadableAnswerError(f"The answer holds no <{tag}>.")
    return child


def _jid(user: Element, name: str) -> Jid | None:
    address = user.get(name)
    return None if address is None else read_jid(address)


def _contact(user: Element) -> Contact:
    """Return whom a row is about, under the number that it names."""
    address = _jid(user, "jid")
    contact, lid = user.find("contact"), user.find("lid")
    phone = ("" if contact is None else contact.text or "").lstrip("+")
    if not phone and address is not None and address.is_phone:
        phone = address.user
    if contact is None or contact.get("type") != "in":
        return Contact(phone)
    if lid is not None and lid.get("val"):
        jid = _jid(lid, "val")
    else:
        jid = address if address is not None and address.is_lid else None
    return Contact(phone, jid, address if address is not None and address.is_phone else None)


async def match_contacts(
    phones: Sequence[str], look_up: Callable[[Sequence[str]], Awaitable[Sequence[Contact]]]
) -> tuple[Contact, ...]:
    """Look phone numbers up, and match each with the row that answers it.

    Spellings of one number are asked for once, and a row in any of them answers for all. A row may
    name a number otherwise still; a number without a row of its own is then asked for alone.

    Args:
        phones: The numbers, in the order in which the contacts are to come.
        look_up: Asks for numbers, and returns a row for each that was found, under the number
            that the row names.
    """
    asked: dict[Jid, str] = {}
    for phone in phones:
        asked.setdefault(Jid.phone(phone).identity, phone)
    rows = await look_up(list(asked.values())) if asked else ()
    found = {_identity(row.phone): row for row in rows}
    if found.keys() - asked.keys():
        for identity, phone in asked.items():
            if identity not in found:
                alone = rows if len(asked) == 1 else await look_up([phone])
                if len(alone) == 1:
                    found[identity] = alone[0]
    everybody = ((phone, found.get(Jid.phone(phone).identity)) for phone in phones)
    return tuple(
        Contact(phone, row.jid, row.pn_jid) if row else Contact(phone) for phone, row in everybody
    )


def _identity(phone: str) -> Jid | None:
    """Return what the spellings of a number have in common; None for a row that names none."""
    return Jid.phone(phone).identity if phone.isdecimal() and len(phone) <= 20 else None
