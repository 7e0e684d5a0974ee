"""The raw backend over a real socket, with the unmodified library, at a stand-in of WhatsApp."""

import asyncio
import logging
import stat
import time

import pytest
from fake_whatsapp import NUMBER, FakeWhatsApp, fake_whatsapp, link_by_hand, raw_account_of
from linked import until, until_state

import privacy_sdk as ps
from privacy_sdk.accounts.base import AccountState as State
from privacy_sdk.accounts.nodes import node
from privacy_sdk.accounts.whatsapp.session import KEY_FILE

PERSON = ps.DisallowedListUserEntry("999000000000001@lid", "999115550101@s.whatsapp.net")


@pytest.fixture
async def whatsapp():
    async with fake_whatsapp() as whatsapp:
        yield whatsapp


@pytest.fixture
async def account(whatsapp, tmp_path):
    async with raw_account_of(whatsapp, tmp_path) as account:
        yield account


async def scanned(whatsapp: FakeWhatsApp, account) -> None:
    code = (await account.link_status()).qr
    assert code is not None
    await whatsapp.scan(code)


async def test_a_phone_is_linked_by_its_code_and_known_to_the_next_process(whatsapp, tmp_path):
    async with raw_account_of(whatsapp, tmp_path, linked=False) as account:
        status = await account.link_status()
        assert status.qr.startswith("2@")
        assert 50 < status.expires_in <= 60
        await scanned(whatsapp, account)
        await until_state(account, State.CONNECTED)
        assert (await account.link_status()).linked_as == "+99 ••• 78"
        assert whatsapp.logins == {"new": 1, "linked": 1}
    async with raw_account_of(whatsapp, tmp_path) as account:
        assert len(await account.fetch_privacy_settings()) == 9
    assert whatsapp.logins == {"new": 1, "linked": 2}


async def test_the_keys_are_in_one_file_that_is_their_owners_alone(whatsapp, tmp_path):
    async with raw_account_of(whatsapp, tmp_path, linked=False) as account:
        await scanned(whatsapp, account)
        await until_state(account, State.CONNECTED)
        files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in account.folder.iterdir()}
        assert files == {KEY_FILE: 0o600, "lock": 0o600}
        await account.unlink()
        assert [path.name for path in account.folder.iterdir()] == ["lock"]


async def test_a_broken_file_of_keys_is_said_with_the_way_out(whatsapp, tmp_path):
    link_by_hand(tmp_path)
    (tmp_path / "me" / KEY_FILE).write_text('{"creds": {}}')
    async with raw_account_of(
        whatsapp, tmp_path, linked=False, state=State.FAILED, pause=lambda _: 60.0
    ) as account:
        hint = (await account.info()).hint
        assert "is broken" in hint
        assert "privacy-sdk unlink me" in hint
        await account.unlink()
        await account.link()
        await until_state(account, State.WAITING_FOR_SCAN)


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (node("failure", reason=401), State.LOGGED_OUT),
        (node("failure", reason=403), State.LOGGED_OUT),
        (node("failure", reason=402, code=101, expire=3600), State.BANNED),
        (node("failure", reason=405), State.OUTDATED),
        (node("stream:error", node("conflict", type="replaced")), State.REPLACED),
        (node("stream:error", node("conflict", type="device_removed"), code=401), State.LOGGED_OUT),
        (node("stream:error", code=403), State.LOGGED_OUT),
    ],
    ids=lambda given: None if isinstance(given, State) else f"{given.tag} {dict(given.attrib)}",
)
async def test_an_end_for_good_is_not_followed_by_another_try(whatsapp, account, told, state):
    await whatsapp.line.send(told)
    await until_state(account, state)
    await asyncio.sleep(0.1)
    assert whatsapp.logins["linked"] == 1
    with pytest.raises(ps.NotConnectedError) as caught:
        await account.fetch_privacy_settings()
    assert caught.value.hint


async def test_a_login_that_is_refused_for_good_is_not_tried_again(whatsapp, tmp_path):
    whatsapp.login = node("failure", reason=401)
    async with raw_account_of(whatsapp, tmp_path, state=State.LOGGED_OUT) as account:
        await asyncio.sleep(0.1)
        assert whatsapp.logins == {"new": 0, "linked": 1}
        await account.link()  # another phone, with other keys
        await until_state(account, State.WAITING_FOR_SCAN)


async def test_a_login_that_is_refused_for_now_is_tried_again_further_and_further_apart(
    whatsapp, tmp_path
):
    pauses = []

    def pause(failures):
        pauses.append(failures)
        if len(pauses) == 3:
            whatsapp.login = node("success")
        return 0.0

    whatsapp.login = node("failure", reason=503)
    async with raw_account_of(whatsapp, tmp_path, pause=pause) as account:
        assert pauses == [1, 2, 3]
        assert "503" not in (await account.info()).hint


