"""What a client checks before it sends, and what it makes of what became of a change."""

from datetime import timedelta

import pytest

import privacy_sdk as ps
from privacy_sdk.accounts.base import Account
from privacy_sdk.accounts.emulated.account import EmulatedAccount

ENTRY = ps.DisallowedListUserEntry("999000000000001@lid")


class Untouchable:
    """An account that must not be asked for anything."""

    id = "demo"

    def __getattr__(self, name: str):
        def asked(*args: object, **options: object):
            raise AssertionError(f"{name} was called")

        return asked


@pytest.fixture
def untouched() -> ps.AsyncClient:
    return ps.AsyncClient.from_account(Untouchable())


@pytest.fixture
def client() -> ps.AsyncClient:
    return ps.AsyncClient.emulated()


NO_NAMES = ["", "lst", "group_ad", "photo", "éé", 7, None, b"last", ["last"], True]


@pytest.mark.parametrize("category", NO_NAMES)
async def test_what_is_no_category_is_refused_before_anything_is_sent(untouched, category):
    for call in (
        lambda: untouched.set_privacy_setting(category, "all"),
        lambda: untouched.set_privacy_disallowed_list(
            category, ps.DisallowedListUpdate("1", [ENTRY])
        ),
        lambda: untouched.fetch_disallowed_list(category),
    ):
        with pytest.raises(ps.UnknownNameError, match="not a known category") as caught:
            await call()
        assert "Known: last, online, profile" in caught.value.hint


@pytest.mark.parametrize(
    "value", ["", "AL", "everybody", "contact_allowlist", 0, None, False, ("all",)]
)
async def test_what_is_no_value_is_refused_before_anything_is_sent(untouched, value):
    with pytest.raises(ps.UnknownNameError, match="not a known value"):
        await untouched.set_privacy_setting("last", value)


async def test_a_bad_pair_is_refused_with_what_is_allowed(untouched):
    with pytest.raises(ps.InvalidPairError) as caught:
        await untouched.set_privacy_setting("online", "none")
    assert caught.value.allowed == ("all", "match_last_seen")
    assert caught.value.hint == "Allowed for 'online': all, match_last_seen."


@pytest.mark.parametrize("category", ["online", "readreceipts", "calladd", "messages", "defense"])
async def test_a_list_where_there_is_none_is_refused(untouched, category):
    with pytest.raises(ps.errors.NoDisallowedListError, match=category) as caught:
        await untouched.fetch_disallowed_list(category)
    assert "last, profile, status, groupadd" in caught.value.hint


@pytest.mark.parametrize("update", [None, {}, "1", ENTRY, [ENTRY]])
async def test_what_is_no_list_update_is_refused(untouched, update):
    with pytest.raises(ps.InvalidInputError, match="DisallowedListUpdate"):
        await untouched.set_privacy_disallowed_list("last", update)


@pytest.mark.parametrize(
    "duration",
    [-1, 2**32, True, 1.0, 0.5, "3 months", "", None, timedelta(seconds=0.5), timedelta(days=-1)],
)
async def test_what_is_no_duration_is_refused(untouched, duration):
    with pytest.raises(ps.errors.InvalidDurationError, match="not a duration"):
        await untouched.set_default_disappearing_mode(duration)


@pytest.mark.parametrize(
    ("duration", "seconds"), [(0, 0), (2**32 - 1, 2**32 - 1), (timedelta(days=7), 604_800)]
)
async def test_durations_are_seconds_or_timedeltas(client, duration, seconds):
    await client.set_default_disappearing_mode(duration)
    assert await client.fetch_default_disappearing_mode() == seconds


async def test_an_unknown_category_passes_only_when_it_is_meant(client):
    await client.account.emulate(ps.testing.PhoneSets("stickers", "none"))
    with pytest.raises(ps.UnknownNameError):
        await client.set_privacy_setting("stickers", "contacts")
    await client.set_privacy_setting(ps.PrivacyCategory.other("stickers"), "contacts")
    assert (await client.fetch_privacy_settings()).get_value("stickers") == "contacts"


async def test_a_success_that_did_not_take_raises(client):
    await client.account.emulate(ps.testing.NextAnswer("not_applied"))
    with pytest.raises(
        ps.NotAppliedError, match=r"'none' for 'last' was not applied.*, but it is 'all'"
    ):
        await client.set_privacy_setting("last", "none")


async def test_a_timer_that_did_not_take_raises(client):
    await client.account.emulate(ps.testing.NextAnswer("not_applied"))
    with pytest.raises(
        ps.NotAppliedError, match=r"A disappearing time of 86400 s was not applied.*, but it is 0 s"
    ):
        await client.set_default_disappearing_mode(86_400)


async def test_a_list_change_that_did_not_take_raises(client):
    await client.set_privacy_setting("last", "contact_blacklist")
    await client.account.emulate(ps.testing.NextAnswer("not_applied"))
    with pytest.raises(
        ps.NotAppliedError, match="1 of 1 people were not added; the list holds 0 people"
    ):
        await client.set_privacy_disallowed_list("last", ps.DisallowedListUpdate(None, [ENTRY]))


@pytest.mark.parametrize("fault", ["refused", "refused_inside"])
async def test_a_refusal_raises_in_whichever_shape_it_comes(client, fault):
    fault = ps.testing.NextAnswer(
        fault, code=403, text="forbidden", operation="set_privacy_setting"
    )
    await client.account.emulate(fault)
    with pytest.raises(ps.errors.NotAuthorizedError) as caught:
        await client.set_privacy_setting("last", "none")
    assert (caught.value.code, caught.value.text) == (403, "forbidden")


