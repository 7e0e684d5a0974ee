"""The emulated account alone: what it assumes, its seeds and starts, and the events it takes."""

import asyncio

import pytest

import privacy_sdk as ps
from privacy_sdk import PrivacyCategory as Category
from privacy_sdk import PrivacyValue as Value
from privacy_sdk.accounts.emulated.account import CONTACTS, SETTINGS, EmulatedAccount
from privacy_sdk.accounts.nodes import iq, node
from privacy_sdk.model.types import MAX_LISTED

ENTRIES = [ps.DisallowedListUserEntry(contact.jid) for contact in CONTACTS]


def update(dhash, *entries):
    return ps.DisallowedListUpdate(dhash, entries)


@pytest.fixture
def account() -> EmulatedAccount:
    return EmulatedAccount()


async def values(account: EmulatedAccount) -> dict[str, str]:
    return {row.category.value: row.value.value for row in await account.fetch_privacy_settings()}


async def dhashes(account: EmulatedAccount) -> list[str]:
    """Those of a fixed run of changes."""
    answers = [await account.set_privacy_setting(Category.LAST, Value.CONTACT_BLACKLIST)]
    for entry in ENTRIES:
        answers.append(
            await account.set_privacy_disallowed_list(Category.LAST, update(None, entry))
        )
    return [answer.dhash for answer in answers]


async def test_it_begins_with_all_nine_settings_of_a_new_account(account):
    assert await values(account) == SETTINGS
    assert set(SETTINGS) == set(Category)
    assert all(Category(name).is_valid_value(value) for name, value in SETTINGS.items())
    assert await account.fetch_default_disappearing_mode() == 0


async def test_it_begins_with_the_settings_it_is_given_and_no_others():
    settings = {"last": "none", Category("brand_new"): Value("some_people")}
    assert await values(EmulatedAccount(settings=settings)) == settings
    assert await values(EmulatedAccount(settings={})) == {}


async def test_a_category_that_begins_on_its_list_has_a_dhash():
    account = EmulatedAccount(settings={"last": "contact_blacklist"})
    people = await account.fetch_disallowed_list(Category.LAST)
    assert people.dhash
    assert len(people) == 0


async def test_the_same_seed_gives_the_same_dhashes_and_another_seed_others():
    first, again, other = [await dhashes(EmulatedAccount(seed=seed)) for seed in (1, 1, 2)]
    assert first == again
    assert not set(first) & set(other)


async def test_each_dhash_is_new_and_looks_like_a_time_in_milliseconds(account):
    seen = await dhashes(account)
    assert len(set(seen)) == len(seen)
    assert all(dhash.isdecimal() and len(dhash) == 13 for dhash in seen)
    assert seen == sorted(seen)


async def test_its_people_are_fictional_and_found():
    account = EmulatedAccount()
    assert await account.find_contacts([contact.phone for contact in CONTACTS]) == CONTACTS
    assert all(contact.phone.startswith("999") for contact in CONTACTS)
    assert all(c.jid.user.startswith("999") and len(c.jid.user) == 15 for c in CONTACTS)


async def test_it_finds_the_people_it_is_given_and_no_others():
    somebody = ps.Contact("999115550199", ps.Jid("999000000000099", "lid"))
    account = EmulatedAccount(contacts=[somebody])
    assert await account.find_contacts([somebody.phone, CONTACTS[0].phone]) == (
        somebody,
        ps.Contact(CONTACTS[0].phone),
    )
    assert await account.find_contacts([]) == ()


async def test_a_known_persons_phone_address_is_filled_in(account):
    stranger = ps.DisallowedListUserEntry("999000000000077@lid")
    told = ps.DisallowedListUserEntry("999000000000078@lid", "999115550178@s.whatsapp.net")
    await account.set_privacy_disallowed_list(
        Category.LAST, update("none", ENTRIES[0], stranger, told)
    )
    people = await account.fetch_disallowed_list(Category.LAST)
    assert [user.pn_jid for user in people] == [CONTACTS[0].pn_jid, None, told.pn_jid]


async def test_a_phone_address_in_place_of_a_lid_is_a_bad_request(account):
    user = node("user", action="add", jid=CONTACTS[0].pn_jid)
    change = node("category", user, name="last", value="contact_blacklist", dhash="none")
    request = iq("set", "privacy", node("privacy", change, addressing_mode="lid"))
    error = (await account.server.ask(request)).find("error")
    assert error is not None
    assert error.get("code") == "400"
    assert await values(account) == SETTINGS


async def test_without_a_list_only_none_is_taken_and_starts_one(account):
    with pytest.raises(ps.ConflictError):
        await account.set_privacy_disallowed_list(
            Category.PROFILE, update("1790000000000", ENTRIES[0])
        )
    answer = await account.set_privacy_disallowed_list(Category.PROFILE, update("none", ENTRIES[0]))
    people = await account.fetch_disallowed_list(Category.PROFILE)
    assert people.dhash == answer.dhash
    assert [user.jid for user in people] == [ENTRIES[0].jid]
    assert (await values(account))["profile"] == "contact_blacklist"


