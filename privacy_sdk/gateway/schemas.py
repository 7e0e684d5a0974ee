"""What travels over HTTP, as OpenAPI shows it: plain strings, no member that is not named here.

These models fix shapes and sizes. Which names, pairs, addresses and durations are good is for
``types.py`` and ``wire.py`` to say; where a rule of theirs stands here, it is for the reader.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError

from privacy_sdk.accounts.events import CHANGES, READS, Fault
from privacy_sdk.accounts.problems import problem_from_error
from privacy_sdk.errors import InvalidPairError
from privacy_sdk.model.types import LIST_CATEGORIES, DisallowedListAction

_LID, _PHONE = "999000000000001@lid", "999115550101@s.whatsapp.net"


def _told(**schema: Any) -> Any:
    """A rule that OpenAPI tells of and that another module enforces, with its own error."""
    return Field(json_schema_extra=schema)


Name = Annotated[str, Field(min_length=1, max_length=64, examples=["contacts"])]
CategoryName = Annotated[str, Field(min_length=1, max_length=64, examples=["last"])]
ListCategoryName = Annotated[CategoryName, _told(enum=[str(name) for name in LIST_CATEGORIES])]
Address = Annotated[
    str, Field(max_length=64), _told(pattern=r"^[0-9]{1,20}(:[1-9][0-9]{0,4})?@[a-z][a-z.]{1,30}$")
]
Hash = Annotated[str, Field(max_length=256), _told(minLength=1)]
Seconds = Annotated[int, _told(minimum=0, maximum=2**32 - 1)]


def _refuse_number(given: object) -> object:
    """Refuse what pydantic takes for seconds since 1970, of a time that is to have a date."""
    if isinstance(given, str) and not re.match(r"\d{4}-", given):
        raise PydanticCustomError("no_date", "Input should be a time in ISO 8601")
    return given


Moment = Annotated[AwareDatetime, BeforeValidator(_refuse_number)]
PhoneDigits = Annotated[str, Field(max_length=32), _told(pattern="^[0-9]{5,15}$")]


class Document(BaseModel):
    """A JSON object with these members and no others."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Sent(Document):
    """One that anybody may have sent."""

    @model_validator(mode="before")
    @classmethod
    def _few_members(cls, given: object) -> object:
        """Refuse a mebibyte of members that are not known at once, not for each of them."""
        if isinstance(given, dict) and len(given) > 50:
            raise PydanticCustomError("too_many", "an object has more members than are known")
        return given


def _example(**members: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [members]})


class Health(Document):
    """That the gateway is up."""

    model_config = _example(status="ok")
    status: Literal["ok"]


_DEMO = {
    "id": "demo",
    "backend": "emulated",
    "state": "connected",
    "capabilities": ["emulate", "find_contacts"],
    "hint": "",
}


class AccountBody(Document):
    """An account that the gateway serves."""

    model_config = _example(**_DEMO)
    id: str
    backend: str
    state: str
    capabilities: list[str]
    hint: str


class AccountsBody(Document):
    """Every account that the gateway serves."""

    model_config = _example(accounts=[_DEMO])
    accounts: list[AccountBody]


class SettingBody(Document):
    """A category and what it is set to."""

    category: str
    value: str


class SettingsBody(Document):
    """All settings that WhatsApp reports; unknown names are normal."""

    model_config = _example(settings=[{"category": "last", "value": "contacts"}])
    settings: list[SettingBody]
    unreadable: int = Field(default=0, description="How many more the account cannot name.")


class NewValueBody(Sent):
    """What to set a category to."""

    model_config = _example(value="contacts")
    value: Name
    unreported: bool = Field(
        default=False, description="Whether to send a category that WhatsApp does not report."
    )


class ChangedBody(Document):
    """That a change was made; ``dhash`` is the new version of the list, if there is one."""

    model_config = _example(dhash=None)
    dhash: str | None


class ListedPersonBody(Document):
    """A person on a disallowed list."""

    jid: str
    pn_jid: str | None
    username: str | None = None


class DisallowedListBody(Document):
    """The people excepted in a category."""

    model_config = _example(dhash="1763827200000", users=[{"jid": _LID, "pn_jid": _PHONE}])
    dhash: str | None
    users: list[ListedPersonBody]


