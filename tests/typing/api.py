"""Type-level usage of the public API: never run, checked by mypy and pyright."""

from datetime import timedelta
from typing import assert_type

import pandas as pd

import privacy_sdk as ps


def nouns() -> None:
    category = ps.PrivacyCategory.LAST
    assert_type(category.valid_values, tuple[ps.PrivacyValue, ...])
    assert_type(category.is_valid_value("all"), bool)
    assert_type(ps.PrivacyCategory.other("new"), ps.PrivacyCategory)
    assert_type(ps.Jid.parse("999000000000001@lid"), ps.Jid)


def facade(client: ps.Client) -> None:
    assert_type(client.fetch_privacy_settings(), pd.DataFrame)
    assert_type(client.set_privacy_setting("last", "none"), ps.SetPrivacySettingResponse)
    assert_type(
        client.set_privacy_setting(ps.PrivacyCategory.LAST, ps.PrivacyValue.NONE),
        ps.SetPrivacySettingResponse,
    )
    entry = ps.DisallowedListUserEntry("999000000000001@lid")
    assert_type(
        client.set_privacy_disallowed_list("last", ps.DisallowedListUpdate("1", [entry])),
        ps.SetPrivacySettingResponse,
    )
    client.set_default_disappearing_mode(604_800)
    client.set_default_disappearing_mode(timedelta(days=7))
    assert_type(client.fetch_default_disappearing_mode(), int)
    assert_type(client.fetch_disallowed_list("last"), ps.DisallowedList)
    assert_type(client.info(), ps.AccountInfo)
    client.account.emulate(ps.testing.NextAnswer("refused", category="groupadd"))
    plan = client.plan(ps.policies.MAXIMUM)
    assert_type(plan, ps.Plan)
    assert_type(client.plan({"last": "none"}), ps.Plan)
    assert_type(client.plan("mine.yaml"), ps.Plan)
    assert_type(plan.to_frame(), pd.DataFrame)
    applied = client.apply(plan, progress=lambda done, total: None)
    assert_type(applied, ps.ApplyResult)
    assert_type(applied.undo(), ps.Plan)
    assert_type([result.outcome for result in applied], list[ps.policies.Outcome])
    assert_type(client.snapshot(), ps.Policy)
    assert_type(client.exclude("last", "+999115550101"), ps.SetPrivacySettingResponse)
    assert_type(client.include("last", ["999000000000001@lid"]), ps.SetPrivacySettingResponse)
    assert_type(client.excluded("last", masked=False), pd.DataFrame)
    assert_type(client.fetch_privacy_settings(allowed=True), pd.DataFrame)
    assert_type(client.visibility(), ps.Visibility)
    assert_type(client.visibility("+999115550101").to_frame(), pd.DataFrame)
    assert_type(client.history(), pd.DataFrame)
    for change in client.watch(after=0):
        assert_type(change, ps.policies.HistoryEntry)
    assert_type(plan.visibility(), ps.Visibility)
    assert_type(applied.visibility(), ps.Visibility)
    with client as same:
        assert_type(same, ps.Client)


def wrong_calls(client: ps.Client) -> None:
    ps.Cleint()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    client.plan(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.apply(ps.policies.MAXIMUM)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ps.Policy(lst="none")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.set_privacy_setting("last")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.set_privacy_setting(1, "all")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.set_default_disappearing_mode(1.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def awaited(client: ps.AsyncClient) -> None:
    response = await client.fetch_privacy_settings()
    assert_type(response, ps.PrivacySettingsResponse)
    assert_type(response.get_value("last"), ps.PrivacyValue | None)
    assert_type([setting.value for setting in response], list[ps.PrivacyValue])
    changed = await client.set_privacy_setting("last", "none")
    assert_type(changed, ps.SetPrivacySettingResponse)


class MyClient(ps.Client):
    """A user's own client."""


def accounts(account: ps.Account) -> None:
    assert_type(ps.Client.from_account(account), ps.Client)
    assert_type(ps.Client.from_account(ps.EmulatedAccount()), ps.Client)
    assert_type(ps.Client.from_account(ps.HttpAccount()), ps.Client)
    assert_type(ps.Client.replay("tour"), ps.Client)
    assert_type(ps.Client.emulated(seed=1), ps.Client)
    assert_type(MyClient.emulated(), MyClient)
    assert_type(ps.Client.emulated().account.id, str | None)
    ps.Client.emulated(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert_type(ps.AsyncClient.replay("tour"), ps.AsyncClient)
    assert_type(ps.Client.from_account(ps.TryxAccount()), ps.Client)
    assert_type(ps.Client(account="me", record="mine.yaml", wait=5, ca="ca.pem"), ps.Client)


def linking(client: ps.Client) -> None:
    assert_type(client.link(timeout=60).wait(), ps.accounts.LinkStatus)
    assert_type(client.link_status(), ps.accounts.LinkStatus)
    assert_type(client.link_status().qr, str | None)
    assert_type(client.unlink().linked_as, str | None)


def aliases(category: ps.typing.CategoryLike, policy: ps.typing.PolicyLike) -> None:
    client = ps.Client.emulated()
    client.set_privacy_setting(category, "none")
    client.plan(policy)


def modules() -> None:
    assert_type(ps.errors.RateLimitError(429).backoff, float | None)
    assert_type(ps.policies.MAXIMUM, ps.Policy)
    assert_type(ps.testing.PhoneSets("last", "all").value, ps.PrivacyValue)
    with ps.testing.running_gateway({"demo": ps.EmulatedAccount()}) as url:
        assert_type(url, str)
