"""People excepted by name: who is meant, what is sent, and lists that others change meanwhile."""

import multiprocessing
import re
import subprocess
import sys
from itertools import chain
from typing import ClassVar

import pandas as pd
import pytest
from asking import TOKEN
from fake_tryx import FakePhone
from hypothesis import given
from hypothesis import strategies as st
from linked import account_of
from writers import exclude_one_by_one

import privacy_sdk as ps
from privacy_sdk.accounts.http import HttpAccount
from privacy_sdk.accounts.wire import list_from_json, to_json
from privacy_sdk.model.people import as_people, as_person
from privacy_sdk.model.types import MAX_LISTED
from privacy_sdk.policies import Outcome, SettingsState
from privacy_sdk.policies.people import find_people
from privacy_sdk.policies.verify import Answer, judge, would_open
from privacy_sdk.support.loop import LOOP
from privacy_sdk.testing import running_gateway
from privacy_sdk.views.frames import EXCLUDED_COLUMNS, excluded_frame

NUMBERS = [f"+99911555010{n}" for n in range(1, 9)]
LIDS = [f"99900000000000{n}@lid" for n in range(1, 9)]


async def listed(client: ps.AsyncClient, category: str) -> list[str]:
    return [str(user.jid) for user in await client.excluded(category)]


async def value_of(client: ps.AsyncClient, category: str) -> str:
    return (await client.fetch_privacy_settings()).get_value(category).value


# Who is meant


@pytest.mark.parametrize(
    ("person", "jid"),
    [
        ("+999 11 555 0101", "999115550101@s.whatsapp.net"),
        ("+999 (11) 555-01.01", "999115550101@s.whatsapp.net"),
        (" +999115550101\n", "999115550101@s.whatsapp.net"),
        ("999115550101:7@s.whatsapp.net", "999115550101@s.whatsapp.net"),
        ("999000000000001@lid", "999000000000001@lid"),
        ("999000000000001.2:3@lid", "999000000000001@lid"),
        (ps.Jid("999000000000001", "lid", 3), "999000000000001@lid"),
    ],
)
def test_a_person_is_a_number_or_an_address_on_any_device(person, jid):
    assert str(as_person(person)) == jid


def test_numbers_of_every_country_are_parsed_by_phonenumbers():
    import phonenumbers

    for region in phonenumbers.SUPPORTED_REGIONS:
        example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        if example is not None:
            written = phonenumbers.format_number(
                example, phonenumbers.PhoneNumberFormat.INTERNATIONAL
            )
            plain = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            assert as_person(written) == ps.Jid.phone(plain.removeprefix("+"))


@pytest.mark.parametrize(
    "person",
    [
        "",
        " ",
        "+",
        "+99",
        "11 5550 0101",
        "+1",
        "+999",
        "+9991155501011234",
        "hello",
        "+abc",
        "1",
        "٣",
    ],
)
def test_what_is_no_number_is_refused(person):
    with pytest.raises(ps.errors.InvalidContactError, match="is not a phone number"):
        as_person(person)


@pytest.mark.parametrize("person", [None, 5, 999115550101, b"+999115550101", ["+999115550101"]])
def test_what_is_no_text_is_nobody(person):
    with pytest.raises(ps.errors.InvalidContactError, match="is nobody"):
        as_person(person)


@pytest.mark.parametrize("person", ["999115550101@g.us", "@lid", "a@lid", "999@x@lid"])
def test_the_address_of_something_else_is_refused(person):
    with pytest.raises(ps.InvalidInputError):
        as_person(person)


def test_a_masked_number_is_said_to_be_masked():
    with pytest.raises(ps.errors.InvalidContactError, match="is a masked number") as caught:
        as_person("99•••01")
    assert "whole number" in caught.value.hint


