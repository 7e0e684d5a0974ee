"""Recording: what an exchange costs late in a session, beside what it costs at first"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2

from benchmarks import Row
from privacy_sdk.cassettes.transport import CassetteTransport

AROUND = 10


def rows(quick: bool) -> Iterator[Row]:
    last = 50 if quick else 5_000
    with tempfile.TemporaryDirectory() as folder:
        took = asyncio.run(_recorded(Path(folder, "session.yaml"), last + AROUND))
    early, late = (statistics.median(took[n - AROUND : n + AROUND]) * 1e6 for n in (AROUND, last))
    yield Row(f"record exchange {last:,}", late, f"exchange {AROUND}", early, "µs", "<= 1.5")


async def _recorded(path: Path, count: int) -> list[float]:
    """How long each of many different exchanges takes to be made and recorded [s]."""
    answering = httpx2.MockTransport(lambda request: httpx2.Response(200, json={"dhash": None}))
    transport = CassetteTransport(path, records=True, inner=answering)
    took = []
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8480") as http:
        for number in range(count):
            start = time.perf_counter()
            await http.put("/v1/accounts/demo/disappearing-mode", json={"duration": number})
            took.append(time.perf_counter() - start)
    return took
