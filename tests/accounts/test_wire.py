"""JSON and back: what is written is read again, and whatever is not so written is met calmly."""

import json
import pickle
import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_errors import CLASSES, example

import privacy_sdk as ps
from privacy_sdk import PrivacyCategory as Category
from privacy_sdk import PrivacyValue as Value
from privacy_sdk.accounts import problems, wire
from privacy_sdk.accounts.base import LinkStatus
from privacy_sdk.accounts.http import MAX_ANSWER
from privacy_sdk.accounts.problems import PROBLEMS
from privacy_sdk.errors.escapes import printable
from privacy_sdk.model.changes import ChangeResult, Outcome, Report, SettingChange, TimerChange
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import LIST_CATEGORIES, MAX_LISTED

LID, PHONE = "999000000000001@lid", "999115550101@s.whatsapp.net"


def travelled(document: object) -> object:
    """The document after a trip as JSON."""
    return json.loads(json.dumps(document, allow_nan=False))


names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20).filter(
    lambda name: printable(name) == name
)
codes = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=1_000)
numbers = st.from_regex("[1-9][0-9]{0,14}", fullmatch=True)
jids = st.builds(ps.Jid, numbers, st.just("lid"), st.integers(0, 99))
maybe_jids = st.none() | st.builds(ps.Jid.phone, numbers)
dhashes = st.none() | names
entries = st.lists(
    st.builds(ps.DisallowedListUserEntry, jids, maybe_jids, st.sampled_from(["add", "remove"])),
    min_size=1,
    max_size=5,
    unique_by=(
        lambda entry: entry.jid.identity,
        lambda entry: (entry.pn_jid or entry.jid).identity,
    ),
)
settings = st.lists(
    st.builds(
        ps.PrivacySetting,
        st.builds(Category, names),
        st.builds(Value, names.filter(lambda name: name != "error")),
    ),
    unique_by=lambda setting: setting.category,
)
texts = names | st.just("")
waits = st.integers(0, 2**31) | st.floats(0, 1e9)
events = (
    st.builds(ps.testing.PhoneSets, names, names)
    | st.builds(ps.testing.PhoneLists, st.sampled_from(["last", "groupadd"]), entries)
    | st.builds(
        ps.testing.NextAnswer,
        st.sampled_from(["refused", "refused_inside", "not_applied", "lost", "slow"]),
        code=st.integers(0, 999),
        text=texts,
        error_type=texts,
        backoff=st.none() | waits,
        seconds=waits,
        operation=st.none() | st.sampled_from(["set_privacy_setting", "find_contacts"]),
        category=st.none() | names,
        times=st.integers(1, 9),
    )
)


@given(settings)
def test_settings_travel(rows):
    response = ps.PrivacySettingsResponse(rows)
    read = wire.settings_from_json(travelled(wire.to_json(response)))
    assert read == response
    assert all(type(row.category) is Category and type(row.value) is Value for row in read)


def test_how_many_settings_an_account_could_not_name_travels():
    response = ps.PrivacySettingsResponse([], unreadable=2)
    document = travelled(wire.to_json(response))
    assert wire.settings_from_json(document) == response


@given(dhashes)
def test_the_answer_to_a_change_travels(dhash):
    response = ps.SetPrivacySettingResponse(dhash)
    assert wire.set_response_from_json(travelled(wire.to_json(response))) == response


def test_what_a_record_says_to_people_does_not_travel():
    response = ps.SetPrivacySettingResponse("5", description="Last seen: nobody")
    assert wire.to_json(response) == {"dhash": "5"}


@given(dhashes, entries)
def test_a_list_update_travels(dhash, users):
    update = ps.DisallowedListUpdate(dhash, users)
    document = travelled(wire.update_to_json(update))
    assert wire.update_from_json(document) == update
    assert ("dhash" in document) is (dhash is not None)


@given(dhashes, st.lists(st.builds(ps.DisallowedListUser, jids, maybe_jids)))
def test_a_list_travels(dhash, users):
    people = ps.DisallowedList(dhash, tuple(users))
    assert wire.list_from_json(travelled(wire.to_json(people))) == people


@given(st.lists(st.builds(ps.Contact, numbers, st.none() | jids, maybe_jids)))
def test_contacts_travel(contacts):
    document = travelled({"contacts": wire.to_json(tuple(contacts))})
    assert wire.contacts_from_json(document) == tuple(contacts)


