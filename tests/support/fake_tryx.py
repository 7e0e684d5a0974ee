"""What tryx is to the account that uses it, without WhatsApp: a phone, a server, a runtime.

Enums, JIDs, updates and event classes are tryx's own. Its records and events cannot be built from
Python; namespaces with the same attributes stand in for them. Errors have tryx's type and texts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tryx import client as tryx
from tryx import events
from tryx.types import JID

from privacy_sdk.accounts.emulated.account import CONTACTS, SETTINGS
from privacy_sdk.accounts.emulated.server import EmulatedServer
from privacy_sdk.accounts.events import NextAnswer
from privacy_sdk.accounts.nodes import contacts_request, iq, node

NUMBER = "999115550178"
LID = "999000000000078"

CATEGORIES = {
    "last": tryx.PrivacyCategory.Last,
    "online": tryx.PrivacyCategory.Online,
    "profile": tryx.PrivacyCategory.Profile,
    "status": tryx.PrivacyCategory.Status,
    "groupadd": tryx.PrivacyCategory.GroupAdd,
    "readreceipts": tryx.PrivacyCategory.ReadReceipts,
    "calladd": tryx.PrivacyCategory.CallAdd,
    "messages": tryx.PrivacyCategory.Messages,
    "defense": tryx.PrivacyCategory.DefenseMode,
}
VALUES = {
    "all": tryx.PrivacyValue.All,
    "contacts": tryx.PrivacyValue.Contacts,
    "none": tryx.PrivacyValue.None_,
    "contact_blacklist": tryx.PrivacyValue.ContactBlacklist,
    "match_last_seen": tryx.PrivacyValue.MatchLastSeen,
    "known": tryx.PrivacyValue.Known,
    "off": tryx.PrivacyValue.Off,
    "on_standard": tryx.PrivacyValue.OnStandard,
}


def wire_name(names: dict[str, Any], member: Any) -> str:
    """The wire string of a member; ``other`` for Other, as tryx sends it."""
    return next((name for name, known in names.items() if int(known) == int(member)), "other")


class FakePhone:
    """A phone with its account, and whatever connects to it.

    Args:
        is_linked: Whether a phone is linked from the start.

    Attributes:
        server: WhatsApp's side.
        faults: What goes wrong with the next answers; None nothing.
        raises: What the next calls raise, in tryx's words, whatever the server did; None nothing.
        hides_refusals: Whether the server refuses inside a success, which tryx does not see.
        is_online: Whether there is a network.
        is_silent: Whether no answer arrives any more.
        written: Numbers that WhatsApp writes in another way than they were asked for.
        runtimes: Every runtime that was made, the last one last.
        runs: How many sessions they ran.
        sent: The requests that reached the server: operation and arguments.
    """

    def __init__(self, *, is_linked: bool = True) -> None:
        self.server = EmulatedServer(SETTINGS, CONTACTS, seed=0)
        self.faults: list[NextAnswer | None] = []
        self.raises: list[Exception | None] = []
        self.hides_refusals = False
        self.is_linked = is_linked
        self.is_online = True
        self.is_silent = False
        self.written: dict[str, str] = {}
        self.runtimes: list[FakeTryx] = []
        self.runs = 0
        self.sent: list[tuple[Any, ...]] = []

    def runtime(self, database: Path) -> FakeTryx:
        """What an account takes as its ``runtime``."""
        self.runtimes.append(FakeTryx(self, database))
        return self.runtimes[-1]

    @property
    def current(self) -> FakeTryx:
        """The runtime of now."""
        return self.runtimes[-1]

    async def scan(self) -> None:
        """Scan the QR code."""
        self.is_linked = True
        await self.current.emit("EvPairSuccess")
        await self.current.emit("EvConnected")

    async def ask(self, operation: str, request: Any, *sent: Any) -> Any:
        """The server's answer as tryx understands it: only a refusal of the whole is one."""
        if not self.is_online:
            raise RuntimeError("client is not connected")
        self.sent.append((operation, *sent))
        answer = self.server.answer(request, self.faults.pop(0) if self.faults else None)
        if self.is_silent:
            await asyncio.Event().wait()
        if self.raises and (error := self.raises.pop(0)):
            raise error
        error = answer.find(".//error")
        if error is not None and not (answer.get("type") == "result" and self.hides_refusals):
            code, text = error.get("code"), error.get("text")
            raise RuntimeError(f"received a server error response: code={code}, text='{text}'")
        return answer


