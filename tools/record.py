"""Makes the cassettes of the repository from a real gateway, each in a process of its own.

A recording is a session run once against a gateway: the tour that the package shows, or the
cells of the notebook that replays it. Made twice it is the same to the byte.
"""

from __future__ import annotations

import argparse
import atexit
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import privacy_sdk as ps
from privacy_sdk.cli.demo import tour
from privacy_sdk.gateway.server import serve

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "recorded-without-its-token"  # noqa: S105
MADE_AT = "1764115200"
"""The time that every committed recording bears [s since 1970], 26 November 2025."""


@dataclass(frozen=True)
class Recording:
    """How a cassette is made: which account is served, by which name, and what is done with it."""

    session: Callable[[ps.Client], object]
    account: Callable[[], ps.Account] = ps.EmulatedAccount
    name: str = "demo"


def notebook(name: str) -> Callable[[ps.Client], None]:
    """The session of a notebook's code cells, whose ``Client.replay`` is the client at hand."""

    def session(client: ps.Client) -> None:
        import nbformat

        path = ROOT / "notebooks" / name
        names: dict[str, Any] = {"__name__": "__main__"}
        with (
            patch.object(ps.Client, "replay", lambda recording: client),
            chdir(path.parent),
            redirect_stdout(io.StringIO()),
        ):
            for cell in nbformat.read(path, as_version=4).cells:
                if cell.cell_type == "code" and "not-recorded" not in tags(cell):
                    exec(compile(cell.source, f"cell {cell.id}", "exec"), names)  # noqa: S102

    return session


def tags(cell: Any) -> list[str]:
    """A cell's tags; what ``not-recorded`` shows is that it is missing in the recording."""
    return list(cell.metadata.get("tags", ()))


def linked_phone() -> ps.Account:
    """An account over the fake runtime of the tests, whose phone scans the first code it sees."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    from fake_tryx import FakePhone

    phone = FakePhone(is_linked=False)
    phone.is_online = False  # until a code is asked for, which then is as old in each recording

    class Account(ps.TryxAccount):
        async def link(self) -> ps.accounts.LinkStatus:
            phone.is_online = True
            found = await super().link()
            await phone.current.offer(1)
            return found

        async def link_status(self) -> ps.accounts.LinkStatus:
            found = await super().link_status()
            if found.qr:
                await phone.scan()
            return found

    folder = tempfile.TemporaryDirectory(prefix="privacy-sdk-")
    atexit.register(folder.cleanup)
    return Account("me", folder=Path(folder.name) / "me", runtime=phone.runtime)


RECORDINGS: Mapping[str, Recording] = {
    "tour": Recording(lambda client: list(tour(client))),
    "panel": Recording(notebook("02_control_panel.ipynb")),
    "policies": Recording(notebook("03_policies.ipynb")),
    "live_account": Recording(notebook("05_live_account.ipynb"), linked_phone, "me"),
}


@contextmanager
def chdir(folder: Path) -> Iterator[None]:
    """Stand in a folder for a while."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def gateway_process(name: str) -> Iterator[str]:
    """The address of a gateway that serves a recording's account, as a process of its own."""
    command = [sys.executable, str(Path(__file__)), "--serve", name]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            if not (url := next(iter(process.stdout or ()), "").strip()):
                raise SystemExit(f"The gateway did not start; see: {' '.join(command)}")
            yield url
        finally:
            process.terminate()


def serve_account(name: str) -> None:
    """Serve a recording's account on a free port, and say where."""
    serve(
        {RECORDINGS[name].name: RECORDINGS[name].account()},
        port=0,
        token=TOKEN,
        on_ready=lambda listening: print(listening.url, flush=True),
    )


def record(name: str, folder: Path) -> Path:
    """Make a cassette."""
    path = folder / f"{name}.yaml"
    with (
        patch.dict(os.environ, SOURCE_DATE_EPOCH=MADE_AT),
        gateway_process(name) as url,
        ps.Client(
            url, token=TOKEN, account=RECORDINGS[name].name, record=path, record_mode="all"
        ) as client,
    ):
        RECORDINGS[name].session(client)
    return path


def differs(name: str) -> bool:
    """Whether the committed cassette is not what the gateway answers today."""
    with tempfile.TemporaryDirectory() as folder:
        made = record(name, Path(folder)).read_bytes()
    committed = ROOT / "cassettes" / f"{name}.yaml"
    return not committed.exists() or committed.read_bytes() != made


def main() -> int:
    """Makes the recordings that were named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*RECORDINGS, []], metavar="name")
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    parser.add_argument("--serve", metavar="NAME", choices=RECORDINGS, help=argparse.SUPPRESS)
    args = parser.parse_args()

    if args.serve:
        serve_account(args.serve)
        return 0
    stale = 0
    for name in args.names or RECORDINGS:
        if not args.check:
            print(f"{record(name, ROOT / 'cassettes').relative_to(ROOT)} made")
        elif differs(name):
            stale += 1
            print(f"cassettes/{name}.yaml is not what the gateway answers today: make record")
    return int(stale > 0)


if __name__ == "__main__":
    sys.exit(main())