@given(
    st.builds(
        ps.AccountInfo,
        names,
        names,
        st.sampled_from(ps.accounts.AccountState),
        st.frozensets(names),
    )
)
def test_accounts_travel(info):
    document = travelled({"accounts": [wire.to_json(info)]})
    assert wire.accounts_from_json(document) == (info,)


@given(
    st.builds(
        LinkStatus,
        st.sampled_from(ps.accounts.AccountState),
        hint=texts,
        qr=st.none() | codes,
        expires_in=st.none() | st.integers(0, 60),
        linked_as=st.none() | names,
    )
)
def test_a_link_status_travels(status):
    assert wire.link_status_from_json(travelled(wire.to_json(status))) == status


@given(events)
def test_events_travel(event):
    assert wire.event_from_json(travelled(wire.event_to_json(event))) == event


@given(st.integers(0, 2**32 - 1))
def test_a_duration_travels(seconds):
    assert wire.duration_from_json(travelled({"duration": seconds})) == seconds


LOCAL = {ps.PrivacyError, ps.RecordingError, ps.NotRecordedError, ps.errors.UsageError}
"""Errors that are raised where the user is, and never cross HTTP."""


def test_every_error_crosses_http_or_is_local():
    assert set(PROBLEMS) == set(CLASSES) - LOCAL
    assert len({slug for slug, _ in PROBLEMS.values()}) == len(PROBLEMS)


@pytest.mark.parametrize("cls", PROBLEMS, ids=lambda cls: cls.__name__)
def test_every_error_travels_as_a_problem(cls):
    error = example(cls)
    status, document = problems.problem_from_error(error)
    read = problems.error_from_problem(status, travelled(document))
    assert type(read) is cls
    assert vars(read) == vars(error)
    assert read.args == error.args
    assert document["type"].startswith("urn:privacy-sdk:")
    assert document["status"] == status == PROBLEMS[cls][1]
    assert {"title", "detail", "hint", "source"} <= set(document)


@pytest.mark.parametrize("cls", sorted(LOCAL, key=lambda cls: cls.__name__))
def test_a_local_error_would_still_be_a_problem_of_the_gateways(cls):
    status, document = problems.problem_from_error(example(cls))
    assert document["detail"] == example(cls).message
    assert type(problems.error_from_problem(status, document)) is ps.errors.GatewayError


def test_only_whatsapps_own_refusals_name_it_as_their_source():
    for cls in PROBLEMS:
        source = problems.problem_from_error(example(cls))[1]["source"]
        assert source == ("whatsapp" if issubclass(cls, ps.IqError) else "gateway")


def test_the_type_of_a_problem_decides_and_not_its_status():
    _, document = problems.problem_from_error(ps.IqError.from_code(404))
    assert type(problems.error_from_problem(500, document)) is ps.errors.ItemNotFoundError


@pytest.mark.parametrize(
    ("status", "expected"), [(400, ps.errors.InvalidRequestError), (500, ps.errors.GatewayError)]
)
def test_a_problem_of_an_unknown_type_goes_by_its_status(status, expected):
    error = problems.error_from_problem(status, {"type": "about:blank", "detail": "Oh."})
    assert type(error) is expected
    assert str(error) == "Oh."


def test_a_problem_with_members_of_the_wrong_type_keeps_the_good_ones():
    document = {
        "type": "urn:privacy-sdk:rate-limit",
        "detail": 7,
        "hint": None,
        "code": "429",
        "text": "rate-overlimit",
        "error_type": ["wait"],
        "retry_after": "soon",
    }
    error = problems.error_from_problem(429, document)
    assert (error.message, error.text) == ("rate-limit", "rate-overlimit")
    assert (error.code, error.error_type, error.backoff) == (0, "", None)


@pytest.mark.parametrize("wait", [-1, float("nan"), float("inf"), 10**400, True, "3"])
def test_a_wait_that_cannot_be_waited_is_none(wait):
    document = {"type": "urn:privacy-sdk:rate-limit", "retry_after": wait}
    assert problems.error_from_problem(429, document).backoff is None


