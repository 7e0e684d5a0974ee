"""A PostgreSQL server of a test's own: Debian's programs, started in a folder of its own."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REQUIRED = os.environ.get("PRIVACY_SDK_REQUIRE_POSTGRESQL") == "1"


def programs() -> Path:
    """The folder of initdb and pg_ctl; without one the test is skipped, or fails in CI."""
    found = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")))
    if which := shutil.which("pg_ctl"):
        found.append(str(Path(which).parent))
    if found:
        return Path(found[-1])
    reason = "no PostgreSQL found (apt-get install postgresql)"
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of a server that listens on this machine and lets everybody in."""
    bin = programs()
    # It refuses to run as root, and its user must be able to enter the folder.
    folder = Path(tempfile.mkdtemp(prefix="privacy-sdk-pg-", dir="/tmp"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    data, log = folder / "data", folder / "log"

    def run(*command: str) -> None:
        subprocess.run(
            [*as_user, *command], check=True, stdout=subprocess.DEVNULL, cwd=folder, timeout=60
        )

    try:
        run(f"{bin}/initdb", "-D", str(data), "-U", "tests", "-A", "trust", "-N")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        run(f"{bin}/pg_ctl", "-D", str(data), "-l", str(log), "-o", options, "-w", "start")
        try:
            yield f"postgresql+psycopg://tests@127.0.0.1:{port}/postgres"
        finally:
            run(f"{bin}/pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
