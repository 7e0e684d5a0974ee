"""The state of the settings is read in one way, for a plan, a snapshot and a read-back."""

import pytest

import privacy_sdk as ps
from privacy_sdk.accounts.base import Capability
from privacy_sdk.policies.state import SETTINGS, TIMER, read_state

C = ps.PrivacyCategory
ALL = frozenset(Capability)
LID = ps.DisallowedListUserEntry("999000000000001@lid")


class Counted(ps.EmulatedAccount):
    """An account that notes what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def fetch_privacy_settings(self):
        self.asked.append("settings")
        return await super().fetch_privacy_settings()

    async def fetch_disallowed_list(self, category):
        self.asked.append(category.value)
        return await super().fetch_disallowed_list(category)

    async def fetch_default_disappearing_mode(self):
        self.asked.append("timer")
        return await super().fetch_default_disappearing_mode()


@pytest.fixture
async def account():
    account = Counted()
    await account.emulate(ps.testing.PhoneLists("profile", [LID]))
    return account


async def test_only_lists_that_there_are_are_read(account):
    state = await read_state(account, ALL)
    assert sorted(account.asked) == ["profile", "settings", "timer"]
    assert (list(state.lists), state.timer) == ([C.PROFILE], 0)
    assert state.lists[C.PROFILE].users[0].jid == LID.jid


async def test_an_account_is_not_asked_what_it_cannot_answer(account):
    unread = {}
    assert await read_state(account, ()) == await read_state(account, (), unread=unread)
    assert account.asked == ["settings"] * 2
    assert {part: type(error) for part, error in unread.items()} == {
        C.PROFILE: ps.NotSupportedError,
        TIMER: ps.NotSupportedError,
    }


async def test_a_list_alone_is_one_request(account):
    state = await read_state(account, ALL, settings=False, lists=[C.PROFILE], timer=False)
    assert account.asked == ["profile"]
    assert len(state.lists[C.PROFILE]) == 1


@pytest.mark.parametrize(
    ("operation", "parts"),
    [
        ("fetch_privacy_settings", {SETTINGS, C.LAST, C.PROFILE, C.STATUS, C.GROUP_ADD}),
        ("fetch_disallowed_list", {C.PROFILE}),
        ("fetch_default_disappearing_mode", {TIMER}),
    ],
)
async def test_what_cannot_be_read_is_raised_or_noted_while_the_rest_is_read(
    account, operation, parts
):
    await account.emulate(ps.testing.NextAnswer("refused", operation=operation, times=2))
    with pytest.raises(ps.IqError, match="406"):
        await read_state(account, ALL)
    unread = {}
    state = await read_state(account, ALL, unread=unread)
    assert set(unread) == parts
    assert (TIMER in parts) is (state.timer is None)
    assert (SETTINGS in parts) is (not state.settings)


async def test_a_question_is_asked_again_when_its_answer_was_lost_and_only_then(account):
    await account.emulate(ps.testing.NextAnswer("lost", operation="fetch_privacy_settings"))
    assert (await read_state(account, ALL, attempts=2)).settings
    assert account.asked.count("settings") == 2
    await account.emulate(ps.testing.NextAnswer("refused", operation="fetch_privacy_settings"))
    with pytest.raises(ps.IqError):
        await read_state(account, ALL, attempts=2)
    assert account.asked.count("settings") == 3
