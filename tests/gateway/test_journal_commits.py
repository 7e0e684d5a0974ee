"""How often the journal commits, which takes as long as the disk does, and when at the latest."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import event

import privacy_sdk as ps
from privacy_sdk.accounts.http import HttpAccount
from privacy_sdk.gateway.app import create_app
from privacy_sdk.gateway.journal import SqlJournal
from privacy_sdk.model.history import HistoryEntry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
async def journal(path: Path):
    opened = SqlJournal(path=path)
    yield opened
    await opened.aclose()


@pytest.fixture
def client(journal: SqlJournal) -> ps.AsyncClient:
    app = create_app({"demo": ps.EmulatedAccount()}, token=None, journal=journal)
    transport = httpx2.ASGITransport(app)
    account = HttpAccount("http://127.0.0.1", account="demo", transport=transport, offline=True)
    return ps.AsyncClient.from_account(account)


def _now() -> datetime:
    return datetime.now(UTC)


def outcomes(path: Path) -> list[str]:
    """What stands in the file now, as after a kill -9."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return [row[0] for row in connection.execute("SELECT outcome FROM changes ORDER BY id")]


def commits_of(journal: SqlJournal) -> list[object]:
    made: list[object] = []
    event.listen(journal._engine, "commit", made.append)
    return made


async def test_a_change_that_was_answered_is_written_down_with_its_outcome(client, path):
    await client.set_privacy_setting("last", "none")
    assert outcomes(path) == ["applied"]


async def test_a_plan_is_one_commit_per_change_and_one_more(client, journal, path):
    plan = await client.plan({"last": "none", "profile": "none", "status": "none", "timer": "7d"})
    commits = commits_of(journal)
    assert (await client.apply(plan)).is_complete
    assert outcomes(path) == ["applied"] * 4
    assert len(commits) == 4 + 1


async def test_a_change_is_two_commits_two_turns_of_the_thread_and_no_new_statement(
    client, journal, monkeypatch
):
    turns, statements = [], []
    submit = journal._thread.submit

    def counted(*work):
        turns.append(work)
        return submit(*work)

    await client.set_privacy_setting("last", "none")
    monkeypatch.setattr(journal._thread, "submit", counted)
    event.listen(
        journal._engine, "before_execute", lambda _, statement, *rest: statements.append(statement)
    )
    commits = commits_of(journal)
    for value in ("all", "contacts"):
        await client.set_privacy_setting("last", value)
    assert len(commits) == len(turns) == 2 * 2
    assert [each is statements[at % 2] for at, each in enumerate(statements)] == [True] * 2 * 2


async def test_a_refused_change_is_written_down_as_refused(client, path):
    await client.account.emulate(ps.testing.NextAnswer("refused", operation="set_privacy_setting"))
    with pytest.raises(ps.IqError):
        await client.set_privacy_setting("last", "none")
    assert outcomes(path) == ["refused"]


async def test_an_outcome_that_cannot_be_written_keeps_nothing_else_from_it(journal, path):
    entry = HistoryEntry(0, _now(), "timer", after="60")
    first = await journal.add("demo", entry)
    with pytest.raises(ps.PrivacyError):
        await journal.complete(first, "applied", "\ud800")
    await journal.add("demo", entry)
    assert len(outcomes(path)) == 2


async def test_outcomes_that_could_not_be_written_are_with_the_next_change(journal, path):
    first = await journal.add("demo", HistoryEntry(0, _now(), "timer", after="60"))
    await journal.complete(first, "applied", "")
    with closing(sqlite3.connect(path, isolation_level=None)) as other, other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ps.PrivacyError, match="locked"):
            await journal.sync()
        other.execute("ROLLBACK")
    await journal.add("demo", HistoryEntry(0, _now(), "timer", after="0"))
    assert outcomes(path)[0] == "applied"
