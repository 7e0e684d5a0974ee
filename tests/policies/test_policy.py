"""Wanted settings: what a policy may say, and how it says that it may not."""

import contextlib
import pickle
import stat
from collections.abc import Mapping
from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import privacy_sdk as ps
from privacy_sdk.model.types import LIST_CATEGORIES, MAX_LISTED, exposure
from privacy_sdk.policies.policy import MAXIMUM, STRICTEST, Policy, as_policy

NUMBER, LID = "+999 11 555 0101", "999000000000002@lid"


def faults_of(call) -> tuple[str, ...]:
    with pytest.raises(ps.errors.InvalidPolicyError) as caught:
        call()
    assert isinstance(caught.value, ps.InvalidInputError)
    for fault in caught.value.faults[:20]:
        assert fault in caught.value.message
    return caught.value.faults


def test_maximum_is_the_specification_s_setting_for_setting():
    wanted = {
        "last": "none",
        "online": "match_last_seen",
        "profile": "contacts",
        "status": "contacts",
        "groupadd": "contacts",
        "readreceipts": "none",
        "calladd": "contacts",
        "messages": "contacts",
    }
    assert list(MAXIMUM.settings.items()) == list(wanted.items())
    assert (dict(MAXIMUM.exceptions), MAXIMUM.timer) == ({}, None)
    assert ps.policies.MAXIMUM is MAXIMUM


def test_keywords_and_mapping_say_the_same():
    exceptions = {"profile": [NUMBER, LID]}
    by_keyword = Policy(last="none", exceptions=exceptions, timer=timedelta(days=7))
    assert by_keyword == Policy({"last": "none", "exceptions": exceptions, "timer": "7d"})
    assert by_keyword.settings["profile"] is ps.PrivacyValue.CONTACT_BLACKLIST
    assert [str(jid) for jid in by_keyword.exceptions[ps.PrivacyCategory.PROFILE]] == [
        "999115550101@s.whatsapp.net",
        LID,
    ]
    assert by_keyword.timer == 604_800


def test_keywords_win_over_the_mapping_as_they_do_for_a_dict():
    assert Policy({"last": "none"}, last="all") == Policy(last="all")


def test_what_is_none_is_not_wanted():
    assert Policy(last=None, timer=None) == Policy()


def test_unknown_names_pass_on_purpose_only():
    pix, value = ps.PrivacyCategory.other("pix"), ps.PrivacyValue.other("some")
    assert Policy({pix: value}).settings == {pix: value}
    assert "pix" in faults_of(lambda: Policy({"pix": "all"}))[0]


def test_a_policy_cannot_be_changed():
    with pytest.raises(TypeError):
        MAXIMUM.settings["last"] = ps.PrivacyValue.ALL
    with pytest.raises(AttributeError):
        MAXIMUM.timer = 0


def test_every_fault_is_named_at_once_with_its_place():
    faults = faults_of(
        lambda: Policy(
            {
                "lst": "none",
                "online": "none",
                "profile": "evrybody",
                "timer": -1,
                7: "all",
                "exceptions": {
                    "calls": [NUMBER],
                    "messages": [NUMBER],
                    "status": [NUMBER, "+999 (11) 555-0101", "garbage", 5, LID],
                },
            }
        )
    )
    assert [fault.split(":")[0] for fault in faults] == [
        "lst",
        "online",
        "profile",
        "7",
        "exceptions.calls",
        "exceptions.messages",
        "exceptions.status[1]",
        "exceptions.status[2]",
        "exceptions.status[3]",
        "timer",
    ]
    by_place = dict(fault.split(": ", 1) for fault in faults)
    assert "Did you mean 'last'?" in by_place["lst"]
    assert "Allowed for 'online': all, match_last_seen." in by_place["online"]
    assert "Did you mean 'all'?" in by_place["profile"]
    assert "last, profile, status, groupadd" in by_place["exceptions.calls"]
    assert "last, profile, status, groupadd" in by_place["exceptions.messages"]
    assert by_place["exceptions.status[1]"] == "the same person as exceptions.status[0]."


def test_people_are_excepted_from_contacts_only():
    (fault,) = faults_of(lambda: Policy(last="none", exceptions={"last": [NUMBER]}))
    assert fault.startswith("exceptions.last: People are excepted from contacts only")
    assert Policy(last="contact_blacklist", exceptions={"last": []}).exceptions == {"last": ()}


@pytest.mark.parametrize("exceptions", [[NUMBER], NUMBER, 5, {"last": 5}, {"last": {NUMBER: 1}}])
def test_exceptions_of_another_shape_are_a_fault(exceptions):
    (fault,) = faults_of(lambda: Policy(exceptions=exceptions))
    assert fault.startswith("exceptions")


