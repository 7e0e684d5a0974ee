"""A journal: where changes are written down, in memory or wherever one keeps them, and as JSON."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Protocol

from privacy_sdk.accounts import wire
from privacy_sdk.errors import InvalidInputError, UnreadableAnswerError
from privacy_sdk.model.history import HistoryEntry
from privacy_sdk.model.types import (
    DisallowedListUser,
    DisallowedListUserEntry,
    PrivacyCategory,
)

_KEPT = 10_000
"""How many changes are kept in memory."""
_PEOPLE_READ = 20_000
"""How many people a page of the history names, unless one change names more."""


class Journal(Protocol):
    """Where changes are written down, of all accounts of a gateway.

    Attributes:
        last: The highest id when it was opened.
    """

    last: int

    async def add(self, account: str, entry: HistoryEntry) -> int:
        """Write down a change, and return its id."""
        ...

    async def complete(self, id: int, outcome: str, reason: str) -> None:
        """Say what became of it; for good only after :meth:`sync`, or after another change."""
        ...

    async def sync(self) -> None:
        """Write what is not written yet."""
        ...

    async def read(
        self,
        account: str,
        *,
        after: int = 0,
        since: datetime | None = None,
        category: str | None = None,
        limit: int = 1_000,
    ) -> list[HistoryEntry]:
        """Return changes in their order, none with an id up to ``after``: as :func:`page` has them.

        Only an empty answer says that there are no more.
        """
        ...

    async def latest(self, account: str) -> list[HistoryEntry]:
        """Return the newest change of each setting since an emulated account last started."""
        ...

    async def aclose(self) -> None:
        """Write what is left."""
        ...


def page(entries: Iterable[HistoryEntry]) -> list[HistoryEntry]:
    """Return the first changes, at least one: not more people than an answer can carry.

    Example:
        >>> many = HistoryEntry(1, datetime.now(UTC), "exceptions", people=(None,) * 15_000)
        >>> len(page([many, many, many])), len(page([many]))
        (1, 1)
    """
    taken: list[HistoryEntry] = []
    people = 0
    for entry in entries:
        people += len(entry.people) + len(entry.lost or ())
        if taken and people > _PEOPLE_READ:
            break
        taken.append(entry)
    return taken


class MemoryJournal:
    """The last changes, for as long as the process lives."""

    def __init__(self) -> None:
        self._rows: deque[tuple[str, HistoryEntry]] = deque(maxlen=_KEPT)
        self.last = 0

    async def add(self, account: str, entry: HistoryEntry) -> int:
        """Write down a change, and return its id."""
        self.last += 1
        self._rows.append((account, replace(entry, id=self.last)))
        return self.last

    async def complete(self, id: int, outcome: str, reason: str) -> None:
        """Say what became of it."""
        place = id - 1 - (self.last - len(self._rows))
        if place >= 0:
            account, entry = self._rows[place]
            self._rows[place] = account, replace(entry, outcome=outcome, reason=reason)

    async def sync(self) -> None:
        """Do nothing; nothing is due."""

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
        found = (
            entry
            for name, entry in self._rows
            if name == account
            and entry.id > after
            and (since is None or entry.at >= since)
            and category in (None, entry.category and entry.category.value)
        )
        return page(islice(found, limit))

    async def latest(self, account: str) -> list[HistoryEntry]:
        """Return nothing: what is kept in memory is as old as the account."""
        return []

    async def aclose(self) -> None:
        """Do nothing; there is nothing to close."""


# --- in JSON

_NUMBERS = ("timer", "exceptions")
"""Changes of a number, of seconds or of people."""


def entry_to_json(entry: HistoryEntry) -> dict[str, Any]:
    """Return a change as JSON: times in ISO 8601, seconds and numbers of people as numbers."""
    value = int if entry.change in _NUMBERS else str
    return {
        "number": entry.id,
        "at": entry.at.isoformat(),
        "change": entry.change,
        "category": None if entry.category is None else entry.category.value,
        "before": None if entry.before is None else value(entry.before),
        "after": None if entry.after is None else value(entry.after),
        "by": entry.by,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "operation": entry.operation,
        "undoes": entry.undoes,
        "since": None if entry.since is None else entry.since.isoformat(),
        "people": wire.to_json(entry.people),
        "lost": wire.to_json(entry.lost),
    }


def entry_from_json(document: object) -> HistoryEntry:
    """Read a change."""
    change = wire.words(document, "change")
    is_number = change in _NUMBERS
    category = wire.member(document, "category", (str, type(None)))
    lost = wire.member(document, "lost", (list, type(None)))
    since = wire.member(document, "since", (str, type(None)))
    return HistoryEntry(
        wire.member(document, "number", int),
        _time(wire.member(document, "at", str)),
        change,
        None if category is None else PrivacyCategory(wire.wire_name(document, "category")),
        _value(document, "before", is_number=is_number),
        _value(document, "after", is_number=is_number),
        wire.words(document, "by"),
        wire.words(document, "outcome"),
        wire.words(document, "reason"),
        wire.words(document, "operation"),
        wire.words(document, "undoes"),
        None if since is None else _time(since),
        people_from_json(wire.member(document, "people", list)),
        None if lost is None else lost_from_json(lost),
    )


def people_from_json(rows: Sequence[object]) -> tuple[DisallowedListUserEntry, ...]:
    """Read whom a change added to a list or removed."""
    return tuple(map(_person, rows))


def lost_from_json(rows: Sequence[object]) -> tuple[DisallowedListUser, ...]:
    """Read who was on the list that a category left."""
    return wire.list_from_json({"dhash": None, "users": rows}).users


def _value(document: object, name: str, *, is_number: bool) -> str | None:
    value = wire.member(document, name, (int if is_number else str, type(None)))
    if value is None:
        return None
    if not is_number:
        return wire.wire_name(document, name)
    if not 0 <= value < 2**32:
        raise UnreadableAnswerError(f"The answer has no readable {name!r}.")
    return str(value)


def _person(document: object) -> DisallowedListUserEntry:
    try:
        return DisallowedListUserEntry(
            wire.member(document, "jid", str),
            wire.member(document, "pn_jid", (str, type(None))),
            wire.member(document, "action", str),
        )
    except InvalidInputError as error:
        raise UnreadableAnswerError(f"The answer names nobody: {error.message}") from None


def _time(text: str) -> datetime:
    """A moment of our era, which any time zone and table can show."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = datetime.min
    if not 1970 < at.year < 3000:
        raise UnreadableAnswerError("The answer holds a time that cannot be read.")
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
