"""A file that only grows by whole pieces, and never hides a half-written one."""

from __future__ import annotations

import os
from contextlib import suppress
from errno import ENOSPC
from io import FileIO
from pathlib import Path

from privacy_sdk.errors import RecordingError
from privacy_sdk.support.files import write_atomic


class Appender:
    """Appends to a file in one write each, and takes back a write that fell short.

    Args:
        path: The file, which is made with the first piece.
        header: What it begins with.
        replace: Whether it may exist; then the first piece replaces it.
    """

    def __init__(self, path: Path, header: bytes, *, replace: bool = False) -> None:
        self._path = path
        self._header = header
        self._replaces = replace
        self._file: FileIO | None = None
        self._size = 0
        self._blanks: list[tuple[int, int]] = []
        self._identity: os.stat_result | None = None
        self.has_begun = False
        """Whether anything was written."""

    @property
    def was_deleted(self) -> bool:
        """Whether somebody deleted the file that was being written."""
        return self.has_begun and not self._path.exists()

    @property
    def is_unchanged(self) -> bool:
        """Whether the file is as it was left."""
        try:
            there = self._path.stat()
        except OSError:
            return False
        ours = self._identity if self._file is None else os.fstat(self._file.fileno())
        return ours is not None and os.path.samestat(there, ours) and there.st_size == self._size

    def append(self, data: bytes) -> int:
        """Add ``data`` at the end.

        Returns:
            Where it begins in the file.

        Raises:
            OSError: It could not be written; the file is as it was.
            RecordingError: Somebody else changed the file.
        """
        if not self.has_begun:
            write_atomic(self._path, self._header + data, replace=self._replaces)
            self._file = FileIO(self._path, "r+")
            self._size = len(self._header) + len(data)
            self.has_begun = True
            self._check_unchanged()
            return len(self._header)
        self._check_unchanged()
        start = self._size
        try:
            self._write(start, data)
        except BaseException:
            self._open().truncate(start)
            raise
        self._size = start + len(data)
        return start

    def read(self, start: int, end: int) -> bytes:
        """A part of the file."""
        file = self._open()
        file.seek(start)
        return file.read(end - start)

    def blank(self, start: int, end: int) -> None:
        """Turn a part that is no longer wanted into empty lines, until :meth:`close`."""
        self._write(start, b"\n" * (end - start))
        self._blanks.append((start, end))

    def close(self) -> bool:
        """Close the file, without the parts that were blanked; they stay where there is no room.

        Returns:
            Whether parts are gone, so that what stood behind them stands elsewhere.
        """
        if self._file is None:
            return False
        is_shorter = False
        with suppress(OSError):
            if self._blanks and self.is_unchanged:
                content, at = bytearray(), 0
                for start, end in sorted(self._blanks):
                    content += self.read(at, start)
                    at = end
                content += self.read(at, self._size)
                write_atomic(self._path, bytes(content))
                self._size, is_shorter, self._blanks = len(content), True, []
        self._file.close()
        self._file = None
        with suppress(OSError):
            self._identity = self._path.stat()
        return is_shorter

    def _open(self) -> FileIO:
        if self._file is None:
            self._file = FileIO(self._path, "r+")
        return self._file

    def _write(self, start: int, data: bytes) -> None:
        file = self._open()
        file.seek(start)
        rest = memoryview(data)
        while rest:
            count = file.write(rest)
            if not count:
                raise OSError(ENOSPC, os.strerror(ENOSPC))
            rest = rest[count:]

    def _check_unchanged(self) -> None:
        if not self.is_unchanged:
            raise RecordingError(
                f"{self._path} was changed by somebody else while it was recorded.",
                hint="Record to another path, or close the clients that record here first.",
            )
