"""Writing a cassette while its exchanges happen.

The file is a whole cassette after every exchange, at a cost that does not grow with it. vcrpy
would keep everything in memory and write it when the session ends, which a killed one never
does.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from errno import EISDIR
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from privacy_sdk.cassettes.appender import Appender
from privacy_sdk.cassettes.file import HEADER, written
from privacy_sdk.cassettes.members import NOT_KEPT, Redactor, date_text
from privacy_sdk.cassettes.people import Pseudonyms
from privacy_sdk.errors import RecordingError
from privacy_sdk.support.caller_warnings import warn_caller

if TYPE_CHECKING:
    from filelock import BaseFileLock

_SHORTEST_SECRET = 8


@dataclass(frozen=True, slots=True)
class _Entry:
    turn: int
    start: int
    end: int
    date: str


class Recorder:
    """Writes exchanges to a cassette; every client of this process on one path shares one.

    Another process is refused, and so is another gateway. Exchanges stand in the order in which
    they were asked, also when answers overtake each other. People and secrets never reach the
    file.

    Args:
        path: The cassette.
        replace: Whether it may exist; then it is replaced when the first answer comes.

    Attributes:
        path: The cassette.
    """

    _begun: ClassVar[dict[Path, Recorder]] = {}
    _opening: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, path: Path, *, replace: bool = False) -> None:
        self.path = path
        self._pid = os.getpid()
        self._clients = 0
        self._stays_open = False
        self._gateway = ""
        self._writing = threading.Lock()
        self._lock: BaseFileLock | None = None
        self._begin(replace=replace)

    @classmethod
    def begun(cls, path: Path) -> Recorder | None:
        """The recorder of a path whose recording began in this process and goes on."""
        recorder = cls._begun.get(path.resolve())
        if recorder is None or recorder._lock is not None:
            return recorder
        if recorder._file.has_begun and not recorder._file.is_unchanged:
            del cls._begun[path.resolve()]  # it was deleted or is somebody else's by now
            return None
        return recorder

    @classmethod
    def join(cls, path: Path, *, replace: bool = False) -> Recorder:
        """The recorder of a path, shared with whoever has it; :meth:`leave` gives it back.

        Raises:
            RecordingError: Another process records there, or the folder cannot be written.
        """
        with cls._opening:
            recorder = cls.begun(path) or cls(path, replace=replace)
            if recorder._lock is None:
                recorder._lock = _locked(path)
            cls._begun[path.resolve()] = recorder
            recorder._clients += 1
            return recorder

    def leave(self) -> None:
        """Give the recorder back; the last to leave closes the file."""
        with self._opening:
            self._clients -= 1
            if self._clients == 0 and self._pid == os.getpid() and not self._stays_open:
                self._close()

    def stay_open(self) -> None:
        """Go on until the process ends, also when nobody is left."""
        self._stays_open = True

    def _close(self) -> None:
        lock, self._lock = self._lock, None
        with self._writing:
            if self._file.close():
                self._entries.clear()  # none is moved any more
        if not self._file.has_begun:
            self._begun.pop(self.path.resolve(), None)
        if lock is not None:
            _unlock(lock)

    def _begin(self, *, replace: bool = False) -> None:
        self._file = Appender(self.path, HEADER.encode(), replace=replace)
        self._entries: list[_Entry] = []
        self._changes: list[bool] = []
        """Of every request so far, whether it was a change."""
        self._was_lost = False
        self._redactor = Redactor(Pseudonyms())

    def turn(self, gateway: str, *, is_change: bool, secrets: Iterable[str] = ()) -> int:
        """The place of a request that is about to be sent.

        Args:
            gateway: Where it goes.
            is_change: Whether it may change anything.
            secrets: Texts of the request that must not be recorded wherever they turn up.

        Raises:
            RecordingError: Another gateway is recorded there, or another process records.
        """
        if os.getpid() != self._pid:
            raise RecordingError(
                f"{self.path} is recorded by process {self._pid}, which this one was forked from; "
                "nothing was sent.",
                hint="Make a client of its own in the child, with another path.",
            )
        with self._writing:
            if self._gateway not in ("", gateway):
                raise RecordingError(
                    f"{self.path} records the gateway {self._gateway}, and a recording holds "
                    "one; nothing was sent.",
                    hint=f"Record {gateway} to another path.",
                )
            self._gateway = gateway
            self._redactor.secrets.update(s for s in secrets if len(s) >= _SHORTEST_SECRET)
            self._changes.append(is_change)
            return len(self._changes)

    def lost(self, turn: int) -> None:
        """Note that no answer came to a request."""
        with self._writing:
            self._was_lost |= self._changes[turn - 1]

    def record(self, turn: int, interaction: dict[str, Any]) -> None:
        """Write an exchange down.

        Args:
            turn: The place of its request.
            interaction: vcrpy's ``{"request": …, "response": …}``, with bodies as text.

        Raises:
            RecordingError: It cannot be written; the file is as it was.
        """
        with self._writing:
            if self._lock is None:
                raise RecordingError(
                    f"{self.path} was closed before the answer came; the exchange is not in it.",
                    hint="Close a client when all its calls have returned.",
                )
            kept = self._redactor.exchange(interaction)
            if kept is None:
                warn_caller(f"{self.path}: A request that is not of the interface is not recorded.")
                return
            if NOT_KEPT in (kept["request"]["body"], kept["response"]["body"]["string"]):
                warn_caller(f"{self.path}: A body that is not of the interface is left out.")
            try:
                self._record(turn, kept)
            except OSError as error:
                raise RecordingError(
                    f"{self.path} cannot be written: {error.strerror}. The exchange took place "
                    "and is not in it; everything before it is.",
                    hint="Make room, or choose another path.",
                ) from None

    def _record(self, turn: int, kept: dict[str, Any]) -> None:
        if self._file.was_deleted:  # which means to begin anew
            changes = self._changes
            self._file.close()
            self._begin()
            self._changes = changes
        answered = "".join(kept["response"]["headers"].pop("date", ()))
        date = _epoch() or answered
        overtook = self._asked_after(turn)
        at = len(self._entries) - len(overtook)
        before = self._entries[max(at - 1, 0) : at]
        if date and [date] != [entry.date for entry in before]:
            kept["response"]["headers"]["date"] = [date]
        notes = {}
        meanwhile = self._changes[turn - 1 :]
        if len(meanwhile) > 1 and any(meanwhile):
            notes["overlaps"] = len(meanwhile) - 1
        if self._was_lost:
            notes["after_unanswered_change"] = 1
        entry = written(kept, **notes).encode()
        # The first of one date bears it, in the file as it stands.
        dated = f"      date:\n      - {date}\n".encode()
        pieces = [entry, *(self._file.read(e.start, e.end).replace(dated, b"") for e in overtook)]
        start = self._file.append(b"".join(pieces))
        self._was_lost = False
        del self._entries[len(self._entries) - len(overtook) :]
        asked = [(turn, date), *((each.turn, each.date) for each in overtook)]
        for (place, its_date), piece in zip(asked, pieces, strict=True):
            self._entries.append(_Entry(place, start, start + len(piece), its_date))
            start += len(piece)
        for gone in overtook:  # only now, so that at no moment an exchange is missing
            self._file.blank(gone.start, gone.end)

    def _asked_after(self, turn: int) -> list[_Entry]:
        """The exchanges at the end of the file whose requests came after a turn."""
        count = 0
        while count < len(self._entries) and self._entries[-1 - count].turn > turn:
            count += 1
        return self._entries[len(self._entries) - count :]


def refuse_another_process(path: Path) -> None:
    """Accept a cassette that exists only if no process records it at the moment.

    Raises:
        RecordingError: One does; names it.
    """
    if _lock_path(path).exists():
        _unlock(_locked(path))


def _epoch() -> str:
    """The time that a reproducible build gives to everything, as an HTTP date; empty for none."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) < 12):
        return ""
    return date_text(format_datetime(datetime.fromtimestamp(int(seconds), UTC))) or ""


