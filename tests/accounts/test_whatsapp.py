"""A linked phone over a fake runtime with tryx's own classes: what it asks, what it makes of it."""

import asyncio
import subprocess
import sys
from types import SimpleNamespace

import pytest
from fake_tryx import CATEGORIES, VALUES, FakePhone, wire_name
from linked import account_of, until_state
from tryx import client as tryx

import privacy_sdk as ps
from privacy_sdk import PrivacyCategory as Category
from privacy_sdk import PrivacyValue as Value
from privacy_sdk.accounts.base import AccountState, Capability
from privacy_sdk.accounts.whatsapp import tryx_names
from privacy_sdk.accounts.whatsapp.linked import ANSWER_DUE
from privacy_sdk.gateway import limits
from privacy_sdk.support.gateways import DEFAULT_TIMEOUT

SOMEBODY = ps.DisallowedListUserEntry("999000000000001@lid", "999115550101@s.whatsapp.net")


@pytest.fixture
def phone():
    return FakePhone()


@pytest.fixture
async def account(phone, tmp_path):
    async with account_of(phone, tmp_path) as account:
        await account.fetch_privacy_settings()  # so that it is known what is reported
        phone.sent.clear()
        yield account


def adding(dhash):
    return ps.DisallowedListUpdate(dhash, [SOMEBODY])


# --- names


@pytest.mark.parametrize("category", Category)
def test_each_category_is_tryxs_of_the_same_name_and_back(category):
    member = tryx_names.to_member(category)
    assert wire_name(CATEGORIES, member) == category.value
    row = SimpleNamespace(category=member, value=tryx.PrivacyValue.All)
    assert tryx_names.to_setting(row) == ps.PrivacySetting(category, Value.ALL)


@pytest.mark.parametrize("value", Value)
def test_each_value_is_tryxs_of_the_same_name_and_back(value):
    member = tryx_names.to_member(value)
    assert wire_name(VALUES, member) == value.value
    row = SimpleNamespace(category=tryx.PrivacyCategory.Last, value=member)
    assert tryx_names.to_setting(row) == ps.PrivacySetting(Category.LAST, value)


def test_tryx_has_no_name_that_is_not_known_here_but_other():
    for enum, ours in ((tryx.PrivacyCategory, Category), (tryx.PrivacyValue, Value)):
        members = {name for name in dir(enum) if name[0].isupper()}
        assert len(members - {"Other"}) == len(ours)


def test_a_list_update_becomes_tryxs_record():
    remove = ps.DisallowedListUserEntry("999000000000002@lid", action="remove")
    made = tryx_names.to_update("7", ps.DisallowedListUpdate("7", [SOMEBODY, remove]))
    assert isinstance(made, tryx.DisallowedListUpdate)
    assert made.dhash == "7"
    first, second = made.users
    assert (first.action, second.action) == (
        tryx.DisallowedListAction.Add,
        tryx.DisallowedListAction.Remove,
    )
    assert (first.jid.user, first.jid.server) == ("999000000000001", "lid")
    assert (first.pn_jid.user, first.pn_jid.server) == ("999115550101", "s.whatsapp.net")
    assert second.pn_jid is None


# --- reading


async def test_settings_whose_names_tryx_loses_are_counted_and_reported_and_not_guessed(
    phone, account
):
    whole = await account.fetch_privacy_settings()
    assert whole.unreadable == 0
    phone.server.put_setting("stickers", "contact_allowlist")
    phone.server.put_setting("last", "close_friends")
    for _ in range(2):
        rest = await account.fetch_privacy_settings()  # a warning would be an error
        assert rest.unreadable == 2
    assert "2 more settings" in (await account.info()).hint
    assert [*rest] == [setting for setting in whole if setting.category != "last"]


async def test_what_tryx_cannot_read_is_not_supported_and_no_capability(account):
    with pytest.raises(ps.NotSupportedError, match="who is on a list"):
        await account.fetch_disallowed_list(Category.LAST)
    with pytest.raises(ps.NotSupportedError, match="default timer"):
        await account.fetch_default_disappearing_mode()
    assert (await account.info()).capabilities == {Capability.FIND_CONTACTS, Capability.LINK}


async def test_a_number_that_whatsapp_writes_in_another_way_is_asked_for_alone(phone, account):
    phone.written = {"999115550101": "99911555101"}
    first, second = await account.find_contacts(["999115550101", "999115550102"])
    assert [sent[1:] for sent in phone.sent] == [
        ("999115550101", "999115550102"),
        ("999115550101",),
    ]
    assert (first.phone, str(first.pn_jid)) == ("999115550101", "99911555101@s.whatsapp.net")
    assert (str(first.jid), str(second.jid)) == ("999000000000001@lid", "999000000000002@lid")


async def test_each_number_is_asked_for_once(phone, account):
    await account.find_contacts(["999115550101", "999115550102", "999115550101"])
    assert phone.sent == [("find", "999115550101", "999115550102")]


# --- changing


