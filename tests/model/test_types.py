"""The nouns of the specification: names, pairs, addresses, and what they refuse."""

import copy
import pickle
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import privacy_sdk as ps
from privacy_sdk import PrivacyCategory as Category
from privacy_sdk import PrivacyValue as Value
from privacy_sdk.model import words
from privacy_sdk.model.arguments import as_category, as_list_category, as_pair, as_seconds, as_value
from privacy_sdk.model.types import LIST_CATEGORIES, MAX_LISTED

# The specification's own words.
CATEGORIES = {
    "Last": "last",
    "Online": "online",
    "Profile": "profile",
    "Status": "status",
    "GroupAdd": "groupadd",
    "ReadReceipts": "readreceipts",
    "CallAdd": "calladd",
    "Messages": "messages",
    "DefenseMode": "defense",
}
VALUES = {
    "All": "all",
    "Contacts": "contacts",
    "None": "none",
    "ContactBlacklist": "contact_blacklist",
    "MatchLastSeen": "match_last_seen",
    "Known": "known",
    "Off": "off",
    "OnStandard": "on_standard",
}
VALID = {
    "Last": "All, Contacts, ContactBlacklist, None",
    "Online": "All, MatchLastSeen",
    "Profile": "All, Contacts, ContactBlacklist, None",
    "Status": "All, Contacts, ContactBlacklist, None",
    "GroupAdd": "All, Contacts, ContactBlacklist, None",
    "ReadReceipts": "All, None",
    "CallAdd": "All, Known, Contacts",
    "Messages": "All, Contacts",
    "DefenseMode": "Off, OnStandard",
}
PAIRS = [(category, value) for category in CATEGORIES for value in VALUES]

LID, PHONE = "999000000000001@lid", "999115550101@s.whatsapp.net"


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no repr for you")


HUGE = pytest.param(10**5000, id="huge")  # its digits cannot even be printed
RUBBISH = [None, True, 0, 3.5, float("nan"), HUGE, b"last", [], {}, {"last"}, Unprintable()]


def test_the_members_are_the_specifications():
    assert [category.value for category in Category] == list(CATEGORIES.values())
    assert {value.value for value in Value} == set(VALUES.values())


@pytest.mark.parametrize(("category", "value"), PAIRS)
def test_each_of_the_72_pairs_is_valid_exactly_where_the_specification_says(category, value):
    wanted = value in VALID[category].split(", ")
    pair = Category(CATEGORIES[category]), Value(VALUES[value])
    assert pair[0].is_valid_value(pair[1]) is wanted
    assert pair[0].is_valid_value(VALUES[value]) is wanted
    assert (pair[1] in pair[0].valid_values) is wanted
    if wanted:
        assert as_pair(CATEGORIES[category], VALUES[value]) == pair
    else:
        with pytest.raises(ps.InvalidPairError) as caught:
            as_pair(*pair)
        assert [VALUES[name] for name in VALID[category].split(", ")] == [*caught.value.allowed]


def test_there_are_72_pairs():
    assert len(PAIRS) == 72


def test_four_categories_have_a_list():
    with_list = [category for category in Category if category.supports_disallowed_list()]
    assert with_list == [Category.LAST, Category.PROFILE, Category.STATUS, Category.GROUP_ADD]
    assert with_list == [*LIST_CATEGORIES]


