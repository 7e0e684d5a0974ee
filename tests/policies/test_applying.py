"""Changes that are made together: refused, lost and half-way ones are reported as they are."""

import asyncio
from collections.abc import Callable

import httpx2
import pytest
from asking import TOKEN
from fake_tryx import FakePhone
from linked import account_of

import privacy_sdk as ps
from privacy_sdk.accounts import http
from privacy_sdk.accounts.base import Capability
from privacy_sdk.accounts.http import HttpAccount
from privacy_sdk.testing import running_gateway

C, V = ps.PrivacyCategory, ps.PrivacyValue
APPLIED, REFUSED, OVERTAKEN, UNKNOWN, NOT_TRIED = ps.policies.Outcome
LIDS = [f"99900000000000{n}@lid" for n in range(1, 9)]


async def settings_of(client: ps.AsyncClient) -> dict[str, str]:
    return {each.category.value: each.value.value for each in await client.fetch_privacy_settings()}


async def listed(client: ps.AsyncClient, category: str) -> list[str]:
    return [str(user.jid) for user in await client.excluded(category)]


def outcomes(applied: ps.ApplyResult) -> dict[object, ps.policies.Outcome]:
    return {
        getattr(each.change, "category", "timer")
        if not isinstance(each.change, ps.policies.ListChange)
        else f"{each.change.category} list": each.outcome
        for each in applied
    }


async def test_a_policy_is_applied_and_taken_back(client):
    await client.exclude("groupadd", LIDS[:2])
    before = await client.snapshot()
    policy = ps.Policy(
        last="none",
        online="match_last_seen",
        groupadd="contacts",
        exceptions={"profile": LIDS[:3]},
        status="all",
        defense="on_standard",
        timer=604_800,
    )
    applied = await client.apply(await client.plan(policy))
    assert applied.is_complete
    assert not await client.plan(policy)
    assert await listed(client, "profile") == LIDS[:3]
    undone = await client.apply(applied.undo())
    assert undone.is_complete
    assert await client.snapshot() == before
    again = await client.apply(undone.undo())
    assert again.is_complete
    assert not await client.plan(policy)


async def test_the_result_holds_all_settings_and_the_people_and_timer_that_were_changed(client):
    await client.exclude("last", LIDS[:1])
    applied = await client.apply(
        await client.plan(ps.Policy(exceptions={"last": LIDS[:2], "profile": LIDS[2:4]}, timer=5))
    )
    settings = await client.fetch_privacy_settings()
    assert applied.after == ps.policies.SettingsState(
        {each.category: each.value for each in settings},
        {
            category: await client.fetch_disallowed_list(category)
            for category in (C.LAST, C.PROFILE)
        },
        5,
    )


@pytest.mark.parametrize("fault", ["refused", "refused_inside", "not_applied"])
async def test_a_refused_change_is_refused_in_whichever_shape_and_the_rest_is_made(client, fault):
    await client.account.emulate(
        ps.testing.NextAnswer(fault, operation="set_privacy_setting", category="online")
    )
    applied = await client.apply(await client.plan(ps.policies.MAXIMUM))
    assert not applied.is_complete
    refused = [each for each in applied if each.outcome is not APPLIED]
    assert [(each.change.category, each.outcome) for each in refused] == [(C.ONLINE, REFUSED)]
    said = (
        "WhatsApp answered success, but it is 'all'."
        if fault == "not_applied"
        else "406 not-acceptable"
    )
    assert said in refused[0].reason
    assert (await settings_of(client))["online"] == "all"
    assert "online" not in {change.category for change in applied.undo()}


async def test_a_lost_answer_is_read_again(client):
    await client.account.emulate(ps.testing.NextAnswer("lost", category="last"))
    await client.account.emulate(
        ps.testing.NextAnswer("lost", operation="set_default_disappearing_mode")
    )
    applied = await client.apply(await client.plan(ps.Policy(last="none", timer=5)))
    assert applied.is_complete


async def test_what_cannot_be_read_back_is_unknown_and_is_not_undone(client):
    plan = await client.plan(ps.Policy(last="none", timer=5))
    for operation in ("fetch_privacy_settings", "fetch_default_disappearing_mode"):
        await client.account.emulate(
            ps.testing.NextAnswer("slow", operation=operation)
        )  # the start is read
        await client.account.emulate(ps.testing.NextAnswer("lost", operation=operation, times=2))
    applied = await client.apply(plan)
    assert [each.outcome for each in applied] == [UNKNOWN, UNKNOWN]
    assert applied.results[0].reason == (
        "WhatsApp answered success. It could not be read back: "
        "A question was asked and its answer was lost."
    )
    assert not applied.undo()


