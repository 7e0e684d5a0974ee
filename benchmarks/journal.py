"""The journal: what it adds to a change, and a history of 100,000 changes"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import cycle
from pathlib import Path
from typing import Any

import pandas as pd

import privacy_sdk as ps
from benchmarks import Row, compare
from benchmarks.servers import TOKEN, gateway
from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.accounts.journal import Journal, MemoryJournal
from privacy_sdk.accounts.recorded import RecordedAccount, Recorder
from privacy_sdk.gateway.journal import FILE_NAME, NoJournal, SqlJournal
from privacy_sdk.model.types import PrivacyCategory, PrivacyValue
from privacy_sdk.views.frames import history_frame

WHY = (
    "it is written down before it is sent, and again when it is answered. The gateway serves "
    "others while the disk syncs: a thread is woken for each commit, and wakes the loop. The next "
    "row has that beside it, and the change itself; the rest is the row and SQLAlchemy. With "
    "sqlite3 in SQLAlchemy's place, in the same thread, it was still 2.0 to 2.2 × the floor."
)

VALUES = PrivacyValue.CONTACTS, PrivacyValue.NONE

INSERT = """
INSERT INTO changes (account, at, change, category, before, after, "by", outcome, reason,
  operation, undoes, people)
VALUES ('demo', ?, 'setting', ?, ?, ?, 'a script', 'applied', '', ?, '', '[]')
"""
SELECT = """
SELECT at, category, before, after, "by", outcome FROM changes WHERE account = 'demo' ORDER BY id
"""


def rows(quick: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        yield from changes(Path(folder), runner, rounds=20 if quick else 300)
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        yield from history(Path(folder), runner, size=1_000 if quick else 100_000)


def changes(folder: Path, runner: asyncio.Runner, rounds: int) -> Iterator[Row]:
    """What one change costs, with each kind of journal."""
    off, memory = changing(NoJournal()), changing(MemoryJournal())
    yield compare(
        "a change, journal in memory",
        lambda: runner.run(memory()),
        "off",
        lambda: runner.run(off()),
        rounds=rounds * 5,
        unit="µs",
    )
    journal = SqlJournal(path=folder / "journal.sqlite")
    kept = changing(journal)
    floor = sqlite3.connect(folder / "floor.sqlite", isolation_level=None, check_same_thread=False)
    floor.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE a (b)")

    def commit_twice() -> None:
        commit(floor)
        commit(floor)

    async def change_and_wait() -> None:
        await off()
        for _ in range(2):
            await asyncio.get_running_loop().run_in_executor(thread, commit, floor)

    with closing(floor), ThreadPoolExecutor(1) as thread:
        yield compare(
            "a change, journal in SQLite",
            lambda: runner.run(kept()),
            "its floor: two commits that are synced, by sqlite3",
            commit_twice,
            rounds=rounds,
            unit="µs",
            aim="<= 1.5",
            note=WHY,
        )
        yield compare(
            "a change, journal in SQLite",
            lambda: runner.run(kept()),
            "the change, and those commits in a thread",
            lambda: runner.run(change_and_wait()),
            rounds=rounds,
            unit="µs",
        )
    runner.run(journal.aclose())


def changing(journal: Journal) -> Callable[[], Coroutine[Any, Any, None]]:
    """A function that changes a setting of an emulated account, which is written down."""
    recorded = RecordedAccount(EmulatedAccount(), Recorder("me", journal))
    values = cycle(VALUES)

    async def change() -> None:
        await recorded.set_privacy_setting(PrivacyCategory.LAST, next(values))
        await recorded.recorder.sync()  # as a gateway does before it answers

    return change


def commit(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("INSERT INTO a VALUES (1)")
    connection.execute("COMMIT")


def history(folder: Path, runner: asyncio.Runner, size: int) -> Iterator[Row]:
    """What it takes to read a long history."""
    path = folder / FILE_NAME
    journal = SqlJournal(path=path)
    account = RecordedAccount(EmulatedAccount(), Recorder("demo", journal))
    what = f"{size:,} changes"
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany(INSERT, changes_of_a_month(size))
        connection.commit()
        yield compare(
            f"{what}, read from the journal as records",
            lambda: runner.run(account.history()),
            "sqlite3, as tuples",
            lambda: connection.execute(SELECT).fetchall(),
            rounds=3,
            warm_up=1,
        )
        yield compare(
            f"{what}, read from the journal as a DataFrame",
            lambda: history_frame(runner.run(account.history())),
            "pd.read_sql and pd.to_datetime",
            lambda: read_plainly(connection),
            rounds=3,
            warm_up=1,
        )
        runner.run(journal.aclose())
        with gateway(data=folder) as url, ps.Client(url, token=TOKEN, account="demo") as client:
            assert len(client.history()) > size
            yield compare(
                f"{what}, client.history() over a gateway",
                client.history,
                "pd.read_sql and pd.to_datetime",
                lambda: read_plainly(connection),
                rounds=3,
                warm_up=1,
                note="the gateway checks and encodes every record, the client every one of them "
                "again: it may be anybody's gateway.",
            )


def changes_of_a_month(size: int) -> Iterator[tuple[int, str, str, str, str]]:
    """Rows of changes that were made one after the other, until a minute ago."""
    end = (time.time() - 60) * 1e6
    step = 30 * 86_400 * 1e6 / size
    for number in range(size):
        category = ("last", "status", "profile")[number % 3]
        values = ("all", "none") if number % 2 else ("none", "all")
        yield int(end - (size - number) * step), category, *values, f"op{number}"


def read_plainly(connection: sqlite3.Connection) -> pd.DataFrame:
    frame = pd.read_sql(SELECT, connection)
    frame["at"] = pd.to_datetime(frame["at"], unit="us", utc=True)
    return frame