@pytest.mark.parametrize("kind", [Category, Value])
class TestUnknownNames:
    def test_keep_their_string(self, kind):
        unknown = kind("brand_new")
        assert type(unknown) is kind
        assert unknown == "brand_new"
        assert unknown.value == str(unknown) == f"{unknown}" == "brand_new"
        assert type(unknown.value) is str
        assert not unknown.is_known

    def test_are_equal_and_hash_equal_by_string(self, kind):
        assert kind("brand_new") == kind.other("brand_new")
        assert hash(kind("brand_new")) == hash(kind.other("brand_new")) == hash("brand_new")
        assert kind("brand_new") != kind("brand_old")
        assert {kind("brand_new"): 1}["brand_new"] == 1

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_survive_pickling_and_copying(self, kind, protocol):
        unknown = kind("brand_new")
        for twin in (
            pickle.loads(pickle.dumps(unknown, protocol)),
            copy.copy(unknown),
            copy.deepcopy(unknown),
        ):
            assert twin == unknown
            assert type(twin) is kind
            assert twin.value == "brand_new"
            assert not twin.is_known

    def test_do_not_grow_the_enum(self, kind):
        members, names = list(kind), set(kind.__members__)
        for n in range(100):
            kind(f"new_{n}")
        assert list(kind) == members
        assert set(kind.__members__) == names
        assert not kind("new_1").is_known

    def test_other_gives_the_member_of_a_known_string(self, kind):
        for member in kind:
            assert kind.other(member.value) is member
            assert member.is_known

    def test_a_name_of_the_other_kind_becomes_one_of_this(self, kind):
        for name in (Category.LAST, Value.ALL, Category("brand_new")):
            made = kind.other(name)
            assert type(made) is kind
            assert type(made.value) is str

    @pytest.mark.parametrize("wire", [*RUBBISH, "", "\ud800", "a\nb", "\0"])
    def test_other_refuses_what_is_no_name(self, kind, wire):
        with pytest.raises(ps.InvalidInputError):
            kind.other(wire)

    @pytest.mark.parametrize("wire", [None, True, 0, b"last", [], ""])
    def test_construction_refuses_what_is_no_string(self, kind, wire):
        with pytest.raises(ps.InvalidInputError):
            kind(wire)


@given(st.text(min_size=1))
def test_any_string_of_a_server_is_kept(wire):
    for kind in (Category, Value):
        name = kind(wire)
        assert name.value == wire
        assert pickle.loads(pickle.dumps(name)) == name
        assert name.is_known == (wire in set(kind))


def test_members_survive_pickling_as_themselves():
    for member in (*Category, *Value):
        assert pickle.loads(pickle.dumps(member)) is member
        assert copy.deepcopy(member) is member


def test_an_unknown_category_accepts_any_value_and_has_no_list():
    unknown = Category.other("brand_new")
    assert unknown.valid_values == ()
    assert all(unknown.is_valid_value(value) for value in (*Value, Value("new"), "anything"))
    assert not unknown.supports_disallowed_list()
    assert as_pair(unknown, Value.other("new")) == ("brand_new", "new")


def test_a_known_category_refuses_an_unknown_value():
    with pytest.raises(ps.InvalidPairError):
        as_pair("last", Value.other("new"))


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ("lst", "last"),
        ("lastseen", "last"),
        ("groupad", "groupadd"),
        ("abuot", "status"),
        ("photo", "profile"),
        ("defence", "defense"),
        ("zzzzzz", None),
    ],
)
def test_an_unknown_category_string_is_refused_with_the_nearest(given, nearest):
    with pytest.raises(ps.UnknownNameError, match="not a known category") as caught:
        as_category(given)
    assert caught.value.nearest == nearest
    assert ("Did you mean" in caught.value.hint) == (nearest is not None)
    assert all(name in caught.value.hint for name in CATEGORIES.values())


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ("contact", "contacts"),
        ("everybody", "all"),
        ("Nobdy", "none"),
        ("contactblacklist", "contact_blacklist"),
        ("matchlastseen", "match_last_seen"),
        ("ON_STANDRAD", "on_standard"),
        ("", None),
        # Never across allow and deny, nor towards more than was asked for.
        ("contact_allowlist", None),
        ("contact_whitelist", None),
        ("only contacts", None),
        ("not everyone", None),
        ("no contacts", None),
        ("contacts but", None),
        ("null", None),
        ("small", None),
        ("know", "known"),
    ],
)
def test_an_unknown_value_string_is_refused_with_the_nearest(given, nearest):
    with pytest.raises(ps.UnknownNameError, match="not a known value") as caught:
        as_value(given)
    assert caught.value.nearest == nearest


