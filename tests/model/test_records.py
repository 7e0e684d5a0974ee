"""Public records: they travel by pickle and copy, and their annotations can be read."""

import copy
import dataclasses
import pickle
import typing
from datetime import UTC, datetime

import pydantic
import pytest

import privacy_sdk as ps

JID = ps.Jid.parse("999000000000001@lid")
USER = ps.DisallowedListUser(JID, ps.Jid.phone("999115550101"))
ENTRY = ps.DisallowedListUserEntry(JID)
LAST, NONE = ps.PrivacyCategory.LAST, ps.PrivacyValue.NONE
NEW = ps.PrivacyCategory.other("new")
CHANGE = ps.policies.SettingChange(NEW, None, NONE, ps.policies.Direction.TIGHTER)
RESULT = ps.policies.ChangeResult(CHANGE, ps.policies.Outcome.REFUSED, "no", frozenset({JID}))
STATE = ps.policies.SettingsState({LAST: NONE}, {LAST: ps.DisallowedList("1", (USER,))}, 5)
PLAN = ps.Plan((CHANGE,), STATE, account="demo")

RECORDS = [
    ps.AccountInfo("demo", "emulated", ps.accounts.AccountState.CONNECTED, frozenset()),
    ps.ApplyResult((RESULT,), STATE),
    ps.Contact("999115550101", JID),
    ps.DisallowedList("1", (USER,)),
    ps.DisallowedListUpdate("1", [ENTRY]),
    USER,
    ENTRY,
    JID,
    PLAN,
    ps.PrivacySetting(NEW, NONE),
    ps.PrivacySettingsResponse([ps.PrivacySetting(LAST, NONE)], 1),
    ps.SetPrivacySettingResponse("1"),
    ps.policies.HistoryEntry(1, datetime(2026, 11, 26, tzinfo=UTC), "timer"),
    ps.Client.emulated().visibility(),
    ps.accounts.LinkStatus(ps.accounts.AccountState.CONNECTED),
    RESULT,
    ps.policies.ListChange(LAST, ps.DisallowedListAction.ADD, (USER,)),
    CHANGE,
    STATE,
    ps.policies.TimerChange(0, 5),
    ps.testing.NextAnswer("slow", seconds=1),
    ps.testing.PhoneLists("last", [ENTRY]),
    ps.testing.PhoneSets("new", "all"),
]


def test_every_public_record_is_tried():
    public = [
        getattr(module, name)
        for module in (ps, ps.accounts, ps.policies, ps.testing)
        for name in module.__all__
    ]
    assert {cls for cls in public if dataclasses.is_dataclass(cls)} == set(map(type, RECORDS))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_survives_pickling_and_copying(record):
    for twin in (
        *(pickle.loads(pickle.dumps(record, n)) for n in range(pickle.HIGHEST_PROTOCOL + 1)),
        copy.copy(record),
        copy.deepcopy(record),
    ):
        assert type(twin) is type(record)
        assert twin == record
        assert repr(twin) == repr(record)
        for field in dataclasses.fields(record):
            assert getattr(twin, field.name) == getattr(record, field.name)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_records_annotations_can_be_read(record):
    hints = typing.get_type_hints(type(record))
    assert {field.name for field in dataclasses.fields(record)} <= hints.keys()
    pydantic.TypeAdapter(type(record))