def test_a_list_over_the_limit_is_a_fault_and_one_at_the_limit_is_not():
    people = [f"{999 * 10**12 + n}@lid" for n in range(MAX_LISTED + 1)]
    assert len(Policy(exceptions={"last": people[1:]}).exceptions["last"]) == MAX_LISTED
    (fault,) = faults_of(lambda: Policy(exceptions={"last": people}))
    assert "at most 64,000 people" in fault


def test_of_very_many_faults_the_message_names_the_first_and_counts_the_rest():
    with pytest.raises(ps.errors.InvalidPolicyError) as caught:
        Policy(exceptions={"last": ["x"] * 1_000})
    assert len(caught.value.faults) == 1_000
    assert "1000 faults" in caught.value.message
    assert "… and 980 more." in caught.value.message


def test_no_number_is_shown():
    policy = Policy(exceptions={"profile": [NUMBER, LID]})
    bad = faults_of(lambda: Policy(exceptions={"last": ["11 5550 0101", NUMBER, NUMBER, "5"]}))
    for text in (repr(policy), *bad):
        assert "5550" not in text
        assert "0101" not in text


@pytest.mark.parametrize("policy", [MAXIMUM, Policy(timer=0), Policy(exceptions={"last": [LID]})])
def test_a_policy_pickles(policy):
    assert pickle.loads(pickle.dumps(policy)) == policy


@pytest.mark.parametrize("wanted", [5, "last", ["last"], [("last", "none")]])
def test_what_maps_nothing_is_no_policy(wanted):
    assert "is not a mapping" in faults_of(lambda: Policy(wanted))[0]


@pytest.mark.parametrize("wanted", [5, None, ["last"]])
def test_what_is_no_policy_cannot_be_planned(wanted):
    with pytest.raises(ps.errors.InvalidPolicyError):
        ps.Client.emulated().plan(wanted)


# Files


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.yaml"


def test_a_policy_is_saved_and_loaded(path):
    policy = Policy(
        last="none", defense="off", exceptions={"profile": [NUMBER, LID]}, timer=604_800
    )
    policy.save(path)
    assert Policy.load(path) == Policy.load(str(path)) == as_policy(path) == policy
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "+999115550101" in path.read_text()


@given(st.data(), st.lists(st.sampled_from(list(ps.PrivacyCategory)), unique=True))
def test_every_policy_is_read_as_it_was_written(data, categories):
    wanted = {each: data.draw(st.sampled_from(each.valid_values)) for each in categories}
    people = st.lists(st.integers(1, 99), unique=True)
    lists = data.draw(st.dictionaries(st.sampled_from(LIST_CATEGORIES), people))
    wanted |= dict.fromkeys(lists, ps.PrivacyValue.CONTACT_BLACKLIST)
    exceptions = {each: [f"+99911555{n:04}" for n in people] for each, people in lists.items()}
    timer = data.draw(st.none() | st.integers(0, 2**32 - 1))
    policy = Policy(wanted, exceptions=exceptions, timer=timer)
    if policy != Policy():
        assert Policy.from_yaml(policy.to_yaml()) == policy


def test_off_is_no_false_and_a_number_keeps_its_plus_sign():
    text = "defense: off\nreadreceipts: none\ntimer: off\nexceptions: {last: [+999115550101]}"
    policy = Policy.from_yaml(text)
    assert policy == Policy(
        defense="off", readreceipts="none", timer=0, exceptions={"last": [NUMBER]}
    )


def test_other_programs_read_a_saved_policy_as_it_is_meant():
    import yaml

    text = Policy(defense="off", exceptions={"last": [NUMBER]}, timer=0).to_yaml()
    assert yaml.safe_load(text) == {
        "defense": "off",
        "last": "contact_blacklist",
        "exceptions": {"last": ["+999115550101"]},
        "timer": 0,
    }


def test_every_fault_of_a_file_is_named_with_its_line(path):
    path.write_text(
        "# mine\n"
        "last: none\n"
        "onlin: all\n"
        "last: all\n"
        "exceptions:\n"
        "  profile:\n"
        "    - +999115550101\n"
        "    - +999 11 555-0101\n"
        "  profile: []\n"
        "timer: soon\n"
    )
    faults = faults_of(lambda: Policy.load(path))
    assert [fault.removeprefix(f"{path}, ").split(":")[0] for fault in faults] == [
        "line 4",
        "line 9",
        "line 3, onlin",
        "line 8, exceptions.profile[1]",
        "line 10, timer",
    ]
    assert "'last' is there a second time; the first is on line 2." in faults[0]