@pytest.mark.parametrize(
    ("category", "value"),
    [("online", "nobdy"), ("online", "contacts exept"), ("last", "matchlastseen"), ("last", "of")],
)
def test_no_value_is_suggested_that_the_category_refuses(category, value):
    with pytest.raises(ps.UnknownNameError) as caught:
        as_pair(category, value)
    assert caught.value.nearest is None
    allowed = ", ".join(Category(category).valid_values)
    assert caught.value.hint == f"Known: {allowed}."


@given(st.data())
def test_every_word_that_is_shown_is_taken_in_any_case(data):
    category = data.draw(st.sampled_from(list(Category)))
    value = data.draw(st.sampled_from(category.valid_values))
    case = data.draw(st.sampled_from([str, str.upper, str.lower, str.title, str.swapcase]))
    space = data.draw(st.sampled_from(["", " ", "\u00a0", "\n"]))
    names = (category.value, category.name, words.label(category))
    shown = (value.value, value.name, words.audience(value))
    for name in names:
        for word in shown:
            pair = as_pair(case(name) + space, space + case(word))
            assert pair == (category, value)


@pytest.mark.parametrize(
    "word", ["My contacts except…", "my contacts except...", "My Contacts Except"]
)
def test_whatsapp_s_own_word_for_exceptions_is_taken(word):
    assert as_value(word) is Value.CONTACT_BLACKLIST


@given(st.integers(0, 2**32 - 1), st.sampled_from([str, str.upper, str.title]))
def test_every_duration_that_is_shown_is_taken(seconds, case):
    assert as_seconds(case(words.timer(seconds))) == seconds
    assert as_seconds(str(seconds)) == seconds


@pytest.mark.parametrize(
    "duration",
    ["3 months", "3mo", "1 year", "7dd", "soon", "", "-5", "2³²", "٧d", "1e3", "99999999999"],
)
def test_a_text_that_is_no_duration_is_refused_with_what_is_possible(duration):
    with pytest.raises(ps.errors.InvalidDurationError) as caught:
        as_seconds(duration)
    assert "WhatsApp itself offers off, 24 hours, 7 days, 90 days." in caught.value.hint
    assert "Did you mean" not in caught.value.hint


@pytest.mark.parametrize("wrong", [*RUBBISH, "", " ", pytest.param("x" * 10**6, id="long")])
@pytest.mark.parametrize("read", [as_category, as_value, as_list_category])
def test_what_is_no_name_gets_a_short_error(read, wrong):
    with pytest.raises(ps.UnknownNameError) as caught:
        read(wrong)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("category", ["online", "messages", "defense", Category("brand_new")])
def test_a_category_without_a_list_is_refused_with_those_that_have_one(category):
    with pytest.raises(ps.errors.NoDisallowedListError) as caught:
        as_list_category(category)
    assert caught.value.category == category
    assert caught.value.hint.endswith("last, profile, status, groupadd.")


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        (0, 0),
        (1, 1),
        (604_800, 604_800),
        (2**32 - 1, 2**32 - 1),
        (timedelta(), 0),
        (timedelta(days=90), 7_776_000),
        (timedelta(seconds=2**32 - 1), 2**32 - 1),
        (pd.Timedelta("7D"), 604_800),
        (np.int64(86_400), 86_400),
    ],
)
def test_a_duration_is_read_as_a_plain_int(duration, seconds):
    assert as_seconds(duration) == seconds
    assert type(as_seconds(duration)) is int


@pytest.mark.parametrize(
    "duration",
    [
        -1,
        2**32,
        -(10**30),
        False,
        1.0,
        1.5,
        np.True_,
        np.float64(2),
        pd.NaT,
        timedelta(seconds=-1),
        timedelta(microseconds=1),
        timedelta.max,
        pd.Timedelta(1, "ns"),
        *(wrong for wrong in RUBBISH if wrong != 0 and not isinstance(wrong, str)),
    ],
)
def test_a_bad_duration_is_refused(duration):
    with pytest.raises(ps.errors.InvalidDurationError) as caught:
        as_seconds(duration)
    assert "4_294_967_295" in caught.value.hint
    assert len(str(caught.value)) < 200