async def test_a_single_lost_answer_while_reading_back_does_no_harm(client):
    plan = await client.plan(ps.Policy(last="none"))
    await client.account.emulate(ps.testing.NextAnswer("slow", operation="fetch_privacy_settings"))
    await client.account.emulate(ps.testing.NextAnswer("lost", operation="fetch_privacy_settings"))
    assert (await client.apply(plan)).is_complete


@pytest.mark.parametrize(("code", "text"), [(429, "rate-overlimit"), (401, "not-authorized")])
async def test_after_too_many_requests_the_rest_is_not_tried(client, code, text):
    await client.account.emulate(
        ps.testing.NextAnswer("refused", code=code, text=text, category="profile")
    )
    applied = await client.apply(await client.plan(ps.policies.MAXIMUM))
    assert list(outcomes(applied).values()) == [APPLIED, APPLIED, REFUSED] + [NOT_TRIED] * 4
    assert "Stopped when another change was refused" in applied.results[-1].reason
    assert text in applied.results[-1].reason
    now = await settings_of(client)
    assert (now["online"], now["profile"], now["groupadd"]) == ("match_last_seen", "all", "all")
    await client.apply(applied.undo())
    assert (await settings_of(client))["last"] == "all"


async def test_without_a_connection_the_rest_is_not_tried():
    class CutOff(ps.EmulatedAccount):
        tried = 0

        async def set_privacy_setting(self, category, value, *, unreported=False):
            self.tried += 1
            if category is C.PROFILE:
                raise ps.NotConnectedError("There is no connection.")
            return await super().set_privacy_setting(category, value, unreported=unreported)

    client = ps.AsyncClient.from_account(account := CutOff())
    applied = await client.apply(await client.plan(ps.policies.MAXIMUM))
    assert list(outcomes(applied).values()) == [APPLIED, APPLIED] + [NOT_TRIED] * 5
    assert {each.reason for each in applied.results[2:]} == {"There is no connection."}
    assert account.tried == 3


async def test_a_list_whose_category_does_not_get_there_is_not_tried(client):
    plan = await client.plan(ps.Policy(exceptions={"last": LIDS[:1]}))
    await client.account.emulate(ps.testing.NextAnswer("refused", operation="set_privacy_setting"))
    applied = await client.apply(plan)
    assert outcomes(applied) == {"last": REFUSED, "last list": NOT_TRIED}
    assert applied.results[1].reason == "'last' was not put on 'contact_blacklist'."


async def test_a_list_follows_its_category_when_that_answer_was_lost(client):
    plan = await client.plan(ps.Policy(exceptions={"last": LIDS[:2]}))
    await client.account.emulate(ps.testing.NextAnswer("lost", operation="set_privacy_setting"))
    applied = await client.apply(plan)
    assert applied.is_complete
    assert await listed(client, "last") == LIDS[:2]


async def test_a_list_whose_category_only_seemed_to_get_there_is_refused(client):
    plan = await client.plan(ps.Policy(exceptions={"last": LIDS[:2]}))
    await client.account.emulate(
        ps.testing.NextAnswer("not_applied", operation="set_privacy_setting")
    )
    applied = await client.apply(plan)
    assert outcomes(applied) == {"last": REFUSED, "last list": REFUSED}
    assert (await settings_of(client))["last"] == "all"


@pytest.mark.parametrize("fault", ["refused", "refused_inside", "not_applied"])
async def test_a_refused_list_is_refused(client, fault):
    await client.exclude("last", LIDS[:1])
    plan = await client.plan(ps.Policy(exceptions={"last": LIDS[1:3]}))
    await client.account.emulate(
        ps.testing.NextAnswer(fault, operation="set_privacy_disallowed_list", times=2)
    )
    applied = await client.apply(plan)
    assert [each.outcome for each in applied] == [REFUSED, REFUSED]
    assert await listed(client, "last") == LIDS[:1]
    assert not applied.undo()


