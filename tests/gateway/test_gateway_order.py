"""Time and order: slow accounts, many writers, haste, and a stop in the middle."""

import asyncio
import queue
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from asking import (
    LAST_LIST,
    PRIVACY,
    SOMEBODY,
    TIMER,
    Live,
    client_of,
    connected,
    problem,
)

import privacy_sdk as ps
from privacy_sdk.accounts.base import Account, AccountInfo
from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.accounts.http import HttpAccount
from privacy_sdk.errors import PrivacyError
from privacy_sdk.gateway import create_app, limits
from privacy_sdk.gateway.limits import Rate
from privacy_sdk.model.types import DisallowedListUpdate, PrivacyCategory, SetPrivacySettingResponse
from privacy_sdk.testing import running_gateway


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(limits, "ANSWER_DUE", 0.05)
    return None


@pytest.mark.usefixtures("hurried")
async def test_an_account_that_does_not_answer_in_time_leaves_the_outcome_unknown() -> None:
    async with client_of({"demo": EmulatedAccount(latency=60)}, token=None) as client:
        answer = await client.put(f"{PRIVACY}/last", json={"value": "none"})
        problem(answer, 503, "outcome-unknown")
        problem(await client.get(PRIVACY), 504, "timeout")


async def settled() -> None:
    """Until all that needs no clock and no other machine has run."""
    for _ in range(100):
        await asyncio.sleep(0)


class Watched(EmulatedAccount):
    """Notes when list updates begin and end, and lets each one end when told."""

    def __init__(self) -> None:
        super().__init__(settings=dict.fromkeys(("last", "profile"), "contact_blacklist"))
        self.notes: list[str] = []
        self.began: asyncio.Queue[PrivacyCategory] = asyncio.Queue()
        self.may_end = asyncio.Event()

    async def set_privacy_disallowed_list(
        self, category: PrivacyCategory, update: DisallowedListUpdate
    ) -> SetPrivacySettingResponse:
        self.notes.append(f"{category} begins")
        self.began.put_nowait(category)
        await self.may_end.wait()
        answer = await super().set_privacy_disallowed_list(category, update)
        self.notes.append(f"{category} ends")
        return answer


async def test_changes_of_one_account_run_one_at_a_time_to_their_reading_back() -> None:
    account = Watched()
    async with client_of({"demo": account}, token=None) as client:
        paths = [LAST_LIST, LAST_LIST, f"{PRIVACY}/profile/disallowed-list"]
        updates = [
            asyncio.create_task(client.patch(path, json={"users": [SOMEBODY]})) for path in paths
        ]
        first = await account.began.get()
        await settled()
        assert account.notes == [f"{first} begins"]
        account.may_end.set()
        assert {answer.status_code for answer in await asyncio.gather(*updates)} == {200}
    assert [note.split(" ")[1] for note in account.notes] == ["begins", "ends"] * 3


async def test_waiting_for_ones_turn_is_bounded_and_nothing_is_made_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "TURN_DUE", 0.05)
    account = Watched()
    async with client_of({"demo": account}, token=None) as client:
        slow = asyncio.create_task(client.patch(LAST_LIST, json={"users": [SOMEBODY]}))
        await account.began.get()
        document = problem(
            await client.put(f"{PRIVACY}/last", json={"value": "none"}), 503, "account-busy"
        )
        assert "was not made" in document["detail"]
        account.may_end.set()
        await slow
        settings = (await client.get(PRIVACY)).json()["settings"]
    assert {"category": "last", "value": "contact_blacklist"} in settings


