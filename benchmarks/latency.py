"""A fetch through the gateway: one client, and eight that never pause"""

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

PATH = "/v1/accounts/demo/privacy"

WHY = (
    "what is behind the bytes: the guard (host, token, size, bounds, a log without people), an "
    "account that is asked within a time limit and answers as WhatsApp does, with the loop running "
    "in between, and FastAPI's checks of what is answered. The floor has all that and nothing "
    "else, and is itself {floor:.2f} × the bytes. Of ours, taken out one by one, without a "
    "socket: the account 32 µs; the log 21; the account's bounds in rate and time 20; the guard's "
    "checks 9; the records as JSON 8."
)


def rows(quick: bool) -> Iterator[Row]:
    rounds, requests = (2, 80) if quick else (40, 160)
    with gateway() as ours:
        body = httpx2.get(ours + PATH, headers={"Authorization": f"Bearer {TOKEN}"}).text
        with bare(body) as bytes_only, bare("") as floor:
            urls = [ours, bytes_only, floor]
            alone = measured(urls, rounds, requests, connections=1)
            crowded = measured(urls, rounds, requests, connections=8)
    beside, least = "FastAPI with the same bytes", "its floor: FastAPI, our guard, the same account"
    why = WHY.format(floor=alone[floor] / alone[bytes_only])
    for theirs, what, aim, note in (
        (bytes_only, beside, "<= 1.3", why),
        (floor, least, "<= 1.15", ""),
    ):
        yield Row("a fetch by one client", alone[ours], what, alone[theirs], "µs", aim, note)
    rate = {url: 8e6 / crowded[url] for url in urls}
    yield Row("fetches by eight clients", rate[ours], beside, rate[bytes_only], "/s")
    yield Row("fetches by eight clients", rate[ours], least, rate[floor], "/s")


def measured(urls: list[str], rounds: int, requests: int, *, connections: int) -> dict[str, float]:
    """How long an answer takes from each address [µs], as the median of all that were asked for."""
    took: dict[str, list[float]] = {url: [] for url in urls}
    for turn in range(rounds + 1):
        for step in range(len(urls)):
            url = urls[(turn + step) % len(urls)]
            times = asyncio.run(load(url, requests, connections))
            if turn:  # the first warms up
                took[url] += times
    return {url: statistics.median(took[url]) * 1e6 for url in urls}


async def load(url: str, requests: int, connections: int) -> list[float]:
    """How long each answer took [s]."""
    each = requests // connections
    return list(
        chain.from_iterable(await asyncio.gather(*(ask(url, each) for _ in range(connections))))
    )


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