@pytest.mark.parametrize(
    ("category", "value"),
    [
        (Category.other("stickers"), Value.ALL),
        (Category.LAST, Value.other("contact_allowlist")),
    ],
)
async def test_other_is_never_sent(phone, account, category, value):
    with pytest.raises(ps.NotSupportedError, match="cannot be sent") as caught:
        await account.set_privacy_setting(category, value)
    assert caught.value.hint
    assert phone.sent == []


async def test_the_timer_is_set(phone, account):
    await account.set_default_disappearing_mode(604_800)
    assert phone.sent == [("timer", 604_800)]


async def test_an_update_without_dhash_is_based_on_the_last_answer_and_refused_without(
    phone, account
):
    with pytest.raises(ps.InvalidInputError, match="its list was not changed"):
        await account.set_privacy_disallowed_list(Category.LAST, adding(None))
    first = (await account.set_privacy_setting(Category.PROFILE, Value.CONTACT_BLACKLIST)).dhash
    second = (await account.set_privacy_disallowed_list(Category.PROFILE, adding(None))).dhash
    await account.set_privacy_disallowed_list(Category.PROFILE, adding(None))
    assert [sent[2] for sent in phone.sent if sent[0] == "list"] == [first, second]


async def test_the_dhash_is_still_known_to_the_next_process(phone, tmp_path):
    async with account_of(phone, tmp_path) as account:
        dhash = (await account.set_privacy_setting(Category.LAST, Value.CONTACT_BLACKLIST)).dhash
    async with account_of(phone, tmp_path) as account:
        await account.set_privacy_disallowed_list(Category.LAST, adding(None))
    assert phone.sent[-1][:3] == ("list", "last", dhash)


async def test_an_update_with_a_dhash_sends_that_one(phone, account):
    await account.set_privacy_setting(Category.LAST, Value.CONTACT_BLACKLIST)
    with pytest.raises(ps.ConflictError):
        await account.set_privacy_disallowed_list(Category.LAST, adding("7"))
    assert phone.sent[-1][2] == "7"


@pytest.mark.parametrize("hides", [True, False], ids=["inside a success", "whole"])
async def test_an_update_that_meets_a_change_on_the_phone_learns_the_dhash_and_is_tried_once_more(
    phone, account, hides
):
    phone.hides_refusals = hides
    old = (await account.set_privacy_setting(Category.LAST, Value.CONTACT_BLACKLIST)).dhash
    phone.server.put_people("last", [ps.DisallowedListUserEntry("999000000000003@lid")])
    new = phone.server.lists["last"].dhash
    await account.set_privacy_disallowed_list(Category.LAST, adding(None))
    asked = [sent[:3] for sent in phone.sent[1:]]
    assert asked == [
        ("list", "last", old),
        ("fetch",),
        ("set", "last", "contact_blacklist"),
        ("list", "last", new),
    ]
    assert len(phone.server.lists["last"]) == 2


async def test_a_category_that_left_its_list_begins_one_anew(phone, account):
    await account.set_privacy_setting(Category.LAST, Value.CONTACT_BLACKLIST)
    await account.set_privacy_setting(Category.LAST, Value.CONTACTS)
    with pytest.raises(ps.InvalidInputError):
        await account.set_privacy_disallowed_list(Category.LAST, adding(None))
    assert "last" not in phone.server.lists


async def test_after_a_lost_answer_the_next_update_finds_the_list_as_it_is(phone, account):
    await account.set_privacy_setting(Category.LAST, Value.CONTACT_BLACKLIST)
    phone.raises.append(RuntimeError("IQ request timed out"))
    with pytest.raises(ps.OutcomeUnknownError):
        await account.set_privacy_disallowed_list(Category.LAST, adding(None))
    assert (await account.set_privacy_disallowed_list(Category.LAST, adding(None))).dhash


async def test_a_refusal_leaves_the_dhash_as_it_was(phone, account):
    dhash = (await account.set_privacy_setting(Category.LAST, Value.CONTACT_BLACKLIST)).dhash
    phone.faults.append(ps.testing.NextAnswer("refused", code=503, text="service-unavailable"))
    with pytest.raises(ps.errors.ServiceUnavailableError):
        await account.set_privacy_disallowed_list(Category.LAST, adding(None))
    await account.set_privacy_disallowed_list(Category.LAST, adding(None))
    assert phone.sent[-1][2] == dhash


async def test_updates_without_dhash_that_come_together_follow_each_other(phone, account):
    await account.set_privacy_setting(Category.LAST, Value.CONTACT_BLACKLIST)
    people = [ps.DisallowedListUserEntry(f"99900000000000{n}@lid") for n in range(1, 9)]
    await asyncio.gather(
        *(
            account.set_privacy_disallowed_list(
                Category.LAST, ps.DisallowedListUpdate(None, [person])
            )
            for person in people
        )
    )
    assert len({sent[2] for sent in phone.sent if sent[0] == "list"}) == len(people)


