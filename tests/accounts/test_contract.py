"""What every account does, wherever it lives.

A test that needs more than the specification's four operations says so with ``needs``; of an
account without that capability it asks a ``NotSupportedError`` instead. Another kind of account
joins by a factory in ``FACTORIES``.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx2
import pytest
from fake_tryx import FakePhone
from fake_whatsapp import ObservedAccount, fake_whatsapp, link_by_hand, raw_account_of
from linked import account_of

import privacy_sdk as ps
from privacy_sdk import PrivacyCategory as Category
from privacy_sdk import PrivacyValue as Value
from privacy_sdk.accounts.backends import BACKENDS
from privacy_sdk.accounts.base import Account, Capability, RunsPlans
from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.accounts.events import CHANGES, READS
from privacy_sdk.accounts.http import HttpAccount
from privacy_sdk.gateway import create_app
from privacy_sdk.testing import running_gateway

PHONES = [f"99911555010{n}" for n in range(1, 9)]
LIDS = [ps.Jid(f"99900000000000{n}", ps.Jid.LID) for n in range(1, 9)]
NOBODYS = "999115559999"


TOKEN = "only-for-tests"

Factory = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Account]]


@asynccontextmanager
async def emulated(request: pytest.FixtureRequest) -> AsyncIterator[Account]:
    yield EmulatedAccount()


@pytest.fixture(scope="module")
def on_one_gateway() -> Iterator[Iterator[HttpAccount]]:
    """Accounts that were never used, on a gateway on a real socket that all tests share."""
    accounts = {f"demo{n}": EmulatedAccount() for n in range(500)}
    with running_gateway(accounts, token=TOKEN) as url:
        yield (HttpAccount(url, token=TOKEN, account=name) for name in accounts)


@asynccontextmanager
async def on_a_gateway(request: pytest.FixtureRequest) -> AsyncIterator[Account]:
    account = next(request.getfixturevalue("on_one_gateway"))
    try:
        yield account
    finally:
        await account.aclose()


@asynccontextmanager
async def linked(request: pytest.FixtureRequest) -> AsyncIterator[Account]:
    async with account_of(FakePhone(), request.getfixturevalue("tmp_path")) as account:
        yield account


@asynccontextmanager
async def linked_over_http(request: pytest.FixtureRequest) -> AsyncIterator[Account]:
    async with linked(request) as account:
        app = create_app({"me": account}, token=None, rate=None)
        remote = HttpAccount(account="me", transport=httpx2.ASGITransport(app))
        try:
            yield remote
        finally:
            await remote.aclose()


def due(request: pytest.FixtureRequest) -> float:
    """How long an answer over a socket may take [s]: not long where it is known to be lost."""
    return 0.4 if "lost" in request.node.name else 10.0


@asynccontextmanager
async def over_a_socket(request: pytest.FixtureRequest) -> AsyncIterator[Account]:
    folder = request.getfixturevalue("tmp_path")
    async with (
        fake_whatsapp() as whatsapp,
        raw_account_of(whatsapp, folder, timeout=due(request)) as account,
    ):
        yield account


@asynccontextmanager
async def over_a_gateway_and_a_socket(request: pytest.FixtureRequest) -> AsyncIterator[Account]:
    """Client, gateway and WhatsApp on three sockets, the gateway in a thread of its own."""
    folder = request.getfixturevalue("tmp_path")
    link_by_hand(folder)
    async with fake_whatsapp() as whatsapp:
        account = ObservedAccount(whatsapp, folder, timeout=due(request))
        gateway = running_gateway({"me": account}, token=TOKEN)
        url = await asyncio.to_thread(gateway.__enter__)
        remote = HttpAccount(url, token=TOKEN, account="me")
        try:
            while (await remote.info()).state != "connected":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            yield remote
        finally:
            await remote.aclose()
            await asyncio.to_thread(gateway.__exit__, None, None, None)


FACTORIES: dict[str, Factory] = {
    "emulated": emulated,
    "on a gateway": on_a_gateway,
    "linked": linked,
    "linked, over HTTP": linked_over_http,
    "raw, over a socket": over_a_socket,
    "raw, over a gateway and a socket": over_a_gateway_and_a_socket,
}


@pytest.fixture(params=FACTORIES)
async def account(request: pytest.FixtureRequest) -> AsyncIterator[Account]:
    async with FACTORIES[request.param](request) as account:
        yield account


NEEDS_IT: dict[Capability, Callable[[Account], Awaitable[object]]] = {
    Capability.READ_DISALLOWED_LIST: lambda account: account.fetch_disallowed_list(Category.LAST),
    Capability.READ_DISAPPEARING_MODE: lambda account: account.fetch_default_disappearing_mode(),
    Capability.FIND_CONTACTS: lambda account: account.find_contacts(PHONES[:1]),
    Capability.EMULATE: lambda account: account.emulate(ps.testing.PhoneSets("last", "all")),
}


def needs(*capabilities: Capability):
    def decorate(test):
        @functools.wraps(test)
        async def run(account: Account, **arguments: object) -> None:
            missing = set(capabilities) - (await account.info()).capabilities
            if not missing:
                return await test(account, **arguments)
            for capability in missing:
                if capability is Capability.EMULATE and not hasattr(account, "emulate"):
                    continue  # no part of the protocol: an account need not even have it
                with pytest.raises(ps.NotSupportedError):
                    await NEEDS_IT[capability](account)

        return run

    return decorate


def adding(*jids: ps.Jid) -> list[ps.DisallowedListUserEntry]:
    return [ps.DisallowedListUserEntry(jid) for jid in jids]


def removing(*jids: ps.Jid) -> list[ps.DisallowedListUserEntry]:
    return [ps.DisallowedListUserEntry(jid, action="remove") for jid in jids]


async def update(
    account: Account, dhash: str | None, entries: list[ps.DisallowedListUserEntry]
) -> str | None:
    change = ps.DisallowedListUpdate(dhash, entries)
    return (await account.set_privacy_disallowed_list(Category.LAST, change)).dhash


async def listed(account: Account) -> list[ps.Jid]:
    return [user.jid for user in await account.fetch_disallowed_list(Category.LAST)]


async def value_of(account: Account, category: Category) -> Value | None:
    return (await account.fetch_privacy_settings()).get_value(category)


async def start_list(account: Account, *jids: ps.Jid) -> str | None:
    """Put last seen on a list of these people."""
    await account.set_privacy_setting(Category.LAST, Value.ALL)
    dhash = (await account.set_privacy_setting(Category.LAST, Value.CONTACT_BLACKLIST)).dhash
    return await update(account, dhash, adding(*jids)) if jids else dhash


async def test_it_says_who_it_is_and_what_it_can_do(account):
    assert isinstance(account, Account)
    info = await account.info()
    assert info.id == account.id
    assert info.backend in BACKENDS
    assert info.state == ps.accounts.AccountState.CONNECTED
    assert info.capabilities <= set(Capability)


async def test_settings_are_members_and_each_category_comes_once(account):
    response = await account.fetch_privacy_settings()
    assert isinstance(response, ps.PrivacySettingsResponse)
    categories = [setting.category for setting in response]
    assert len(categories) == len(set(categories)) > 0
    assert all(type(setting.category) is Category for setting in response)
    assert all(type(setting.value) is Value for setting in response)


async def test_every_valid_pair_can_be_set_and_is_read_back(account):
    for category in Category:
        for value in category.valid_values:
            await account.set_privacy_setting(category, value)
            assert await value_of(account, category) is value
        await account.set_privacy_setting(category, category.valid_values[0])


async def test_setting_one_category_leaves_the_others_alone(account):
    await account.set_privacy_setting(Category.PROFILE, Value.ALL)
    before = await account.fetch_privacy_settings()
    await account.set_privacy_setting(Category.PROFILE, Value.CONTACTS)
    after = await account.fetch_privacy_settings()
    changed = {new.category for new in after if new.value != before.get_value(new.category)}
    assert changed == {Category.PROFILE}
    assert len(after) == len(before)


async def test_only_a_category_set_to_a_list_answers_a_dhash(account):
    for value in Category.STATUS.valid_values:
        answer = await account.set_privacy_setting(Category.STATUS, value)
        assert isinstance(answer, ps.SetPrivacySettingResponse)
        assert (answer.dhash is not None) == (value is Value.CONTACT_BLACKLIST)


async def test_a_set_can_be_repeated(account):
    for _ in range(2):
        await account.set_privacy_setting(Category.LAST, Value.NONE)
        assert await value_of(account, Category.LAST) is Value.NONE


async def test_a_list_update_answers_a_new_dhash_that_the_next_one_takes(account):
    first = await start_list(account)
    second = await update(account, first, adding(LIDS[0]))
    third = await update(account, second, adding(LIDS[1]))
    assert len({first, second, third} - {None}) == 3


async def test_a_stale_dhash_is_a_conflict(account):
    stale = await start_list(account)
    await update(account, stale, adding(LIDS[0]))
    with pytest.raises(ps.ConflictError) as caught:
        await update(account, stale, adding(LIDS[1]))
    assert caught.value.code == 409


@needs(Capability.READ_DISALLOWED_LIST)
async def test_a_conflict_changes_nothing(account):
    stale = await start_list(account)
    await update(account, stale, adding(LIDS[0]))
    with pytest.raises(ps.ConflictError):
        await update(account, stale, adding(LIDS[1]))
    assert await listed(account) == LIDS[:1]


@needs(Capability.READ_DISALLOWED_LIST)
async def test_a_list_holds_who_was_added_and_not_removed(account):
    dhash = await start_list(account, *LIDS[:3])
    dhash = await update(account, dhash, removing(LIDS[1]) + adding(LIDS[4]))
    held = await account.fetch_disallowed_list(Category.LAST)
    assert {user.jid for user in held} == {LIDS[0], LIDS[2], LIDS[4]}
    assert held.dhash == dhash


@needs(Capability.READ_DISALLOWED_LIST)
async def test_a_category_off_its_list_has_nobody_and_no_dhash(account):
    await start_list(account, LIDS[0])
    await account.set_privacy_setting(Category.LAST, Value.CONTACTS)
    assert await account.fetch_disallowed_list(Category.LAST) == ps.DisallowedList()


@needs(Capability.READ_DISALLOWED_LIST)
async def test_lists_of_two_categories_do_not_mix(account):
    await start_list(account, LIDS[0])
    await account.set_privacy_setting(Category.PROFILE, Value.CONTACT_BLACKLIST)
    change = ps.DisallowedListUpdate(None, adding(LIDS[1]))
    await account.set_privacy_disallowed_list(Category.PROFILE, change)
    assert await listed(account) == [LIDS[0]]


@needs(Capability.READ_DISALLOWED_LIST)
async def test_without_a_dhash_the_list_changes_as_it_stands(account):
    await start_list(account, *LIDS[:2])
    await update(account, None, adding(LIDS[2]))
    await update(account, None, removing(LIDS[0]))
    assert set(await listed(account)) == {LIDS[1], LIDS[2]}


@needs(Capability.READ_DISALLOWED_LIST)
async def test_concurrent_updates_without_a_dhash_lose_nobody(account):
    await start_list(account)
    dhashes = await asyncio.gather(*(update(account, None, adding(jid)) for jid in LIDS))
    assert set(await listed(account)) == set(LIDS)
    assert len(set(dhashes)) == len(LIDS)


@pytest.mark.parametrize("seconds", [0, 86_400, 604_800, 7_776_000, 1, 2**32 - 1])
@needs(Capability.READ_DISAPPEARING_MODE)
async def test_the_timer_is_what_it_was_set_to(account, seconds):
    assert await account.set_default_disappearing_mode(seconds) is None
    assert await account.fetch_default_disappearing_mode() == seconds


@needs(Capability.FIND_CONTACTS)
async def test_contacts_come_in_the_order_asked_and_unknown_ones_without_addresses(account):
    asked = [PHONES[2], NOBODYS, PHONES[0], PHONES[2]]
    found = await account.find_contacts(asked)
    assert [contact.phone for contact in found] == asked
    assert found[1] == ps.Contact(NOBODYS)
    assert found[0] == found[3]
    assert [contact.jid.is_lid for contact in found if contact.jid] == [True] * 3
    assert found[2].pn_jid == ps.Jid.phone(PHONES[0])


async def test_concurrent_reads_agree(account):
    first, *rest = await asyncio.gather(*(account.fetch_privacy_settings() for _ in range(20)))
    assert all(response == first for response in rest)


async def test_closing_twice_does_no_harm(account):
    await account.fetch_privacy_settings()
    await account.aclose()
    await account.aclose()


ASK = {
    "fetch_privacy_settings": lambda account: account.fetch_privacy_settings(),
    "fetch_disallowed_list": lambda account: account.fetch_disallowed_list(Category.LAST),
    "fetch_default_disappearing_mode": lambda account: account.fetch_default_disappearing_mode(),
    "find_contacts": lambda account: account.find_contacts(PHONES[:1]),
    "set_privacy_setting": lambda account: account.set_privacy_setting(
        Category.ONLINE, Value.MATCH_LAST_SEEN
    ),
    "set_privacy_disallowed_list": lambda account: update(account, "none", adding(LIDS[0])),
    "set_default_disappearing_mode": lambda account: account.set_default_disappearing_mode(86_400),
}


async def state(account: Account) -> tuple[object, ...]:
    return (
        await account.fetch_privacy_settings(),
        await listed(account),
        await account.fetch_default_disappearing_mode(),
    )


def test_the_operations_here_are_all_there_are():
    assert set(ASK) == {*READS, *CHANGES}


@pytest.mark.parametrize("operation", ASK)
@pytest.mark.parametrize("fault", ["refused", "refused_inside"])
@needs(Capability.EMULATE)
async def test_a_refusal_in_either_shape_raises_and_changes_nothing(account, fault, operation):
    before = await state(account)
    await account.emulate(
        ps.testing.NextAnswer(
            fault,
            text="not-allowed",
            code=405,
            error_type="cancel",
            backoff=12.5,
            operation=operation,
        )
    )
    if (fault, operation) == ("refused_inside", "fetch_privacy_settings"):
        with pytest.warns(ps.PrivacyWarning, match="error in place of the value"):
            await ASK[operation](account)
    else:
        with pytest.raises(ps.IqError, match="WhatsApp refused: 405 not-allowed") as caught:
            await ASK[operation](account)
        error = caught.value
        assert (error.code, error.text) == (405, "not-allowed")
        assert (error.error_type, error.backoff) == ("cancel", 12.5)
    assert await state(account) == before


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (400, ps.errors.BadRequestError),
        (401, ps.errors.NotAuthorizedError),
        (403, ps.errors.NotAuthorizedError),
        (404, ps.errors.ItemNotFoundError),
        (409, ps.ConflictError),
        (419, ps.IqError),
        (423, ps.IqError),
        (429, ps.errors.RateLimitError),
        (500, ps.IqError),
        (503, ps.errors.ServiceUnavailableError),
    ],
)
@needs(Capability.EMULATE)
async def test_a_refusals_code_decides_its_class(account, code, expected):
    await account.emulate(
        ps.testing.NextAnswer("refused", code=code, text="no", backoff=0, times=10)
    )
    with pytest.raises(ps.IqError) as caught:
        await account.set_privacy_setting(Category.LAST, Value.NONE)
    assert type(caught.value) is expected
    assert (caught.value.code, caught.value.backoff) == (code, 0)


@needs(Capability.EMULATE)
async def test_an_error_in_one_row_of_a_fetch_leaves_the_others(account):
    whole = await account.fetch_privacy_settings()
    await account.emulate(ps.testing.NextAnswer("refused_inside", category=Category.STATUS))
    with pytest.warns(ps.PrivacyWarning, match="'status'"):
        rest = await account.fetch_privacy_settings()
    assert [*rest] == [setting for setting in whole if setting.category is not Category.STATUS]


@pytest.mark.parametrize("operation", CHANGES)
@needs(Capability.EMULATE)
async def test_a_change_that_does_not_take_answers_success_and_shows_on_reading_back(
    account, operation
):
    before = await state(account)
    await account.emulate(ps.testing.NextAnswer("not_applied"))
    assert await state(account) == before  # reads neither meet it nor use it up
    if isinstance(account, RunsPlans):  # which reads back at its other end
        with pytest.raises(ps.NotAppliedError):
            await ASK[operation](account)
    else:
        await ASK[operation](account)
    assert await state(account) == before
    await ASK[operation](account)
    assert await state(account) != before


@pytest.mark.parametrize("operation", CHANGES)
@needs(Capability.EMULATE)
async def test_a_lost_answer_to_a_change_leaves_its_outcome_unknown_and_the_change_made(
    account, operation
):
    before = await state(account)
    await account.emulate(ps.testing.NextAnswer("lost", operation=operation))
    if isinstance(account, RunsPlans):  # which reads back that it was made
        await ASK[operation](account)
    else:
        with pytest.raises(ps.OutcomeUnknownError):
            await ASK[operation](account)
    assert await state(account) != before


@pytest.mark.parametrize("operation", READS)
@needs(Capability.EMULATE)
async def test_a_lost_answer_to_a_read_is_a_timeout(account, operation):
    await account.emulate(ps.testing.NextAnswer("lost", operation=operation, times=10))
    with pytest.raises(ps.errors.AnswerTimeoutError):
        await ASK[operation](account)


@pytest.mark.parametrize("operation", ASK)
@needs(Capability.EMULATE)
async def test_a_slow_answer_is_the_right_one(account, operation):
    await account.set_privacy_setting(Category.LAST, Value.CONTACTS)
    await account.emulate(ps.testing.NextAnswer("slow", seconds=0.01))
    late = await ASK[operation](account)
    if operation in READS:
        assert late == await ASK[operation](account)


@needs(Capability.EMULATE)
async def test_a_call_that_was_given_up_leaves_the_account_usable(account):
    await account.emulate(
        ps.testing.NextAnswer("slow", seconds=60, operation="set_privacy_setting")
    )
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await account.set_privacy_setting(Category.LAST, Value.NONE)
    await account.set_privacy_setting(Category.LAST, Value.CONTACTS)
    assert await value_of(account, Category.LAST) is Value.CONTACTS


@needs(Capability.EMULATE)
async def test_a_fault_waits_for_the_answer_it_is_meant_for(account):
    await account.emulate(
        ps.testing.NextAnswer("refused", operation="set_default_disappearing_mode")
    )
    await account.emulate(ps.testing.NextAnswer("refused", category=Category.STATUS, times=2))
    await account.set_privacy_setting(Category.LAST, Value.NONE)
    await account.fetch_privacy_settings()
    for _ in range(2):
        with pytest.raises(ps.IqError):
            await account.set_privacy_setting(Category.STATUS, Value.NONE)
    await account.set_privacy_setting(Category.STATUS, Value.NONE)
    with pytest.raises(ps.IqError):
        await account.set_default_disappearing_mode(0)


@needs(Capability.EMULATE)
async def test_a_change_on_the_phone_shows_in_the_next_fetch(account):
    await account.set_privacy_setting(Category.LAST, Value.NONE)
    await account.emulate(ps.testing.PhoneSets("last", "contacts"))
    assert await value_of(account, Category.LAST) is Value.CONTACTS


@needs(Capability.EMULATE)
async def test_names_that_are_not_known_arrive_as_they_were_sent(account):
    await account.emulate(ps.testing.PhoneSets("stickers", "contact_allowlist"))
    await account.emulate(ps.testing.PhoneSets("last", "close_friends"))
    settings = await account.fetch_privacy_settings()
    new, last = settings.get("stickers"), settings.get("last")
    assert (new.category.value, new.value.value) == ("stickers", "contact_allowlist")
    assert not new.category.is_known
    assert (last.category, last.value.value) == (Category.LAST, "close_friends")


@needs(Capability.EMULATE)
async def test_an_unknown_category_can_be_set_on_purpose(account):
    category, value = Category.other("brand_new"), Value.other("some_people")
    with pytest.raises(ps.NotSupportedError, match="does not report 'brand_new'"):
        await account.set_privacy_setting(category, value)
    await account.set_privacy_setting(category, value, unreported=True)
    assert await value_of(account, category) == value
    await account.set_privacy_setting(category, value)  # it is reported now


@needs(Capability.EMULATE, Capability.READ_DISALLOWED_LIST)
async def test_a_list_changed_on_the_phone_makes_the_dhash_stale(account):
    dhash = await start_list(account, LIDS[0])
    await account.emulate(ps.testing.PhoneLists(Category.LAST, adding(LIDS[1]) + removing(LIDS[0])))
    with pytest.raises(ps.ConflictError):
        await update(account, dhash, adding(LIDS[2]))
    await update(account, None, adding(LIDS[2]))
    assert set(await listed(account)) == {LIDS[1], LIDS[2]}