@given(
    st.text(st.characters(categories=["L", "P", "Z"]), max_size=5),
    st.from_regex(r"[0-9]{8,15}", fullmatch=True),
    st.sampled_from(["", " ", "-", "@", "@lid", "@g.us", " x"]),
)
def test_an_error_shows_no_number(before, digits, after):
    try:
        as_person(f"{before}{digits}{after}")
    except ps.InvalidInputError as error:
        shown = "".join(filter(str.isdigit, error.message))
        assert digits not in shown


def except_from_last(person):
    ps.Client.emulated().exclude("last", person)


@pytest.mark.parametrize("refuse", [as_person, ps.Jid.parse, except_from_last])
@pytest.mark.parametrize(
    "given", ["@99912345", "x 9991 2345@", "99912345@lid x", 99912345, "9991-2345@g.us!"]
)
def test_where_a_person_is_to_be_given_a_short_number_is_hidden_too(refuse, given):
    with pytest.raises(ps.InvalidInputError) as caught:
        refuse(given)
    assert "2345" not in re.sub("[ -]", "", str(caught.value))


@pytest.mark.parametrize("people", [[], (), "", None, 5, {"+999115550101": 1}])
def test_nobody_is_an_error(people):
    with pytest.raises(ps.errors.InvalidContactError):
        as_people(people)


def test_one_error_names_every_place():
    with pytest.raises(ps.errors.InvalidContactError) as caught:
        as_people([NUMBERS[0], "x", "+999 11 555 0101", 5, LIDS[0]])
    message = caught.value.message
    assert "people[1]: 'x' is not a phone number" in message
    assert "people[2]: the same person as people[0]." in message
    assert "people[3]: 5 (int) is nobody" in message
    assert "0101" not in message


def test_a_column_of_a_table_is_people():
    assert len(as_people(pd.Series(NUMBERS))) == 8
    with pytest.raises(ps.errors.InvalidContactError, match=r"\[1\]: The number is not known"):
        as_people(pd.Series([NUMBERS[0], float("nan")]))


def test_more_than_a_list_holds_is_an_error():
    with pytest.raises(ps.errors.InvalidContactError, match="at most 64,000"):
        as_people(f"{999 * 10**12 + n}@lid" for n in range(MAX_LISTED + 1))


# Excluding and including


async def test_people_are_excepted_and_no_longer_excepted(client):
    await client.exclude("profile", [NUMBERS[0], LIDS[1]])
    assert await listed(client, "profile") == LIDS[:2]
    response = await client.exclude("profile", NUMBERS[2])
    assert response.dhash == (await client.excluded("profile")).dhash
    await client.include("profile", [LIDS[0], NUMBERS[2]])
    assert await listed(client, "profile") == [LIDS[1]]


@pytest.mark.parametrize("value", ["all", "contacts"])
async def test_a_category_open_to_contacts_goes_on_its_list_first(client, value):
    await client.set_privacy_setting("last", value)
    await client.exclude("last", NUMBERS[0])
    assert await value_of(client, "last") == "contact_blacklist"
    assert await listed(client, "last") == LIDS[:1]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("none", "is shown to nobody, so nobody is excepted"),
        ("contact_allowlist", "is set to 'contact_allowlist'"),
    ],
)
async def test_excluding_never_opens_a_category(client, value, why):
    await client.account.emulate(ps.testing.PhoneSets("last", value))
    for change in (client.exclude, client.include):
        with pytest.raises(ps.InvalidInputError) as caught:
            await change("last", NUMBERS[0])
        assert caught.value.message == f"'last' {why}."
        assert caught.value.hint == (
            "Set it to 'contact_blacklist' first, if all other contacts may see it."
        )
    assert await value_of(client, "last") == value


async def test_including_while_nobody_is_excepted_changes_nothing(client):
    assert (await client.include("last", NUMBERS[0])).dhash is None
    assert await value_of(client, "last") == "all"


async def test_who_is_excepted_already_stays_so(client):
    first = await client.exclude("last", NUMBERS[0])
    assert await client.exclude("last", NUMBERS[0]) == first
    assert await listed(client, "last") == LIDS[:1]