async def test_a_list_update_refused_inside_a_success_is_not_taken_for_one(phone, account):
    """All that tryx shows of it is that there is no new dhash."""
    await account.set_privacy_setting(Category.LAST, Value.CONTACT_BLACKLIST)
    phone.hides_refusals = True
    phone.faults.append(ps.testing.NextAnswer("refused_inside", code=409, text="conflict"))
    with pytest.raises(ps.OutcomeUnknownError, match="no new version") as caught:
        await account.set_privacy_disallowed_list(Category.LAST, adding(None))
    assert caught.value.hint
    assert (await account.set_privacy_disallowed_list(Category.LAST, adding(None))).dhash


# --- answers that do not come


async def test_an_answer_that_does_not_come_in_time_is_no_bare_timeout(phone, tmp_path):
    phone.is_silent = True
    async with account_of(phone, tmp_path, timeout=0.01) as account:
        with pytest.raises(ps.errors.AnswerTimeoutError, match=r"within 0\.01 seconds"):
            await account.fetch_privacy_settings()
        with pytest.raises(ps.OutcomeUnknownError, match=r"within 0\.01 seconds"):
            await account.set_default_disappearing_mode(0)


def test_its_own_time_out_comes_before_the_gateways_and_that_before_the_clients():
    assert 0 < ANSWER_DUE == 20.0 < limits.ANSWER_DUE < DEFAULT_TIMEOUT


async def test_any_exception_of_the_library_is_an_error_of_the_tree(phone, account):
    phone.raises.append(ZeroDivisionError("a bug"))
    with pytest.raises(ps.errors.UnreadableAnswerError, match="a bug"):
        await account.fetch_privacy_settings()


# --- read back by the client


async def test_a_setting_refused_inside_a_success_is_noticed_by_the_client(phone, account):
    client = ps.AsyncClient.from_account(account)
    phone.hides_refusals = True
    phone.faults += [None, ps.testing.NextAnswer("refused_inside")]
    with pytest.raises(ps.NotAppliedError, match="but it is 'all'"):
        await client.set_privacy_setting("last", "none")


async def test_a_lost_answer_to_a_change_that_was_made_is_a_success(phone, account):
    client = ps.AsyncClient.from_account(account)
    phone.raises += [None, RuntimeError("internal channel closed unexpectedly")]
    assert await client.set_privacy_setting("last", "none") == ps.SetPrivacySettingResponse()
    assert [sent[0] for sent in phone.sent] == ["fetch", "set", "fetch"]


async def test_a_lost_answer_to_a_change_that_was_not_made_stays_unknown(phone, account):
    client = ps.AsyncClient.from_account(account)
    phone.faults += [None, ps.testing.NextAnswer("not_applied")]
    phone.raises += [None, RuntimeError("IQ request timed out")]
    with pytest.raises(ps.OutcomeUnknownError, match="As of now it is 'all'"):
        await client.set_privacy_setting("last", "none")


async def test_a_lost_answer_of_what_cannot_be_read_back_is_unknown(phone, account):
    client = ps.AsyncClient.from_account(account)
    phone.raises.append(RuntimeError("client is not connected"))
    with pytest.raises(ps.OutcomeUnknownError, match="connection to WhatsApp was lost"):
        await client.set_default_disappearing_mode(0)


# --- the account itself


async def test_closed_it_says_so_and_holds_nothing(phone, tmp_path):
    async with account_of(phone, tmp_path) as account:
        await account.aclose()
        for call in (account.fetch_privacy_settings, account.info, account.link):
            with pytest.raises(ps.errors.UsageError, match="closed"):
                await call()
    async with account_of(phone, tmp_path) as again:
        assert len(await again.fetch_privacy_settings())


async def test_of_two_gateways_on_one_session_the_second_says_what_to_do(phone, tmp_path):
    async with (
        account_of(phone, tmp_path),
        account_of(phone, tmp_path, state=AccountState.FAILED) as second,
    ):
        info = await second.info()
        assert "Another process uses the session" in info.hint
        assert "stop the other one" in info.hint
        with pytest.raises(ps.NotConnectedError, match="failed") as caught:
            await second.fetch_privacy_settings()
        assert caught.value.hint == info.hint
    assert phone.runs == 1


async def test_a_session_that_becomes_free_is_taken_without_being_told(phone, tmp_path):
    async with (
        account_of(phone, tmp_path) as first,
        account_of(phone, tmp_path, state=AccountState.FAILED) as second,
    ):
        await first.aclose()
        await until_state(second, AccountState.CONNECTED)


async def test_nobody_is_in_its_repr(account):
    assert repr(account) == "TryxAccount('me')"


@pytest.mark.parametrize("missing", ["tryx", "segno"])
def test_without_the_extra_it_says_what_to_install(missing):
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "import privacy_sdk as ps\n"
        "try: ps.TryxAccount()\n"
        "except ps.PrivacyError as error: print(error.message, error.hint)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert missing in done.stdout
    assert 'pip install "privacy-sdk[whatsapp]"' in done.stdout


def test_tryx_is_imported_when_it_connects_and_not_before():
    code = (
        "import sys, privacy_sdk as ps; ps.TryxAccount('me');"
        "print([name for name in sys.modules if name.split('.')[0] in ('tryx', 'segno')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
