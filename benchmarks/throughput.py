"""A gateway under load: eight connections, each always with a request under way"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from itertools import chain
from urllib.parse import urlsplit

import httpx2

from benchmarks import Row
from benchmarks.servers import TOKEN, bare, gateway

CONNECTIONS = 8
PATH = "/v1/accounts/demo/privacy"


WHY = (
    "the guard (host, token, size, bounds, a log without people) is a part of the difference, as "
    "the row below shows. The rest is what there is to answer: an account is asked within a time "
    "limit, its answer read as WhatsApp's would be, checked and encoded. Without FastAPI's checks "
    "of our answers, and with a time limit made by hand, it was 0.65 ×: not worth losing them."
)


def rows(quick: bool) -> Iterator[Row]:
    rounds, requests = (2, 80) if quick else (60, 240)
    with gateway() as ours:
        body = httpx2.get(ours + PATH, headers={"Authorization": f"Bearer {TOKEN}"}).text
        with bare(body) as bytes_only, bare(body, guarded=True) as guarded:
            urls = [ours, bytes_only, guarded]
            rates: dict[str, list[float]] = {url: [] for url in urls}
            slowest: dict[str, list[float]] = {url: [] for url in urls}
            for turn in range(rounds + 1):
                for url in urls if turn % 2 else reversed(urls):
                    rate, p99 = asyncio.run(load(url, requests))
                    if turn:  # the first warms up
                        rates[url].append(rate)
                        slowest[url].append(p99)
    rate = {url: statistics.median(rates[url]) for url in urls}
    p99 = {url: statistics.median(slowest[url]) * 1e3 for url in urls}
    beside = "FastAPI with the same bytes"
    yield Row("fetches", rate[ours], beside, rate[bytes_only], "/s", ">= 0.8", WHY)
    yield Row("fetches", rate[ours], f"{beside} behind our guard", rate[guarded], "/s")
    yield Row("p99", p99[ours], beside, p99[bytes_only], "ms")


async def load(url: str, requests: int) -> tuple[float, float]:
    """Answers per second, and the 99th percentile of the time that one took [s]."""
    start = time.perf_counter()
    taken = await asyncio.gather(*(ask(url, requests // CONNECTIONS) for _ in range(CONNECTIONS)))
    elapsed = time.perf_counter() - start
    times = sorted(chain.from_iterable(taken))
    return len(times) / elapsed, times[int(len(times) * 0.99)]


async def ask(url: str, times: int) -> list[float]:
    """Ask over one connection, with as little as possible of our own in between."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    request = (
        f"GET {PATH} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    ).encode()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        taken.append(time.perf_counter() - start)
    writer.close()
    await writer.wait_closed()
    return taken