class PersonChangeBody(Sent):
    """A person to add to a disallowed list, or to remove from it."""

    action: Annotated[str, Field(max_length=16), _told(enum=[*DisallowedListAction])] = "add"
    jid: Address
    pn_jid: Address | None = None


class HistoryEntryBody(Document):
    """A change that was made or noticed."""

    model_config = _example(
        number=7,
        at="2026-11-24T18:00:00+00:00",
        change="setting",
        category="last",
        before="all",
        after="contacts",
        by="Privacy.ipynb",
        outcome="applied",
        reason="",
        operation="op1",
        undoes="",
        since=None,
        people=[],
        lost=None,
    )
    number: int
    at: str
    change: str
    category: str | None
    before: str | int | None
    after: str | int | None
    by: str
    outcome: str
    reason: str
    operation: str
    undoes: str
    since: str | None
    people: list[PersonChangeBody]
    lost: list[ListedPersonBody] | None


class HistoryBody(Document):
    """Changes in their order; empty after the last."""

    model_config = _example(entries=[])
    entries: list[HistoryEntryBody]


# The first bad one is enough: a megabyte of them would be as many errors, at 1 KiB each.
PeopleChanges = Annotated[list[PersonChangeBody], FailFast(), _told(minItems=1)]


class ExpectedSettingBody(Sent):
    """What a category must be set to."""

    category: CategoryName
    value: Name


class ListOfCategoryBody(DisallowedListBody):
    """The people excepted in one of several categories."""

    model_config = _example(
        category="last", dhash="1763827200000", users=[{"jid": _LID, "pn_jid": _PHONE}]
    )
    category: str


class SettingsStateBody(Document):
    """The state of the settings, as far as it was read."""

    settings: list[SettingBody]
    lists: list[ListOfCategoryBody]
    duration: int | None


class ListChangeBody(Sent):
    """A change of a disallowed list: of the version ``dhash``, else of the list as it stands."""

    model_config = _example(users=[{"action": "add", "jid": _LID, "pn_jid": _PHONE}])
    dhash: Hash | None = None
    users: PeopleChanges


class ExcludedBody(Sent):
    """Who is to be excepted, or no longer."""

    model_config = _example(users=[{"action": "add", "jid": _LID, "pn_jid": _PHONE}])
    users: PeopleChanges


class ExcludedChangeBody(Document):
    """That a change was made: what the category was set to, and the new version of its list."""

    model_config = _example(before="contacts", dhash="1763827200000")
    before: str | None
    dhash: str | None


class ExpectedListBody(Sent):
    """The version that a list must have."""

    category: ListCategoryName
    dhash: Hash | None


class ExpectedBody(Sent):
    """What must hold for anything to be changed; what is left out may be anything."""

    settings: Annotated[list[ExpectedSettingBody], FailFast(), Field(max_length=100)] = []
    lists: Annotated[list[ExpectedListBody], FailFast(), Field(max_length=100)] = []
    duration: Seconds | None = None


class SettingChangeBody(Sent):
    """A category gets a value."""

    change: Literal["setting"]
    category: CategoryName
    value: Name


class PeopleChangeBody(Sent):
    """People are added to a category's list, or removed from it; not both in one change."""

    change: Literal["list"]
    category: ListCategoryName
    users: PeopleChanges


class DurationChangeBody(Sent):
    """The default disappearing time gets a value [s]."""

    change: Literal["timer"]
    duration: Seconds


ChangeBody = Annotated[
    SettingChangeBody | PeopleChangeBody | DurationChangeBody, Field(discriminator="change")
]


class ChangesBody(Sent):
    """What to change, and what must hold before; each thing is changed once."""

    model_config = _example(
        expected={"settings": [{"category": "last", "value": "all"}], "lists": [], "duration": 0},
        changes=[
            {"change": "setting", "category": "last", "value": "contacts"},
            {"change": "timer", "duration": 604_800},
        ],
    )
    expected: ExpectedBody = ExpectedBody()
    changes: Annotated[list[ChangeBody], FailFast(), Field(min_length=1, max_length=100)]


class OutcomeBody(Document):
    """What became of a change; ``missed`` are the people for whom it did not take."""

    outcome: str
    reason: str
    missed: list[str]


