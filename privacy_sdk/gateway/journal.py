"""The journal of a gateway in a database: SQLite in the data folder, or PostgreSQL by URL.

One thread writes, in the order of the changes. SQLite is in WAL mode and syncs each commit, so
that what was acknowledged is there whatever becomes of the gateway. What became of a change goes
with the next one into one commit, at the latest before it is acknowledged: a commit takes as long
as the disk does.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from privacy_sdk.accounts.journal import entry_to_json, lost_from_json, page, people_from_json
from privacy_sdk.errors import InvalidInputError, NotSupportedError, PrivacyError, short_repr
from privacy_sdk.errors.masks import mask_text
from privacy_sdk.model.history import HistoryEntry
from privacy_sdk.model.types import PrivacyCategory
from privacy_sdk.support.files import data_folder, make_private_folder

T = TypeVar("T")

FILE_NAME = "journal.sqlite"
"""In the data folder, where no other is named."""

VERSION = 1
"""Of the tables; a journal with a higher one is from a newer gateway."""

KEEP = timedelta(days=365)
"""How long changes are kept by default."""

_ROWS_AT_ONCE = 10
"""How many changes are fetched at once: each may name as many people as a list holds."""

_LOCKED_FOR = 2.0
"""How long another process may hold the journal [s]."""

_TIDY_EVERY = 3_600.0
"""How often what is too old is deleted [s]."""

_tables = sa.MetaData()
_meta = sa.Table("journal", _tables, sa.Column("version", sa.Integer, nullable=False))
_changes = sa.Table(
    "changes",
    _tables,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),  # [µs since 1970, UTC]
    sa.Column("change", sa.Text, nullable=False),
    sa.Column("category", sa.Text),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("undoes", sa.Text, nullable=False),
    sa.Column("since", sa.BigInteger),
    sa.Column("people", sa.Text, nullable=False),  # JSON
    sa.Column("lost", sa.Text),  # JSON
    sa.Index("changes_of_account", "account", "id"),
    sqlite_autoincrement=True,  # an id is never given twice, also after the newest was deleted
)
# Made once: SQLAlchemy takes longer to make a statement than SQLite to run it.
_ADD = sa.insert(_changes)
_COMPLETE = sa.update(_changes).where(_changes.c.id == sa.bindparam("number"))


class SqlJournal:
    """The changes of all accounts of a gateway.

    Attributes:
        last: The highest id when it was opened.

    Args:
        url: ``postgresql+psycopg://…``, or None for SQLite in the data folder.
        path: Another SQLite file.
        keep: How long changes are kept.

    Raises:
        PrivacyError: It cannot be used, with the reason: locked, read-only, full, from a newer
            version, no database, unreachable.
        InvalidInputError: No address of a database that is supported.

    Example:
        >>> import asyncio, tempfile
        >>> from pathlib import Path
        >>> async def example(folder):
        ...     journal = SqlJournal(path=Path(folder) / "journal.sqlite")
        ...     entry = HistoryEntry(0, datetime.now(UTC), "timer", after="60", outcome="applied")
        ...     await journal.add("me", entry)
        ...     (entry,) = await journal.read("me")
        ...     await journal.aclose()
        ...     return entry.after
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     asyncio.run(example(folder))
        '60'
    """

    def __init__(
        self, url: str | None = None, *, path: Path | None = None, keep: timedelta = KEEP
    ) -> None:
        self._keep = keep
        self._tidied = 0.0
        self._due: list[dict[str, Any]] = []
        if url is None:
            path = path or data_folder() / FILE_NAME
            self.where = str(path)
            self._engine = self._sqlite(path)
        else:
            self._engine = self._server(url)
            self.where = self._engine.url.render_as_string(hide_password=True)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="privacy-sdk journal")
        try:
            self._open()
        except BaseException:
            self._thread.shutdown()
            self._engine.dispose()
            raise

    def _sqlite(self, path: Path) -> sa.Engine:
        try:
            make_private_folder(path.parent)
            # SQLite gives the files beside it the mode of this one.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            if path.stat().st_mode & 0o077:
                raise PrivacyError(
                    f"Others can read the journal {self.where}.", hint=f"chmod 600 {self.where!r}"
                )
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from None
        engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(path)), connect_args={"timeout": _LOCKED_FOR}
        )

        @event.listens_for(engine, "connect")
        def _(connection: sqlite3.Connection, record: object) -> None:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
            except sqlite3.Error:  # SQLAlchemy does not have it yet
                connection.close()
                raise

        return engine

    def _server(self, url: str) -> sa.Engine:
        unusable = InvalidInputError(
            "That is not the address of a journal.",
            hint="As in: --journal postgresql+psycopg://user@host/database, or off.",
        )
        try:
            parsed = sa.make_url(url)
        except (ArgumentError, ValueError):
            raise unusable from None
        if parsed.get_backend_name() != "postgresql":
            raise unusable
        try:
            return sa.create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                connect_args={"connect_timeout": 5},
                pool_pre_ping=True,
                hide_parameters=True,  # an error's text would hold people
            )
        except (ModuleNotFoundError, NoSuchModuleError):
            raise PrivacyError(
                "The journal needs psycopg, which is not installed.",
                hint='pip install "privacy-sdk[postgresql]"',
            ) from None

    def _open(self) -> None:
        """Make the tables, or see that they are ours and can be written."""
        with self._understood(), self._engine.begin() as connection:
            _tables.create_all(connection)
            version = connection.execute(sa.select(_meta.c.version)).scalar()
            if version is None:
                connection.execute(sa.insert(_meta).values(version=VERSION))
            elif version > VERSION:
                raise self._unusable("it is from a newer version of privacy_sdk")
            else:
                connection.execute(sa.update(_meta).values(version=VERSION))
            self.last = connection.execute(sa.select(sa.func.max(_changes.c.id))).scalar() or 0
            self._tidy(connection)

    def _tidy(self, connection: sa.Connection) -> None:
        if time.monotonic() > self._tidied + _TIDY_EVERY or not self._tidied:
            oldest = _micros(datetime.now(UTC) - self._keep)
            connection.execute(sa.delete(_changes).where(_changes.c.at < oldest))
            self._tidied = time.monotonic()

    def _unusable(self, why: str) -> PrivacyError:
        return PrivacyError(
            f"The journal {self.where} cannot be used: {why}.",
            hint="Repair it, name another (--journal …), or do without (--journal off).",
        )

    def _understood(self) -> _Understood:
        return _Understood(self)

    async def _run(self, work: Callable[[sa.Connection], T]) -> T:
        due, self._due = self._due, []

        def run() -> T:
            with self._understood(), self._engine.begin() as connection:
                if due:
                    connection.execute(_COMPLETE, due)
                return work(connection)

        loop = asyncio.get_running_loop()
        try:
            # What was begun is ended, also when nobody waits for it any more.
            return await asyncio.shield(loop.run_in_executor(self._thread, run))
        except PrivacyError:
            self._due = due + self._due
            raise

    async def add(self, account: str, entry: HistoryEntry) -> int:
        """Write down a change, and return its id."""
        row = _to_row(account, entry)

        def add(connection: sa.Connection) -> int:
            self._tidy(connection)
            inserted = connection.execute(_ADD, row)
            return int(inserted.inserted_primary_key[0])  # type: ignore[index]

        return await self._run(add)

    async def complete(self, id: int, outcome: str, reason: str) -> None:
        """Say what became of it: written with whatever is next, or by :meth:`sync`."""
        with self._understood():
            reason.encode()  # what cannot be written must not keep what is next from it
        self._due.append({"number": id, "outcome": outcome, "reason": reason})

    async def sync(self) -> None:
        """Write what is due."""
        if self._due:
            await self._run(lambda connection: None)

    async def read(
        self,
        account: str,
        *,
        after: int = 0,
        since: datetime | None = None,
        category: str | None = None,
        limit: int = 1_000,
    ) -> list[HistoryEntry]:
        """Return changes in their order, none with an id up to ``after``."""
        query = sa.select(_changes).where(_changes.c.account == account, _changes.c.id > after)
        if since is not None:
            query = query.where(_changes.c.at >= _micros(since))
        if category is not None:
            query = query.where(_changes.c.category == category)
        query = query.order_by(_changes.c.id).limit(limit)
        query = query.execution_options(yield_per=_ROWS_AT_ONCE)

        def read(connection: sa.Connection) -> list[HistoryEntry]:
            with connection.execute(query) as rows:
                return page(map(_to_entry, rows))

        return await self._run(read)

    async def latest(self, account: str) -> list[HistoryEntry]:
        """Return the newest change of each setting whose outcome is known."""
        newest = (
            sa.select(sa.func.max(_changes.c.id))
            .where(
                _changes.c.account == account,
                _changes.c.change.in_(["setting", "timer"]),
                _changes.c.outcome.in_(["applied", "noticed"]),
            )
            .group_by(_changes.c.category)
        )
        query = sa.select(_changes).where(_changes.c.id.in_(newest))
        return await self._run(lambda connection: list(map(_to_entry, connection.execute(query))))

    async def aclose(self) -> None:
        """Write what is left, and let the database go."""
        with suppress(PrivacyError):
            await self.sync()
        await asyncio.to_thread(self._thread.shutdown)
        self._engine.dispose()


class _Understood:
    """Errors of the database, as ours; their texts hold no password and nobody's number."""

    def __init__(self, journal: SqlJournal) -> None:
        self._journal = journal

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SQLAlchemyError | UnicodeError):
            origin = getattr(error, "orig", None) or error
            why = mask_text(str(origin).strip().partition("\n")[0])
            raise self._journal._unusable(why) from None


