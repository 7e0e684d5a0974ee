"""A full policy over a slow link."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import httpx2

import privacy_sdk as ps
from benchmarks import Row
from benchmarks.servers import TOKEN, gateway

ROUND_TRIP = 0.1
"""How long a byte takes there and another one back [s]."""

TIGHT = {category.value: value.value for category, value in ps.policies.MAXIMUM.settings.items()}
TIGHT |= {"profile": "none", "status": "none", "groupadd": "none", "defense": "on_standard"}
# Defense mode locks the others: off before them, on after them.
OPEN = {"defense": "off"} | {category: "all" for category in TIGHT if category != "defense"}


def rows(quick: bool) -> Iterator[Row]:
    with gateway() as url, slow_link(url) as far_away:
        ours, theirs = _times(far_away, rounds=2 if quick else 10)
    what = f"apply nine categories, {ROUND_TRIP * 1e3:.0f} ms a round trip"
    note = "from `client.apply(plan)` on a warm connection to the report of what was read back"
    yield Row(what, ours, "set and verify one after another", theirs, "ms", "<= 0.2", note)
    yield Row(what, ours, "two round trips", 2 * ROUND_TRIP * 1e3, "ms", "<= 1.0")


def _times(url: str, rounds: int) -> tuple[float, float]:
    """Medians of ours and of a script by hand [ms]; each makes nine changes every time."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    ours, theirs = [], []
    with (
        ps.Client(url, token=TOKEN, account="demo") as client,
        httpx2.Client(base_url=url, headers=headers) as http,
    ):
        for _ in range(rounds):
            plan = client.plan(TIGHT)
            assert len(plan) == 9
            ours.append(_timed(lambda: _complete(client.apply(plan))))  # noqa: B023
            theirs.append(_timed(lambda: _by_hand(http, OPEN)))
            theirs.append(_timed(lambda: _by_hand(http, TIGHT)))
            plan = client.plan(OPEN)
            assert len(plan) == 9
            ours.append(_timed(lambda: _complete(client.apply(plan))))  # noqa: B023
    return statistics.median(ours), statistics.median(theirs)


def _timed(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def _complete(applied: ps.ApplyResult) -> None:
    assert applied.is_complete, applied


def _by_hand(http: httpx2.Client, wanted: dict[str, str]) -> None:
    """What a careful person writes without plans."""
    path = "/v1/accounts/demo/privacy"
    for category, value in wanted.items():
        http.put(f"{path}/{category}", json={"value": value}).raise_for_status()
        settings = http.get(path).raise_for_status().json()["settings"]
        assert {"category": category, "value": value} in settings


@contextmanager
def slow_link(url: str) -> Iterator[str]:
    """An address from which everything reaches a gateway half a round trip later, and back."""
    parts = urlsplit(url)
    ready: Future[tuple[str, Callable[[], object]]] = Future()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(65_536):
            loop.call_later(ROUND_TRIP / 2, writer.write, data)
        loop.call_later(ROUND_TRIP / 2, writer.close)

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            with suppress(asyncio.CancelledError):
                await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))
        finally:
            writer.close()
            far_writer.close()

    async def serve() -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(meet, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        ready.set_result(
            (f"http://127.0.0.1:{port}", lambda: loop.call_soon_threadsafe(stopped.set))
        )
        async with server:
            await stopped.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    address, stop = ready.result()
    try:
        yield address
    finally:
        stop()
        thread.join()
