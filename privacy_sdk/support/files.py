"""Write files whole or not at all, and those that are private for their owner alone."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from errno import EACCES, EEXIST, EINVAL, ELOOP, ENOSYS, ENOTSUP, EPERM
from pathlib import Path

from privacy_sdk.errors import InvalidInputError, short_repr

DATA_DIR = "PRIVACY_SDK_DATA_DIR"
"""The variable that names the data folder."""


class SharedFileError(OSError):
    """Others may have read a file that should be its owner's alone."""


def as_path(given: str | os.PathLike[str]) -> Path:
    """Return the path that is meant; ``~`` is the home folder.

    Raises:
        InvalidInputError: Not a path.

    Example:
        >>> as_path("")
        Traceback (most recent call last):
        privacy_sdk.InvalidInputError: '' is not a path.
        Pass one such as "folder/mine.yaml".
    """
    if isinstance(given, (str, os.PathLike)):
        path = os.fspath(given)
        with suppress(UnicodeError):  # a lone surrogate
            if isinstance(path, str) and path and b"\0" not in os.fsencode(path):
                there = Path(os.path.expanduser(path))  # noqa: PTH111  # "~nobody" stays
                if there.name:  # the root of a file system is no file of anybody's
                    return there
    raise InvalidInputError(
        f"{short_repr(given)} is not a path.", hint='Pass one such as "folder/mine.yaml".'
    )


def data_folder() -> Path:
    """Return the folder of this user's token, sessions and sockets, whether it exists or not.

    PRIVACY_SDK_DATA_DIR, else the STATE_DIRECTORY that systemd gives a service, else the one
    that is usual on this platform.

    Raises:
        InvalidInputError: The user has no home, and no variable says where else.
    """
    state = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given := os.environ.get(DATA_DIR) or state:
        return Path(given).absolute()
    import platformdirs

    with suppress(RuntimeError):
        folder = platformdirs.user_data_path("privacy-sdk")
        if folder.is_absolute():  # older versions leave the "~" of a user without a home
            return folder
    raise InvalidInputError(
        "This user has no home folder to keep anything in.",
        hint=f"Set {DATA_DIR} (--data-dir) to a folder; for a token alone, PRIVACY_SDK_TOKEN.",
    )


def make_private_folder(folder: Path) -> None:
    """Make a folder for private files, and those above it; one that exists stays as it is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_private(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file that its owner alone can read, whole or not at all.

    A file that exists is replaced, not overwritten: whoever has the old one open, or a hard
    link to it, does not see the new content. A symbolic link is refused.

    Args:
        path: The file; its folder exists.
        content: All of it.
        replace: Whether the file may exist.

    Raises:
        FileExistsError: It exists and may not; also when another process was faster.
        OSError: It cannot be written, or is a link or no regular file; nothing is changed.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_private(path := Path(folder, "mine"), b"secret")
        ...     oct(path.stat().st_mode & 0o777)
        '0o600'
    """
    if replace and path.is_symlink():
        raise OSError(ELOOP, "It is a link, and a private file is not written through one")
    _write(path, content, 0o600, replace=replace)


def write_atomic(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file as an editor does, whole or not at all: it keeps its mode and its links.

    Args:
        path: The file; its folder exists. Of a symbolic link, what it points to is replaced.
        content: All of it.
        replace: Whether the file may exist.

    Raises:
        FileExistsError: It exists and may not; also when another process was faster.
        OSError: It cannot be written, or is no regular file; what was there is untouched.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_atomic(path := Path(folder, "notes"), b"old")
        ...     write_atomic(path, b"new")
        ...     path.read_bytes()
        b'new'
    """
    _write(path.resolve() if replace else path, content, None, replace=replace)


def read_private(path: Path, longest: int = 4096) -> bytes | None:
    """Return the content of a private file, up to ``longest`` bytes; None when there is none.

    What is no regular file is refused and not waited for, as a FIFO would be.

    Raises:
        SharedFileError: The mode or owner of the file or its folder is such that others may have
            read or replaced it.
        OSError: It cannot be read, or is a link to nothing or no regular file.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise OSError(ELOOP, "It is a link to nothing") from None
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(EINVAL, "It is no regular file")
        refuse_shared(path, status)
        _refuse_shared_folder(path.parent)
        return file.read(longest)


def _refuse_shared_folder(folder: Path) -> None:
    """Accept a folder only if nobody but us could replace a file in it."""
    status = folder.stat()
    if os.name == "posix" and (
        status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or status.st_uid != os.getuid()
    ):
        raise SharedFileError(f"{folder} can be written by other users: chmod 700 it")


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


def _write(path: Path, content: bytes, mode: int | None, *, replace: bool) -> None:
    """Write a draft beside the file and give it the file's name; ``mode`` None keeps its mode."""
    there = _replaceable(path) if replace else None
    if mode is None and there is not None:
        mode = stat.S_IMODE(there.st_mode)
    draft = path.with_name(f".privacy-sdk-{os.urandom(8).hex()}")  # fits, however long the name
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    # A new file gets what the umask leaves; else at no moment more than it gets in the end.
    descriptor = os.open(draft, flags, 0o666 if mode is None else mode & 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        if mode is not None:
            draft.chmod(mode)
        if replace:
            draft.replace(path)
        else:
            _name(draft, path)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _replaceable(path: Path) -> os.stat_result | None:
    """Return the status of a file that may be replaced; None when there is none.

    A replacement needs the folder's permission only, so what writing into the file would
    refuse is asked here, and a device such as /dev/null stays one.
    """
    try:
        there = path.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(there.st_mode):
        raise OSError(EINVAL, "It is no regular file")
    if not os.access(path, os.W_OK):
        raise PermissionError(EACCES, os.strerror(EACCES))
    return there


def _name(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)  # fails if the name exists, unlike a rename
    except FileExistsError:
        raise FileExistsError(EEXIST, os.strerror(EEXIST)) from None
    except OSError as error:
        if error.errno not in (EPERM, ENOTSUP, ENOSYS):
            raise
        if path.exists():  # a file system without links
            raise FileExistsError(EEXIST, os.strerror(EEXIST)) from None
        draft.rename(path)
