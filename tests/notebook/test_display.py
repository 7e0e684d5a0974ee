"""What a notebook shows of a client that ends a cell."""

import asyncio

import pytest

import privacy_sdk as ps
from privacy_sdk.accounts.http import HttpAccount
from privacy_sdk.cassettes.transport import CassetteTransport
from privacy_sdk.model import words
from privacy_sdk.testing import running_gateway


def test_a_client_shows_its_settings_as_they_are_now():
    client = ps.Client.emulated()
    assert "Everyone can see when you were last online." in client._repr_html_()
    client.set_privacy_setting("last", "none")
    client.set_default_disappearing_mode(604_800)
    shown = client._repr_html_()
    assert "Nobody can see when you were last online." in shown
    assert "Disappearing messages in new chats: 7 days" in shown
    assert repr(client) == "Client.emulated()"


def test_a_client_whose_settings_cannot_be_had_shows_a_plain_line():
    with ps.Client("http://127.0.0.1:9", token="t", account="demo") as client:
        shown = client._repr_html_()
    assert shown.startswith("<p>Client(HttpAccount(")
    assert "No gateway answers at http://127.0.0.1:9." in shown
    assert "'" not in shown
    assert "The client is closed." in client._repr_html_()


def test_a_cell_waits_as_long_as_its_client():
    slow = {"demo": ps.EmulatedAccount(latency=0.5)}
    with running_gateway(slow) as url, ps.Client(url, token="t", account="demo", timeout=0.1) as c:
        assert "no answer came within 0.1 seconds" in c._repr_html_()


def test_a_client_is_shown_by_three_round_trips_at_most():
    asked = []

    class AtOnce(ps.EmulatedAccount):
        """Answers about the timer and the lists once all of them have been asked for."""

        async def fetch_privacy_settings(self):
            asked.append("settings")
            self.all_asked = asyncio.Barrier(5)
            return await super().fetch_privacy_settings()

        async def fetch_disallowed_list(self, category):
            asked.append("list")
            await self.all_asked.wait()
            return await super().fetch_disallowed_list(category)

        async def fetch_default_disappearing_mode(self):
            asked.append("timer")
            await self.all_asked.wait()
            return await super().fetch_default_disappearing_mode()

        async def info(self):
            asked.append("info")
            return await super().info()

    lists = dict.fromkeys(("last", "profile", "status", "groupadd"), "contact_blacklist")
    client = ps.Client.from_account(AtOnce(settings=lists))
    client.account.emulate(
        ps.testing.PhoneLists("last", [ps.DisallowedListUserEntry("999000000000001@lid")])
    )
    shown = client._repr_html_()
    assert "Excepted from Last seen: 1 person" in shown
    assert "Excepted from Groups: nobody" in shown
    # A client of an unnamed account finds that out first.
    assert asked == ["settings", "timer", *["list"] * 4]


def test_what_cannot_be_read_is_shown_as_not_read():
    class Blind(ps.EmulatedAccount):
        async def fetch_default_disappearing_mode(self):
            raise ps.NotSupportedError("It cannot be read.")

        async def fetch_disallowed_list(self, category):
            raise ps.NotSupportedError("It cannot be read.")

    shown = ps.Client.from_account(Blind(settings={"last": "contact_blacklist"}))._repr_html_()
    assert "Excepted from Last seen: not read" in shown
    assert "Disappearing messages in new chats: not read" in shown


def test_a_replayed_client_shows_the_first_answer_and_takes_no_turn():
    client, shown = ps.Client.replay("tour"), ps.Client.replay("tour")
    for _ in range(3):
        assert "Everyone can see when you were last online." in shown._repr_html_()
    for _ in range(3):
        frame = shown.fetch_privacy_settings()
        assert frame.equals(client.fetch_privacy_settings())
        meaning = words.meaning(
            ps.PrivacyCategory.LAST, ps.PrivacyValue(frame.loc["last", "value"])
        )
        assert meaning in shown._repr_html_()
    assert "Disappearing messages in new chats: off" in shown._repr_html_()
    assert shown._async.recording.unplayed() == client._async.recording.unplayed()


def test_a_client_that_is_recorded_shows_what_it_fetched_and_records_nothing(tmp_path):
    path = tmp_path / "mine.yaml"
    with (
        running_gateway({"demo": ps.EmulatedAccount()}) as url,
        ps.Client(url, token="t", account="demo", record=path) as client,
    ):
        assert "nothing was fetched yet" in client._repr_html_()
        client.fetch_privacy_settings()
        for _ in range(3):
            assert "Everyone can see when you were last online." in client._repr_html_()
        applied = client.apply(client.plan({"last": "none"}))
        assert "Nobody can see when you were last online." in client._repr_html_()
    assert applied.is_complete
    made = list(map(str, CassetteTransport(path).requests()))
    assert made == [
        "the settings",
        "what the account is",
        "the settings",
        "a plan (last → nobody)",
    ]


@pytest.mark.parametrize("transport", [None, "some transport"])
def test_any_account_can_be_shown(transport):
    class Mine(ps.EmulatedAccount):
        """An account of the user's own making, with a transport or without."""

    account = Mine()
    account.transport = transport
    shown = ps.Client.from_account(account)._repr_html_()
    assert "Everyone can see when you were last online." in shown


def test_what_was_fetched_last_is_known_to_the_account():
    async def seen():
        with running_gateway({"demo": ps.EmulatedAccount()}) as url:
            account = HttpAccount(url, token="t", account="demo")
            assert account.seen is None
            settings = await account.fetch_privacy_settings()
            await account.aclose()
            return settings, account.seen

    settings, last = asyncio.run(seen())
    assert settings is last


def test_an_awaited_client_says_how_to_see_its_settings():
    shown = ps.AsyncClient.emulated()._repr_html_()
    assert shown.startswith("<p>AsyncClient.emulated(): <code>await client.visibility()</code>")