def test_a_problem_shows_nobodys_number():
    document = {
        "type": "urn:privacy-sdk:unknown-name",
        "detail": PHONE,
        "given": PHONE,
        "nearest": LID,
    }
    error = problems.error_from_problem(422, document)
    assert "999115550101" not in repr(vars(error)) + str(error)
    assert "999000000000001" not in repr(vars(error))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"value": "all"}, "without a name"),
        ({"category": "", "value": "all"}, "without a name"),
        ({"category": None, "value": "all"}, "without a name"),
        ({"category": 7, "value": "all"}, "without a name"),
        ({"category": "\ud800", "value": "all"}, "without a name"),
        ({"category": "online"}, "'online' without a value"),
        ({"category": "online", "value": ""}, "'online' without a value"),
        ({"category": "online", "value": ["all"]}, "'online' without a value"),
        ({"category": "online", "value": "error"}, "error in place of the value of 'online'"),
        ({"category": "last", "value": "none"}, "'last' twice"),
        ("online", "without a name"),
        (None, "without a name"),
        ([], "without a name"),
    ],
)
def test_a_setting_that_cannot_be_read_is_left_out_with_a_warning(row, said):
    good = {"category": "last", "value": "all"}
    after = {"category": "status", "value": "brand_new"}
    with pytest.warns(ps.PrivacyWarning, match=said) as caught:
        response = wire.settings_from_json({"settings": [good, row, after]})
    assert len(caught) == 1
    assert [(r.category, r.value) for r in response] == [("last", "all"), ("status", "brand_new")]


ACCOUNT = {
    "id": "demo",
    "backend": "emulated",
    "state": "connected",
    "capabilities": ["emulate"],
    "hint": "",
}
CHANGE = TimerChange(0, 86_400)
STATE = {"settings": [], "lists": [], "duration": None}


def report_from_json(document):
    return wire.report_from_json(document, [CHANGE])


ANSWERS = {
    report_from_json: {
        "outcomes": [{"outcome": "applied", "reason": "", "missed": []}],
        "found": STATE,
    },
    wire.settings_from_json: {"settings": [{"category": "last", "value": "all"}]},
    wire.set_response_from_json: {"dhash": "1790000000000"},
    wire.list_from_json: {"dhash": "1", "users": [{"jid": LID, "pn_jid": PHONE}]},
    wire.duration_from_json: {"duration": 86_400},
    wire.excluded_change_from_json: {"before": "contacts", "dhash": "5"},
    wire.contacts_from_json: {"contacts": [{"phone": "999115550101", "jid": LID, "pn_jid": PHONE}]},
    wire.account_from_json: ACCOUNT,
    wire.accounts_from_json: {"accounts": [ACCOUNT]},
    wire.link_status_from_json: {
        "state": "waiting_for_scan",
        "hint": "Scan the code.",
        "qr": "2@stand-in",
        "expires_in": 19,
        "linked_as": None,
    },
}
REQUESTS = {
    wire.update_from_json: {
        "dhash": "1",
        "users": [{"action": "add", "jid": LID, "pn_jid": PHONE}],
    },
    wire.plan_from_json: {"expected": STATE, "changes": [wire.change_to_json(CHANGE)]},
    wire.event_from_json: {"event": "next_answer", "fault": "refused", "code": 429},
}
READERS = ANSWERS | REQUESTS


def test_every_reader_of_the_module_is_met_here():
    readers = {name for name in vars(wire) if re.fullmatch("[a-z].*_from_json", name)}
    assert readers == {reader.__name__ for reader in READERS}


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_a_good_document_is_read(reader):
    assert reader(READERS[reader])


@pytest.mark.parametrize("reader", ANSWERS, ids=lambda reader: reader.__name__)
@pytest.mark.parametrize("document", [None, {}, [], "", "<html>", 7, True, {"settings": None}])
def test_an_answer_of_another_shape_is_unreadable(reader, document):
    with pytest.raises(ps.errors.UnreadableAnswerError):
        reader(document)


@pytest.mark.parametrize("reader", REQUESTS, ids=lambda reader: reader.__name__)
@pytest.mark.parametrize("document", [None, {}, [], "", 7, {"users": None}, {"users": [LID]}])
def test_a_request_of_another_shape_is_refused(reader, document):
    with pytest.raises(ps.errors.InvalidRequestError):
        reader(document)


