"""A gateway and its clients at work for long: memory, descriptors, tasks and threads stay flat."""

import asyncio
import gc
import itertools
import logging
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

import psutil
import pytest
from asking import TOKEN, connected

import privacy_sdk as ps
from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.gateway.server import running_gateway

SECONDS = float(os.environ.get("SOAK_SECONDS", 1200))
"""How long it lasts [s]; ``SOAK_SECONDS=30`` is enough to try it."""

SAMPLES = 24
PEOPLE = [f"99900000000000{n}@lid" for n in range(1, 9)]


class Sample(NamedTuple):
    """What the process holds; memory in KiB."""

    memory: float
    descriptors: float
    tasks: float
    threads: float


ALLOWED = Sample(memory=4_096, descriptors=4, tasks=4, threads=2)
"""By how much the last quarter may lie above the second: 12 MiB an hour at the most."""


def sample() -> Sample:
    gc.collect()
    process = psutil.Process()
    tasks = [*map(type, gc.get_objects())].count(asyncio.Task)
    return Sample(process.memory_info().rss / 1024, process.num_fds(), tasks, process.num_threads())


def one_round(url: str, account: EmulatedAccount, client: ps.Client, number: int) -> None:
    """What people do, and what goes wrong."""
    person = PEOPLE[number % len(PEOPLE)]
    client.fetch_privacy_settings()
    client.set_default_disappearing_mode((0, 86_400)[number % 2])
    client.exclude("profile", person)
    client.excluded("profile")
    client.include("profile", person)
    client.apply(client.apply(client.plan(ps.policies.MAXIMUM)).undo())
    if number % 64 == 0:
        client.set_privacy_setting("online", "match_last_seen")
        client.apply(client.undo())  # reads the whole history
    match number % 8:
        case 0:
            with connect(url) as another:
                another.visibility()
        case 1:
            with connect(url, token="wrong") as stranger, suppress(ps.errors.InvalidTokenError):
                stranger.fetch_privacy_settings()
        case 2:
            client.account.emulate(ps.testing.NextAnswer("lost", operation="set_privacy_setting"))
            client.set_privacy_setting("last", "contacts")
        case 3:
            client.account.emulate(ps.testing.NextAnswer("refused", code=429))
            with suppress(ps.errors.RateLimitError):
                client.set_privacy_setting("last", "contacts")
        case 4:
            with connected(url) as half:
                half.sendall(
                    b"PUT /v1/accounts/demo/privacy/last HTTP/1.1\r\nContent-Length: 9\r\n"
                )
        case 5:
            with connected(url) as nonsense:
                nonsense.sendall(b"\x16\x03\x01 no HTTP at all\r\n\r\n")
        case 6:
            asyncio.run(in_a_loop_of_its_own(url))
        case 7:
            with connect("http://127.0.0.1:9") as nobody, suppress(ps.errors.NotConnectedError):
                nobody.fetch_privacy_settings()
    client.set_privacy_setting("last", "all")


def connect(url: str, token: str = TOKEN) -> ps.Client:
    return ps.Client.from_account(ps.HttpAccount(url, token=token, account="demo"))


async def in_a_loop_of_its_own(url: str) -> None:
    account = ps.HttpAccount(url, token=TOKEN, account="demo")
    async with ps.AsyncClient.from_account(account) as client:
        await asyncio.gather(*(client.fetch_privacy_settings() for _ in range(8)))


def samples(work: Callable[[int], None]) -> Iterator[Sample]:
    """Work, and tell at even distances what is held."""
    began = time.monotonic()
    numbers = itertools.count()
    for part in range(1, SAMPLES + 1):
        work(next(numbers))
        while time.monotonic() < began + SECONDS * part / SAMPLES:
            work(next(numbers))
        yield sample()
    print(f"{next(numbers)} rounds in {time.monotonic() - began:.0f} s")


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 300)
def test_memory_descriptors_tasks_and_threads_stay_flat() -> None:
    logging.getLogger("privacy_sdk").setLevel(logging.CRITICAL)  # pytest keeps what is logged
    account = EmulatedAccount()
    gc.collect()
    gc.freeze()  # what pytest and its plugins hold is not looked through for every sample
    with running_gateway({"demo": account}, token=TOKEN) as url, connect(url) as client:
        held = list(samples(lambda number: one_round(url, account, client, number)))
    gc.unfreeze()
    quarter = SAMPLES // 4
    for name, allowed, values in zip(Sample._fields, ALLOWED, zip(*held, strict=True), strict=True):
        early = statistics.median(values[quarter : 2 * quarter])
        late = statistics.median(values[-quarter:])
        print(f"{name}: {values[0]:.0f} at first, {early:.0f}, {late:.0f} at last")
        assert late <= early + allowed, f"{name} grows: {list(map(round, values))}"
