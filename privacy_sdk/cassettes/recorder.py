"""Writing a cassette while its exchanges happen.

The file is a whole cassette after every exchange, at a cost that does not grow with it. vcrpy
would keep everything in memory and write it when the session ends, which a killed one never
does.
"""

from __future__ import annotations

import atexit
import os
import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from errno import EISDIR
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from privacy_sdk.cassettes.appender import Appender
from privacy_sdk.cassettes.file import HEADER, Recording, as_text, read_recording, written
from privacy_sdk.cassettes.matching import Key
from privacy_sdk.cassettes.pseudonyms import People, machine_key
from privacy_sdk.cassettes.redactor import Redactor
from privacy_sdk.errors import RecordingError
from privacy_sdk.support.caller_warnings import warn_caller
from privacy_sdk.support.files import write_atomic

if TYPE_CHECKING:
    from filelock import BaseFileLock

_OUR_LAYOUT = re.compile(rf"{HEADER}(?:(?:[- ] .*|#.*|)\n)*")
_ENTRY = re.compile(rb"^- ", re.MULTILINE)
_SHORTEST_SECRET = 8

REQUEST_HEADERS = ("content-type",)
RESPONSE_HEADERS = ("content-type", "retry-after")


@dataclass(frozen=True, slots=True)
class _Entry:
    turn: int
    start: int
    end: int


class Recorder:
    """Writes exchanges to a cassette; every client of this process on one path shares one.

    Another process is refused. Exchanges stand in the order in which they were asked, also
    when answers overtake each other. People and secrets never reach the file.

    Attributes:
        path: The cassette.
        began: Whether the cassette did not exist before.
    """

    _open: ClassVar[dict[Path, Recorder]] = {}
    _opening: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pid = os.getpid()
        self._clients = 0
        self._stays_open = self._closed = False
        self._turns = 0
        self._writing = threading.Lock()
        self._lock = _locked(path)
        try:
            self._begin()
        except BaseException:
            _unlock(self._lock)
            raise

    @classmethod
    def at(cls, path: Path) -> Recorder | None:
        """The recorder that this process has open on a path."""
        return cls._open.get(path.resolve())

    @classmethod
    def join(cls, path: Path) -> Recorder:
        """The recorder of a path, shared with whoever has it; :meth:`leave` gives it back.

        Raises:
            RecordingError: Another process records there, or the folder cannot be written.
        """
        with cls._opening:
            recorder = cls.at(path)
            if recorder is None:
                recorder = cls._open[path.resolve()] = cls(path)
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
        self._open.pop(self.path.resolve(), None)
        try:
            with self._writing:
                self._closed = True
                self._file.close()
        finally:
            _unlock(self._lock)

    def _begin(self) -> None:
        """Look at what is there; nothing is written before the first exchange."""
        self._file = Appender(self.path, HEADER.encode())
        self._entries: list[_Entry] = []
        self._old: defaultdict[Key, list[_Entry]] = defaultdict(list)
        self.began = not self.path.exists()
        self._found = None if self.began else read_recording(self.path)
        self._redactor = Redactor(
            People(
                "" if self._found is None else self.path.read_text("utf-8"),
                tags=self._found.people if self._found else None,
                key=_key,
            )
        )

    def turn(self, secrets: Iterable[str] = ()) -> int:
        """The place of a request that is about to be sent.

        Args:
            secrets: Texts of the request that must not be recorded wherever they turn up.
        """
        with self._writing:
            self._redactor.secrets.update(s for s in secrets if len(s) >= _SHORTEST_SECRET)
            self._turns += 1
            return self._turns

    def record(self, turn: int, interaction: dict[str, Any], *, replace: bool = False) -> None:
        """Write an exchange down.

        Args:
            turn: The place of its request.
            interaction: vcrpy's ``{"request": …, "response": …}``, with bodies as text.
            replace: Whether it takes the place of what the file held for the same request.

        Raises:
            RecordingError: It cannot be written; the file is as it was.
        """
        if os.getpid() != self._pid:
            raise RecordingError(
                f"{self.path} is recorded by the process that this one was forked from.",
                hint="Make a client of its own in the child, with another path.",
            )
        with self._writing:
            if self._closed:
                raise RecordingError(
                    f"{self.path} was closed before the answer came; the exchange is not in it.",
                    hint="Close a client when all its calls have returned.",
                )
            try:
                self._record(turn, interaction, replace)
            except OSError as error:
                raise RecordingError(
                    f"{self.path} cannot be written: {error.strerror}. The exchange took place "
                    "and is not in it; everything before it is.",
                    hint="Make room, or choose another path.",
                ) from None

    def _record(self, turn: int, interaction: dict[str, Any], replace: bool) -> None:
        if self._file.was_deleted:  # which means to begin anew
            self._file.close()
            self._begin()
        if self._found is not None:
            self._take_over(self._found)
        people = self._redactor.people
        redacted = self._redactor.interaction(interaction)
        entry = _entry(redacted, people.tags)
        overtook = self._asked_after(turn)
        pieces = [entry, *(self._file.read(e.start, e.end) for e in overtook)]
        start = self._file.append(b"".join(pieces))
        people.tags.clear()
        del self._entries[len(self._entries) - len(overtook) :]
        for place, piece in zip([turn, *(e.turn for e in overtook)], pieces, strict=True):
            self._entries.append(_Entry(place, start, start + len(piece)))
            start += len(piece)
        replaced = self._old.pop(_key_of(redacted), []) if replace else []
        # Only now, so that at no moment an exchange is missing.
        for gone in (*overtook, *replaced):
            self._file.blank(gone.start, gone.end)

    def _asked_after(self, turn: int) -> list[_Entry]:
        """The exchanges at the end of the file whose requests came after a turn."""
        count = 0
        while count < len(self._entries) and self._entries[-1 - count].turn > turn:
            count += 1
        return self._entries[len(self._entries) - count :]

    def _take_over(self, found: Recording) -> None:
        """Bring a file that was there into this layout, and remember what is where in it."""
        content = self.path.read_bytes()
        starts = [match.start() for match in _ENTRY.finditer(content)]
        if not _OUR_LAYOUT.fullmatch(content.decode()) or len(starts) != len(found.interactions):
            entries = self._converted(found)
            content = HEADER.encode() + b"".join(entries)
            write_atomic(self.path, content)
            starts = list(accumulate(map(len, entries[:-1]), initial=len(HEADER)))
        self._file.take_over(content)
        for interaction, start, end in zip(
            found.interactions, starts, [*starts[1:], len(content)], strict=True
        ):
            self._old[_key_of(interaction)].append(_Entry(0, start, end))
        self._found = None

    def _converted(self, found: Recording) -> list[bytes]:
        entries = []
        tags = dict(found.people)
        for interaction, line in zip(found.interactions, found.lines, strict=True):
            try:
                redacted = self._redactor.interaction(_kept(interaction))
            except UnicodeDecodeError:
                raise RecordingError(
                    f"{self.path}, line {line}: a body that is compressed or is no text cannot be "
                    "searched for people.",
                    hint="Record to another path.",
                ) from None
            tags |= self._redactor.people.tags
            self._redactor.people.tags.clear()
            entries.append(_entry(redacted, tags))
            tags.clear()
        return entries