@pytest.mark.parametrize(
    ("reader", "document"),
    [
        (wire.set_response_from_json, {"dhash": 7}),
        (wire.duration_from_json, {"duration": -1}),
        (wire.duration_from_json, {"duration": 2**32}),
        (wire.duration_from_json, {"duration": True}),
        (wire.duration_from_json, {"duration": 1.5}),
        (wire.duration_from_json, {"duration": "86400"}),
        (wire.list_from_json, {"dhash": None, "users": [{"jid": "nobody", "pn_jid": None}]}),
        (wire.list_from_json, {"dhash": None, "users": [{"jid": LID, "pn_jid": 7}]}),
        (wire.list_from_json, {"dhash": None, "users": [LID]}),
        (wire.contacts_from_json, {"contacts": [{"phone": 7, "jid": None, "pn_jid": None}]}),
        (wire.contacts_from_json, {"contacts": [{"phone": "7", "jid": LID}]}),
        (wire.account_from_json, {"id": "demo"}),
        (wire.accounts_from_json, {"accounts": [{"id": "demo"}]}),
        (
            wire.link_status_from_json,
            {"state": "connected", "hint": "", "qr": None, "expires_in": True, "linked_as": None},
        ),
    ],
)
def test_an_answer_with_a_wrong_member_is_unreadable(reader, document):
    with pytest.raises(ps.errors.UnreadableAnswerError):
        reader(document)


@pytest.mark.parametrize(
    "document",
    [
        {"event": "phone_sets"},
        {"event": "phone_sets", "category": "last", "value": "all", "more": 1},
        {"event": "next_answer"},
        {"event": "next_answer", "fault": "refused", "colour": "red"},
        {"event": "earthquake"},
        {"event": ["phone_sets"]},
    ],
)
def test_an_event_with_other_members_is_refused(document):
    with pytest.raises(ps.errors.InvalidRequestError):
        wire.event_from_json(document)


def test_an_unreadable_answer_shows_nobodys_number():
    document = {"dhash": None, "users": [{"jid": "999115550101", "pn_jid": None}]}
    with pytest.raises(ps.errors.UnreadableAnswerError) as caught:
        wire.list_from_json(document)
    assert "999115550101" not in str(caught.value)


def words(document: object) -> set[str]:
    """Every string in a document."""
    if isinstance(document, dict):
        return set(document) | {word for value in document.values() for word in words(value)}
    if isinstance(document, list):
        return {word for value in document for word in words(value)}
    return {document} if isinstance(document, str) else set()


known_words = st.sampled_from(sorted(words([*READERS.values()]) | {"error", "type", "detail"}))
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | known_words | known_words
)
json_documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(known_words | st.text(), inner, max_size=6)
    ),
    max_leaves=20,
)


