"""Replaying and opening a cassette, beside plain vcrpy with the same matching"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import vcr

import privacy_sdk as ps
from benchmarks import Row, compare, in_turn
from privacy_sdk.cassettes.file import HEADER, written
from privacy_sdk.cassettes.transport import CassetteTransport

URL = "http://127.0.0.1:8480"
MATCHING = ("method", "path", "query", "body")
ROUNDS = {10: (80, 30), 1_000: (10, 5), 10_000: (3, 1)}
"""For so many exchanges: how often it is asked in turn, and how often the cassette is opened."""

IN_A_ROW = 5
"""Requests of one turn, as of a notebook; a single one would start with caches that the other
side, which reads the whole cassette, has filled with its own."""


def rows(quick: bool) -> Iterator[Row]:
    warnings.simplefilter("ignore", ps.PrivacyWarning)  # of changes out of their turn
    with tempfile.TemporaryDirectory() as folder:
        sizes = list(ROUNDS)[: 2 if quick else None]
        paths = {size: cassette(Path(folder, f"{size}.yaml"), size) for size in sizes}
        for size in sizes:
            turns, openings = (2, 2) if quick else ROUNDS[size]
            mine, theirs = _requests(paths[size], size, turns)
            yield Row(
                f"requests from {size:,} exchanges",
                1 / mine,
                "vcrpy",
                1 / theirs,
                "/s",
                ">= 50" if size == 1_000 else "",
            )
            yield compare(
                f"open {size:,} exchanges",
                lambda path=paths[size]: CassetteTransport(path),
                "vcrpy",
                lambda path=paths[size]: open_plainly(path),
                rounds=openings,
                aim="<= 1.1",
            )
        least, most = sizes[0], sizes[-1]
        with asyncio.Runner() as runner:
            few, many = (
                asking(httpx2.AsyncClient(transport=CassetteTransport(paths[size])), size, runner)
                for size in (least, most)
            )
            yield compare(
                f"a request from {most:,} exchanges",
                many,
                f"ours from {least:,}",
                few,
                rounds=20 if quick else 2_000,
                unit="µs",
                aim="<= 1.2",
            )


def cassette(path: Path, size: int) -> Path:
    """A cassette of reads and changes, each of another account."""
    answer = json.dumps({"settings": [{"category": "last", "value": "all"}]})
    with path.open("w") as file:
        file.write(HEADER)
        for number in range(size):
            reads = number % 2 == 0
            exchange = {
                "request": {
                    "body": "" if reads else '{"value":"none"}',
                    "headers": {},
                    "method": "GET" if reads else "PUT",
                    "uri": uri(number),
                },
                "response": {
                    "body": {"string": answer},
                    "headers": {"content-type": ["application/json"]},
                    "status": {"code": 200, "message": "OK"},
                },
            }
            file.write(written(exchange))
    return path


def uri(number: int) -> str:
    last = "" if number % 2 == 0 else "/last"
    return f"{URL}/v1/accounts/account-{number}/privacy{last}"


@contextmanager
def plain_vcr(path: Path) -> Iterator[object]:
    library = vcr.VCR(match_on=MATCHING, record_mode="none")
    with library.use_cassette(str(path), allow_playback_repeats=True) as opened:
        yield opened


def open_plainly(path: Path) -> None:
    with plain_vcr(path):
        pass


def asking(client: httpx2.AsyncClient, size: int, runner: asyncio.Runner) -> Callable[[], object]:
    """A function that makes any one of the recorded requests."""
    numbers = random.Random(0)

    def ask() -> object:
        number = numbers.randrange(size)
        if number % 2 == 0:
            return runner.run(client.get(uri(number)))
        return runner.run(client.put(uri(number), content=b'{"value":"none"}'))

    return ask


def _requests(path: Path, size: int, turns: int) -> tuple[float, float]:
    """The median time of one request [s], ours and vcrpy's."""
    mine = httpx2.AsyncClient(transport=CassetteTransport(path), trust_env=False)
    with asyncio.Runner() as runner, plain_vcr(path):
        theirs = httpx2.AsyncClient(trust_env=False)
        calls = [several(asking(client, size, runner)) for client in (mine, theirs)]
        times = in_turn(*calls, rounds=turns, warm_up=1)
    return statistics.median(times[0]) / IN_A_ROW, statistics.median(times[1]) / IN_A_ROW


def several(call: Callable[[], object]) -> Callable[[], object]:
    """Make a call of one turn."""

    def calls() -> None:
        for _ in range(IN_A_ROW):
            call()

    return calls
