"""Memory that is kept, as Python counts it"""

from __future__ import annotations

import gc
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2

import privacy_sdk as ps
from benchmarks import Row
from benchmarks.replay import cassette, plain_vcr
from benchmarks.servers import TOKEN, gateway
from privacy_sdk.cassettes.transport import CassetteTransport

KIB = 1024


def rows(quick: bool) -> Iterator[Row]:
    with gateway() as url:
        yield Row(
            "a client that has fetched",
            kept(lambda: asked(ps.Client(url, token=TOKEN, account="demo")), ps.Client.close),
            "httpx2.Client that has fetched",
            kept(lambda: asked_by_hand(url), httpx2.Client.close),
            "KiB",
        )
    size = 100 if quick else 1_000
    with tempfile.TemporaryDirectory() as folder:
        path = cassette(Path(folder, "cassette.yaml"), size)
        yield Row(
            f"an open cassette of {size:,} exchanges",
            kept(lambda: CassetteTransport(path)),
            "vcrpy",
            kept(lambda: opened_plainly(path)),
            "KiB",
        )


def kept(make: Callable[[], object], close: Callable[[Any], object] = lambda made: None) -> float:
    """How much what is made keeps allocated [KiB], once all has been imported and cached."""
    close(make())
    gc.collect()
    tracemalloc.start()
    made = make()
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    close(made)
    return size / KIB


def asked(client: ps.Client) -> ps.Client:
    client.fetch_default_disappearing_mode()
    return client


def asked_by_hand(url: str) -> httpx2.Client:
    client = httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"})
    client.get("/v1/accounts/demo/disappearing-mode").json()
    return client


def opened_plainly(path: Path) -> object:
    with plain_vcr(path) as opened:
        return opened
