"""A linked account outlives an event loop: it connects again in the next one that uses it."""

import asyncio
import threading

import pytest
from fake_tryx import FakePhone, payload
from fake_whatsapp import ObservedAccount, fake_whatsapp, link_by_hand
from linked import until, until_state

import privacy_sdk as ps
from privacy_sdk.accounts.base import AccountState as State
from privacy_sdk.accounts.whatsapp import tryx_runtime
from privacy_sdk.accounts.whatsapp.account import TryxAccount

LAST = ps.PrivacyCategory.LAST


@pytest.fixture(autouse=True)
def nothing_is_late(monkeypatch):
    monkeypatch.setattr(tryx_runtime, "_LATE", 0.02)
    monkeypatch.setattr(tryx_runtime, "_LOOK_EVERY", 0.02)


def account_of(phone, folder):
    return TryxAccount("me", folder=folder, runtime=phone.runtime, pause=lambda failures: 0.0)


async def settings_of(account):
    await until_state(account, State.CONNECTED)
    return await account.fetch_privacy_settings()


async def closed(account):
    await account.aclose()


@pytest.fixture
def whatsapp():
    """A stand-in of WhatsApp in a thread of its own, which outlives the loops of a test."""
    ready, over = threading.Event(), None
    running = []

    async def serve():
        nonlocal over
        over = asyncio.Event()
        async with fake_whatsapp() as whatsapp:
            running.extend((whatsapp, asyncio.get_running_loop()))
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    server, loop = running
    yield server
    loop.call_soon_threadsafe(over.set)
    thread.join(10)


def test_a_phone_is_connected_again_in_the_next_event_loop(tmp_path):
    phone = FakePhone()
    account = account_of(phone, tmp_path)
    assert len(asyncio.run(settings_of(account))) == 9
    assert len(asyncio.run(settings_of(account))) == 9
    assert (phone.runs, len(phone.runtimes)) == (2, 1)
    asyncio.run(closed(account))


def test_a_raw_phone_is_connected_again_in_the_next_event_loop(whatsapp, tmp_path):
    link_by_hand(tmp_path)
    account = ObservedAccount(whatsapp, tmp_path)
    assert len(asyncio.run(settings_of(account))) == 9
    assert len(asyncio.run(settings_of(account))) == 9
    assert whatsapp.logins["linked"] == 2
    asyncio.run(closed(account))


def test_a_client_of_a_phone_changes_a_setting_in_each_of_two_event_loops(tmp_path):
    phone = FakePhone()
    client = ps.AsyncClient.from_account(account_of(phone, tmp_path))

    async def set_last(value):
        await until_state(client.account, State.CONNECTED)
        await client.set_privacy_setting("last", value)
        return (await client.fetch_privacy_settings()).get_value(LAST)

    assert asyncio.run(set_last("none")) == "none"
    assert asyncio.run(set_last("contacts")) == "contacts"
    asyncio.run(client.aclose())


def test_events_of_the_next_session_arrive_in_its_own_event_loop(tmp_path):
    phone = FakePhone(is_linked=False)
    account = account_of(phone, tmp_path)

    async def code(number):
        await until_state(account, State.WAITING_FOR_SCAN)
        await phone.current.offer(number)
        await asyncio.sleep(0)
        return (await account.link_status()).qr

    assert [asyncio.run(code(1)), asyncio.run(code(2))] == [payload(1), payload(2)]
    asyncio.run(closed(account))


def test_an_end_for_good_stays_one_in_the_next_event_loop_until_somebody_asks(tmp_path):
    phone = FakePhone()
    account = account_of(phone, tmp_path)

    async def replaced():
        await until_state(account, State.CONNECTED)
        await phone.current.emit("EvStreamReplaced")
        await until_state(account, State.REPLACED)

    async def state():
        await asyncio.sleep(0.05)
        return (await account.info()).state

    async def linked():
        await account.link()
        await until_state(account, State.CONNECTED)

    asyncio.run(replaced())
    assert asyncio.run(state()) is State.REPLACED
    assert phone.runs == 1
    asyncio.run(linked())
    assert phone.runs == 2
    asyncio.run(closed(account))


def test_a_failure_waits_for_its_next_try_in_the_next_event_loop_too(tmp_path):
    phone, calls = FakePhone(), []

    def runtime(database):
        calls.append(database)
        if len(calls) < 3:
            raise ps.PrivacyError("It cannot be opened.")
        return phone.runtime(database)

    account = TryxAccount("me", folder=tmp_path, runtime=runtime, pause=lambda failures: 3_600)

    async def failed():
        await until_state(account, State.FAILED)

    async def asked():
        await until_state(account, State.FAILED)
        await account.link()
        await until_state(account, State.CONNECTED)

    asyncio.run(failed())
    asyncio.run(asked())
    asyncio.run(closed(account))


@pytest.mark.parametrize("operation", ["aclose", "unlink"])
def test_what_another_event_loop_began_is_ended_in_this_one(tmp_path, operation):
    phone = FakePhone()
    account = account_of(phone, tmp_path)
    asyncio.run(settings_of(account))

    async def end():
        await getattr(account, operation)()

    asyncio.run(end())
    other = account_of(phone, tmp_path)
    phone.is_linked = True
    if operation == "unlink":
        asyncio.run(closed(account))
    asyncio.run(settings_of(other))  # which needs the lock of the session
    asyncio.run(closed(other))


def test_an_event_loop_that_is_merely_left_gives_its_session_up_to_the_next(tmp_path):
    phone = FakePhone()
    account = account_of(phone, tmp_path)
    left = asyncio.new_event_loop()
    try:
        left.run_until_complete(settings_of(account))
        asyncio.run(settings_of(account))
        left.run_until_complete(settings_of(account))
        left.run_until_complete(until(lambda: phone.runs == 3))
        left.run_until_complete(account.aclose())
    finally:
        left.close()