async def test_a_lost_answer_is_made_up_for_by_reading_back(client):
    await client.account.emulate(ps.testing.NextAnswer("lost"))
    await client.set_privacy_setting("last", "none")
    await client.account.emulate(ps.testing.NextAnswer("lost"))
    await client.set_default_disappearing_mode(86_400)


async def test_a_lost_dhash_is_read_back(client):
    await client.account.emulate(ps.testing.NextAnswer("lost"))
    dhash = (await client.set_privacy_setting("last", "contact_blacklist")).dhash
    assert dhash == (await client.fetch_disallowed_list("last")).dhash is not None
    await client.account.emulate(ps.testing.NextAnswer("lost"))
    update = ps.DisallowedListUpdate(dhash, [ENTRY])
    assert (await client.set_privacy_disallowed_list("last", update)).dhash == (
        await client.fetch_disallowed_list("last")
    ).dhash


async def test_a_setting_that_was_made_while_its_dhash_cannot_be_read_is_said_to_be_made(client):
    await client.account.emulate(ps.testing.NextAnswer("lost", operation="set_privacy_setting"))
    await client.account.emulate(
        ps.testing.NextAnswer("refused", operation="fetch_disallowed_list")
    )
    with pytest.raises(ps.OutcomeUnknownError, match=r"It was made; its list could not be read"):
        await client.set_privacy_setting("last", "contact_blacklist")


async def test_a_list_change_of_both_kinds_is_verified_entry_by_entry(client):
    kept, added = ENTRY, ps.DisallowedListUserEntry("999000000000002@lid")
    await client.exclude("last", kept.jid)
    await client.account.emulate(
        ps.testing.NextAnswer("not_applied", operation="set_privacy_disallowed_list")
    )
    removal = ps.DisallowedListUserEntry(kept.jid, None, "remove")
    with pytest.raises(ps.NotAppliedError, match="1 of 1 people remain; the list holds 1 person"):
        await client.set_privacy_disallowed_list(
            "last", ps.DisallowedListUpdate(None, [removal, added])
        )


class LosesChanges(EmulatedAccount):
    """Its changes neither arrive nor answer."""

    async def set_privacy_setting(self, category, value, **options):
        raise ps.OutcomeUnknownError("The answer was lost.")


class CannotBeReadBack(EmulatedAccount):
    """Its changes succeed, and then it can be asked no more."""

    error: ps.PrivacyError
    is_changed = False

    async def set_privacy_setting(self, category, value, **options):
        answer = await super().set_privacy_setting(category, value, **options)
        self.is_changed = True
        return answer

    async def fetch_privacy_settings(self):
        if self.is_changed:
            raise self.error
        return await super().fetch_privacy_settings()


async def test_a_lost_change_that_is_not_there_stays_unknown():
    client = ps.AsyncClient.from_account(LosesChanges())
    with pytest.raises(ps.OutcomeUnknownError, match="As of now it is 'all'"):
        await client.set_privacy_setting("last", "none")


@pytest.mark.parametrize(
    "error",
    [ps.NotConnectedError("gone"), ps.errors.AnswerTimeoutError("late"), ps.IqError.from_code(429)],
)
async def test_a_change_that_cannot_be_read_back_is_said_to_be_unknown(error):
    account = CannotBeReadBack()
    account.error = error
    with pytest.raises(ps.OutcomeUnknownError, match=r"success\. It could not be read back: "):
        await ps.AsyncClient.from_account(account).set_privacy_setting("last", "none")


async def test_what_is_missing_from_a_recording_is_said_as_such():
    account = CannotBeReadBack()
    account.error = ps.NotRecordedError("no such exchange")
    with pytest.raises(ps.NotRecordedError):
        await ps.AsyncClient.from_account(account).set_privacy_setting("last", "none")


async def test_a_setting_that_is_not_reported_back_is_unknown():
    account = EmulatedAccount(settings={"last": "all"})

    async def nothing():
        return ps.PrivacySettingsResponse()

    account.fetch_privacy_settings = nothing
    with pytest.raises(ps.OutcomeUnknownError, match="WhatsApp does not report it"):
        await ps.AsyncClient.from_account(account).set_privacy_setting("last", "none")


def test_the_emulated_account_is_an_account():
    assert isinstance(EmulatedAccount(), Account)


def test_the_environment_names_gateway_token_and_account(monkeypatch):
    monkeypatch.setenv("PRIVACY_SDK_URL", "http://127.0.0.1:9999/")
    monkeypatch.setenv("PRIVACY_SDK_TOKEN", "from-the-environment")
    monkeypatch.setenv("PRIVACY_SDK_ACCOUNT", "me")
    assert repr(ps.AsyncClient()) == (
        "AsyncClient(HttpAccount('http://127.0.0.1:9999', account='me', token=[secure]))"
    )
    assert "account='you'" in repr(ps.AsyncClient(account="you"))
    assert ":7777" in repr(ps.Client("http://127.0.0.1:7777"))


def test_what_a_change_returns_says_in_words_what_was_changed():
    client = ps.Client.emulated()
    assert repr(client.set_privacy_setting("online", "match_last_seen")) == (
        "Online: same as last seen"
    )
    first = client.exclude("last", ["+999 11 555 0101", "+999 11 555 0102"])
    assert repr(first) == (
        f"Last seen: my contacts except 2 people (was: everyone) (dhash {first.dhash})"
    )
    second = client.include("last", "+999 11 555 0101")
    assert second.description == (
        "Last seen: my contacts except 1 person (was: my contacts except 2 people)"
    )
    assert client.include("last", "+999 11 555 0101").description == (
        "Last seen: my contacts except 1 person"
    )
    assert repr(client.include("profile", "+999 11 555 0101")) == (
        "Profile photo: everyone; nobody is excepted"
    )
    assert second == ps.SetPrivacySettingResponse(second.dhash)
