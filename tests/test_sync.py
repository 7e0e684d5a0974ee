"""``Client`` is ``AsyncClient``, waited for, wherever it is called from."""

import asyncio
import concurrent.futures
import contextvars
import gc
import inspect
import pickle
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from relay import Relay, relay_to

import privacy_sdk as ps
from privacy_sdk.support.loop import LOOP
from privacy_sdk.testing import running_gateway

TWINS = {"close": "aclose"}
"""Methods that are called otherwise than their awaited twins."""

TABLES = {"fetch_privacy_settings", "excluded", "history"}
"""Methods that make a table of what their awaited twins return, and say so in their words."""

ALONE = {"panel", "link", "account", "names"}
"""What has no awaited twin of the same signature."""


@pytest.fixture
def gateway() -> Iterator[str]:
    with running_gateway({"demo": ps.EmulatedAccount()}) as url:
        yield url


@pytest.fixture
def relay(gateway: str) -> Iterator[Relay]:
    with relay_to(gateway) as relay:
        yield relay


def public(cls: type) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_")}


def parameters(function: Callable[..., Any]) -> dict[str, str]:
    return {name: str(each) for name, each in inspect.signature(function).parameters.items()}


def test_the_two_clients_have_the_same_methods() -> None:
    awaited = public(ps.AsyncClient) - {"is_open", "recording"}
    assert {TWINS.get(name, name) for name in public(ps.Client) - {"panel"}} == awaited


@pytest.mark.parametrize("name", ["__init__", *sorted(public(ps.Client) - ALONE)])
def test_a_method_has_the_signature_of_its_awaited_twin(name: str) -> None:
    mine, its = getattr(ps.Client, name), getattr(ps.AsyncClient, TWINS.get(name, name))
    added = {
        "excluded": {"masked": "masked: 'bool' = True"},
        "fetch_privacy_settings": {
            each: f"{each}: 'bool' = False" for each in ("allowed", "details")
        },
    }.get(name, {})
    assert parameters(mine) == parameters(its) | added
    if name not in TABLES | {"__init__"}:
        assert inspect.getdoc(mine) == inspect.getdoc(its)
        is_awaited = inspect.iscoroutinefunction(its) or inspect.isasyncgenfunction(its)
        assert is_awaited is not inspect.ismethod(its)
        assert not inspect.iscoroutinefunction(mine)


@pytest.mark.parametrize("name", ["from_account", "emulated", "replay"])
def test_a_client_is_made_of_the_class_that_was_asked(name: str) -> None:
    class Mine(ps.Client):
        pass

    arguments = {"from_account": [ps.EmulatedAccount()], "replay": ["tour"]}
    assert type(getattr(Mine, name)(*arguments.get(name, []))) is Mine


def test_the_account_of_a_client_has_its_id_and_takes_events(gateway: str) -> None:
    with ps.Client(gateway) as client:
        client.account.emulate(ps.testing.PhoneSets("last", "none"))
        assert client.account.id == "demo"
        assert client.fetch_privacy_settings().loc["last", "value"] == "none"


def test_only_an_emulated_account_takes_events() -> None:
    class Plain:
        id = "plain"

    with pytest.raises(ps.NotSupportedError, match="not an emulated one"):
        ps.Client.from_account(Plain()).account.emulate(ps.testing.PhoneSets("last", "all"))


def test_a_client_answers_inside_a_running_event_loop() -> None:
    async def cell() -> int:
        return ps.Client.emulated().fetch_default_disappearing_mode()

    assert asyncio.run(cell()) == 0


def test_a_call_on_the_loops_own_thread_is_an_error_instead_of_a_wait_for_ever() -> None:
    client = ps.Client.emulated()

    async def work() -> None:
        client.fetch_privacy_settings()

    with pytest.raises(ps.errors.UsageError, match="thread that would have to answer") as raised:
        LOOP.run(work)
    assert raised.value.hint == "Await the AsyncClient there instead."
    assert client.fetch_default_disappearing_mode() == 0