async def test_an_outdated_plan_changes_nothing_and_says_what_changed(client):
    await client.exclude("profile", LIDS[:1])
    plan = await client.plan(
        ps.Policy(last="none", status="all", exceptions={"profile": LIDS[:2]}, timer=9)
    )
    await client.account.emulate(ps.testing.PhoneSets("last", "contacts"))
    await client.account.emulate(
        ps.testing.PhoneLists("profile", [ps.DisallowedListUserEntry(LIDS[4])])
    )
    await client.set_default_disappearing_mode(7)
    before = await settings_of(client)
    with pytest.raises(ps.errors.OutdatedPlanError) as caught:
        await client.apply(plan)
    assert caught.value.changed == (
        "'last' was 'all', and is 'contacts' now.",
        "The list of 'profile' was changed; it holds 2 people now.",
        "The disappearing time was 0 s, and is 7 s now.",
    )
    assert "nothing was changed" in caught.value.message
    assert caught.value.hint == "Make the plan again, from what is set now."
    assert await settings_of(client) == before


async def test_what_the_policy_does_not_name_may_change_meanwhile(client):
    plan = await client.plan(ps.Policy(last="none"))
    await client.account.emulate(ps.testing.PhoneSets("messages", "contacts"))
    assert (await client.apply(plan)).is_complete


async def test_what_was_already_as_wanted_must_still_be(client):
    plan = await client.plan(ps.Policy(last="none", messages="all"))
    await client.account.emulate(ps.testing.PhoneSets("messages", "contacts"))
    with pytest.raises(ps.errors.OutdatedPlanError, match="messages"):
        await client.apply(plan)


async def test_defense_mode_must_be_as_it_was_for_it_locks_others(client):
    plan = await client.plan(ps.Policy(last="none"))
    await client.account.emulate(ps.testing.PhoneSets("defense", "on_standard"))
    with pytest.raises(ps.errors.OutdatedPlanError, match="'defense' was 'off'"):
        await client.apply(plan)


async def test_undo_is_refused_when_something_changed_since(client):
    applied = await client.apply(await client.plan(ps.Policy(last="none")))
    await client.account.emulate(ps.testing.PhoneSets("last", "contacts"))
    with pytest.raises(
        ps.errors.OutdatedPlanError, match="'last' was 'none', and is 'contacts' now"
    ):
        await client.apply(applied.undo())


async def test_a_list_that_was_lost_with_its_category_comes_back(client):
    await client.exclude("last", LIDS[:3])
    applied = await client.apply(await client.plan(ps.Policy(last="none")))
    assert await listed(client, "last") == []
    await client.apply(applied.undo())
    assert await listed(client, "last") == LIDS[:3]


async def test_an_unknown_value_cannot_be_brought_back(client):
    await client.account.emulate(ps.testing.PhoneSets("last", "contact_allowlist"))
    applied = await client.apply(
        await client.plan(ps.Policy(last="none", online="match_last_seen"))
    )
    back = applied.undo()
    assert [change.obstacle for change in back] == ["'contact_allowlist' cannot be set.", ""]
    undone = await client.apply(back)
    assert [each.outcome for each in undone] == [NOT_TRIED, APPLIED]


async def test_when_the_start_cannot_be_read_nothing_is_changed(client):
    plan = await client.plan(ps.Policy(last="none"))
    await client.account.emulate(ps.testing.NextAnswer("lost", operation="fetch_privacy_settings"))
    with pytest.raises(ps.errors.AnswerTimeoutError, match="its answer was lost"):
        await client.apply(plan)
    assert (await settings_of(client))["last"] == "all"


async def test_an_empty_plan_asks_nothing():
    client = ps.AsyncClient.from_account(HttpAccount("http://127.0.0.1:9", account="demo"))
    applied = await client.apply(ps.Plan(account="demo"))
    assert applied.is_complete
    assert repr(applied) == "Applied to 'demo': there was nothing to do"


async def test_a_plan_is_for_its_account(client):
    plan = await ps.AsyncClient.from_account(ps.EmulatedAccount("other")).plan(
        ps.Policy(last="none")
    )
    with pytest.raises(ps.InvalidInputError, match="for account 'other', not for"):
        await client.apply(plan)


@pytest.mark.parametrize("plan", [None, ps.policies.MAXIMUM, {"last": "none"}, "mine.yaml"])
async def test_only_a_plan_is_applied(client, plan):
    with pytest.raises(ps.InvalidInputError, match="is no plan"):
        await client.apply(plan)


