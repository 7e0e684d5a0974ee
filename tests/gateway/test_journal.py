"""The journal of a gateway: what is written down, in SQLite and in PostgreSQL, and kill -9."""

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from postgresql import postgresql

import privacy_sdk as ps
from privacy_sdk.accounts.journal import Journal, MemoryJournal
from privacy_sdk.accounts.recorded import RecordedAccount, Recorder
from privacy_sdk.gateway.journal import NoJournal, SqlJournal, open_journal
from privacy_sdk.model.history import HistoryEntry

NOW = datetime(2026, 11, 24, 18, 0, 0, 123456, tzinfo=UTC)
PERSON = ps.DisallowedListUserEntry("999000000000001@lid", "999115550101@s.whatsapp.net")
ENTRIES = [
    HistoryEntry(
        0, NOW, "setting", ps.PrivacyCategory.LAST, "all", "none", "me", "unknown", "why", "op1"
    ),
    HistoryEntry(0, NOW, "timer", None, None, "604800", since=NOW - timedelta(hours=1)),
    HistoryEntry(
        0,
        NOW,
        "exceptions",
        ps.PrivacyCategory("new"),
        "0",
        "1",
        outcome="applied",
        undoes="op1",
        people=(PERSON,),
        lost=(ps.DisallowedListUser(PERSON.jid, PERSON.pn_jid),),
    ),
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


def empty(url: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS changes, journal"))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path) -> Iterator[Callable[[], SqlJournal]]:
    """Opens the same journal, empty at first, again and again."""
    if request.param == "sqlite":
        yield lambda **options: SqlJournal(path=tmp_path / "journal.sqlite", **options)
    else:
        url = request.getfixturevalue("server")
        yield lambda **options: SqlJournal(url, **options)
        empty(url)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def journal(request, tmp_path) -> Iterator[Journal]:
    if request.param == "memory":
        yield MemoryJournal()
        return
    is_server = request.param == "postgresql"
    url = request.getfixturevalue("server") if is_server else None
    opened = SqlJournal(url, path=tmp_path / "journal.sqlite")
    yield opened
    asyncio.run(opened.aclose())
    if is_server:
        empty(url)


async def test_what_is_written_is_read_in_its_order(journal):
    numbers = [await journal.add("me", entry) for entry in ENTRIES]
    await journal.add("other", ENTRIES[0])
    assert numbers == sorted(numbers)
    read = await journal.read("me")
    assert [entry.id for entry in read] == numbers
    assert [HistoryEntry(0, *_rest(entry)) for entry in read] == ENTRIES
    assert [each.id for each in await journal.read("me", after=numbers[0])] == numbers[1:]
    assert len(await journal.read("me", limit=2)) == 2
    assert len(await journal.read("me", category="last")) == 1
    assert await journal.read("me", since=NOW + timedelta(microseconds=1)) == []
    assert len(await journal.read("me", since=NOW)) == 3


def _rest(entry: HistoryEntry) -> list[object]:
    return [getattr(entry, name) for name in HistoryEntry.__slots__[1:]]


async def test_a_page_names_no_more_people_than_an_answer_can_carry(journal):
    people = tuple(ps.DisallowedListUserEntry(f"999{n:012}@lid") for n in range(3_000))
    await journal.add("me", replace(ENTRIES[0], people=people * 10))
    for _ in range(8):
        await journal.add("me", replace(ENTRIES[0], people=people))
    sizes, last = [], 0
    while read := await journal.read("me", after=last):
        sizes.append(len(read))
        last = read[-1].id
    assert sizes == [1, 6, 2]


async def test_an_outcome_completes_a_row(journal):
    number = await journal.add("me", ENTRIES[0])
    await journal.complete(number, "applied", "")
    (entry,) = await journal.read("me")
    assert (entry.outcome, entry.reason, entry.operation) == ("applied", "", "op1")


async def test_it_is_there_when_it_is_opened_again(where):
    for _ in range(3):
        journal = where()
        await journal.add("me", ENTRIES[2])
        await journal.aclose()
    journal = where()
    assert len(await journal.read("me")) == 3
    assert [each.change for each in await journal.latest("me")] == []
    await journal.add("me", ENTRIES[1])
    assert [each.after for each in await journal.latest("me")] == ["604800"]
    await journal.aclose()


async def test_what_is_too_old_is_deleted_and_no_number_comes_twice(where):
    journal = where()
    old = [await journal.add("me", ENTRIES[0]) for _ in range(3)]
    await journal.aclose()
    journal = where(keep=timedelta(microseconds=1))
    assert await journal.read("me") == []
    assert await journal.add("me", ENTRIES[0]) > max(old)
    await journal.aclose()


async def test_a_journal_of_a_newer_version_is_refused(where):
    journal = where()
    with journal._engine.begin() as connection:
        connection.execute(sa.text("UPDATE journal SET version = 99"))
    await journal.aclose()
    with pytest.raises(ps.PrivacyError, match="it is from a newer version"):
        where()


def test_sqlite_is_for_its_owner_alone(tmp_path):
    path = tmp_path / "folder" / "journal.sqlite"
    journal = SqlJournal(path=path)
    asyncio.run(journal.add("me", ENTRIES[0]))
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert set(modes) == {"journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm"}
    assert set(modes.values()) == {0o600}
    asyncio.run(journal.aclose())
    path.chmod(0o640)
    with pytest.raises(ps.PrivacyError, match="Others can read"):
        SqlJournal(path=path)


def test_what_cannot_be_used_says_why(tmp_path):
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"no database, and long enough to be seen as none" * 99)
    path.chmod(0o600)
    with pytest.raises(ps.PrivacyError, match="file is not a database") as caught:
        SqlJournal(path=path)
    assert "--journal off" in caught.value.hint
    path.unlink()
    path.mkdir()
    with pytest.raises(ps.PrivacyError, match="Is a directory"):
        SqlJournal(path=path)
    with pytest.raises(ps.PrivacyError, match="cannot be used"):
        SqlJournal("postgresql+psycopg://tests:hunter2@127.0.0.1:9/x")


def test_a_locked_journal_is_said_to_be(tmp_path, monkeypatch):
    monkeypatch.setattr("privacy_sdk.gateway.journal._LOCKED_FOR", 0.1)
    path = tmp_path / "journal.sqlite"
    asyncio.run(SqlJournal(path=path).aclose())
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ps.PrivacyError, match="database is locked"):
            SqlJournal(path=path)