async def test_unknown_people_are_named_and_nothing_is_sent(client):
    people = [NUMBERS[0], "+999 55 555 0155", "+999 66 555 0166"]
    for change in (client.exclude, client.include):
        with pytest.raises(ps.errors.InvalidContactError) as caught:
            await change("last", people)
        assert "people[1]: nobody on WhatsApp has 99•••55." in caught.value.message
        assert "people[2]: nobody on WhatsApp has 99•••66." in caught.value.message
    assert await value_of(client, "last") == "all"


async def test_one_person_by_number_and_by_lid_is_one_person(client):
    with pytest.raises(
        ps.errors.InvalidContactError, match=r"people\[1\]: the same person as people\[0\]"
    ):
        await client.exclude("last", [NUMBERS[0], LIDS[0]])


@pytest.mark.parametrize("category", ["online", "calls", "", None])
async def test_a_category_without_a_list_is_refused_first(client, category):
    for call in (client.exclude, client.include):
        with pytest.raises(ps.InvalidInputError):
            await call(category, NUMBERS)
    with pytest.raises(ps.InvalidInputError):
        await client.excluded(category)


async def test_a_refused_exclusion_is_an_error(client):
    await client.account.emulate(
        ps.testing.NextAnswer("refused", operation="set_privacy_disallowed_list")
    )
    with pytest.raises(ps.IqError):
        await client.exclude("last", NUMBERS[0])


async def test_an_exclusion_that_does_not_take_is_an_error(client):
    await client.account.emulate(
        ps.testing.NextAnswer("not_applied", operation="set_privacy_disallowed_list")
    )
    with pytest.raises(ps.NotAppliedError):
        await client.exclude("last", NUMBERS[0])


async def test_a_lost_answer_to_an_exclusion_is_read_again(client):
    await client.account.emulate(
        ps.testing.NextAnswer("lost", operation="set_privacy_disallowed_list")
    )
    await client.exclude("last", NUMBERS[0])
    assert await listed(client, "last") == LIDS[:1]


async def test_thousands_of_people_travel_in_several_requests(client):
    people = [f"{999 * 10**12 + n}@lid" for n in range(100, 11_100)]
    await client.exclude("last", people)
    assert await listed(client, "last") == people


async def test_a_thousand_numbers_are_asked_for_at_once_and_five_thousand_people_sent():
    class Counting(ps.EmulatedAccount):
        asked: ClassVar[list[int]] = []
        sent: ClassVar[list[int]] = []

        async def find_contacts(self, phones):
            self.asked.append(len(phones))
            return await super().find_contacts(phones)

        async def set_privacy_disallowed_list(self, category, update):
            self.sent.append(len(update.users))
            return await super().set_privacy_disallowed_list(category, update)

    account = Counting(contacts=[])
    people = [ps.Jid.parse(f"{999 * 10**12 + n}@lid") for n in range(5_001)]
    await ps.AsyncClient.from_account(account).exclude("last", people)
    assert account.sent == [5_000, 1]
    phones = {"people": [ps.Jid.phone(f"999115{n:06}") for n in range(1_001)]}
    with pytest.raises(ps.errors.InvalidContactError):
        await find_people(account, phones, repr)
    assert account.asked == [1_000, 1]


# Somebody else changes the list meanwhile


@pytest.mark.parametrize("fault", ["refused", "refused_inside"])
async def test_a_conflict_with_the_phone_is_redone_once(client, fault):
    await client.exclude("last", NUMBERS[0])
    conflict = {"code": 409, "text": "conflict", "operation": "set_privacy_disallowed_list"}
    await client.account.emulate(ps.testing.NextAnswer(fault, **conflict))
    await client.exclude("last", NUMBERS[1])
    assert await listed(client, "last") == LIDS[:2]