class NoJournal:
    """Keeps nothing, as ``--journal off`` wants it."""

    last = 0

    async def add(self, account: str, entry: HistoryEntry) -> int:
        """Forget a change."""
        return 0

    async def complete(self, id: int, outcome: str, reason: str) -> None:
        """Forget what became of it."""

    async def sync(self) -> None:
        """Do nothing; nothing is due."""

    async def read(self, account: str, **_: Any) -> list[HistoryEntry]:
        """Refuse.

        Raises:
            NotSupportedError: Always.
        """
        raise NotSupportedError(
            "The gateway keeps no journal.", hint="It was started with --journal off."
        )

    async def latest(self, account: str) -> list[HistoryEntry]:
        """Return nothing."""
        return []

    async def aclose(self) -> None:
        """Do nothing; there is nothing to close."""


def open_journal(where: str | None = None, *, keep: timedelta = KEEP) -> SqlJournal | NoJournal:
    """Return the journal that is meant by ``--journal``: None, ``off``, or an address.

    Raises:
        PrivacyError: It cannot be used.
    """
    if keep <= timedelta(0):
        raise InvalidInputError(f"{short_repr(keep)} is no time to keep a journal for.")
    return NoJournal() if where == "off" else SqlJournal(where, keep=keep)


def default_path_exists() -> bool:
    """Return whether there is a journal already where none is named."""
    with suppress(PrivacyError, OSError):
        return (data_folder() / FILE_NAME).exists()
    return False


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _time(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def _to_row(account: str, entry: HistoryEntry) -> dict[str, Any]:
    row = entry_to_json(entry)
    del row["number"]
    return row | {
        "before": entry.before,
        "after": entry.after,
        "account": account,
        "at": _micros(entry.at),
        "since": None if entry.since is None else _micros(entry.since),
        "people": json.dumps(row["people"]),
        "lost": None if row["lost"] is None else json.dumps(row["lost"]),
    }


def _to_entry(row: Iterable[Any]) -> HistoryEntry:
    # Unpacked in the order of the columns, which is twice as fast as by their names.
    id, _, at, change, category, before, after, by, outcome, *rest = row
    reason, operation, undoes, since, people, lost = rest
    return HistoryEntry(
        id,
        _time(at),
        change,
        None if category is None else PrivacyCategory(category),
        before,
        after,
        by,
        outcome,
        reason,
        operation,
        undoes,
        None if since is None else _time(since),
        () if people == "[]" else people_from_json(json.loads(people)),
        None if lost is None else lost_from_json(json.loads(lost)),
    )