class OutcomesBody(Document):
    """What became of each change, in the order asked, and what was read back."""

    model_config = _example(
        outcomes=[
            {"outcome": "applied", "reason": "", "missed": []},
            {"outcome": "refused", "reason": "WhatsApp refused: 423 locked.", "missed": []},
        ],
        found={
            "settings": [{"category": "last", "value": "contacts"}],
            "lists": [],
            "duration": None,
        },
    )
    outcomes: list[OutcomeBody]
    found: SettingsStateBody


class DurationBody(Sent):
    """The default disappearing time of new chats [s]; 0 is off."""

    model_config = _example(duration=604_800)
    duration: Seconds


class PhonesBody(Sent):
    """Phone numbers to look up, as digits with the country code."""

    model_config = _example(phones=["999115550101"])
    phones: Annotated[list[PhoneDigits], FailFast(), Field(min_length=1, max_length=1_000)]


class ContactBody(Document):
    """Whose a phone number is; without addresses when nobody on WhatsApp has it."""

    phone: str
    jid: str | None
    pn_jid: str | None


class ContactsBody(Document):
    """Whose the phone numbers are, in the order asked."""

    model_config = _example(contacts=[{"phone": "999115550101", "jid": _LID, "pn_jid": _PHONE}])
    contacts: list[ContactBody]


class LinkStatusBody(Document):
    """How far a phone is linked; ``qr`` is what its camera has to see, and a secret."""

    model_config = _example(
        state="connected", hint="", qr=None, expires_in=None, linked_as="+99 ••• 01"
    )
    state: str
    hint: str
    qr: str | None
    expires_in: int | None
    linked_as: str | None


class PhoneSetsBody(Sent):
    """The owner changes a setting on the phone."""

    model_config = _example(event="phone_sets", category="last", value="all")
    event: Literal["phone_sets"]
    category: Name
    value: Name


class PhoneListsBody(Sent):
    """The owner changes a disallowed list on the phone."""

    model_config = _example(event="phone_lists", category="last", users=[{"jid": _LID}])
    event: Literal["phone_lists"]
    category: Name
    users: PeopleChanges


class NextAnswerBody(Sent):
    """What happens to the account's next answers."""

    model_config = _example(event="next_answer", fault="refused", code=429, text="rate-overlimit")
    event: Literal["next_answer"]
    fault: Annotated[str, Field(max_length=64), _told(enum=[*Fault])]
    code: Annotated[int, Field(ge=100, le=599)] = 406
    text: Annotated[str, Field(max_length=64)] = "not-acceptable"
    error_type: Annotated[str, Field(max_length=64)] = ""
    backoff: Annotated[float, Field(ge=0, le=86_400)] | None = None
    seconds: Annotated[float, Field(ge=0, le=3_600)] = 0.0
    operation: Annotated[str, Field(max_length=64), _told(enum=[*READS, *CHANGES])] | None = None
    category: Name | None = None
    times: Annotated[int, Field(ge=1, le=1_000)] = 1


EventBody = Annotated[PhoneSetsBody | PhoneListsBody | NextAnswerBody, Field(discriminator="event")]


_, _PROBLEM = problem_from_error(InvalidPairError("online", "none", ("all", "match_last_seen")))


class ProblemBody(Document):
    """Why a request failed (RFC 9457); ``type`` decides, and ``hint`` says what to do next."""

    model_config = _example(**_PROBLEM)
    type: str
    title: str
    status: int
    detail: str
    hint: str
    source: Literal["gateway", "whatsapp"]
    code: int = Field(default=0, description="WhatsApp's number for the refusal.")
    error_type: str = Field(default="", description="WhatsApp's class of error.")
    retry_after: float = Field(default=0, description="How long to wait [s].")
    text: str = Field(default="", description="WhatsApp's name for the refusal.")
    given: str = Field(default="", description="The name that is not known.")
    nearest: str = Field(default="", description="The known name most like it.")
    category: str = Field(default="", description="The category that was refused.")
    value: str = Field(default="", description="The value that was refused.")
    allowed: list[str] = Field(default=[], description="The values that the category takes.")
    faults: list[str] = Field(default=[], description="What is wrong with a policy.")
    changed: list[str] = Field(default=[], description="What is not as a plan expects it.")
