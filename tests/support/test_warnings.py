"""A ``PrivacyWarning`` points at the line that called the package, not at one of its own."""

import asyncio
import inspect
import warnings
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

import pytest

import privacy_sdk as ps
from privacy_sdk.accounts.base import Capability
from privacy_sdk.testing import running_gateway


class WithoutLists(ps.EmulatedAccount):
    """An account that cannot read lists."""

    async def info(self) -> ps.AccountInfo:
        info = await super().info()
        return replace(info, capabilities=info.capabilities - {Capability.READ_DISALLOWED_LIST})


@pytest.fixture
def caught() -> Iterator[list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def line() -> int:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def places(caught: list[warnings.WarningMessage]) -> list[tuple[type[Warning], str, int]]:
    return [(each.category, each.filename, each.lineno) for each in caught]


def spoil(client: ps.Client, times: int = 1) -> None:
    client.account.emulate(ps.testing.NextAnswer("refused_inside", category="status", times=times))


@pytest.mark.parametrize("read", [ps.Client.fetch_privacy_settings, ps.Client.snapshot])
def test_a_blocking_calls_warning_points_at_the_call(
    read: Callable[[ps.Client], object], caught: list[warnings.WarningMessage]
) -> None:
    client = ps.Client.emulated()
    spoil(client)
    read(client)
    assert places(caught) == [(ps.PrivacyWarning, __file__, line() - 1)]


def test_so_does_one_that_came_over_a_gateway(caught: list[warnings.WarningMessage]) -> None:
    class Unreadable(ps.EmulatedAccount):
        async def fetch_privacy_settings(self) -> ps.PrivacySettingsResponse:
            error = ps.PrivacySetting(ps.PrivacyCategory.LAST, ps.PrivacyValue.other("error"))
            return ps.PrivacySettingsResponse([error])

    with running_gateway({"demo": Unreadable()}) as url, ps.Client(url) as client:
        client.fetch_privacy_settings()
        assert places(caught) == [(ps.PrivacyWarning, __file__, line() - 1)]


def test_so_does_one_of_the_panel(caught: list[warnings.WarningMessage]) -> None:
    client = ps.Client.emulated()
    spoil(client)
    client.panel().close()
    assert places(caught) == [(ps.PrivacyWarning, __file__, line() - 1)]


def test_so_does_one_of_a_change(caught: list[warnings.WarningMessage]) -> None:
    client = ps.Client.from_account(WithoutLists())
    client.exclude("last", "+999 11 555 0101")
    assert places(caught) == [(ps.PrivacyWarning, __file__, line() - 1)]


async def test_an_awaited_calls_warning_points_at_the_await(
    caught: list[warnings.WarningMessage],
) -> None:
    client = ps.AsyncClient.from_account(ps.EmulatedAccount())
    await client.account.emulate(ps.testing.NextAnswer("refused_inside", category="status"))
    await client.fetch_privacy_settings()
    assert places(caught) == [(ps.PrivacyWarning, __file__, line() - 1)]


def test_a_warning_of_a_task_points_at_what_runs_the_loop(
    caught: list[warnings.WarningMessage],
) -> None:
    async def main() -> None:
        client = ps.AsyncClient.from_account(ps.EmulatedAccount())
        await client.account.emulate(ps.testing.NextAnswer("refused_inside", category="status"))
        asks: list[Awaitable[object]] = [client.fetch_privacy_settings()]
        await asyncio.gather(*asks)

    asyncio.run(main())
    assert places(caught) == [(ps.PrivacyWarning, __file__, line() - 1)]


def test_where_warnings_are_errors_the_call_raises_them() -> None:
    client = ps.Client.emulated()
    spoil(client)
    with pytest.raises(ps.PrivacyWarning, match="'status'"):
        client.fetch_privacy_settings()
    assert len(client.fetch_privacy_settings()) > 0


def test_a_call_that_fails_warns_all_the_same(caught: list[warnings.WarningMessage]) -> None:
    class Failing(ps.EmulatedAccount):
        async def fetch_privacy_settings(self) -> ps.PrivacySettingsResponse:
            await super().fetch_privacy_settings()
            raise ps.NotConnectedError("Gone.")

    client = ps.Client.from_account(Failing())
    spoil(client)
    with pytest.raises(ps.NotConnectedError):
        client.fetch_privacy_settings()
    assert places(caught) == [(ps.PrivacyWarning, __file__, line() - 1)]