async def test_with_a_list_none_is_stale(account):
    await account.set_privacy_setting(Category.LAST, Value.CONTACT_BLACKLIST)
    with pytest.raises(ps.ConflictError):
        await account.set_privacy_disallowed_list(Category.LAST, update("none", ENTRIES[0]))


async def test_setting_a_list_again_keeps_it_and_leaving_it_loses_it(account):
    await account.set_privacy_disallowed_list(Category.LAST, update("none", *ENTRIES))
    before = await account.fetch_disallowed_list(Category.LAST)
    again = await account.set_privacy_setting(Category.LAST, Value.CONTACT_BLACKLIST)
    assert again.dhash == before.dhash
    assert await account.fetch_disallowed_list(Category.LAST) == before
    await account.set_privacy_setting(Category.LAST, Value.CONTACTS)
    anew = await account.set_privacy_setting(Category.LAST, Value.CONTACT_BLACKLIST)
    assert anew.dhash != before.dhash
    assert await account.fetch_disallowed_list(Category.LAST) == ps.DisallowedList(anew.dhash)


async def test_what_changes_nobody_succeeds_and_keeps_the_dhash(account):
    remove = ps.DisallowedListUserEntry(ENTRIES[1].jid, action="remove")
    first = await account.set_privacy_disallowed_list(Category.LAST, update("none", ENTRIES[0]))
    again = await account.set_privacy_disallowed_list(
        Category.LAST, update(first.dhash, ENTRIES[0], remove)
    )
    assert again == first


async def test_a_list_that_nobody_is_left_on_stays_a_list(account):
    await account.set_privacy_disallowed_list(Category.LAST, update("none", ENTRIES[0]))
    remove = ps.DisallowedListUserEntry(ENTRIES[0].jid, action="remove")
    answer = await account.set_privacy_disallowed_list(Category.LAST, update(None, remove))
    assert await account.fetch_disallowed_list(Category.LAST) == ps.DisallowedList(answer.dhash)
    assert (await values(account))["last"] == "contact_blacklist"


async def test_a_list_takes_64_000_people_and_refuses_one_more(account):
    crowd = [ps.DisallowedListUserEntry(f"99900001{n:07}@lid") for n in range(MAX_LISTED)]
    full = await account.set_privacy_disallowed_list(Category.LAST, update("none", *crowd))
    with pytest.raises(ps.IqError, match="419 resource-limit"):
        await account.set_privacy_disallowed_list(Category.LAST, update(full.dhash, ENTRIES[0]))
    remove = ps.DisallowedListUserEntry(crowd[0].jid, action="remove")
    await account.set_privacy_disallowed_list(Category.LAST, update(full.dhash, remove, ENTRIES[0]))
    assert len(await account.fetch_disallowed_list(Category.LAST)) == MAX_LISTED


@pytest.mark.parametrize("value", [Value.NONE, Value.OFF, Value("new")])
async def test_a_value_that_a_known_category_does_not_take_is_a_bad_request(account, value):
    with pytest.raises(ps.errors.BadRequestError):
        await account.set_privacy_setting(Category.ONLINE, value)
    assert await values(account) == SETTINGS


async def test_a_category_without_a_list_refuses_an_update(account):
    with pytest.raises(ps.errors.BadRequestError):
        await account.set_privacy_disallowed_list(Category.ONLINE, update("none", ENTRIES[0]))
    assert await account.fetch_disallowed_list(Category.ONLINE) == ps.DisallowedList()


async def test_defense_mode_locks_seven_categories_and_keeps_their_values(account):
    await account.set_privacy_setting(Category.DEFENSE_MODE, Value.ON_STANDARD)
    before = await values(account)
    locked = set(Category) - {Category.READ_RECEIPTS, Category.DEFENSE_MODE}
    assert len(locked) == 7
    for category in locked:
        with pytest.raises(ps.IqError, match="423 locked"):
            await account.set_privacy_setting(category, category.valid_values[0])
    with pytest.raises(ps.IqError, match="423 locked"):
        await account.set_privacy_disallowed_list(Category.LAST, update("none", ENTRIES[0]))
    assert await values(account) == before
    await account.set_privacy_setting(Category.READ_RECEIPTS, Value.NONE)
    await account.set_privacy_setting(Category.DEFENSE_MODE, Value.OFF)
    await account.set_privacy_setting(Category.LAST, Value.NONE)


async def test_the_phone_can_change_what_is_locked(account):
    await account.set_privacy_setting(Category.DEFENSE_MODE, Value.ON_STANDARD)
    await account.emulate(ps.testing.PhoneSets("last", "none"))
    assert (await values(account))["last"] == "none"