def spoiled(document: object) -> st.SearchStrategy[object]:
    """Documents like this one, with some part of it replaced."""
    if isinstance(document, dict):
        return json_documents | st.fixed_dictionaries(
            {name: spoiled(value) for name, value in document.items()}
        )
    if isinstance(document, list):
        return json_documents | st.tuples(*map(spoiled, document)).map(list)
    return st.just(document) | scalars


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@given(data=st.data())
def test_any_json_is_read_or_refused_as_our_own_error(reader, data):
    document = data.draw(json_documents | spoiled(READERS[reader]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ps.PrivacyWarning)
        try:
            read = reader(document)
        except ps.PrivacyError:
            return
    if reader is report_from_json:  # states hold mappings
        read = read.results
    elif reader is wire.plan_from_json:
        read = read[1]
    hash(read)


@given(st.integers(400, 599), json_documents | st.dictionaries(known_words, scalars))
def test_any_json_is_some_problem(status, document):
    if isinstance(document, dict):
        document["type"] = document.get("type", "urn:privacy-sdk:refused")
    error = problems.error_from_problem(status, document)
    assert isinstance(error, ps.PrivacyError)
    assert vars(pickle.loads(pickle.dumps(error))).keys() == vars(error).keys()


@pytest.mark.parametrize("cls", PROBLEMS, ids=lambda cls: cls.__name__)
@given(members=st.dictionaries(st.sampled_from(["detail", "hint", "code"]), scalars))
def test_a_problem_has_its_attributes_whatever_its_members_are(cls, members):
    document = {"type": problems.PROBLEM_PREFIX + PROBLEMS[cls][0], **members}
    error = problems.error_from_problem(500, document)
    assert type(error) is cls
    assert all(hasattr(error, name) for name in cls.fields)
    assert isinstance(problems.problem_from_error(error)[1], dict)


def test_a_report_with_four_full_lists_is_no_longer_than_what_is_read():
    people = [
        ps.DisallowedListUser(f"{999 * 10**17 + n}@lid", f"{999 * 10**12 + n}@s.whatsapp.net")
        for n in range(MAX_LISTED)
    ]
    full = ps.DisallowedList("1790000000000", tuple(people))
    changes = [SettingChange(category, Value.ALL, Value.NONE) for category in LIST_CATEGORIES]
    after = SettingsState(
        dict.fromkeys(Category, Value.CONTACT_BLACKLIST), dict.fromkeys(LIST_CATEGORIES, full), 0
    )
    results = tuple(ChangeResult(change, Outcome.APPLIED) for change in changes)
    answer = json.dumps(wire.report_to_json(Report(results, after)))
    assert 16 * 2**20 < len(answer) < MAX_ANSWER


def test_what_a_response_says_to_people_is_not_sent():
    response = ps.SetPrivacySettingResponse("5", description="Last seen: my contacts except…")
    assert wire.to_json(response) == {"dhash": "5"}


# --- limits

ROW = {"category": "last", "value": "all"}
NOBODY = {"jid": None, "pn_jid": None}
UNLINKED = {"state": "unlinked", "hint": "", "qr": None, "expires_in": None, "linked_as": None}


@pytest.mark.parametrize(("length", "shown"), [(300, 300), (301, 300), (10_000, 300)])
def test_words_for_people_are_short(length, shown):
    text = wire.words({"hint": "x" * length}, "hint")
    assert len(text) == shown
    assert text.endswith("…") is (length > 300)


@pytest.mark.parametrize(
    ("read", "document", "is_good"),
    [
        (wire.link_status_from_json, UNLINKED | {"expires_in": 0}, True),
        (wire.link_status_from_json, UNLINKED | {"expires_in": 2**32 - 1}, True),
        (wire.link_status_from_json, UNLINKED | {"expires_in": 2**32}, False),
        (wire.link_status_from_json, UNLINKED | {"expires_in": -1}, False),
        (wire.link_status_from_json, UNLINKED | {"qr": "x" * 1_000}, True),
        (wire.link_status_from_json, UNLINKED | {"qr": "x" * 1_001}, False),
        (wire.set_response_from_json, {"dhash": "x" * 256}, True),
        (wire.set_response_from_json, {"dhash": "x" * 257}, False),
        (wire.set_response_from_json, {"dhash": ""}, False),
        (wire.excluded_change_from_json, {"before": "all", "dhash": None}, True),
        (wire.excluded_change_from_json, {"before": "\x1b[2J", "dhash": None}, False),
        (wire.excluded_change_from_json, {"before": "all", "dhash": "\x1b[2J"}, False),
        (
            wire.contacts_from_json,
            {"contacts": [{"phone": "1", "jid": None, "pn_jid": None}]},
            True,
        ),
        (
            wire.contacts_from_json,
            {"contacts": [{"phone": "x", "jid": None, "pn_jid": None}]},
            False,
        ),
        (
            wire.contacts_from_json,
            {"contacts": [{"phone": "٣", "jid": None, "pn_jid": None}]},
            False,
        ),
    ],
)
def test_what_is_too_long_or_no_such_thing_is_unreadable(read, document, is_good):
    if is_good:
        read(document)
    else:
        with pytest.raises(ps.errors.UnreadableAnswerError):
            read(document)


@pytest.mark.parametrize("outcomes", [0, 2])
def test_a_report_has_one_outcome_for_each_change(outcomes):
    row = {"outcome": "applied", "reason": "", "missed": []}
    found = {"settings": [ROW], "lists": [], "duration": None}
    with pytest.raises(ps.errors.UnreadableAnswerError, match="one outcome"):
        wire.report_from_json({"outcomes": [row] * outcomes, "found": found}, [TimerChange(0, 5)])


def test_rows_are_all_that_was_reported_unless_more_is_said():
    assert wire.settings_from_rows([("last", "all")]).unreadable == 0


def test_a_plan_is_read_as_it_was_written():
    before = SettingsState({Category.LAST: Value.ALL}, timer=0)
    changes = (SettingChange(Category.LAST, Value.ALL, Value.NONE), TimerChange(0, 60))
    assert wire.plan_from_json(travelled(wire.plan_to_json(before, changes))) == (before, changes)
