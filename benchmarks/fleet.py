"""A thousand accounts of one gateway, read into one table"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pandas as pd

from benchmarks import Row, in_turn
from benchmarks.servers import TOKEN, process
from privacy_sdk.accounts.wire import settings_from_json
from privacy_sdk.fleet import Fleet
from privacy_sdk.views.frames import accounts_frame

AT_ONCE = 8

SERVE = """
import json, sys
from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.gateway.server import serve
names = [f"a{number:04}" for number in range(int(sys.argv[1]))]
serve(
    {name: EmulatedAccount(name) for name in names},
    port=0,
    on_ready=lambda ready: print(json.dumps({"url": ready.url}), flush=True),
)
"""

MEMORY = """
import sys, tracemalloc
from privacy_sdk.fleet import Fleet
with Fleet(sys.argv[1], token=sys.argv[2]) as fleet:
    fleet.fetch_privacy_settings()
    tracemalloc.start()
    fleet.fetch_privacy_settings()
    print(tracemalloc.get_traced_memory()[1] / 2**20)
"""

WHY = (
    "the floor is the gateway's, which answers both: it and this process share two cores. What is "
    "ours beside it is retrying, the time limit, and reading each answer as typed records."
)


def rows(quick: bool) -> Iterator[Row]:
    accounts, rounds = (30, 2) if quick else (1_000, 5)
    with gateway(accounts) as url:
        names = [f"a{number:04}" for number in range(accounts)]
        with Fleet(url, token=TOKEN) as fleet:
            assert fleet.accounts == tuple(names)
            ours, theirs = in_turn(
                fleet.fetch_privacy_settings,
                lambda: asyncio.run(gathered(url, names)),
                rounds=rounds,
                warm_up=1,
            )
        mine, others = (accounts / statistics.median(times) for times in (ours, theirs))
        beside = f"httpx2 gather, {AT_ONCE} at once, and json.loads"
        yield Row(f"{accounts:,} accounts", mine, beside, others, "/s", ">= 0.8", WHY)
        answers = asyncio.run(gathered(url, names))
        frames = in_turn(
            lambda: accounts_frame(dict(zip(names, map(settings_from_json, answers), strict=True))),
            lambda: pd.json_normalize(answers, record_path="settings"),
            rounds=rounds,
        )
        mine, others = (statistics.median(times) * 1e3 for times in frames)
        yield Row("of that, the table", mine, "pd.json_normalize", others, "ms")
        held = len(json.dumps(answers)) / 2**20
        yield Row("peak of memory for it", memory(url), "the answers' JSON", held, "MiB")


async def gathered(url: str, names: list[str]) -> list[object]:
    """What one would write without us."""
    slots = asyncio.Semaphore(AT_ONCE)
    limits = httpx2.Limits(max_connections=AT_ONCE)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(
        base_url=url, headers=headers, limits=limits, verify=False, trust_env=False
    ) as http:

        async def one(name: str) -> object:
            async with slots:
                answer = await http.get(f"/v1/accounts/{name}/privacy")
            return answer.raise_for_status().json()

        return list(await asyncio.gather(*map(one, names)))


def memory(url: str) -> float:
    """How much memory one fetch of all accounts takes at its peak [MiB]."""
    run = [sys.executable, "-c", MEMORY, url, TOKEN]
    return float(subprocess.run(run, capture_output=True, check=True, text=True).stdout)


@contextmanager
def gateway(accounts: int) -> Iterator[str]:
    """The address of a gateway with so many emulated accounts."""
    command = [sys.executable, "-c", SERVE, str(accounts)]
    with tempfile.TemporaryDirectory() as folder, process(command, Path(folder)) as first_line:
        yield json.loads(first_line)["url"]