@pytest.mark.parametrize("gives_up", ["hangs up", "says how long it waits"])
async def test_a_change_whose_client_has_given_up_is_not_begun(
    gives_up: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TURN_DUE", 600.0)
    account = Watched()
    async with asyncio.timeout(30), client_of({"demo": account}, token=None) as client:
        slow = asyncio.create_task(client.patch(LAST_LIST, json={"users": [SOMEBODY]}))
        await account.began.get()
        headers = {"Prefer": "wait=0.05"} if gives_up != "hangs up" else {}
        late = asyncio.create_task(
            client.put(f"{PRIVACY}/last", json={"value": "all"}, headers=headers)
        )
        await settled()
        if gives_up == "hangs up":
            late.cancel()
        else:
            problem(await late, 503, "account-busy")
        account.may_end.set()
        await asyncio.gather(slow, late, return_exceptions=True)
        settings = (await client.get(PRIVACY)).json()["settings"]
    assert {"category": "last", "value": "contact_blacklist"} in settings


def test_a_change_whose_client_hangs_up_is_cut_short() -> None:
    ended: queue.Queue[str] = queue.Queue()

    class Endless(EmulatedAccount):
        async def set_default_disappearing_mode(self, duration: int) -> None:
            ended.put("began")
            try:
                await asyncio.Event().wait()
            finally:
                ended.put("cut short")

    request = (
        f"PUT {TIMER} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        'Content-Length: 16\r\n\r\n{"duration": 60}'
    )
    with running_gateway({"demo": Endless()}) as url:
        with connected(url) as hasty:
            hasty.sendall(request.encode())
            assert ended.get(timeout=10) == "began"
        assert ended.get(timeout=10) == "cut short"


async def test_fifty_writers_without_a_dhash_lose_nobody() -> None:
    people = [{"jid": f"9990000000001{n:02}@lid"} for n in range(50)]
    account = EmulatedAccount(latency=0.002, settings={"last": "contact_blacklist"})
    async with client_of({"demo": account}, token=None) as client:
        answers = await asyncio.gather(
            *(client.patch(LAST_LIST, json={"users": [person]}) for person in people)
        )
        listed = (await client.get(LAST_LIST)).json()["users"]
    assert {answer.status_code for answer in answers} == {200}
    assert {user["jid"] for user in listed} == {person["jid"] for person in people}


async def test_a_live_account_is_asked_no_faster_than_its_pace() -> None:
    async with client_of({"demo": Live()}, token=None, rate=Rate(2, per_minute=0.6)) as client:
        answers = [await client.get(PRIVACY) for _ in range(3)]
        listing = await client.get("/v1/accounts")
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    document = problem(answers[2], 429, "too-many-requests")
    assert document["source"] == "gateway"
    assert 90 < document["retry_after"] <= 100
    assert 90 < int(answers[2].headers["retry-after"]) <= 100
    assert listing.status_code == 200


async def test_each_number_that_is_looked_up_counts_for_the_pace() -> None:
    async with client_of({"demo": Live()}, token=None, rate=Rate(4, per_minute=0.6)) as client:
        phones = {"phones": ["999115550101", "999115550102", "999115550103", "999115550101"]}
        assert (await client.post("/v1/accounts/demo/contacts", json=phones)).status_code == 200
        answers = [await client.get(PRIVACY) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]


@asynccontextmanager
async def of_another_gateway(account: Account) -> AsyncIterator[Account]:
    app = create_app({"far": account}, token=None, rate=None)
    remote = HttpAccount(account="far", transport=httpx2.ASGITransport(app))
    yield remote
    await remote.aclose()


async def test_an_account_on_another_gateway_has_the_pace_of_what_is_there() -> None:
    pace = Rate(2, per_minute=0.6)
    for there, last in ((Live(), 429), (EmulatedAccount(), 200)):
        async with (
            of_another_gateway(there) as account,
            client_of({"demo": account}, token=None, rate=pace) as client,
        ):
            answers = [await client.get(PRIVACY) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, last, last]


@pytest.mark.parametrize(
    "trouble", [ps.NotConnectedError("There is no connection."), TimeoutError()]
)
async def test_an_account_that_cannot_say_what_it_is_has_the_pace_of_a_live_one(trouble) -> None:
    class Mute(EmulatedAccount):
        async def info(self) -> AccountInfo:
            raise trouble

    async with client_of({"demo": Mute()}, token=None, rate=Rate(1, per_minute=0.6)) as client:
        answers = [await client.get(PRIVACY) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]


async def test_an_emulated_account_has_no_pace(client: httpx2.AsyncClient) -> None:
    assert {(await client.get(TIMER)).status_code for _ in range(100)} == {200}


async def test_an_account_that_was_emulated_for_a_moment_has_no_second_burst() -> None:
    account = Live()
    async with client_of({"demo": account}, token=None, rate=Rate(2, per_minute=0.6)) as client:
        answers = [(await client.get(TIMER)).status_code for _ in range(2)]
        account.__class__ = EmulatedAccount
        answers.append((await client.get(TIMER)).status_code)
        account.__class__ = Live
        answers += [(await client.get(TIMER)).status_code for _ in range(2)]
    assert answers == [200, 200, 200, 429, 429]


async def test_what_a_stop_cuts_short_is_answered_for_what_it_was() -> None:
    account = Watched()
    async with client_of({"demo": account}, token=None) as client:
        in_flight = client.app.state.in_flight
        changing = asyncio.create_task(client.patch(LAST_LIST, json={"users": [SOMEBODY]}))
        await account.began.get()
        waiting = asyncio.create_task(client.patch(LAST_LIST, json={"users": [SOMEBODY]}))
        await settled()
        await in_flight.stop(grace=0)
        unknown = problem(await changing, 503, "outcome-unknown")
        known = problem(await waiting, 503, "not-connected")
        late = problem(await client.get(PRIVACY), 503, "not-connected")
    assert "Fetch the settings again" in unknown["hint"]
    assert "nothing was changed" in known["detail"]
    assert known == late
    assert account.notes == ["last begins"]


async def test_a_stop_lets_end_what_ends_in_time() -> None:
    account = Watched()
    async with client_of({"demo": account}, token=None) as client:
        in_flight = client.app.state.in_flight
        changing = asyncio.create_task(client.patch(LAST_LIST, json={"users": [SOMEBODY]}))
        await account.began.get()
        stopping = asyncio.create_task(in_flight.stop(grace=30))
        await settled()
        account.may_end.set()
        assert (await changing).status_code == 200
        await stopping


async def test_accounts_are_closed_with_the_gateway_even_if_one_hangs_or_fails() -> None:
    closed = []

    class Closing(EmulatedAccount):
        async def aclose(self) -> None:
            closed.append(self.id)
            if self.id == "fails":
                raise PrivacyError("It fails.")
            if self.id == "hangs":
                await asyncio.Event().wait()

    app = create_app({name: Closing(name) for name in ("hangs", "fails", "good")}, token=None)
    async with app.router.lifespan_context(app):
        assert closed == []
    assert closed == ["hangs", "fails", "good"]