@given(
    st.from_regex(r"[0-9]{1,20}", fullmatch=True),
    st.sampled_from(["lid", "s.whatsapp.net", "c.us", "hosted.lid"]),
    st.integers(0, 99_999),
)
def test_an_address_is_read_as_it_is_written(user, server, device):
    jid = ps.Jid(user, server, device)
    assert ps.Jid.parse(str(jid)) == jid
    assert hash(ps.Jid.parse(str(jid))) == hash(jid)
    assert pickle.loads(pickle.dumps(jid)) == jid


def test_an_address_knows_what_it_is():
    assert ps.Jid.parse(LID).is_lid
    assert ps.Jid.parse(PHONE).is_phone
    assert ps.Jid.phone("999115550101") == ps.Jid.parse(PHONE)
    assert not ps.Jid.parse(PHONE).is_lid
    assert not ps.Jid("5", "c.us").is_phone
    assert ps.Jid.parse("999115550101:0@lid") == ps.Jid.parse("999115550101@lid")
    assert ps.Jid.parse("999115550101.1:7@lid").device == 7
    assert ps.Jid.parse(ps.Jid.parse(LID)) == ps.Jid.parse(LID)


@given(st.from_regex(r"[0-9]{8,15}", fullmatch=True))
def test_no_repr_shows_a_whole_number(user):
    jid, phone = ps.Jid(user, "lid", 3), ps.Jid.phone(user)
    records = (
        jid,
        ps.DisallowedListUserEntry(jid, phone),
        ps.DisallowedListUpdate(None, [ps.DisallowedListUserEntry(jid)]),
        ps.DisallowedListUser(jid, phone),
        ps.DisallowedList("1", (ps.DisallowedListUser(jid),)),
        ps.Contact(user, jid, jid),
        ps.testing.PhoneLists("last", [ps.DisallowedListUserEntry(jid)]),
    )
    for record in records:
        assert user not in repr(record)
        assert "•••" in repr(record)
    assert user in str(jid)


@pytest.mark.parametrize(
    "text",
    [
        *RUBBISH,
        "",
        "@",
        "@lid",
        "1@",
        "lid",
        "1lid",
        "x@lid",
        "1@LID",
        "1@lid ",
        "1@lid\n",
        " 1@lid",
        "+999115550101@s.whatsapp.net",
        "999115550101",
        "1:@lid",
        "1:x@lid",
        "1:123456@lid",
        "1:-1@lid",
        "-1@lid",
        "1@lid@lid",
        "١٢٣@lid",
        "1" * 21 + "@lid",
        "1@" + "x" * 40,
    ],
)
def test_rubbish_is_no_address(text):
    with pytest.raises(ps.errors.InvalidJidError):
        ps.Jid.parse(text)


@given(st.text() | st.from_regex(r"\d*[:.]?\d*@?[a-z.]*"))
def test_any_text_is_an_address_or_refused(text):
    try:
        jid = ps.Jid.parse(text)
    except ps.errors.InvalidJidError:
        return
    assert ps.Jid.parse(str(jid)) == jid


@pytest.mark.parametrize(
    "parts",
    [
        (5, "lid"),
        ("5", None),
        ("5", "lid", -1),
        ("5", "lid", True),
        ("5", "lid", 1.0),
        ("5", "lid", 10**5000),
        ("5@lid", "lid"),
        (None, None, None),
        ("999115550101", "not a server"),
    ],
)
def test_an_address_cannot_be_made_of_wrong_parts(parts):
    with pytest.raises(ps.errors.InvalidJidError) as caught:
        ps.Jid(*parts)
    assert "999115550101" not in str(caught.value)


def test_an_entry_adds_unless_told_otherwise():
    entry = ps.DisallowedListUserEntry(LID, PHONE)
    assert entry.action is ps.DisallowedListAction.ADD
    assert (entry.jid, entry.pn_jid) == (ps.Jid.parse(LID), ps.Jid.parse(PHONE))
    removing = ps.DisallowedListUserEntry(ps.Jid.parse(LID), action="remove")
    assert removing.action is ps.DisallowedListAction.REMOVE