async def test_progress_goes_from_nothing_to_all(client):
    told: list[tuple[int, int]] = []
    plan = await client.plan(ps.policies.MAXIMUM)
    await client.apply(plan, progress=lambda done, total: told.append((done, total)))
    assert (told[0], told[-1]) == ((0, 7), (7, 7))
    assert told == sorted(told)


async def test_two_applies_at_once_do_not_mix(client):
    plan = await client.plan(ps.policies.MAXIMUM)
    results = await asyncio.gather(client.apply(plan), client.apply(plan), return_exceptions=True)
    if isinstance(client.account, HttpAccount):
        applied, outdated = sorted(results, key=lambda each: isinstance(each, Exception))
        assert applied.is_complete
        assert isinstance(outdated, ps.errors.OutdatedPlanError)
    assert not await client.plan(ps.policies.MAXIMUM)


# Over HTTP


class Wire(httpx2.AsyncBaseTransport):
    """Carries requests to a gateway, counts them, and can lose the answers to some."""

    def __init__(self, loses: Callable[[httpx2.Request], bool] = lambda request: False) -> None:
        self.asked: list[tuple[str, str]] = []
        self.loses = loses
        self._inner = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append((request.method, request.url.path))
        response = await self._inner.handle_async_request(request)
        if self.loses(request):
            await response.aclose()
            raise httpx2.ReadError("lost on the way")
        return response

    def vanish(self) -> bool:
        """From now on there is nobody at the other end."""
        raise httpx2.ConnectError("gone")

    async def aclose(self) -> None:
        await self._inner.aclose()


@pytest.fixture
async def wired(unused_accounts):
    url, names = unused_accounts
    name, wire = next(names), Wire()
    async with ps.AsyncClient.from_account(
        HttpAccount(url, token=TOKEN, account=name, transport=wire)
    ) as client:
        yield client, wire


async def test_a_full_policy_is_one_request(wired):
    client, wire = wired
    plan = await client.plan({**ps.policies.MAXIMUM.settings, "defense": "on_standard", "timer": 5})
    wire.asked.clear()
    applied = await client.apply(plan)
    assert applied.is_complete
    assert wire.asked == [("PATCH", f"/v1/accounts/{client.account.id}/privacy")]


async def test_when_the_answer_to_all_is_lost_what_stands_is_read(wired):
    client, wire = wired
    plan = await client.plan(ps.Policy(last="none", exceptions={"profile": LIDS[:1]}, timer=5))
    wire.loses = lambda request: request.method == "PATCH"
    applied = await client.apply(plan)
    assert applied.is_complete
    assert [method for method, _ in wire.asked].count("PATCH") == 1
    wire.loses = lambda request: False
    await client.apply(applied.undo())
    assert await listed(client, "profile") == []


async def test_when_the_answer_to_all_is_lost_a_change_that_is_not_there_is_unknown(wired):
    client, wire = wired
    plan = await client.plan(ps.Policy(last="none", online="match_last_seen"))
    await client.account.emulate(ps.testing.NextAnswer("refused", category="online"))
    wire.loses = lambda request: request.method == "PATCH"
    applied = await client.apply(plan)
    assert outcomes(applied) == {"last": APPLIED, "online": UNKNOWN}
    assert "As of now it is 'all'." in applied.results[1].reason


async def test_when_the_gateway_is_gone_with_its_answer_all_is_unknown(wired):
    client, wire = wired
    plan = await client.plan(ps.Policy(last="none", exceptions={"profile": LIDS[:1]}, timer=5))
    wire.loses = lambda request: request.method == "PATCH" or wire.vanish()
    applied = await client.apply(plan)
    assert {each.outcome for each in applied} == {UNKNOWN}
    assert not applied.undo()