async def test_the_phone_puts_a_category_on_its_list_by_listing_people(account):
    await account.emulate(ps.testing.PhoneLists("last", ENTRIES[:2]))
    people = await account.fetch_disallowed_list(Category.LAST)
    assert [user.jid for user in people] == [entry.jid for entry in ENTRIES[:2]]
    assert (await values(account))["last"] == "contact_blacklist"
    await account.emulate(ps.testing.PhoneSets("last", "all"))
    assert await account.fetch_disallowed_list(Category.LAST) == ps.DisallowedList()


async def test_faults_come_in_the_order_they_were_asked_for(account):
    for code in (400, 404):
        await account.emulate(ps.testing.NextAnswer("refused", code=code))
    await account.emulate(ps.testing.NextAnswer("refused", code=409, times=2))
    codes = []
    for _ in range(5):
        try:
            await account.fetch_privacy_settings()
        except ps.IqError as error:
            codes.append(error.code)
    assert codes == [400, 404, 409, 409]


async def test_a_row_that_is_not_reported_can_be_an_error_all_the_same(account):
    await account.emulate(ps.testing.NextAnswer("refused_inside", category="stickers"))
    with pytest.warns(ps.PrivacyWarning, match="'stickers'"):
        assert await values(account) == SETTINGS


async def test_the_loop_runs_while_an_answer_travels():
    account = EmulatedAccount(latency=0.001)
    order = []

    async def ask() -> None:
        order.append("asked")
        await account.fetch_privacy_settings()
        order.append("answered")

    await asyncio.gather(ask(), ask(), ask())
    assert order == ["asked"] * 3 + ["answered"] * 3


async def test_an_update_without_a_dhash_and_a_change_on_the_phone_can_conflict():
    account = EmulatedAccount(settings={"last": "contact_blacklist"})
    await account.emulate(
        ps.testing.NextAnswer("slow", seconds=0.2, operation="fetch_disallowed_list")
    )
    updating = asyncio.create_task(
        account.set_privacy_disallowed_list(Category.LAST, update(None, ENTRIES[0]))
    )
    for _ in range(5):  # until the list was read, and its answer is under way
        await asyncio.sleep(0)
    await account.emulate(ps.testing.PhoneLists("last", [ENTRIES[1]]))
    with pytest.raises(ps.ConflictError):
        await updating


@pytest.mark.parametrize(
    "arguments",
    [
        {"id": ""},
        {"id": None},
        {"seed": "x"},
        {"seed": 1.5},
        {"latency": -1},
        {"latency": float("nan")},
        {"latency": "1"},
        {"latency": True},
        {"settings": ["last"]},
        {"settings": {"last": ""}},
        {"settings": {7: "all"}},
    ],
)
def test_a_bad_argument_is_refused(arguments):
    with pytest.raises(ps.InvalidInputError):
        EmulatedAccount(**arguments)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (ps.testing.PhoneSets, ("", "all")),
        (ps.testing.PhoneSets, ("last", None)),
        (ps.testing.PhoneLists, ("online", ENTRIES)),
        (ps.testing.PhoneLists, ("last", [])),
        (ps.testing.PhoneLists, ("last", ENTRIES[:1] * 2)),
        (ps.testing.PhoneLists, ("last", ["999000000000001@lid"])),
        (ps.testing.NextAnswer, ("refuse",)),
        (ps.testing.NextAnswer, (None,)),
        (ps.testing.NextAnswer, ("refused", "409")),
        (ps.testing.NextAnswer, ("refused", True)),
        (ps.testing.NextAnswer, ("refused", 409, None)),
    ],
)
def test_an_event_that_cannot_happen_is_refused_where_it_is_made(kind, arguments):
    with pytest.raises(ps.InvalidInputError):
        kind(*arguments)


@pytest.mark.parametrize(
    "member",
    [
        {"operation": "fetch"},
        {"operation": ["fetch_privacy_settings"]},
        {"category": 7},
        {"category": ""},
        {"error_type": 7},
        {"backoff": -1},
        {"backoff": "soon"},
        {"seconds": float("inf")},
        {"seconds": None},
        {"times": 0},
        {"times": 1.0},
        {"times": True},
    ],
)
def test_a_fault_with_a_bad_member_is_refused_where_it_is_made(member):
    with pytest.raises(ps.InvalidInputError):
        ps.testing.NextAnswer("refused", **member)


@pytest.mark.parametrize("event", [None, "refused", {"event": "phone_sets"}])
async def test_what_is_no_event_is_refused(account, event):
    with pytest.raises(ps.InvalidInputError, match="no event"):
        await account.emulate(event)


def test_its_repr_names_it():
    assert repr(EmulatedAccount("me")) == "EmulatedAccount('me')"