class FakeTryx:
    """``tryx.client.Tryx``."""

    def __init__(self, phone: FakePhone, database: Path) -> None:
        self.phone = phone
        self.database = database
        self.is_running = False
        self.over: asyncio.Future[tuple[()]] | None = None
        self._handlers: dict[type, Callable[..., Awaitable[None]]] = {}

    def on(self, event: type) -> Callable[..., Any]:
        def register(handler: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
            assert asyncio.iscoroutinefunction(handler)
            assert not self.is_running
            self._handlers[event] = handler
            return handler

        return register

    def get_client(self) -> Any:
        return FakeClient(self)

    def run(self) -> asyncio.Future[tuple[()]]:
        self.is_running = True
        self.phone.runs += 1
        self.over = asyncio.get_running_loop().create_future()
        if not self.phone.is_linked and self.phone.is_online:
            asyncio.get_running_loop().create_task(self.offer(1))
        return self.over

    async def offer(self, number: int) -> None:
        """Offer a QR code; the first holds longer than the others."""
        await self.emit("EvPairingQrCode", code=payload(number), timeout=59 if number == 1 else 19)

    async def emit(self, name: str, **fields: Any) -> None:
        handler = self._handlers.get(getattr(events, name))
        if handler is not None:
            await handler(self.get_client(), SimpleNamespace(**fields))

    def end(self) -> None:
        """The session is over: all that tryx does is to resolve what run() returned."""
        assert self.over is not None
        self.over.set_result(())


def payload(number: int) -> str:
    """What a QR code says: a reference, two keys, a secret."""
    fill = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    parts = (fill[number:] + fill[:number])[:43] + "="
    return f"2@{fill * 2}{number},{parts},{parts[::-1]},{parts}"


class FakeClient:
    """``tryx.client.TryxClient``, as far as privacy goes."""

    def __init__(self, runtime: FakeTryx) -> None:
        self._runtime = runtime
        self._phone = runtime.phone
        self.privacy = self.advanced = self.contact = self

    def _check(self) -> None:
        if not self._runtime.is_running:
            raise RuntimeError(
                "Client is not running. Call Tryx.run() or Tryx.run_blocking() first."
            )

    def is_logged_in(self) -> bool:
        self._check()
        return self._phone.is_online and self._phone.is_linked

    def get_pn(self) -> JID | None:
        self._check()
        return JID(NUMBER, "s.whatsapp.net") if self._phone.is_linked else None

    async def fetch_settings(self) -> list[SimpleNamespace]:
        answer = await self._phone.ask("fetch", iq("get", "privacy", node("privacy")))
        return [
            SimpleNamespace(
                category=CATEGORIES.get(row.attrib["name"], tryx.PrivacyCategory.Other),
                value=VALUES.get(row.attrib["value"], tryx.PrivacyValue.Other),
            )
            for row in answer.iter("category")
        ]

    def set_setting(
        self, category: tryx.PrivacyCategory, value: tryx.PrivacyValue
    ) -> Awaitable[str | None]:
        name, wanted = wire_name(CATEGORIES, category), wire_name(VALUES, value)
        return self._change("set", name, node("category", name=name, value=wanted), wanted)

    def set_disallowed_list(
        self, category: tryx.PrivacyCategory, update: tryx.DisallowedListUpdate
    ) -> Awaitable[str | None]:
        assert isinstance(update, tryx.DisallowedListUpdate)
        name = wire_name(CATEGORIES, category)
        users = [
            node(
                "user",
                action="add" if user.action == tryx.DisallowedListAction.Add else "remove",
                jid=f"{user.jid.user}@{user.jid.server}",
                pn_jid=user.pn_jid and f"{user.pn_jid.user}@{user.pn_jid.server}",
            )
            for user in update.users
        ]
        change = node("category", *users, name=name, value="contact_blacklist", dhash=update.dhash)
        return self._change("list", name, change, update.dhash, len(users))

    async def _change(self, operation: str, name: str, change: Any, *sent: Any) -> str | None:
        answer = await self._phone.ask(
            operation,
            iq("set", "privacy", node("privacy", change, addressing_mode="lid")),
            name,
            *sent,
        )
        dhash: str | None = answer[0][0].get("dhash")
        return dhash if answer.find(".//error") is None else None

    async def set_default_disappearing_mode(self, seconds: int) -> tuple[()]:
        content = node("disappearing_mode", duration=seconds)
        await self._phone.ask("timer", iq("set", "disappearing_mode", content), seconds)
        return ()

    async def get_info(self, phones: Sequence[str]) -> list[SimpleNamespace]:
        answer = await self._phone.ask("find", contacts_request(phones), *phones)
        return [
            SimpleNamespace(
                jid=JID(self._phone.written.get(number, number), "s.whatsapp.net"),
                lid=lid if lid is None else JID(*lid.attrib["val"].split("@")),
                is_registered=contact.get("type") == "in",
            )
            for user in answer.iter("user")
            for contact, lid in [(user[0], user.find("lid"))]
            for number in [contact.text.removeprefix("+")]
        ]