def _lock_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def _locked(path: Path) -> BaseFileLock:
    from filelock import FileLock, Timeout

    place, owner = _lock_path(path), ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        if place.exists():
            owner = place.read_text("utf-8", "replace")
        lock = FileLock(place, timeout=0, thread_local=False)
        lock.acquire()
    except Timeout:
        with suppress(OSError):
            place.write_text(owner, "utf-8")  # which asking for the lock has emptied
        raise RecordingError(
            f"Another process is recording to {path}{owner and f': {owner}'}; a recording is "
            "made by one.",
            hint="Wait for it to end, or record to another path. A child process has "
            "PRIVACY_SDK_RECORD from its parent: start it without.",
        ) from None
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be written: {error.strerror}.", hint="Choose another path."
        ) from None
    with suppress(OSError):
        place.write_text(f"process {os.getpid()} ({Path(sys.argv[0] or 'python').name})", "utf-8")
    return lock


def _unlock(lock: BaseFileLock) -> None:
    # While it is still held, so that nobody else's is removed; Windows removes it itself.
    with suppress(OSError):
        Path(lock.lock_file).unlink()
    lock.release()


@atexit.register
def _close_all() -> None:
    for recorder in list(Recorder._begun.values()):
        with suppress(Exception):
            recorder._close()


def _forget_parent() -> None:
    Recorder._begun.clear()
    Recorder._opening = threading.Lock()  # which a thread of the parent may have held


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)