async def test_a_passkey_is_asked_for_and_said_at_once(whatsapp, tmp_path):
    whatsapp.asks_for_passkey = True
    async with raw_account_of(whatsapp, tmp_path, linked=False) as account:
        await scanned(whatsapp, account)
        await until_state(account, State.PASSKEY)
        hint = (await account.link_status()).hint
        assert "passkey" in hint
        assert "Nothing is lost" in hint


async def test_a_connection_that_breaks_is_made_again_and_what_was_asked_is_said_as_lost(
    whatsapp, account
):
    whatsapp.is_silent = True
    asked = asyncio.ensure_future(account.set_default_disappearing_mode(604_800))
    await until(lambda: whatsapp.asked)
    began = time.monotonic()
    await whatsapp.line.drop()
    with pytest.raises(ps.OutcomeUnknownError):
        await asked
    assert time.monotonic() - began < 2.0  # and not when its time is up
    whatsapp.is_silent = False
    await until_state(account, State.CONNECTED)
    assert await account.fetch_default_disappearing_mode() == 604_800
    assert whatsapp.logins["linked"] == 2


async def test_without_a_network_it_is_connecting_and_says_so(whatsapp, tmp_path):
    whatsapp.url = "ws://127.0.0.1:1"
    async with raw_account_of(whatsapp, tmp_path, state=State.CONNECTING) as account:
        await until(lambda: "No connection" in account._supervisor.hint)
        assert "network" in (await account.info()).hint


async def test_a_server_with_another_root_key_is_not_talked_to(whatsapp, tmp_path, monkeypatch):
    monkeypatch.setattr("pyaileys.crypto.noise.WA_CERT_PUBLIC_KEY", bytes(32))
    async with raw_account_of(whatsapp, tmp_path, state=State.CONNECTING) as account:
        await until(lambda: "certificate" in account._supervisor.hint)
        assert whatsapp.asked == []


async def test_a_stanza_that_the_library_fails_over_ends_the_session_and_not_the_account(
    whatsapp, tmp_path
):
    async with raw_account_of(whatsapp, tmp_path, linked=False, pause=lambda _: 60.0) as account:
        secret = (await account.link_status()).qr.rsplit(",", 1)
        await whatsapp.scan(f"{secret[0]},AAAA")
        await until_state(account, State.FAILED)
        assert "hmac" in (await account.info()).hint


async def test_a_change_on_the_phone_is_noticed(whatsapp, account, caplog):
    with caplog.at_level(logging.INFO, "privacy_sdk.accounts"):
        await whatsapp.phone_sets("last", "none")
        await until(lambda: "settings changed on the phone" in caplog.text)
    settings = await account.fetch_privacy_settings()
    assert settings.get_value("last") is ps.PrivacyValue.NONE


async def test_what_tryx_cannot_do_is_done(whatsapp, account):
    client = ps.AsyncClient.from_account(account)
    whatsapp.server.put_setting("stickers", "contact_allowlist")
    settings = await client.fetch_privacy_settings()
    assert settings.get("stickers").value.value == "contact_allowlist"
    assert settings.unreadable == 0
    await client.set_privacy_setting("last", "contact_blacklist")
    whatsapp.server.put_people("last", [ps.DisallowedListUserEntry("999000000000003@lid")])
    await client.exclude("last", ["+999 11 555 0101"])
    assert len(await client.excluded("last")) == 2
    whatsapp.server.faults.append(
        ps.testing.NextAnswer("refused", code=429, text="rate-overlimit", backoff=30)
    )
    with pytest.raises(ps.errors.RateLimitError) as caught:
        await account.set_default_disappearing_mode(0)
    assert caught.value.backoff == 30


async def test_it_stops_within_a_moment_and_leaves_nothing_running(whatsapp, tmp_path):
    before = asyncio.all_tasks()
    async with raw_account_of(whatsapp, tmp_path) as account:
        whatsapp.is_silent = True
        asked = asyncio.ensure_future(account.fetch_privacy_settings())
        await until(lambda: whatsapp.asked)
        began = time.monotonic()
        await account.aclose()
        assert time.monotonic() - began < 1.0
        with pytest.raises(ps.errors.AnswerTimeoutError):
            await asked
    await asyncio.sleep(0.05)
    ours = [task for task in asyncio.all_tasks() - before if "pyaileys" in task.get_name()]
    assert ours == []


async def test_nobody_is_in_the_log_or_a_repr(whatsapp, tmp_path, caplog):
    with caplog.at_level(logging.DEBUG, "privacy_sdk"):
        async with raw_account_of(whatsapp, tmp_path, linked=False) as account:
            code = (await account.link_status()).qr
            await scanned(whatsapp, account)
            await until_state(account, State.CONNECTED)
            await account.find_contacts(["999115550101"])
    logged = "\n".join(f"{vars(record)}" for record in caplog.records)
    assert "'state': 'connected'" in logged
    for secret in (NUMBER, "999115550101", code, code[:40]):
        assert secret not in logged
        assert secret not in repr(account)