@pytest.mark.parametrize("fault", ["refused", "refused_inside"])
async def test_after_a_second_conflict_it_fails_and_says_what_the_lists_hold(client, fault):
    await client.exclude("last", NUMBERS[0])
    conflict = {"code": 409, "text": "conflict", "operation": "set_privacy_disallowed_list"}
    await client.account.emulate(ps.testing.NextAnswer(fault, **conflict, times=2))
    with pytest.raises(ps.ConflictError) as caught:
        await client.exclude("last", NUMBERS[1:3])
    assert "it held 1 person, then 1 person; 2 to add, 0 to remove" in caught.value.hint
    assert await listed(client, "last") == LIDS[:1]
    await client.exclude("last", NUMBERS[1:3])
    assert await listed(client, "last") == LIDS[:3]


class Contested(ps.EmulatedAccount):
    """An account whose owner changes the list on the phone each time that it was read."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.others = [ps.DisallowedListUserEntry(lid) for lid in LIDS[4 : 4 + times]]

    async def fetch_disallowed_list(self, category):
        held = await super().fetch_disallowed_list(category)
        if held.dhash is not None and self.others:
            await self.emulate(ps.testing.PhoneLists(category, [self.others.pop(0)]))
        return held


async def test_a_real_change_on_the_phone_between_reading_and_changing_is_kept():
    client = ps.AsyncClient.from_account(Contested(times=1))
    await client.exclude("last", NUMBERS[0])
    assert sorted(await listed(client, "last")) == [LIDS[0], LIDS[4]]


async def test_the_list_is_changed_as_it_stands_however_often_it_was_read_before():
    client = ps.AsyncClient.from_account(Contested(times=2))
    await client.set_privacy_setting("last", "contact_blacklist")
    await client.exclude("last", NUMBERS[0])  # reads it, and reads it again for its version
    assert sorted(await listed(client, "last")) == [LIDS[0], *LIDS[4:6]]


async def test_two_real_changes_on_the_phone_in_a_row_are_kept_and_said():
    client = ps.AsyncClient.from_account(Contested(times=2))
    with pytest.raises(ps.ConflictError) as caught:
        await client.exclude("last", NUMBERS[0])
    assert "it held 0 people, then 1 person; 1 to add, 0 to remove" in caught.value.hint
    assert await listed(client, "last") == LIDS[4:6]
    await client.exclude("last", NUMBERS[0])
    assert sorted(await listed(client, "last")) == [LIDS[0], *LIDS[4:6]]


async def test_a_category_that_the_phone_closes_meanwhile_stays_closed():
    class Leaving(ps.EmulatedAccount):
        sent = 0

        async def set_privacy_disallowed_list(self, category, update):
            self.sent += 1
            await self.emulate(ps.testing.PhoneSets(category, "none"))
            return await super().set_privacy_disallowed_list(category, update)

    account = Leaving(settings={"last": "contact_blacklist"})
    client = ps.AsyncClient.from_account(account)
    update = ps.DisallowedListUpdate(None, [ps.DisallowedListUserEntry(LIDS[0])])
    with pytest.raises(ps.InvalidInputError):
        await client.set_privacy_disallowed_list("last", update)
    assert account.sent == 1
    assert await value_of(client, "last") == "none"


def test_a_category_that_is_not_reported_is_said_to_be():
    error = would_open(ps.PrivacyCategory.LAST, None)
    assert error.message == "'last' is not reported."


async def test_a_strict_update_is_not_redone(client):
    dhash = (await client.exclude("last", NUMBERS[0])).dhash
    await client.exclude("last", NUMBERS[1])
    update = ps.DisallowedListUpdate(dhash, [ps.DisallowedListUserEntry(LIDS[2])])
    with pytest.raises(ps.ConflictError):
        await client.set_privacy_disallowed_list("last", update)


async def test_an_account_that_cannot_read_lists_says_what_it_cannot_know(tmp_path):
    phone = FakePhone()
    async with account_of(phone, tmp_path) as account:
        client = ps.AsyncClient.from_account(account)
        for number in NUMBERS[:3]:
            with pytest.warns(ps.PrivacyWarning, match="who is excepted now is not known"):
                await client.exclude("last", number)
            phone.server.put_people("last", [ps.DisallowedListUserEntry(LIDS[4])])
        with pytest.raises(ps.NotSupportedError):
            await client.excluded("last")
    assert [operation for operation, *_ in phone.sent].count("list") == 3 + 1
    held = [str(user.jid) for user in phone.server.lists["last"]]
    assert sorted(held) == sorted([*LIDS[:3], LIDS[4]])


# As a table


def test_exceptions_are_a_table_of_masked_numbers():
    client = ps.Client.emulated()
    empty = client.excluded("last")
    client.exclude("last", [NUMBERS[0], "999000000000099@lid"])
    frame = client.excluded("last")
    for table in (empty, frame):
        assert {name: str(dtype) for name, dtype in table.dtypes.items()} == {
            column.name: column.dtype for column in EXCLUDED_COLUMNS
        }
    assert (len(empty), len(frame)) == (0, 2)
    assert frame["jid"].tolist() == ["99•••01@lid", "99•••99@lid"]
    assert frame.loc[0, "number"] == "99•••01"
    assert pd.isna(frame.loc[1, "number"])
    dhash = client.fetch_disallowed_list("last").dhash
    assert frame.attrs == {"account": "demo", "category": "last", "dhash": dhash}


def test_whole_numbers_are_shown_on_demand_and_can_be_given_back():
    client = ps.Client.emulated()
    client.exclude("last", NUMBERS)
    frame = client.excluded("last", masked=False)
    assert frame["number"].tolist() == NUMBERS
    client.include("last", frame["number"].head(4))
    client.include("last", frame["jid"].tail(4))
    assert client.excluded("last").empty
    with pytest.raises(ps.errors.InvalidContactError, match="is a masked number"):
        client.include("last", ["99•••01"])


# Many writers


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_eight_processes_lose_none_of_each_other_s_changes(count):
    processes = 8
    with running_gateway({"demo": ps.EmulatedAccount()}, token=TOKEN) as url:
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            jobs = [
                pool.apply_async(exclude_one_by_one, (url, TOKEN, process, count))
                for process in range(processes)
            ]
            dhashes = list(chain.from_iterable(job.get(timeout=300) for job in jobs))
        with ps.Client.from_account(HttpAccount(url, token=TOKEN, account="demo")) as client:
            held = client.fetch_disallowed_list("last")
    assert {int(user.jid.user) - 999_000_000_000_000 for user in held} == {
        process * 1_000 + n for process in range(processes) for n in range(count)
    }
    assert len(set(dhashes)) == len(dhashes) == processes * count


def test_phonenumbers_is_loaded_only_for_a_real_number():
    code = (
        "import sys, privacy_sdk as ps; client = ps.Client.emulated();"
        f"client.exclude('last', {NUMBERS[:1]}); sys.exit('phonenumbers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# One person, by number or by LID


BRAZIL = st.tuples(
    st.from_regex("55[1-9][1-9]", fullmatch=True), st.from_regex("[6-9][0-9]{7}", fullmatch=True)
)
"""Numbers of a country with two spellings, made while the test runs: none stands in a file."""


class Collapsing(ps.EmulatedAccount):
    """An account that answers for a person once, under the number that WhatsApp has."""

    asked: ClassVar[list[str]] = []

    async def _look_up(self, phones):
        self.asked[:] += phones
        rows = await super()._look_up(phones)
        return list({row.jid: row for row in rows if row.jid}.values())


@given(BRAZIL)
def test_two_spellings_in_two_categories_are_one_person(number):
    head, tail = number
    old, new = f"{head}{tail}", f"{head}9{tail}"
    lid = ps.Jid.parse(LIDS[0])
    contacts = [ps.Contact(phone, lid, ps.Jid.phone(old)) for phone in (old, new)]
    account = Collapsing(contacts=contacts)
    account.asked.clear()
    client = ps.Client.from_account(account)
    plan = client.plan({"exceptions": {"last": [f"+{old}"], "profile": [f"+{new}"]}})
    assert client.apply(plan).is_complete
    assert len(account.asked) == 1
    for category in ("last", "profile"):
        assert [user.jid for user in client.fetch_disallowed_list(category)] == [lid]
    with pytest.raises(ps.errors.InvalidContactError, match=r"the same person as people\[0\]"):
        client.include("last", [f"+{new}", f"+{old}"])
    found = LOOP.run(lambda: account.find_contacts([old, new]))
    assert [contact.jid for contact in found] == [lid, lid]
    client.include("last", f"+{new}")
    assert client.excluded("last").empty


async def test_who_changed_her_lid_is_found_on_the_list_by_her_number(client):
    phone = ps.Jid.phone(NUMBERS[0][1:])
    stale = ps.DisallowedListUserEntry("999000000000088@lid", phone)
    await client.account.emulate(ps.testing.PhoneLists("last", [stale]))
    plan = await client.plan({"exceptions": {"last": [NUMBERS[0]]}})
    assert len(plan) == 0
    await client.exclude("last", NUMBERS[0])
    assert await listed(client, "last") == ["999000000000088@lid"]
    response = await client.include("last", NUMBERS[0])
    assert await listed(client, "last") == []
    assert response.description.startswith("Last seen: my contacts except nobody")


async def test_who_left_whatsapp_is_taken_off_the_list_by_her_number(client):
    entry = ps.DisallowedListUserEntry("999000000000088@lid", "999555550155@s.whatsapp.net")
    await client.account.emulate(ps.testing.PhoneLists("last", [entry]))
    await client.include("last", "+999 55 555 0155")
    assert await listed(client, "last") == []


def test_a_removal_took_only_when_neither_address_is_listed():
    number = ps.Jid.phone(NUMBERS[0][1:])
    gone = ps.DisallowedListUser(ps.Jid.parse(LIDS[0]), number)
    change = ps.policies.ListChange(
        ps.PrivacyCategory.LAST, ps.DisallowedListAction.REMOVE, (gone,)
    )
    for left in (gone, ps.DisallowedListUser(ps.Jid.parse(LIDS[1]), number)):
        held = {ps.PrivacyCategory.LAST: ps.DisallowedList("1", (left,))}
        result = judge(change, Answer(Outcome.APPLIED), SettingsState(lists=held))
        assert result.outcome is Outcome.REFUSED
    held = {ps.PrivacyCategory.LAST: ps.DisallowedList("1")}
    result = judge(change, Answer(Outcome.APPLIED), SettingsState(lists=held))
    assert result.outcome is Outcome.APPLIED


def test_what_a_table_shows_unmasked_can_be_given_back_whole():
    client = ps.Client.emulated()
    client.exclude("last", [NUMBERS[0], "999000000000099@lid"])
    frame = client.excluded("last", masked=False)
    assert frame["number"].isna().tolist() == [False, True]
    assert frame.loc[1, "number"] is pd.NA
    with pytest.raises(ps.errors.InvalidContactError, match="The number is not known"):
        client.include("last", frame["number"])
    client.include("last", frame)
    assert client.excluded("last").empty
    client.exclude("last", NUMBERS[0])
    with pytest.raises(ps.errors.InvalidContactError, match="is a masked number"):
        client.include("last", client.excluded("last"))


def test_a_username_in_place_of_a_number_is_shown_and_kept():
    user = ps.DisallowedListUser(ps.Jid.parse(LIDS[0]), None, "ana.lima")
    held = ps.DisallowedList("1", (user,))
    assert list_from_json(to_json(held)) == held
    assert "ana.lima" not in repr(held)
    assert excluded_frame(held)["name"].tolist() == ["@an•••"]
    assert excluded_frame(held, masked=False)["name"].tolist() == ["@ana.lima"]