async def test_no_gateway_is_not_connected_and_nothing_is_reported():
    client = ps.AsyncClient.from_account(HttpAccount("http://127.0.0.1:9", account="demo"))
    plan = await ps.AsyncClient.emulated().plan(ps.Policy(last="none"))
    with pytest.raises(ps.NotConnectedError):
        await client.apply(plan)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"changes": []}, 422),
        ({"changes": [{"change": "setting", "category": "online", "value": "none"}]}, 422),
        ({"changes": [{"change": "list", "category": "online", "users": []}]}, 422),
        ({"changes": [{"change": "timer", "duration": -1}]}, 422),
        ({"changes": [{"change": "timer", "duration": 5}] * 2}, 422),
        ({"changes": [{"change": "timer", "duration": 5}], "expected": {"duration": -1}}, 422),
        ({"changes": [{"change": "timer", "duration": 5}], "expected": {"duration": 1}}, 409),
        (
            {
                "changes": [
                    {
                        "change": "list",
                        "category": "last",
                        "users": [
                            {"jid": LIDS[0], "action": "add"},
                            {"jid": LIDS[1], "action": "remove"},
                        ],
                    }
                ]
            },
            422,
        ),
        (
            {
                "changes": [{"change": "timer", "duration": 5}],
                "expected": {"lists": [{"category": "online", "dhash": "1"}]},
            },
            422,
        ),
        ({"changes": [{"change": "timer", "duration": 5}]}, 200),
    ],
)
async def test_a_request_that_cannot_be_is_refused_as_a_whole(unused_accounts, body, status):
    url, names = unused_accounts
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers) as http:
        answer = await http.patch(f"/v1/accounts/{next(names)}/privacy", json=body)
    assert answer.status_code == status, answer.text
    if status == 200:
        assert answer.json()["outcomes"] == [{"outcome": "applied", "reason": "", "missed": []}]
        assert answer.json()["found"]["duration"] == 5


# Accounts that cannot read everything


class Blind(ps.EmulatedAccount):
    """An account that reads neither lists nor the timer, and keeps the last dhash it was told."""

    def __init__(self) -> None:
        super().__init__("blind")
        self._last: dict[ps.PrivacyCategory, str | None] = {}

    async def info(self):
        info = await super().info()
        lacking = {Capability.READ_DISALLOWED_LIST, Capability.READ_DISAPPEARING_MODE}
        return ps.AccountInfo(info.id, info.backend, info.state, info.capabilities - lacking)

    async def fetch_disallowed_list(self, category):
        raise ps.NotSupportedError("This account cannot read lists.")

    async def fetch_default_disappearing_mode(self):
        raise ps.NotSupportedError("This account cannot read the timer.")

    async def set_privacy_setting(self, category, value, **options):
        return self._kept(category, await super().set_privacy_setting(category, value, **options))

    async def set_privacy_disallowed_list(self, category, update):
        dhash = update.dhash or self._last.get(category) or "none"
        update = ps.DisallowedListUpdate(dhash, update.users)
        return self._kept(category, await super().set_privacy_disallowed_list(category, update))

    def _kept(self, category, response):
        self._last[category] = response.dhash
        return response


@pytest.fixture
def blind():
    return ps.AsyncClient.from_account(Blind())


async def test_what_an_account_cannot_read_is_applied_on_its_word_and_said_so(blind):
    plan = await blind.plan(ps.Policy(exceptions={"last": LIDS[:1]}, timer=5))
    assert plan.before.timer is None
    applied = await blind.apply(plan)
    assert applied.is_complete
    said = "WhatsApp answered success; this account cannot read it back."
    assert [each.reason for each in applied] == ["", said, said]
    back = applied.undo()
    assert [(type(c).__name__, c.obstacle) for c in back] == [
        ("TimerChange", "What it was is not known."),
        ("ListChange", ""),
        ("SettingChange", ""),
    ]
    undone = await blind.apply(back)
    assert [each.outcome for each in undone] == [NOT_TRIED, APPLIED, APPLIED]
    assert (await settings_of(blind))["last"] == "all"


async def test_a_list_that_cannot_be_read_is_not_planned(blind):
    await blind.set_privacy_setting("last", "contact_blacklist")
    (change,) = await blind.plan(ps.Policy(exceptions={"last": LIDS[:1]}))
    assert change.obstacle == "This account cannot read lists; use exclude and include."


async def test_a_list_that_could_not_be_read_is_not_brought_back(blind):
    await blind.set_privacy_setting("last", "contact_blacklist")
    applied = await blind.apply(await blind.plan(ps.Policy(last="none")))
    back = applied.undo()
    assert [bool(change.obstacle) for change in back] == [False, True]
    assert "Who was excepted is not known" in back.changes[1].obstacle


async def test_a_lost_answer_that_cannot_be_read_is_unknown(blind):
    plan = await blind.plan(ps.Policy(timer=5))
    await blind.account.emulate(
        ps.testing.NextAnswer("lost", operation="set_default_disappearing_mode")
    )
    (result,) = await blind.apply(plan)
    assert result.outcome is UNKNOWN


