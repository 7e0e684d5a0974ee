"""A gateway over a real tryx session with no network; run as a program, it tells what it saw.

Where there is a network it has to be started in a network namespace without one, so that
nothing reaches WhatsApp; see :func:`without_network`.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

NUMBER, LID, NAME = "999115550101", "999000000000001", "Nobody Atall"

MAKE_SESSION = """
import asyncio, os, sys
os.environ["RUST_LOG"] = "off"
from tryx.backend import SqliteStore
from tryx.client import Tryx
async def main():
    run = Tryx(SqliteStore(sys.argv[1])).run()
    await asyncio.sleep(0.5)
    run.cancel()
    await asyncio.sleep(0.1)
asyncio.run(main())
os._exit(0)
"""

SERVE = """
import logging, sys
from pathlib import Path
from privacy_sdk.accounts.whatsapp.account import TryxAccount
from privacy_sdk.gateway.server import serve
me = TryxAccount("me", folder=Path(sys.argv[1]))
def ready(listening):
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger("privacy_sdk").setLevel(logging.DEBUG)
    print(listening.url, flush=True)
serve({"me": me}, port=0, token="only-for-tests", on_ready=ready)
"""


def without_network() -> list[str] | None:
    """What to put before a command so that it has no network; None if that cannot be done."""
    routes = Path("/proc/net/route")
    if routes.exists() and len(routes.read_text().splitlines()) == 1:
        return []
    unshare = ["unshare", "--user", "--map-root-user", "--net", "--"]
    try:
        subprocess.run([*unshare, "true"], check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return unshare


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        up = struct.pack("16sh", b"lo", 0x1 | 0x40)
        fcntl.ioctl(control, 0x8914, up)


def _link(database: Path) -> None:
    """Make the session that of a linked phone, as far as tryx can tell offline."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "UPDATE device SET pn = ?, lid = ?, push_name = ?",
            (f"{NUMBER}:3@s.whatsapp.net", f"{LID}:3@lid", NAME),
        )
    connection.close()


def _get(http: Any, path: str) -> Any:
    answer = http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def main(folder: Path, is_linked: bool) -> dict[str, Any]:
    import httpx2

    _loopback_up()
    folder.mkdir(mode=0o700, parents=True)
    database = folder / "session.db"
    database.touch(mode=0o600)
    if is_linked:
        subprocess.run([sys.executable, "-c", MAKE_SESSION, str(database)], check=True)
        _link(database)
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines: list[str] = []  # with RUST_LOG set, those of tryx come first
    while not (found := re.search(r"http://127[.\d]+:\d+", lines[-1] if lines else "")):
        lines.append(process.stdout.readline())
        if not lines[-1]:
            raise SystemExit(f"It ended with {process.wait()}: {process.communicate()}")
    token = {"Authorization": "Bearer only-for-tests"}
    with httpx2.Client(base_url=found[0], headers=token) as http:
        (account,) = _get(http, "/v1/accounts")["accounts"]
        paths = ("privacy", "privacy/last/disallowed-list", "disappearing-mode")
        reads = [http.get(f"/v1/accounts/me/{path}") for path in paths]
        began = time.monotonic()
        changed = http.put("/v1/accounts/me/privacy/last", json={"value": "none"})
        answered = time.monotonic() - began
        status = http.get("/v1/accounts/me/link").json()
        time.sleep(1.5)  # long enough for tryx to fail and try again
        (later,) = _get(http, "/v1/accounts")["accounts"]
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    out, err = process.communicate(timeout=30)
    return {
        "account": account,
        "later": later,
        "reads": [[answer.status_code, answer.json()] for answer in reads],
        "changed": [changed.status_code, changed.json()],
        "answered": answered,
        "link_status": status,
        "status": process.returncode,
        "ended": time.monotonic() - began,
        "log": "".join(lines) + out + err,
        "modes": sorted({oct(path.stat().st_mode & 0o777) for path in folder.iterdir()}),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2] == "linked")))
    sys.stdout.flush()
    os._exit(0)
