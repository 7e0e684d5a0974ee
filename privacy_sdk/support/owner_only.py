"""Files that their owner alone can read: a key, a token."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


class SharedFileError(OSError):
    """Others may have read a file that should be its owner's alone."""


def read_owner_only(path: Path, longest: int = 4096) -> bytes | None:
    """The content of a file; None when there is none.

    Args:
        path: The file.
        longest: How much to read [bytes].

    Raises:
        SharedFileError: The file's mode or owner is such that others may have read it.
        OSError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            refuse_shared(path, os.fstat(file.fileno()))
            return file.read(longest)
    except FileNotFoundError:
        return None


def refuse_shared(path: Path, status: os.stat_result) -> None:
    """Accept a file or folder only if nobody but its owner, who is us, could get at it.

    Raises:
        SharedFileError: Its mode or owner is such that others may have read it.
    """
    # Elsewhere than on POSIX the data folder is the user's own, and modes say nothing.
    if os.name == "posix" and (
        stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid != os.getuid()
    ):
        raise SharedFileError(f"{path} may have been read by other users of this machine")


def create_owner_only(path: Path, content: bytes) -> bool:
    """Write a file that is not there yet, whole or not at all.

    Returns:
        Whether it was written; False when somebody else wrote it first.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # 0600, O_EXCL
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        # A link fails if the name exists, and never shows a half-written file.
        os.link(name, path)
    except FileExistsError:
        return False
    finally:
        Path(name).unlink()
    return True
