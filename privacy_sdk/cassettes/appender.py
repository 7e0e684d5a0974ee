"""A file that only grows by whole pieces, and never hides a half-written one."""

from __future__ import annotations

import os
from errno import ENOSPC
from io import FileIO
from pathlib import Path

from privacy_sdk.errors import RecordingError
from privacy_sdk.support.files import write_atomic


class Appender:
    """Appends to a file in one write each, and takes back a write that fell short.

    Args:
        path: The file; it need not exist.
        header: What a new file begins with.
    """

    def __init__(self, path: Path, header: bytes) -> None:
        self._path = path
        self._header = header
        self._file: FileIO | None = None
        self._size = 0
        self._blanks: list[tuple[int, int]] = []

    @property
    def was_deleted(self) -> bool:
        """Whether somebody deleted the file that was being written."""
        return self._file is not None and not self._path.exists()

    def take_over(self, content: bytes) -> None:
        """Go on with a file that exists and holds ``content``."""
        self._file = FileIO(self._path, "r+")
        self._size = len(content)
        self._check_unchanged()

    def append(self, data: bytes) -> int:
        """Add ``data`` at the end.

        Returns:
            Where it begins in the file.

        Raises:
            OSError: It could not be written; the file is as it was.
            RecordingError: Somebody else changed the file.
        """
        if self._file is None:
            write_atomic(self._path, self._header + data, replace=False)
            self.take_over(self._header + data)
            return len(self._header)
        self._check_unchanged()
        start = self._size
        try:
            self._write(start, data)
        except BaseException:
            self._file.truncate(start)
            raise
        self._size = start + len(data)
        return start

    def read(self, start: int, end: int) -> bytes:
        """A part of the file."""
        assert self._file is not None  # noqa: S101
        self._file.seek(start)
        return self._file.read(end - start)

    def blank(self, start: int, end: int) -> None:
        """Turn a part that is no longer wanted into empty lines, until :meth:`close`."""
        self._write(start, b"\n" * (end - start))
        self._blanks.append((start, end))

    def close(self) -> None:
        """Close the file, without the parts that were blanked."""
        if self._file is None:
            return
        try:
            if self._blanks and not self.was_deleted:
                self._check_unchanged()
                content, at = bytearray(), 0
                for start, end in sorted(self._blanks):
                    content += self.read(at, start)
                    at = end
                write_atomic(self._path, bytes(content) + self.read(at, self._size))
        finally:
            self._file.close()
            self._file, self._blanks = None, []

    def _write(self, start: int, data: bytes) -> None:
        assert self._file is not None  # noqa: S101
        self._file.seek(start)
        rest = memoryview(data)
        while rest:
            count = self._file.write(rest)
            if not count:
                raise OSError(ENOSPC, os.strerror(ENOSPC))
            rest = rest[count:]

    def _check_unchanged(self) -> None:
        assert self._file is not None  # noqa: S101
        there, ours = self._path.stat(), os.fstat(self._file.fileno())
        if not os.path.samestat(there, ours) or there.st_size != self._size:
            raise RecordingError(
                f"{self._path} was changed by somebody else while it was recorded.",
                hint="Record to another path, or close the clients that record here first.",
            )
