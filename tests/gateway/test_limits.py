"""The rules that protect an account: what a request costs, and how often a change is tried."""

import pytest
from asking import CONTACTS, LAST_LIST, PRIVACY, SOMEBODY, TIMER, Live, client_of, problem

from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.gateway.limits import Rate
from privacy_sdk.model.types import (
    DisallowedListUpdate,
    PrivacyCategory,
    PrivacyValue,
    SetPrivacySettingResponse,
)


async def test_a_plan_costs_a_request_for_each_change_and_for_reading_before_and_after() -> None:
    changes = [
        {"change": "setting", "category": "last", "value": "none"},
        {"change": "setting", "category": "profile", "value": "none"},
        {"change": "timer", "duration": 60},
    ]
    for burst, after in ((5, 429), (6, 200)):
        rate = Rate(burst, per_minute=0.01)
        async with client_of({"demo": Live()}, token=None, rate=rate) as client:
            assert (await client.patch(PRIVACY, json={"changes": changes})).status_code == 200
            assert (await client.get(PRIVACY)).status_code == after


@pytest.mark.parametrize(
    ("method", "path", "body", "cost"),
    [
        ("PUT", f"{PRIVACY}/last", {"value": "contact_blacklist"}, 3),
        ("PATCH", LAST_LIST, {"users": [SOMEBODY]}, 2),
        ("POST", f"{PRIVACY}/last/excluded", {"users": [SOMEBODY]}, 5),
        ("PUT", TIMER, {"duration": 60}, 3),
        ("POST", CONTACTS, {"phones": ["999115550101", "999115550102"]}, 2),
        ("GET", PRIVACY, None, 1),
    ],
)
async def test_what_is_asked_costs_the_requests_that_it_takes(
    method: str, path: str, body: object, cost: int
) -> None:
    for burst, after in ((cost, 429), (cost + 1, 200)):
        account = Live()
        await account.set_privacy_setting(PrivacyCategory.LAST, PrivacyValue.CONTACT_BLACKLIST)
        rate = Rate(burst, per_minute=0.01)
        async with client_of({"demo": account}, token=None, rate=rate) as client:
            assert (await client.request(method, path, json=body)).status_code == 200
            assert (await client.get(PRIVACY)).status_code == after


async def test_a_thousand_numbers_are_looked_up_at_once_and_no_more() -> None:
    async with client_of(token=None) as client:
        for count, status in ((1_000, 200), (1_001, 422)):
            phones = [f"9991155{number:05}" for number in range(count)]
            assert (await client.post(CONTACTS, json={"phones": phones})).status_code == status


@pytest.mark.parametrize(("dhash", "calls"), [("0", 1), (None, 2)])
async def test_a_strict_update_is_tried_once_and_one_of_the_list_as_it_stands_twice(
    dhash: str | None, calls: int
) -> None:
    tried: list[DisallowedListUpdate] = []

    class Changing(EmulatedAccount):
        async def set_privacy_disallowed_list(
            self, category: PrivacyCategory, update: DisallowedListUpdate
        ) -> SetPrivacySettingResponse:
            tried.append(update)
            stale = DisallowedListUpdate("of another time", update.users)
            return await super().set_privacy_disallowed_list(category, stale)

    async with client_of({"demo": Changing()}, token=None) as client:
        await client.put(f"{PRIVACY}/last", json={"value": "contact_blacklist"})
        answer = await client.patch(LAST_LIST, json={"dhash": dhash, "users": [SOMEBODY]})
    problem(answer, 409, "conflict")
    assert len(tried) == calls
