"""An account in this process that behaves as WhatsApp does, as far as that is known."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element

from privacy_sdk.accounts.base import AccountInfo, AccountState, Capability
from privacy_sdk.accounts.emulated.events import (
    CHANGES,
    Event,
    Fault,
    NextAnswer,
    PhoneLists,
    PhoneSets,
    check_seconds,
)
from privacy_sdk.accounts.emulated.server import EmulatedServer, iq, node
from privacy_sdk.accounts.wire import settings_from_json
from privacy_sdk.errors import AnswerTimeoutError, InvalidInputError, IqError, OutcomeUnknownError
from privacy_sdk.model.types import (
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

CONTACTS = tuple(
    Contact(phone, Jid(f"99900000000000{n}", Jid.LID), Jid.phone(phone))
    for n, phone in ((n, f"99911555010{n}") for n in range(1, 9))
)
"""The people that an emulated account knows by itself; all fictional."""

SETTINGS: Mapping[str, str] = {
    "last": "all",
    "online": "all",
    "profile": "all",
    "status": "contacts",
    "groupadd": "all",
    "readreceipts": "all",
    "calladd": "all",
    "messages": "all",
    "defense": "off",
}
"""What an emulated account is set to at first: a new account's settings, assumed."""


class EmulatedAccount:
    """An account that needs no phone and no network, and answers anything.

    Every operation becomes a request node as WhatsApp's clients send it, a small server
    answers it, and the answer is read as a live one would be: a refusal is an
    :class:`~privacy_sdk.IqError`, whether the whole request is refused or the refusal sits
    inside a success. What else can go wrong is asked for with :meth:`emulate`.

    Args:
        id: Its name on a gateway.
        seed: The same seed gives the same dhashes.
        settings: What it is set to at first, category to value, unknown names welcome;
            None for a new account's settings.
        contacts: Whom it can find; None for a handful of fictional people.
        latency: How long a request and its answer travel [s].

    Source:
        Known from the sources of WhatsApp's clients: the nodes; both shapes of refusal; that
        a dhash exists only on ``contact_blacklist``, looks like a time in milliseconds and
        is refused with 409 when stale; ``none`` for a list that has no dhash; 400 for a
        phone address where a LID belongs; at most 64,000 people; the categories that
        defense mode locks.

        Observed nowhere, assumed:

        - A value that a known category does not accept is refused with 400; an unknown
          category accepts any value.
        - A category that defense mode locks refuses any change with 423 and keeps its value;
          the owner's phone can change it all the same.
        - A category that is set to ``contact_blacklist`` starts with an empty list and its
          dhash; one that is set so again keeps its list, one that leaves loses it.
        - An update with the dhash ``none`` is taken only while there is no list, and puts the
          category on ``contact_blacklist``. An update with any other dhash is stale then.
        - Adding a person twice, or removing an absent one, is a success; a list that did not
          change keeps its dhash, also when nobody is left on it.
        - A stale dhash is refused inside a success, anything else as a whole, and a list that
          would grow over the limit with 419.
        - The server adds a person's phone address where it knows it.
        - The node that finds contacts, and a refusal inside a timer's or a contact's answer.

    Example:
        >>> import asyncio
        >>> account = EmulatedAccount(settings={"last": "contacts"})
        >>> asyncio.run(account.fetch_privacy_settings()).get_value("last")
        <PrivacyValue.CONTACTS: 'contacts'>
    """

    def __init__(
        self,
        id: str = "demo",
        *,
        seed: int = 0,
        settings: Mapping[str, str] | None = None,
        contacts: Iterable[Contact] | None = None,
        latency: float = 0.0,
    ) -> None:
        if not isinstance(id, str) or not id:
            raise InvalidInputError(f"{id!r} is not an account's name.")
        if not isinstance(seed, int):
            raise InvalidInputError(f"{seed!r} is not a seed.", hint="Pass a whole number.")
        check_seconds("latency", latency)
        self.id = id
        self._info = AccountInfo(
            id, "emulated", AccountState.CONNECTED, frozenset(Capability) - {Capability.LINK}
        )
        self._server = EmulatedServer(
            SETTINGS if settings is None else _named(settings),
            CONTACTS if contacts is None else contacts,
            seed,
        )
        self._latency = latency
        self._faults: list[NextAnswer] = []
        self._updating: defaultdict[PrivacyCategory, asyncio.Lock] = defaultdict(asyncio.Lock)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"

    async def info(self) -> AccountInfo:
        """Who this is and what it can do: everything that needs no phone."""
        return self._info

    async def fetch_privacy_settings(self) -> PrivacySettingsResponse:
        """All settings; a row that the server could not read is left out with a warning."""
        answer = await self._ask("fetch_privacy_settings", iq("get", "privacy", node("privacy")))
        _raise_refusal(answer.find("error"))
        rows = [
            {"category": row.get("name"), "value": row.get("value")}
            for row in answer.iter("category")
        ]
        return settings_from_json({"settings": rows})

    async def set_privacy_setting(
        self, category: PrivacyCategory, value: PrivacyValue
    ) -> SetPrivacySettingResponse:
        """Change one setting."""
        return await self._change(
            "set_privacy_setting", category, node("category", name=category, value=value)
        )

    async def set_privacy_disallowed_list(
        self, category: PrivacyCategory, update: DisallowedListUpdate
    ) -> SetPrivacySettingResponse:
        """Change a list; without a dhash, as it stands, one update after the other."""
        if update.dhash is not None:
            return await self._update_list(category, update.dhash, update.users)
        async with self._updating[category]:
            held = await self.fetch_disallowed_list(category)
            return await self._update_list(category, held.dhash or "none", update.users)

    async def _update_list(
        self, category: PrivacyCategory, dhash: str, users: Iterable[DisallowedListUserEntry]
    ) -> SetPrivacySettingResponse:
        entries = (
            node("user", action=user.action, jid=user.jid, pn_jid=user.pn_jid) for user in users
        )
        change = node(
            "category", *entries, name=category, value=PrivacyValue.CONTACT_BLACKLIST, dhash=dhash
        )
        return await self._change("set_privacy_disallowed_list", category, change, "lid")

    async def set_default_disappearing_mode(self, duration: int) -> None:
        """Set the default timer of new chats [s]."""
        await self._content(
            "set_default_disappearing_mode",
            iq("set", "disappearing_mode", node("disappearing_mode", duration=duration)),
        )

    async def fetch_disallowed_list(self, category: PrivacyCategory) -> DisallowedList:
        """Who is excepted in a category; nobody, without dhash, off ``contact_blacklist``."""
        wanted = node("list", name=category, value=PrivacyValue.CONTACT_BLACKLIST)
        answer = await self._content(
            "fetch_disallowed_list",
            iq("get", "privacy", node("privacy", wanted, addressing_mode="lid")),
            category,
        )
        held = answer.find(".//list")
        if held is None:
            return DisallowedList()
        users = (
            DisallowedListUser(Jid.parse(user.attrib["jid"]), _jid(user, "pn_jid")) for user in held
        )
        return DisallowedList(held.get("dhash"), tuple(users))

    async def fetch_default_disappearing_mode(self) -> int:
        """The default timer of new chats [s]; 0 is off."""
        answer = await self._content(
            "fetch_default_disappearing_mode",
            iq("get", "disappearing_mode", node("disappearing_mode")),
        )
        return int(answer[0].attrib["duration"])

    async def find_contacts(self, phones: Sequence[str]) -> tuple[Contact, ...]:
        """The addresses of phone numbers, in the order asked; none for who is not found."""
        wanted = (node("user", phone=phone) for phone in phones)
        answer = await self._content("find_contacts", iq("get", "usync", node("usync", *wanted)))
        return tuple(
            Contact(user.attrib["phone"], _jid(user, "jid"), _jid(user, "pn_jid"))
            for user in answer[0]
        )

    async def emulate(self, event: Event) -> None:
        """Make something happen: a change made on the phone, or answers that go wrong.

        Args:
            event: What happens. A change on the phone is made at once; answers go wrong from
                the next one that fits.

        Raises:
            InvalidInputError: No event.

        Example:
            >>> account = EmulatedAccount()
            >>> async def example():
            ...     await account.emulate(PhoneSets("last", "none"))
            ...     await account.emulate(NextAnswer("refused", code=429, text="rate-overlimit"))
            ...     await account.fetch_privacy_settings()
            >>> asyncio.run(example())
            Traceback (most recent call last):
            privacy_sdk.errors.RateLimitError: WhatsApp refused: 429 rate-overlimit.
            Wait before trying again; many changes in a short time can get an account banned.
        """
        match event:
            case PhoneSets(category=category, value=value):
                self._server.put_setting(category.value, value.value)
            case PhoneLists(category=category, users=users):
                self._server.put_people(category.value, users)
            case NextAnswer():
                self._faults.append(event)
            case _:
                raise InvalidInputError(f"{type(event).__name__} is no event.")

    async def aclose(self) -> None:
        """Let go of nothing: there is nothing to close."""

    async def _change(
        self,
        operation: str,
        category: PrivacyCategory,
        change: Element,
        addressing_mode: str | None = None,
    ) -> SetPrivacySettingResponse:
        request = iq("set", "privacy", node("privacy", change, addressing_mode=addressing_mode))
        answer = await self._content(operation, request, category)
        return SetPrivacySettingResponse(answer[0][0].get("dhash"))

    async def _content(
        self, operation: str, request: Element, category: PrivacyCategory | None = None
    ) -> Element:
        """A successful answer that holds no refusal."""
        answer = await self._ask(operation, request, category)
        _raise_refusal(answer.find(".//error"))
        return answer

    async def _ask(
        self, operation: str, request: Element, category: PrivacyCategory | None = None
    ) -> Element:
        """The answer to a request; the loop always runs in between, as it would on a wire."""
        fault = self._next_fault(operation, category)
        await asyncio.sleep(self._latency / 2)
        answer = self._server.answer(request, fault)
        await asyncio.sleep(self._latency / 2 + (fault.seconds if fault else 0.0))
        if fault and fault.fault is Fault.LOST:
            lost = OutcomeUnknownError if operation in CHANGES else AnswerTimeoutError
            raise lost(f"WhatsApp's answer to {operation} was lost.")
        return answer

    def _next_fault(self, operation: str, category: PrivacyCategory | None) -> NextAnswer | None:
        for index, event in enumerate(self._faults):
            if _fits(event, operation, category):
                rest = [replace(event, times=event.times - 1)] if event.times > 1 else []
                self._faults[index : index + 1] = rest
                return event
        return None


def _fits(event: NextAnswer, operation: str, category: PrivacyCategory | None) -> bool:
    names_a_row = event.fault is Fault.REFUSED_INSIDE and operation == "fetch_privacy_settings"
    return (
        event.operation in (None, operation)
        and (event.category in (None, category) or names_a_row)
        and (event.fault is not Fault.NOT_TAKEN or operation in CHANGES)
    )


def _raise_refusal(error: Element | None) -> None:
    if error is not None:
        backoff = error.get("backoff")
        raise IqError.from_code(
            int(error.get("code", 0)),
            error.get("text", ""),
            error_type=error.get("type", ""),
            backoff=None if backoff is None else float(backoff),
        )


def _jid(user: Element, name: str) -> Jid | None:
    address = user.get(name)
    return None if address is None else Jid.parse(address)


def _named(settings: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(settings, Mapping):
        raise InvalidInputError(f"{settings!r} maps no categories to values.")
    return {
        PrivacyCategory.other(category).value: PrivacyValue.other(value).value
        for category, value in settings.items()
    }
