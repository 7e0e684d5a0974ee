"""The gateways of this user on this machine: each listens on a socket that its owner alone reaches.

The folder is the list: what does not answer is dead and removed, so nothing in it can be stale.
Elsewhere than on POSIX there are no such sockets, and clients are told the address.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from privacy_sdk.errors import InvalidInputError
from privacy_sdk.support.files import data_folder, make_private_folder, refuse_shared

_SUFFIX = ".sock"
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_MAPPED = "0000000000000000FFFF0000"
"""What stands before an IPv4 address whose listener speaks IPv6, too."""
_ACCEPTED_WITHIN = 5.0
"""How long the other end may take to accept a connection [s]; nobody owns it before."""


@contextmanager
def local_listener(port: int) -> Iterator[socket.socket | None]:
    """Listen where clients of this user look, meanwhile; None where that cannot be done.

    Args:
        port: The gateway's TCP port, which the socket is named for.

    Example:
        >>> with local_listener(8480):
        ...     [path.name.split("-")[0] for path in local_sockets()]
        ['8480']
        >>> local_sockets()
        []
    """
    for folder in _folders():
        try:
            listener, path = _listen(folder, f"{port}-{os.getpid()}{_SUFFIX}")
        except OSError:  # a read-only home, a folder of others, a path that is too long
            continue
        with listener:
            try:
                yield listener
            finally:
                path.unlink(missing_ok=True)
        return
    yield None


def _listen(folder: Path, name: str) -> tuple[socket.socket, Path]:
    make_private_folder(folder)
    refuse_shared(folder, folder.lstat())
    path, draft = folder / name, folder / f".{name}"
    draft.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(draft))
        listener.listen(1024)
        draft.rename(path)  # only now, for one that does not listen yet looks dead
    except BaseException:
        listener.close()
        draft.unlink(missing_ok=True)
        raise
    return listener, path


def local_sockets() -> list[Path]:
    """Return the sockets of this user's gateways, and remove those that nobody listens on.

    A folder that others could have put a socket into is passed over.
    """
    found: list[Path] = []
    for folder in _folders():
        try:
            refuse_shared(folder, folder.lstat())
        except OSError:
            continue
        found += (path for path in sorted(folder.glob(f"[!.]*{_SUFFIX}")) if not _is_dead(path))
    return found


def _folders() -> Iterator[Path]:
    """Yield the folders of sockets: where one is made first, and where else to look."""
    if os.name != "posix":
        return
    # cron and services lack the variable; the folder is the same.
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    if runtime.is_dir():
        yield runtime / "privacy-sdk"
    try:
        yield data_folder() / "run"
    except InvalidInputError:  # no home
        return


def _is_dead(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return True
        except FileNotFoundError:
            return True
        except OSError:  # too busy, which is not dead
            pass
    return False


_ESTABLISHED = 1  # of Linux's tcp_states.h


async def is_ours(connection: socket.socket) -> bool | None:
    """Whether the other end of a TCP connection within this machine is a process of this user.

    Args:
        connection: Our end of it.

    Returns:
        None where it cannot be seen: elsewhere than on Linux, or for a process in another
        network namespace.

    Raises:
        ConnectionError: It has ended, as when that process is killed.
        TimeoutError: Nobody has accepted it yet, as while a gateway starts.
    """
    try:
        theirs, own = _in_table(connection.getpeername()), _in_table(connection.getsockname())
    except OSError:
        raise ConnectionResetError("The connection has ended.") from None
    ends = [f" {prefix}{theirs} {prefix}{own} " for prefix in ("", _MAPPED)]
    deadline = asyncio.get_running_loop().time() + _ACCEPTED_WITHIN
    while asyncio.get_running_loop().time() < deadline:
        owner = next(filter(None, (_owner(table, ends) for table in _TABLES)), None)
        if sys.platform == "linux":
            (state,) = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
            if state != _ESTABLISHED:
                raise ConnectionResetError("The connection has ended.")
        if owner is None:
            return None
        uid, inode = owner
        if inode:
            return uid == os.geteuid()
        await asyncio.sleep(0.002)
    raise TimeoutError("The connection is not accepted.")


def _owner(table: str, ends: Sequence[str]) -> tuple[int, int] | None:
    """Return user and inode of the connection with these ends; no inode until it is accepted."""
    try:
        with open(table, encoding="ascii") as rows:  # noqa: PTH123  a Path has no lines
            for row in rows:
                if any(each in row for each in ends):
                    fields = row.split()
                    return int(fields[7]), int(fields[9])
    except OSError:
        pass
    return None


def _in_table(address: tuple[str, int]) -> str:
    """Return an address as the kernel's table has it: words of 32 bits in its own byte order.

    Example:
        >>> import sys
        >>> _in_table(("127.0.0.1", 8480)) if sys.byteorder == "little" else "0100007F:2120"
        '0100007F:2120'
    """
    host, port = address[:2]
    packed = ipaddress.ip_address(host).packed
    words = (packed[at : at + 4] for at in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{port:04X}"