BOMB = "last: &a [none, none]\n" + "".join(f"k{n}: &k{n} [*a, *a]\n" for n in range(50))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "It is empty."),
        ("# only a comment", "It is empty."),
        ("hello", "It holds no mapping."),
        ("- last\n- none", "It holds no mapping."),
        ("services:\n  web:\n    image: {name: x, tag: {a: 1}}\nversion: 3", "'services'"),
        ("name: x\non: push\njobs: {}", "another program's: it holds 'name', 'on', 'jobs'"),
        ('{"name": "x", "version": "1"}', "another program's"),
        ("interactions:\n- request: {headers: {a: [b]}}\nversion: 1", "It is a recording."),
        (BOMB, "line 1: Anchors (&) and aliases (*) are not used in a policy."),
        ("last: none\nprofile: *a", "line 2: Anchors (&) and aliases (*)"),
        (
            "last: !!python/name:os.system",
            "line 1: This tag is not used in a policy: 'tag:yaml.org,2002:python/name:os.system'",
        ),
        ("last: none\n---\nlast: all", "line 2: A second document begins here."),
        ("last: [none", "line 1: This is not readable as YAML"),
        ("last: none\n\tonline: all", "line 2: This is not readable as YAML"),
        ("last: none\nonline: \x00", "line 2: YAML does not allow this character."),
        ("last:\n a:\n  b: {c: {d: e}}", "line 3: A policy is nested at most 3 deep."),
        ("[" * 100_000, "line 1: A policy is nested at most 3 deep."),
        ("- " * 100_000, "line 1: A policy is nested at most 3 deep."),
        ("? [last]\n: none", "line 1: A key is a text."),
        ("last: [none]", "is not a known value"),
        ("last:", "is not a known value"),
    ],
)
def test_what_is_no_policy_is_said_to_be_none(path, text, why):
    path.write_text(text)
    (fault,) = faults_of(lambda: Policy.load(path))
    assert str(path) in fault
    assert why in fault


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00last"), "is not a text file"),
        (lambda path: path.write_bytes(b"#" * (16 * 2**20 + 1)), "is longer than 16 MiB"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(path, make, why):
    make(path)
    (fault,) = faults_of(lambda: Policy.load(path))
    assert str(path) in fault
    assert why in fault


@pytest.mark.parametrize("given", [None, 5, b"last: none"])
def test_what_is_no_text_is_no_policy(given):
    faults_of(lambda: Policy.from_yaml(given))


@given(st.text(alphabet="lastonie: -[]{}&*!#\n'\"0+|>?%@`,", max_size=60))
def test_any_text_is_a_policy_or_a_fault(text):
    with contextlib.suppress(ps.errors.InvalidPolicyError):
        Policy.from_yaml(text)


def test_what_this_version_does_not_know_is_not_written():
    with pytest.raises(ps.InvalidInputError, match="cannot hold 'pix'"):
        Policy({ps.PrivacyCategory.other("pix"): "all"}).to_yaml()


# Snapshots


def test_a_snapshot_wants_what_is(path):
    client = ps.Client.emulated()
    client.exclude("profile", [NUMBER, LID])
    client.set_default_disappearing_mode(86_400)
    snapshot = client.snapshot()
    assert not client.plan(snapshot)
    snapshot.save(path)
    assert Policy.load(path) == snapshot
    client.apply(client.plan(MAXIMUM))
    client.set_default_disappearing_mode(0)
    client.apply(client.plan(path))
    assert client.snapshot() == snapshot


def test_a_snapshot_says_in_its_notes_what_it_leaves_out_and_who_is_who():
    client = ps.Client.emulated()
    client.exclude("last", NUMBER)
    client.account.emulate(ps.testing.PhoneSets("pix", "all"))
    client.account.emulate(ps.testing.PhoneSets("status", "contact_allowlist"))
    snapshot = client.snapshot()
    assert "pix" not in snapshot.settings
    assert "status" not in snapshot.settings
    assert snapshot.notes == (
        "Left out, not known to this version: 'status' is 'contact_allowlist'.",
        "Left out, not known to this version: 'pix' is 'all'.",
        "999000000000001@lid is +999115550101",
    )
    assert all(f"# {note}\n" in snapshot.to_yaml() for note in snapshot.notes)
    assert "0101" not in repr(snapshot)


def test_completion_after_policies_offers_no_module_of_the_room():
    ps.Client.emulated()  # loads the room's modules
    assert "run" in vars(ps.policies)
    assert dir(ps.policies) == sorted(ps.policies.__all__)
    assert not {"run", "plan", "policy", "annotations"} & set(dir(ps.policies))


# As a mapping, and out of a table


def test_a_policy_is_a_mapping_of_wire_strings():
    policy = Policy(last="Nobody", exceptions={"profile": [NUMBER]}, timer="7 days")
    assert dict(policy) == {"last": "none", "profile": "contact_blacklist", "timer": 604_800}
    assert isinstance(policy, Mapping)
    assert (len(policy), "timer" in policy, "online" in policy, 5 in policy) == (
        3,
        True,
        False,
        False,
    )
    assert policy.get("online") is None
    assert Policy(policy) == policy
    assert Policy(dict(policy)) == policy | {"profile": "contact_blacklist"}
    assert not Policy()


def test_naming_a_setting_anew_drops_its_exceptions():
    policy = Policy(timer=5, exceptions={"last": [NUMBER], "profile": [NUMBER]})
    wider = policy | {"last": "all"}
    assert (wider["last"], wider.timer) == ("all", 5)
    assert list(wider.exceptions) == ["profile"]
    assert policy | {"last": "contact_blacklist"} == Policy(
        last="contact_blacklist", timer=5, exceptions={"profile": [NUMBER]}
    )
    assert {"last": "all"} | policy == policy
    assert (policy | {"exceptions": {"last": [LID]}}).exceptions["last"] == (ps.Jid.parse(LID),)
    with pytest.raises(TypeError):
        policy | 5


@pytest.mark.parametrize(
    "fields",
    [
        {"Last seen": "Nobody"},
        {"LAST": "none"},
        {"last": "NOBODY"},
        {ps.PrivacyCategory.LAST: "none"},
    ],
)
def test_the_screen_s_words_are_taken_in_a_policy(fields):
    assert Policy(fields) == Policy(last="none")
    assert Policy({"Disappearing messages": "24 hours"}) == Policy(timer=86_400)


def test_one_setting_under_two_names_is_a_fault():
    (fault,) = faults_of(lambda: Policy({"last": "none", "Last seen": "all"}))
    assert fault == "Last seen: it is 'last' a second time."


def test_a_table_of_settings_is_edited_and_planned():
    client = ps.Client.emulated()
    client.account.emulate(ps.testing.PhoneSets("pix", "friends"))
    client.account.emulate(ps.testing.PhoneSets("groupadd", "contact_allowlist"))
    settings = client.fetch_privacy_settings()
    assert len(client.plan(settings)) == 0
    assert len(client.plan(settings["audience"].drop(["pix", "groupadd"]))) == 0
    settings.loc["last", "value"] = "nobody"
    (change,) = client.plan(settings)
    assert (change.category, change.after) == ("last", "none")
    assert client.plan(settings["value"].loc[["last"]]) == client.plan({"last": "none"})
    settings.loc["online", "value"] = None
    assert "online" not in Policy(settings)


def test_faults_of_a_table_name_row_and_column():
    client = ps.Client.emulated()
    settings = client.fetch_privacy_settings()
    settings.loc["online", "value"] = "nobody"
    settings.loc["last", "value"] = "contact"
    faults = faults_of(lambda: client.plan(settings))
    assert faults[0].startswith("row 'last', column 'value': 'contact' is not a known value.")
    assert faults[1].startswith("row 'online', column 'value': 'online' cannot be set to 'none'.")
    (fault,) = faults_of(lambda: client.plan(pd.Series({"lst": "none"})))
    assert fault.startswith("row 'lst': 'lst' is not a known key. Did you mean 'last'?")
    with pytest.raises(ps.errors.InvalidPolicyError, match="no column 'value'"):
        client.plan(settings[["setting"]])
    with pytest.raises(ps.errors.InvalidPolicyError, match="'last' is there a second time"):
        client.plan(pd.concat([settings, settings.loc[["last"]]]))


def test_the_strictest_policy_lets_in_fewest_of_all_that_may_be_set():
    for category in ps.PrivacyCategory:
        ranks = {v: exposure(category, v, "none") for v in category.valid_values}
        if category not in ("defense", "groupadd"):
            assert ranks[STRICTEST.settings[category]] == min(ranks.values())
    assert STRICTEST["groupadd"] == "contacts"
    assert "defense" not in STRICTEST


def test_a_saved_policy_names_people_who_are_read_again(path):
    odd = ps.Jid("12345", ps.Jid.PHONE)  # an address that is no number as phonenumbers has it
    policy = Policy(exceptions={"last": [odd, NUMBER]})
    policy.save(path)
    assert "12345@s.whatsapp.net" in path.read_text()
    assert Policy.load(path) == policy
