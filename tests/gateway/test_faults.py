"""Faults × operations × writers: nothing is said to a client that is not so."""

from collections import Counter
from typing import Any

import pytest
from faults import OF_THE_ACCOUNT, OF_THE_WAY, OPERATIONS, Verdict, outcomes

import privacy_sdk as ps

pytestmark = pytest.mark.filterwarnings("ignore::privacy_sdk.PrivacyWarning")

FAULTS = (*OF_THE_ACCOUNT, *OF_THE_WAY)
LOST_AFTERWARDS = ("lost", "slow", "cut", "garbled", "lost answer", "late answer")


def false_ones(verdicts: list[Verdict]) -> list[str]:
    return [str(verdict) for verdict in verdicts if verdict.fault]


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_what_one_writer_is_told_is_so(fault: str | None) -> None:
    verdicts = outcomes(operations=OPERATIONS, faults=(fault,), writers=1, seed=1, reads=0)
    assert {verdict.told.operation.replace(" ", "_") for verdict in verdicts} >= {*OPERATIONS[:-1]}
    assert not false_ones(verdicts)


@pytest.mark.parametrize("operation", ["set", "timer"])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (None, "yes"),
        ("refused", "no"),
        ("refused_inside", "no"),
        ("not_applied", "no"),
        *((fault, "yes") for fault in LOST_AFTERWARDS),
    ],
)
def test_what_can_be_known_is_said(fault: str | None, said: str, operation: str) -> None:
    """A client that called everything unknown would say nothing false either."""
    verdicts = outcomes(operations=(operation,), faults=(fault, None), writers=1, seed=3, reads=0)
    assert [verdict.said for verdict in verdicts] == [said]


@pytest.mark.parametrize("action", ["add", "remove"])
async def test_whoever_is_named_is_excepted_or_not_whatever_the_list_became_meanwhile(
    action: str,
) -> None:
    """Who was listed when the list was read may be off it when it is changed, and the reverse."""
    one, other, others = ("999000000000001@lid", "999000000000002@lid", "999000000000003@lid")
    account = ps.EmulatedAccount()
    client = ps.AsyncClient.from_account(account)
    await client.exclude("last", [one, others])
    fetch, opposite = account.fetch_disallowed_list, {"add": "remove", "remove": "add"}[action]
    changes = [ps.DisallowedListUserEntry(one if action == "add" else other, None, opposite)]

    async def fetch_and_change(category: ps.PrivacyCategory) -> ps.DisallowedList:
        held = await fetch(category)
        if changes:
            await account.emulate(ps.testing.PhoneLists("last", [changes.pop()]))
        return held

    account.fetch_disallowed_list = fetch_and_change  # type: ignore[method-assign]
    await (client.exclude if action == "add" else client.include)("last", [one, other])
    listed = {str(user.jid) for user in await fetch(ps.PrivacyCategory.LAST)}
    assert listed & {one, other} == ({one, other} if action == "add" else set())


async def test_a_list_that_the_phone_leaves_in_the_middle_of_a_plan_was_changed_all_the_same() -> (
    None
):
    """The plan's second change of that list is refused; the first one was not."""
    one, other = "999000000000001@lid", "999000000000002@lid"
    account = ps.EmulatedAccount()
    client = ps.AsyncClient.from_account(account)
    await client.exclude("last", one)
    change = account.set_privacy_disallowed_list

    async def change_and_close(*arguments: Any) -> ps.SetPrivacySettingResponse:
        response = await change(*arguments)
        await account.emulate(ps.testing.PhoneSets("last", "none"))
        return response

    account.set_privacy_disallowed_list = change_and_close  # type: ignore[method-assign]
    applied = await client.apply(await client.plan({"exceptions": {"last": [other]}}))
    assert [result.outcome.value for result in applied] == ["overtaken", "refused"]


ROUNDS = [
    pytest.param(1, id="short"),
    pytest.param(11, marks=pytest.mark.slow, id="more than 5000 outcomes"),
]


@pytest.mark.parametrize("gateway", [True, False], ids=["gateway", "one process"])
@pytest.mark.parametrize("rounds", ROUNDS)
def test_what_eight_writers_are_told_is_so(rounds: int, gateway: bool) -> None:
    verdicts = [
        verdict
        for seed in range(rounds)
        for phone in (False, True)
        for verdict in outcomes(
            operations=OPERATIONS * 2,
            faults=FAULTS if gateway else OF_THE_ACCOUNT,
            writers=8,
            seed=seed,
            share=0.4,
            phone=phone,
            gateway=gateway,
        )
    ]
    print(Counter((verdict.said, verdict.fault) for verdict in verdicts))
    assert {verdict.said for verdict in verdicts} >= {"yes", "no", "unknown"}
    assert len(verdicts) > 250 * rounds
    assert not false_ones(verdicts)
