"""Where a linked phone stands: every state, how it gets there, what it says, and the way out."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from fake_tryx import NUMBER, FakePhone, payload
from linked import account_of, until, until_state
from tryx.wacore import Attrs, Node, NodeValue

import privacy_sdk as ps
from privacy_sdk.accounts.base import AccountState as State
from privacy_sdk.accounts.whatsapp import supervisor, tryx_runtime
from privacy_sdk.accounts.whatsapp.account import TryxAccount
from privacy_sdk.accounts.whatsapp.runtime import PASSKEY
from privacy_sdk.accounts.whatsapp.supervisor import HINTS, backoff
from privacy_sdk.errors.masks import mask_text


def notification(kind):
    return Node("notification", [Attrs("type", NodeValue(kind))], None)


ENDS = {
    State.LOGGED_OUT: ("EvLoggedOut", {"on_connect": False, "reason": "LoggedOut"}),
    State.REPLACED: ("EvStreamReplaced", {}),
    State.BANNED: (
        "EvTemporaryBan",
        {"data": SimpleNamespace(code=0, expire=datetime(2026, 11, 23, 9, 30, tzinfo=UTC))},
    ),
    State.OUTDATED: ("EvClientOutDated", {}),
}


@pytest.fixture(autouse=True)
def nothing_is_late(monkeypatch):
    monkeypatch.setattr(tryx_runtime, "_LATE", 0.02)
    monkeypatch.setattr(tryx_runtime, "_LOOK_EVERY", 0.02)


@pytest.fixture
def phone():
    return FakePhone()


@pytest.fixture
def unlinked():
    return FakePhone(is_linked=False)


async def not_connected(account: TryxAccount) -> ps.NotConnectedError:
    """What each operation that needs a connection says; always the same."""
    with pytest.raises(ps.NotConnectedError) as caught:
        await account.fetch_privacy_settings()
    with pytest.raises(ps.NotConnectedError) as changed:
        await account.set_default_disappearing_mode(0)
    assert changed.value.message == caught.value.message
    info = await account.info()
    assert caught.value.hint == info.hint == (await account.link_status()).hint
    assert info.state.replace("_", " ") in caught.value.message
    return caught.value


def test_every_state_says_what_to_do_next():
    assert set(HINTS) == set(State)
    assert all(HINTS.values())


async def test_a_linked_phone_is_connected(phone, tmp_path):
    async with account_of(phone, tmp_path) as account:
        status = await account.link_status()
        assert (status.state, status.qr) == (State.CONNECTED, None)
        assert status.linked_as == "+99 ••• 78"
        assert NUMBER not in repr(status)


async def test_before_it_is_logged_in_it_is_connecting(phone, tmp_path):
    phone.is_online = False
    async with account_of(phone, tmp_path, state=State.CONNECTING) as account:
        assert "network" in (await not_connected(account)).hint
        phone.is_online = True
        await until_state(account, State.CONNECTED)


async def test_a_network_that_is_gone_for_hours_and_comes_back_needs_nobody(phone, tmp_path):
    async with account_of(phone, tmp_path) as account:
        phone.is_online = False
        await phone.current.emit("EvDisconnected")
        await not_connected(account)
        phone.is_online = True
        assert len(await account.fetch_privacy_settings())
        assert phone.runs == 1  # tryx tries again by itself


async def test_an_unlinked_one_waits_for_a_scan_and_is_connected_after_it(unlinked, tmp_path):
    async with account_of(unlinked, tmp_path) as account:
        status = await account.link_status()
        assert (status.qr, status.expires_in) == (payload(1), 59)
        assert status.linked_as is None
        assert "Linked devices" in (await not_connected(account)).hint
        await unlinked.scan()
        await until_state(account, State.CONNECTED)
        assert (await account.link_status()).linked_as == "+99 ••• 78"


async def test_the_next_code_takes_the_place_of_the_last(unlinked, tmp_path):
    async with account_of(unlinked, tmp_path) as account:
        await unlinked.current.offer(2)
        await asyncio.sleep(0)
        status = await account.link_status()
        assert (status.qr, status.expires_in) == (payload(2), 19)


async def test_a_code_that_has_expired_is_not_shown(unlinked, tmp_path):
    async with account_of(unlinked, tmp_path) as account:
        await unlinked.current.emit("EvPairingQrCode", code=payload(3), timeout=0)
        await asyncio.sleep(0)
        assert (await account.link_status()).qr is None


async def test_when_codes_run_out_there_are_new_ones_for_somebody_who_looks(unlinked, tmp_path):
    async with account_of(unlinked, tmp_path) as account:
        for round_ in (2, 3):
            await account.link_status()
            unlinked.current.end()
            await until(lambda expected=round_: unlinked.runs == expected)
            await until_state(account, State.WAITING_FOR_SCAN)
        assert (await account.link_status()).qr == payload(1)


async def test_when_nobody_looks_it_stops_and_says_so_until_it_is_asked(
    unlinked, tmp_path, monkeypatch
):
    monkeypatch.setattr(supervisor, "_LOOKED_FOR", -1.0)
    async with account_of(unlinked, tmp_path) as account:
        unlinked.current.end()
        await until_state(account, State.UNLINKED)
        error = await not_connected(account)
        assert "Nobody scanned" in error.hint
        assert "privacy-sdk link me" in error.hint
        await asyncio.sleep(0.05)
        assert unlinked.runs == 1
        assert (await account.link()).state is State.CONNECTING
        await until_state(account, State.WAITING_FOR_SCAN)


@pytest.mark.parametrize("after", ["event first", "event late", "no end"])
@pytest.mark.parametrize("state", ENDS)
async def test_an_end_for_good_is_final_in_whichever_order_it_is_told(
    phone, tmp_path, state, after
):
    name, fields = ENDS[state]
    async with account_of(phone, tmp_path) as account:
        first = phone.current
        if after == "event late":
            first.end()
            await asyncio.sleep(0)
        await first.emit(name, **fields)
        if after == "event first":
            first.end()
        await until_state(account, state)
        error = await not_connected(account)
        assert HINTS[state].format(account="me", library="tryx", extra="whatsapp") in error.hint
        await asyncio.sleep(0.05)
        assert phone.runs == 1  # it does not fight for the session
        assert (await account.link()).state is State.CONNECTING
        await until_state(account, State.CONNECTED)
        assert phone.runs == 2


async def test_while_a_ban_is_in_force_nothing_connects(phone, tmp_path):
    until_then = datetime.now(UTC) + timedelta(seconds=0.5)
    async with account_of(phone, tmp_path) as account:
        await phone.current.emit("EvTemporaryBan", data=SimpleNamespace(code=0, expire=until_then))
        await until_state(account, State.BANNED)
        assert (await account.link()).state is State.BANNED
        assert (await account.unlink()).state is State.UNLINKED
        assert (await account.link()).state is State.BANNED
        await asyncio.sleep(0.05)
    async with account_of(phone, tmp_path, state=State.BANNED) as account:  # the next process
        assert phone.runs == 1
        await asyncio.sleep(0.5)
        await account.link()
        await until_state(account, State.CONNECTED)


async def test_a_passkey_is_asked_for_and_said_at_once(unlinked, tmp_path):
    async with account_of(unlinked, tmp_path) as account:
        await unlinked.current.emit("EvNotification", node=notification("devices"))
        await unlinked.current.emit("EvNotification", node=notification(PASSKEY))
        await until_state(account, State.PASSKEY)
        hint = (await not_connected(account)).hint
        assert "passkey" in hint
        assert "Nothing is lost" in hint
        assert (await account.link_status()).qr is None
        await account.link()
        await until_state(account, State.WAITING_FOR_SCAN)


async def test_a_hint_of_an_earlier_failure_does_not_outlive_a_login(phone, tmp_path):
    phone.is_online = False
    async with account_of(phone, tmp_path, state=State.CONNECTING) as account:
        await until(lambda: phone.runs)
        await asyncio.sleep(0)
        await phone.current.emit("EvConnectFailure", reason="503", message=None)
        await until(lambda: "did not let us in" in account._supervisor.hint)
        phone.is_online = True
        await asyncio.sleep(0.1)  # nobody asks, and EvConnected has not come
        phone.is_online = False
        hint = (await account.info()).hint
        assert "did not let us in" not in hint


async def test_a_link_begun_while_the_keys_are_deleted_does_not_bring_them_back(phone, tmp_path):
    async with account_of(phone, tmp_path) as account:
        unlinking = asyncio.ensure_future(account.unlink())
        await asyncio.sleep(0)
        await account.link()
        await unlinking
        await asyncio.sleep(0.05)
        assert (await account.info()).state is State.UNLINKED
        assert [path.name for path in (tmp_path / "me").iterdir()] == ["lock"]
        assert phone.runs == 1


async def test_sessions_of_one_link_share_what_tryx_never_closes(phone, tmp_path):
    async with account_of(phone, tmp_path) as account:
        for run in range(2, 22):
            phone.current.end()
            await until(lambda expected=run: phone.runs == expected)
            await until_state(account, State.CONNECTED)
        assert len(phone.runtimes) == 1


async def test_a_ban_says_until_when(phone, tmp_path):
    async with account_of(phone, tmp_path) as account:
        await phone.current.emit("EvTemporaryBan", **ENDS[State.BANNED][1])
        await until_state(account, State.BANNED)
        assert "2026-11-23 09:30" in (await account.info()).hint


async def test_logged_out_on_the_phone_the_keys_are_gone_before_the_next_link(phone, tmp_path):
    async with account_of(phone, tmp_path) as account:
        await account.set_privacy_setting(
            ps.PrivacyCategory.LAST, ps.PrivacyValue.CONTACT_BLACKLIST
        )
        phone.current.database.write_bytes(b"")
        (tmp_path / "me" / "session.db-wal").write_bytes(b"keys")
        await phone.current.emit("EvLoggedOut", on_connect=True, reason="LoggedOut")
        await until_state(account, State.LOGGED_OUT)
        phone.is_linked = False
        await account.link()
        await until_state(account, State.WAITING_FOR_SCAN)
        assert not (tmp_path / "me" / "session.db-wal").exists()
        await phone.scan()
        await until_state(account, State.CONNECTED)
        person = ps.DisallowedListUserEntry("999000000000001@lid")
        phone.sent.clear()
        await account.set_privacy_disallowed_list(
            ps.PrivacyCategory.LAST, ps.DisallowedListUpdate(None, [person])
        )
        # It may be another phone, whose list has a version of its own.
        assert [sent[0] for sent in phone.sent] == ["fetch", "set", "list"]


async def test_an_end_without_a_reason_is_followed_by_another_try(phone, tmp_path):
    async with account_of(phone, tmp_path) as account:
        phone.current.end()
        await until(lambda: phone.runs == 2)
        await until_state(account, State.CONNECTED)


async def test_tries_that_fail_are_further_and_further_apart_until_one_succeeds(phone, tmp_path):
    failures, broken = [], 3

    def pause(count):
        failures.append(count)
        return 0.0

    def runtime(database):
        if len(failures) < broken:
            raise ps.PrivacyError("It cannot be opened.", hint="Mend it.")
        return phone.runtime(database)

    async with account_of(phone, tmp_path, runtime=runtime, pause=pause) as account:
        await phone.current.emit("EvConnected")
        await asyncio.sleep(0)
        phone.current.end()
        await until(lambda: phone.runs == 2)
        await until_state(account, State.CONNECTED)
    assert failures == [1, 2, 3, 1]


def test_the_pause_doubles_up_to_five_minutes_and_is_never_quite_the_same():
    bounds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    for failures, bound in enumerate(bounds, 1):
        pauses = {backoff(failures) for _ in range(50)}
        assert len(pauses) > 1
        assert bound / 2 <= min(pauses) <= max(pauses) <= bound


async def test_a_session_that_cannot_be_opened_has_failed_and_says_why(phone, tmp_path):
    (tmp_path / "me").mkdir(mode=0o700)
    database = tmp_path / "me" / "session.db"
    database.write_bytes(b"no database" * 500)
    database.chmod(0o600)
    async with account_of(phone, tmp_path, state=State.FAILED) as account:
        error = await not_connected(account)
        assert "is broken" in error.hint
        assert "privacy-sdk unlink me" in error.hint
        await account.unlink()
        await account.link()
        await until_state(account, State.CONNECTED)


async def test_whatever_the_library_raises_the_account_goes_on(phone, tmp_path):
    trouble = [ZeroDivisionError("for 999115550101@s.whatsapp.net"), RuntimeError("no")]

    def runtime(database):
        if trouble:
            raise trouble.pop(0)
        return phone.runtime(database)

    states = []

    def pause(failures):
        states.append(failures)
        return 0.0

    async with account_of(phone, tmp_path, runtime=runtime, pause=pause) as account:
        assert states == [1, 2]
        assert len(await account.fetch_privacy_settings())


async def test_a_run_that_raises_is_a_failure_that_is_tried_again(phone, tmp_path):
    async with account_of(phone, tmp_path) as account:
        phone.current.over.set_exception(RuntimeError("internal channel closed"))
        await until(lambda: phone.runs == 2)
        await until_state(account, State.CONNECTED)


@pytest.mark.parametrize(
    ("event", "fields", "said"),
    [
        ("EvPairError", {"error": "no such device"}, "Linking failed: no such device"),
        ("EvQrScannedWithoutMultidevice", {}, "too old"),
        ("EvConnectFailure", {"reason": "LoggedOut", "message": None}, "did not let us in"),
        ("EvStreamError", {"code": "515"}, "ended the connection: 515"),
        ("EvPairError", {"error": "999115550101@s.whatsapp.net"}, "99•••01@s.whatsapp.net"),
    ],
)
async def test_what_goes_wrong_on_the_way_is_said(unlinked, tmp_path, event, fields, said):
    async with account_of(unlinked, tmp_path) as account:
        await unlinked.current.emit(event, **fields)
        await asyncio.sleep(0)
        assert said in (await account.info()).hint
        assert "999115550101" not in (await account.info()).hint


async def test_unlinking_deletes_the_keys_and_says_what_is_left_to_do(phone, tmp_path):
    async with account_of(phone, tmp_path) as account:
        await account.set_privacy_setting(
            ps.PrivacyCategory.LAST, ps.PrivacyValue.CONTACT_BLACKLIST
        )
        status = await account.unlink()
        assert (status.state, status.linked_as, status.qr) == (State.UNLINKED, None, None)
        assert "remove the device on the phone" in status.hint
        assert [path.name for path in (tmp_path / "me").iterdir()] == ["lock"]
        await not_connected(account)
        assert phone.runs == 1  # nothing links by itself after that


async def test_what_an_unlinked_session_still_reports_is_not_heard(phone, tmp_path):
    async with account_of(phone, tmp_path) as account:
        old = phone.current
        await account.unlink()
        phone.is_linked = False
        await account.link()
        await until_state(account, State.WAITING_FOR_SCAN)
        await old.emit("EvLoggedOut", on_connect=False, reason="LoggedOut")
        await asyncio.sleep(0.01)
        assert (await account.info()).state is State.WAITING_FOR_SCAN


async def test_linking_what_is_linked_changes_nothing(phone, tmp_path):
    async with account_of(phone, tmp_path) as account:
        assert (await account.link()).state is State.CONNECTED
        assert phone.runs == 1


async def test_asking_does_not_wait_for_the_pause(phone, tmp_path):
    calls = []

    def runtime(database):
        calls.append(database)
        if len(calls) == 1:
            raise ps.PrivacyError("It cannot be opened.")
        return phone.runtime(database)

    async with account_of(
        phone, tmp_path, runtime=runtime, pause=lambda failures: 3_600, state=State.FAILED
    ) as account:
        await account.link()
        await until_state(account, State.CONNECTED)


async def test_the_log_names_states_and_neither_people_nor_codes(unlinked, tmp_path, caplog):
    with caplog.at_level(logging.DEBUG):
        async with account_of(unlinked, tmp_path) as account:
            await account.link_status()
            await unlinked.current.emit("EvPairError", error=f"{NUMBER}@s.whatsapp.net")
            await unlinked.scan()
            await until_state(account, State.CONNECTED)
            await account.fetch_privacy_settings()
            await account.unlink()
    logged = "\n".join(f"{vars(record)}" for record in caplog.records)
    assert "'state': 'waiting_for_scan'" in logged
    assert "'msg': 'paired'" in logged
    assert NUMBER not in logged
    assert payload(1) not in logged
    assert payload(1)[:40] not in logged
    assert mask_text(payload(1)) == "•••"