@pytest.mark.parametrize("action", [*RUBBISH, "", "ADD", "ad", "append"])
def test_an_entry_refuses_an_action_that_is_none(action):
    with pytest.raises(ps.UnknownNameError, match="not a known action"):
        ps.DisallowedListUserEntry(LID, action=action)


def test_an_action_that_was_meant_is_named_as_one_writes_it():
    with pytest.raises(ps.UnknownNameError) as caught:
        ps.DisallowedListUserEntry(LID, action="removed")
    assert type(caught.value.nearest) is str
    assert caught.value.hint == "Did you mean 'remove'? Known: add, remove."


@pytest.mark.parametrize("wrong", [*RUBBISH[1:], "", "999115550101"])
def test_an_entry_refuses_what_is_no_address(wrong):
    with pytest.raises(ps.errors.InvalidJidError):
        ps.DisallowedListUserEntry(wrong)
    with pytest.raises(ps.errors.InvalidJidError):
        ps.DisallowedListUserEntry(LID, wrong)


@pytest.mark.parametrize("dhash", [*RUBBISH[1:], "", "\n", "\ud800"])
def test_an_update_refuses_what_is_no_dhash(dhash):
    with pytest.raises(ps.InvalidInputError, match="not a dhash"):
        ps.DisallowedListUpdate(dhash, [ps.DisallowedListUserEntry(LID)])


@pytest.mark.parametrize(
    ("users", "message"),
    [
        ([], "names nobody"),
        ((), "names nobody"),
        (None, "not NoneType"),
        (7, "not int"),
        (LID, "not str"),
        ([LID], "not str"),
        ([ps.DisallowedListUserEntry(LID), None], "not NoneType"),
        ([ps.DisallowedListUserEntry(LID), ps.DisallowedListUserEntry(LID, PHONE)], "twice"),
    ],
)
def test_an_update_refuses_users_that_are_none(users, message):
    with pytest.raises(ps.InvalidInputError, match=message):
        ps.DisallowedListUpdate("none", users)


def test_an_update_holds_as_many_people_as_a_list_and_no_more():
    entries = [ps.DisallowedListUserEntry(ps.Jid(str(n), "lid")) for n in range(MAX_LISTED + 1)]
    assert len(ps.DisallowedListUpdate(None, entries[:-1]).users) == MAX_LISTED == 64_000
    with pytest.raises(ps.InvalidInputError, match="64001 people is too long"):
        ps.DisallowedListUpdate(None, entries)


def test_an_update_takes_any_iterable_of_entries():
    entry = ps.DisallowedListUserEntry(LID)
    assert ps.DisallowedListUpdate("1", (e for e in [entry])).users == (entry,)
    assert ps.DisallowedListUpdate("1", entry).users == (entry,)


def test_a_response_answers_look_ups_by_member_and_string():
    setting = ps.PrivacySetting(Category.LAST, Value.CONTACTS)
    new = ps.PrivacySetting(Category("brand_new"), Value("some"))
    response = ps.PrivacySettingsResponse([setting, new])
    assert response.get("last") is response.get(Category.LAST) is setting
    assert response.get_value(Category("brand_new")) == "some"
    assert response.get("online") is response.get_value("online") is None
    assert "last" in response
    assert Category.ONLINE not in response
    assert None not in response
    assert len(response) == 2
    assert [*response] == [setting, new]
    assert response == ps.PrivacySettingsResponse((setting, new))
    assert pickle.loads(pickle.dumps(response)) == response


def test_an_empty_response_is_empty():
    assert len(ps.PrivacySettingsResponse()) == 0
    assert [*ps.PrivacySettingsResponse()] == []


def test_records_cannot_be_changed():
    for record, field in (
        (ps.Jid.parse(LID), "user"),
        (ps.SetPrivacySettingResponse("1"), "dhash"),
        (ps.DisallowedListUserEntry(LID), "jid"),
        (ps.PrivacySettingsResponse(), "settings"),
    ):
        with pytest.raises(AttributeError, match="cannot assign"):
            setattr(record, field, None)
