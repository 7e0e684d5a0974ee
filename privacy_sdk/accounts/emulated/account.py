"""An account in this process that behaves as WhatsApp does, as far as that is known."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping

from privacy_sdk.accounts.backends import BACKENDS
from privacy_sdk.accounts.base import AccountInfo, AccountState
from privacy_sdk.accounts.emulated.server import EmulatedServer
from privacy_sdk.accounts.events import Event, NextAnswer, PhoneLists, PhoneSets, check_seconds
from privacy_sdk.accounts.journal import MemoryJournal
from privacy_sdk.accounts.nodes import ProtocolAccount
from privacy_sdk.accounts.recorded import Recorded, Recorder
from privacy_sdk.errors import InvalidInputError, short_person, short_repr
from privacy_sdk.errors.public import set_module
from privacy_sdk.model.types import Contact, Jid, PrivacyCategory, PrivacyValue

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


@set_module("privacy_sdk")
class EmulatedAccount(Recorded, ProtocolAccount):
    """An account that needs no phone and no network, and answers anything.

    Every operation becomes a request node as WhatsApp's clients send it, a small server
    answers it, and the answer is read as a live one would be. What can go wrong is asked for
    with :meth:`emulate`.

    Args:
        id: Its name on a gateway.
        seed: The same seed gives the same dhashes.
        settings: What it is set to at first, category to value, unknown names welcome;
            None for a new account's settings.
        contacts: Whom it can find; None for a handful of fictional people.
        latency: How long a request and its answer travel [s].

    Attributes:
        server: WhatsApp's side of it.
        recorder: Writes down what is changed, in memory; a gateway has a journal beside it.

    Source:
        Known from the sources of WhatsApp's clients: the nodes; both shapes of refusal; that
        a dhash exists only on ``contact_blacklist``, looks like a time in milliseconds and
        is refused with 409 when stale; ``none`` for a list that has no dhash; 400 for a
        phone address where a LID belongs, and for asking about a list without
        ``addressing_mode="lid"``; at most 64,000 people; the categories that defense mode
        locks.

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
        - A refusal inside the answer about a timer, a list or contacts; 400 for a request
          that lacks something.

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
            raise InvalidInputError(f"{short_person(id)} is not an account's name.")
        if not isinstance(seed, int):
            raise InvalidInputError(
                f"{short_repr(seed)} is not a seed.", hint="Pass a whole number."
            )
        check_seconds("latency", latency)
        self.server = EmulatedServer(
            SETTINGS if settings is None else _named(settings),
            CONTACTS if contacts is None else _checked_contacts(contacts),
            seed,
            latency,
        )
        capabilities = BACKENDS["emulated"].capabilities
        super().__init__(
            AccountInfo(id, "emulated", AccountState.CONNECTED, capabilities), self.server.ask
        )
        # A read would meet the next fault; what happens elsewhere is noticed as it happens.
        self.recorder = Recorder(id, MemoryJournal(), read_every=math.inf)
        self.recorder.seed(self.server.settings, self.server.timer)

    async def _reported_names(self) -> Collection[str]:
        return self.server.settings  # a fetch of our own would meet the next fault

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
            >>> import asyncio
            >>> asyncio.run(example())
            Traceback (most recent call last):
            privacy_sdk.errors.RateLimitError: WhatsApp refused: 429 rate-overlimit.
            Wait before trying again; many changes in a short time can get an account banned.
        """
        match event:
            case PhoneSets(category=category, value=value):
                self.server.put_setting(category.value, value.value)
                self.recorder.read_soon()
            case PhoneLists(category=category, users=users):
                self.server.put_people(category.value, users)
                self.recorder.read_soon()
            case NextAnswer():
                self.server.faults.append(event)
            case _:
                raise InvalidInputError(f"{type(event).__name__} is no event.")


def _checked_contacts(contacts: Iterable[Contact]) -> tuple[Contact, ...]:
    found = tuple(contacts) if isinstance(contacts, Iterable) else (contacts,)
    for each in found:
        if not isinstance(each, Contact):
            raise InvalidInputError(f"{short_repr(each)} is not a Contact.")
    return found


def _named(settings: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(settings, Mapping):
        raise InvalidInputError(f"{short_repr(settings)} maps no categories to values.")
    return {
        PrivacyCategory.other(category).value: PrivacyValue.other(value).value
        for category, value in settings.items()
    }