def gateway_under(limit: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """A gateway of the command line, started by a shell after a line of its own."""
    command = f"{limit}; exec {sys.executable} -m privacy_sdk gateway --port 0"
    return subprocess.run(
        ["bash", "-c", command],
        env=os.environ | {"PRIVACY_SDK_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_gateway_does_not_start_where_its_journal_has_no_room(tmp_path):
    done = gateway_under("ulimit -f 8", tmp_path)  # [KiB]: tables take more
    assert (done.returncode, done.stdout) == (1, "")
    assert "journal.sqlite cannot be used: " in done.stderr
    assert "--journal off" in done.stderr
    assert done.stderr.count("\n") == 1


async def changed(client: ps.AsyncClient, account: ps.EmulatedAccount, seconds: int) -> None:
    await client.set_default_disappearing_mode(seconds)
    assert account.server.timer == str(seconds)


async def test_a_journal_that_gets_full_keeps_nobody_from_changing_anything(tmp_path, caplog):
    journal, account = SqlJournal(path=tmp_path / "journal.sqlite"), ps.EmulatedAccount("demo")
    recorded = RecordedAccount(account, Recorder("demo", journal))
    client = ps.AsyncClient.from_account(recorded)

    def pages(most: int) -> None:
        with journal._engine.begin() as connection:
            connection.execute(sa.text(f"PRAGMA max_page_count={most}"))

    await asyncio.to_thread(pages, 8)
    seconds = 0
    while "is not in the journal" not in caplog.text:
        seconds += 1
        await changed(client, account, seconds)
        assert seconds < 1_000
    assert "database or disk is full" in caplog.text
    full = len(await client.history())
    await asyncio.to_thread(pages, 1_000)  # there is room again
    await changed(client, account, 5_000)
    entries = await client.history()
    assert [(entry.after, entry.outcome) for entry in entries[full:]] == [("5000", "applied")]
    await journal.aclose()


async def test_a_journal_that_gets_locked_keeps_nobody_from_changing_anything(
    tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr("privacy_sdk.gateway.journal._LOCKED_FOR", 0.05)
    path, account = tmp_path / "journal.sqlite", ps.EmulatedAccount("demo")
    journal = SqlJournal(path=path)
    client = ps.AsyncClient.from_account(RecordedAccount(account, Recorder("demo", journal)))
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        await changed(client, account, 60)
        other.rollback()
    assert "is not in the journal: The journal" in caplog.text
    assert "database is locked" in caplog.text
    await changed(client, account, 120)
    assert [entry.after for entry in await client.history()] == ["120"]
    await journal.aclose()


async def test_a_server_that_was_started_anew_is_connected_to_again(server):
    journal, account = SqlJournal(server), ps.EmulatedAccount("demo")
    client = ps.AsyncClient.from_account(RecordedAccount(account, Recorder("demo", journal)))
    await changed(client, account, 60)
    engine = sa.create_engine(server)
    with engine.begin() as connection:
        others = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        )
        connection.execute(sa.text(f"{others} AND datname = current_database()"))
    engine.dispose()
    await changed(client, account, 120)
    assert [entry.after for entry in await client.history()] == ["60", "120"]
    await journal.aclose()
    empty(server)


async def test_a_server_that_went_keeps_nobody_from_changing_anything(caplog):
    account = ps.EmulatedAccount("demo")
    with postgresql() as url:
        journal = SqlJournal(url)
        client = ps.AsyncClient.from_account(RecordedAccount(account, Recorder("demo", journal)))
        await changed(client, account, 60)
    await changed(client, account, 120)
    assert "is not in the journal: The journal postgresql" in caplog.text
    with pytest.raises(ps.PrivacyError, match="cannot be used"):
        await client.history()
    await journal.aclose()


@pytest.mark.parametrize("url", ["", "x", "mysql://a/b", "sqlite:///x", "postgresql", "://", "a b"])
def test_another_address_is_refused(url):
    with pytest.raises(ps.InvalidInputError, match="not the address of a journal"):
        open_journal(url)


def test_no_password_is_told():
    with pytest.raises(ps.PrivacyError) as caught:
        SqlJournal("postgresql://tests:hunter2@127.0.0.1:9/x")
    assert "hunter2" not in str(caught.value)


async def test_off_keeps_nothing():
    journal = open_journal("off")
    assert isinstance(journal, NoJournal)
    await journal.add("me", ENTRIES[0])
    with pytest.raises(ps.NotSupportedError, match="keeps no journal"):
        await journal.read("me")


# --- kill -9

WRITER = """
import asyncio, json, sys
from datetime import UTC, datetime
from pathlib import Path
import privacy_sdk as ps
from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.accounts.recorded import RecordedAccount, Recorder
from privacy_sdk.gateway.journal import SqlJournal

async def main():
    where = sys.argv[1]
    url = where.startswith("postgresql")
    journal = SqlJournal(where) if url else SqlJournal(path=Path(where))
    account = EmulatedAccount("me")
    recorded = RecordedAccount(account, Recorder("me", journal))
    for number in range(int(sys.argv[2]), 10**9):
        print("begun", number, flush=True)
        await recorded.set_default_disappearing_mode(number)
        await recorded.recorder.sync()  # as the gateway does before it answers
        print("acknowledged", number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "times", [5, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_was_acknowledged_is_there_after_kill_9(kind, times, request, tmp_path, where_of):
    target = where_of(kind)
    begun: set[int] = set()
    acknowledged: set[int] = set()
    for turn in range(times):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, target, str(1 + max(begun, default=0))],
            stdout=subprocess.PIPE,
            text=True,
        )
        lines = []
        for line in process.stdout:
            lines.append(line)
            if len(lines) > 11 + turn % 7:
                os.kill(process.pid, signal.SIGKILL)
                break
        lines += process.stdout.readlines()
        process.wait()
        process.stdout.close()
        for line in lines:
            word, _, number = line.strip().partition(" ")
            if line.endswith("\n"):
                (acknowledged if word == "acknowledged" else begun).add(int(number))

    async def read():
        is_url = target.startswith("postgresql")
        journal = SqlJournal(target) if is_url else SqlJournal(path=Path(target))
        entries, last = [], 0
        while page := await journal.read("me", after=last):
            entries += page
            last = page[-1].id
        await journal.aclose()
        return entries

    entries = asyncio.run(read())
    written = [int(entry.after) for entry in entries]
    assert len(written) == len(set(written))  # none twice
    assert acknowledged <= {int(e.after) for e in entries if e.outcome == "applied"}
    assert set(written) <= begun
    open_ones = {int(entry.after) for entry in entries if entry.outcome == "unknown"}
    assert not open_ones & acknowledged
    assert len(acknowledged) >= times * 5
    print(  # what the long version is run for
        f"{kind}: {times} kills, {len(begun)} begun, {len(acknowledged)} acknowledged, "
        f"{len(written)} rows, {len(open_ones)} unknown"
    )


@pytest.fixture
def where_of(request, tmp_path) -> Iterator[Callable[[str], str]]:
    used = []

    def of(kind: str) -> str:
        if kind == "sqlite":
            return str(tmp_path / "journal.sqlite")
        used.append(request.getfixturevalue("server"))
        return used[0]

    yield of
    for url in used:
        empty(url)


class Walked(ps.DisallowedList):
    """A list that counts how often it is gone through."""

    walks = 0

    def __iter__(self) -> Iterator[ps.DisallowedListUser]:
        type(self).walks += 1
        return super().__iter__()


async def test_a_list_is_gone_through_a_few_times_however_many_people_were_added():
    people = [ps.Jid.parse(f"999{number:012}@lid") for number in range(500)]
    held = Walked("2", tuple(map(ps.DisallowedListUser, people)))
    update = ps.DisallowedListUpdate("1", map(ps.DisallowedListUserEntry, people))
    recorder = Recorder("me", MemoryJournal())
    async with recorder.exceptions(ps.PrivacyCategory.LAST, update):
        pass
    await recorder.read_list(ps.PrivacyCategory.LAST, held)
    assert Walked.walks < 5