def test_threads_share_one_loop_and_get_their_own_answers(gateway: str) -> None:
    accounts = {f"account-{n}": ps.EmulatedAccount(f"account-{n}") for n in range(8)}
    with running_gateway(accounts) as url:

        def use(place: int) -> list[int]:
            with ps.Client(url, account=f"account-{place}") as client:
                found = []
                for turn in range(25):
                    client.set_default_disappearing_mode(1_000 * place + turn)
                    found.append(client.fetch_default_disappearing_mode())
                return found

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(use, range(8)))
    assert answers == [[1_000 * place + turn for turn in range(25)] for place in range(8)]
    loops = [thread for thread in threading.enumerate() if thread.name == "privacy-sdk"]
    assert len(loops) == 1


def test_fifty_calls_from_each_of_eight_threads_over_one_client_are_all_answered(
    gateway: str,
) -> None:
    with ps.Client(gateway) as client, ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda _: client.fetch_default_disappearing_mode(), range(8 * 50))
        )
    assert answers == [0] * 400


def test_an_open_client_that_is_collected_warns_as_a_file_does_and_hangs_up(relay: Relay) -> None:
    client = ps.Client(relay.url)
    client.fetch_default_disappearing_mode()
    with pytest.warns(ResourceWarning, match=r"unclosed Client\(.*127\.0\.0\.1"):
        del client
    relay.expect("closed")


def test_clients_that_hold_nothing_open_are_collected_in_silence(relay: Relay) -> None:
    closed = ps.Client(relay.url)
    closed.fetch_default_disappearing_mode()
    closed.close()
    unused, emulated, replayed = (
        ps.Client(relay.url),
        ps.Client.emulated(),
        ps.Client.replay("tour"),
    )
    emulated.fetch_default_disappearing_mode()
    del closed, unused, emulated, replayed
    gc.collect()


def test_the_context_of_the_caller_reaches_the_account() -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)

    async def work() -> int:
        return variable.get()

    variable.set(7)
    assert LOOP.run(work) == 7


def test_work_that_cancels_itself_raises_what_except_exception_catches() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(concurrent.futures.CancelledError):
        LOOP.run(work)


def test_an_error_holds_no_frames_in_a_cycle() -> None:
    class Local:
        pass

    async def work() -> None:
        raise ValueError("mine")

    def call() -> weakref.ref[Local]:
        local = Local()
        with pytest.raises(ValueError, match="mine"):
            LOOP.run(work)
        return weakref.ref(local)

    gc.collect()
    gc.disable()
    try:
        assert call()() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_ctrl_c_at_the_moment_of_handing_over_still_ends_the_work(
    moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_over = LOOP._hand_over

    def interrupted(job: Callable[[], object]) -> None:
        monkeypatch.setattr(LOOP, "_hand_over", hand_over)
        if moment == "after":
            hand_over(job)
        raise KeyboardInterrupt

    begun: list[Coroutine[Any, Any, object]] = []

    def work() -> Coroutine[Any, Any, object]:
        begun.append(asyncio.Event().wait())
        return begun[0]

    monkeypatch.setattr(LOOP, "_hand_over", interrupted)
    with pytest.raises(KeyboardInterrupt) as raised:
        LOOP.run(work, on_interrupt="Look again.")
    assert raised.value.__notes__ == ["Look again."]
    assert all(inspect.getcoroutinestate(each) == inspect.CORO_CLOSED for each in begun)
    assert LOOP.run(lambda: asyncio.sleep(0, "works")) == "works"


def test_submitted_work_gives_its_result_or_error_later() -> None:
    async def fail() -> None:
        raise ValueError("mine")

    assert LOOP.submit(lambda: asyncio.sleep(0, "works")).result(10) == "works"
    with pytest.raises(ValueError, match="mine"):
        LOOP.submit(fail).result(10)


def test_submitted_work_ends_when_its_future_is_cancelled() -> None:
    begun, ended = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    future = LOOP.submit(work)
    assert begun.wait(10)
    assert future.cancel()
    assert ended.wait(10)


@pytest.mark.parametrize(
    "client", [ps.Client("http://127.0.0.1:1", token="unseen"), ps.Client.emulated()]
)
def test_a_client_cannot_be_pickled_and_its_token_with_it(client: ps.Client) -> None:
    with pytest.raises(ps.errors.UsageError, match="cannot be pickled") as raised:
        pickle.dumps(client)
    assert raised.value.hint == "Make a client in each process."
