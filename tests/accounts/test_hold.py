"""A rate limit holds the whole account back, and everybody is told for how long."""

import httpx2
import pytest
from fake_tryx import FakePhone
from fake_whatsapp import fake_whatsapp, raw_account_of
from linked import account_of

import privacy_sdk as ps
from privacy_sdk.accounts.http import HttpAccount
from privacy_sdk.accounts.whatsapp.hold import Hold
from privacy_sdk.errors import RateLimitError, TooManyRequestsError
from privacy_sdk.gateway import create_app

REFUSAL = ps.testing.NextAnswer("refused", code=429, text="rate-overlimit")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def refuse(hold: Hold, backoff: float | None = None) -> float | None:
    with pytest.raises(RateLimitError) as caught, hold:
        raise RateLimitError(429, "rate-overlimit", backoff=backoff)
    return caught.value.backoff


def test_it_holds_for_half_a_minute_doubled_up_to_ten_and_a_success_resets_it():
    hold = Hold(clock := Clock())
    for seconds in (30, 60, 120, 240, 480, 600, 600):
        assert refuse(hold) == hold.left == seconds
        clock.now += seconds - 1
        with pytest.raises(TooManyRequestsError) as caught, hold:
            pytest.fail("asked while it is held")
        assert caught.value.backoff == 1
        clock.now += 1
    with hold:
        pass
    assert refuse(hold) == 30


def test_what_whatsapp_asks_for_is_what_it_holds_for():
    hold = Hold(Clock())
    assert refuse(hold, 7.5) == hold.left == 7.5
    assert refuse(Hold(clock := Clock()), 0) == 0
    assert clock.now == 0


def test_another_refusal_holds_nothing_and_resets_nothing():
    hold = Hold(clock := Clock())
    refuse(hold)
    clock.now += 30
    with pytest.raises(ps.ConflictError), hold:
        raise ps.ConflictError(409, "conflict")
    assert hold.left == 0
    assert refuse(hold) == 60


async def test_one_refusal_is_one_request_and_every_client_is_told_how_long(tmp_path):
    phone = FakePhone()
    async with account_of(phone, tmp_path) as account:
        app = create_app({"me": account}, token=None, rate=None)
        clients = [
            ps.AsyncClient.from_account(
                HttpAccount(account="me", transport=httpx2.ASGITransport(app))
            )
            for _ in range(2)
        ]
        await clients[0].fetch_privacy_settings()
        phone.sent.clear()
        phone.faults.append(REFUSAL)
        with pytest.raises(RateLimitError) as first:
            await clients[0].set_privacy_setting("last", "none")
        assert first.value.backoff == 30
        assert "did not say for how long" in first.value.hint
        for client in clients:
            with pytest.raises(TooManyRequestsError) as then:
                await client.fetch_privacy_settings()
            assert 28 < then.value.backoff <= 30
            assert "another 30 s" in (await client.info()).hint
        assert [sent[0] for sent in phone.sent] == ["fetch"]
        for client in clients:
            await client.aclose()


async def test_a_plan_stops_at_a_rate_limit(tmp_path):
    async with fake_whatsapp() as whatsapp, raw_account_of(whatsapp, tmp_path) as account:
        client = ps.AsyncClient.from_account(account)
        plan = await client.plan({"last": "none", "profile": "none", "status": "none"})
        whatsapp.asked.clear()
        await account.emulate(
            ps.testing.NextAnswer("refused", code=429, operation="set_privacy_setting")
        )
        applied = await client.apply(plan)
        assert sum(request.get("type") == "set" for request in whatsapp.asked) == 1
        assert not applied.is_complete