def _entry(interaction: dict[str, Any], tags: Mapping[str, str]) -> bytes:
    return written(interaction | ({"people": dict(tags)} if tags else {})).encode()


def _key_of(interaction: dict[str, Any]) -> Key:
    request = interaction["request"]
    return Key.of(request["method"], request["uri"], request["body"])


def _kept(interaction: dict[str, Any]) -> dict[str, Any]:
    """An interaction that vcrpy recorded, as this package records it."""
    text = as_text(interaction)
    for side, names in (("request", REQUEST_HEADERS), ("response", RESPONSE_HEADERS)):
        text[side]["headers"] = {
            name.lower(): values
            for name, values in text[side]["headers"].items()
            if name.lower() in names
        }
    return text


def _key() -> bytes | None:
    try:
        return machine_key(create=True)
    except RecordingError as error:
        warn_caller(f"People will not be recognised in this recording again: {error}")
        return None


def _locked(path: Path) -> BaseFileLock:
    from filelock import FileLock, Timeout

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=0, thread_local=False)
        lock.acquire()
    except Timeout:
        raise RecordingError(
            f"Another process is recording to {path}.",
            hint="Wait for it to end, or record to another path.",
        ) from None
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be written: {error.strerror}.", hint="Choose another path."
        ) from None
    return lock


def _unlock(lock: BaseFileLock) -> None:
    # While it is still held, so that nobody else's is removed; Windows removes it itself.
    with suppress(OSError):
        Path(lock.lock_file).unlink()
    lock.release()


@atexit.register
def _close_all() -> None:
    for recorder in list(Recorder._open.values()):
        with suppress(Exception):
            recorder._close()


def _forget_parent() -> None:
    Recorder._open.clear()
    Recorder._opening = threading.Lock()  # which a thread of the parent may have held


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)