async def test_a_blind_account_s_list_is_not_tried_when_its_category_is_in_doubt(blind):
    for fault, category in (("refused", "last"), ("lost", "profile")):
        plan = await blind.plan(ps.Policy(exceptions={category: LIDS[:1]}))
        await blind.account.emulate(ps.testing.NextAnswer(fault, operation="set_privacy_setting"))
        applied = await blind.apply(plan)
        assert applied.results[1].outcome is NOT_TRIED


async def test_a_linked_phone_is_changed_as_an_emulated_account_is(tmp_path):
    phone = FakePhone()
    async with account_of(phone, tmp_path) as account:
        client = ps.AsyncClient.from_account(account)
        policy = {**ps.policies.MAXIMUM.settings, "exceptions": {"profile": ["+999115550101"]}}
        del policy[C.PROFILE]
        phone.hides_refusals = True
        plan = await client.plan(policy)
        phone.faults += [ps.testing.NextAnswer("slow"), ps.testing.NextAnswer("refused_inside")]
        applied = await client.apply(plan)
        assert [each.outcome for each in applied] == [REFUSED] + [APPLIED] * 7
        assert applied.results[0].reason == "WhatsApp answered success, but it is 'all'."
        assert [str(user.jid) for user in phone.server._held("profile")] == LIDS[:1]
        assert (await client.apply(applied.undo())).is_complete
        assert (await settings_of(client))["profile"] == "all"


# Opened with its list, in one step


class Watched(ps.EmulatedAccount):
    """An account that notes after every answer whether one person sees when it was last online."""

    def __init__(self):
        super().__init__(settings={"last": "none"})
        self.seen = []
        self._ask = self._watched

    async def _watched(self, request):
        answer = await self.server.ask(request)
        listed = {str(user.jid) for user in self.server.lists.get("last", ())}
        shows = {"all", "contacts"} | ({"contact_blacklist"} if LIDS[0] not in listed else set())
        self.seen.append(self.server.settings["last"] in shows)
        return answer


@pytest.fixture
def watched():
    return Watched()


async def test_the_excepted_person_never_sees_what_is_opened_to_other_contacts(watched):
    client = ps.AsyncClient.from_account(watched)
    plan = await client.plan({"exceptions": {"last": [LIDS[0]]}})
    assert "Opened to contacts in the step that excepts these people" in repr(plan)
    applied = await client.apply(plan)
    assert applied.is_complete
    assert not any(watched.seen)
    assert (await client.apply(applied.undo())).is_complete
    assert not any(watched.seen)


async def test_over_a_gateway_neither(watched):
    with running_gateway({"demo": watched}, token=TOKEN) as url:
        async with ps.AsyncClient(url, token=TOKEN) as client:
            applied = await client.apply(await client.plan({"exceptions": {"last": [LIDS[0]]}}))
    assert applied.is_complete
    assert watched.seen
    assert not any(watched.seen)


@pytest.mark.parametrize("fault", ["refused", "refused_inside", "lost", "not_applied"])
async def test_where_the_list_is_refused_nothing_is_opened(watched, fault):
    client = ps.AsyncClient.from_account(watched)
    plan = await client.plan({"exceptions": {"last": [LIDS[0]]}})
    await client.account.emulate(
        ps.testing.NextAnswer(fault, operation="set_privacy_disallowed_list")
    )
    people, setting = await client.apply(plan)
    assert not any(watched.seen)
    if fault == "lost":
        assert (people.outcome, setting.outcome) == (APPLIED, APPLIED)
    elif fault == "not_applied":
        assert (people.outcome, setting.outcome) == (REFUSED, REFUSED)
    else:
        assert (people.outcome, setting.outcome) == (REFUSED, NOT_TRIED)
        assert "would see it" in setting.reason


async def test_a_plan_whose_answer_is_too_long_to_be_read_is_read_back_and_no_error(monkeypatch):
    with running_gateway({"demo": ps.EmulatedAccount()}, token=TOKEN) as url:
        async with ps.AsyncClient(url, token=TOKEN) as client:
            for category in ("last", "profile"):
                await client.exclude(category, LIDS)
            plan = await client.plan({"exceptions": {"last": LIDS[1:], "profile": LIDS[1:]}})
            monkeypatch.setattr(http, "MAX_ANSWER", 1_000)  # one of the lists fits, both do not
            applied = await client.apply(plan)
            assert applied.is_complete
            assert [await listed(client, c) for c in ("last", "profile")] == [LIDS[1:]] * 2
            assert (await client.apply(applied.undo())).is_complete
