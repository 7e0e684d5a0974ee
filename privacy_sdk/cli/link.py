"""The commands that link a phone and end that link: link, unlink."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Annotated, Self

import typer

from privacy_sdk.accounts.base import LinkStatus
from privacy_sdk.accounts.wire import to_json
from privacy_sdk.cli import output
from privacy_sdk.cli.gateway import open_account
from privacy_sdk.cli.options import Options, argument, options_of
from privacy_sdk.client import AsyncClient
from privacy_sdk.errors import NotConnectedError, UnknownAccountError
from privacy_sdk.notebook.link import follow_link, in_words
from privacy_sdk.support.files import data_folder, make_private_folder, write_private
from privacy_sdk.views.qr import qr_png, qr_text

_Name = Annotated[str, argument("NAME", "The account, as in: gateway --account NAME=whatsapp.")]
_Backend = Annotated[
    str,
    typer.Option(
        help="What connects, where no gateway serves the account: whatsapp, or raw (experimental).",
        metavar="BACKEND",
    ),
]


def link(context: typer.Context, name: _Name, backend: _Backend = "whatsapp") -> None:
    """Link a phone: shows the QR code to scan, whether a gateway runs or not."""
    options = options_of(context)

    async def work(show: Callable[[LinkStatus], object]) -> bool:
        client = await _served(options, name)
        async with client or _on_this_machine(name, backend) as linking:
            await follow_link(linking, show)
        return client is not None

    if options.json:
        asyncio.run(work(_write_json))
        return
    with _Screen(name) as screen:
        is_served = asyncio.run(work(screen.show))
    if not is_served:
        output.write(f"Now serve it: privacy-sdk gateway --account {name}={backend}")


def unlink(context: typer.Context, name: _Name) -> None:
    """Delete the keys of a linked phone; remove the device on the phone as well."""
    options = options_of(context)

    async def work() -> LinkStatus:
        client = await _served(options, name)
        async with client or _on_this_machine(name, "whatsapp", must_exist=True) as linked:
            return await linked.unlink()  # the keys of either backend

    status = asyncio.run(work())
    if options.json:
        _write_json(status)
    else:
        output.write(status.hint)


async def _served(options: Options, name: str) -> AsyncClient | None:
    """A client of the gateway that serves the account; None when none on this machine does."""
    options.account = name
    if options.url or os.environ.get("PRIVACY_SDK_URL"):
        return options.client()
    client = options.client()
    try:
        await client.info()
    except (UnknownAccountError, NotConnectedError):
        await client.aclose()
        return None
    return client


def _on_this_machine(name: str, backend: str, *, must_exist: bool = False) -> AsyncClient:
    """A client of the account's own session, without a gateway.

    Raises:
        UnknownNameError: There is no such backend.
        UnknownAccountError: There is no session, and it must exist.
    """
    from privacy_sdk.accounts.whatsapp.session import Session

    if must_exist and not Session(name).folder.is_dir():
        raise UnknownAccountError(
            f"No phone is linked as {name!r} on this machine.",
            hint=f"Link one: privacy-sdk link {name}",
        )
    return AsyncClient.from_account(open_account(name, backend))


class _Screen:
    """The terminal, where a code takes the place of the last one.

    One that cannot show the blocks of a code gets it as an image, which is there while it is
    needed and its owner's alone.
    """

    def __init__(self, name: str) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._has_code = False
        self._image = data_folder() / f"link-{name}.png"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._image.unlink(missing_ok=True)

    def show(self, status: LinkStatus) -> None:
        """Show how far it is, with the code if there is one."""
        if self._has_code and self._is_terminal:
            output.write_control("\x1b[2J\x1b[H")
        if status.qr is not None:
            self._show_code(status.qr)
        output.write(in_words(status))

    def _show_code(self, code: str) -> None:
        self._has_code = True
        drawn = qr_text(code)
        if not output.can_write(drawn):
            make_private_folder(self._image.parent)
            write_private(self._image, qr_png(code))
            output.write(f"This terminal cannot show the code. It is in {self._image}; open that.")
        else:
            lines = drawn.splitlines()
            if self._is_terminal:  # light on dark, whatever the colours of the terminal
                lines = [f"\x1b[97;40m{line}\x1b[0m" for line in lines]
                if os.get_terminal_size().lines < len(lines) + 3:
                    output.note(f"Make this window at least {len(lines) + 3} lines high.")
            output.write_control("\n".join(lines))


def _write_json(status: LinkStatus) -> None:
    output.write_json(to_json(status), indent=None)
