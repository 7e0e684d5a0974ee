"""The commands that link a phone and end that link: link, unlink."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Annotated

import typer

from privacy_sdk.accounts.base import LinkStatus
from privacy_sdk.accounts.wire import to_json
from privacy_sdk.cli import output
from privacy_sdk.cli.options import Options, options_of
from privacy_sdk.client import AsyncClient
from privacy_sdk.errors import NotConnectedError, UnknownAccountError
from privacy_sdk.notebook.link import follow_link, in_words
from privacy_sdk.views.qr import qr_text

_Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="The account, as in: gateway --account NAME=whatsapp.",
        show_default=False,
    ),
]


def link(context: typer.Context, name: _Name) -> None:
    """Link a phone: shows the QR code to scan, whether a gateway runs or not."""
    options = options_of(context)
    show = _write_json if options.json else _Screen().show

    async def work() -> bool:
        client = await _served(options, name)
        async with client or _on_this_machine(name) as linking:
            await follow_link(linking, show)
        return client is not None

    is_served = asyncio.run(work())
    if not is_served and not options.json:
        output.write(f"Now serve it: privacy-sdk gateway --account {name}=whatsapp")


def unlink(context: typer.Context, name: _Name) -> None:
    """Delete the keys of a linked phone; remove the device on the phone as well."""
    options = options_of(context)

    async def work() -> LinkStatus:
        client = await _served(options, name)
        async with client or _on_this_machine(name, must_exist=True) as linked:
            return await linked.unlink()

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


def _on_this_machine(name: str, *, must_exist: bool = False) -> AsyncClient:
    """A client of the account's own session, without a gateway.

    Raises:
        UnknownAccountError: There is none, and it must exist.
    """
    from privacy_sdk.accounts.whatsapp.account import TryxAccount
    from privacy_sdk.accounts.whatsapp.session import Session

    if must_exist and not Session(name).folder.is_dir():
        raise UnknownAccountError(
            f"No phone is linked as {name!r} on this machine.",
            hint=f"Link one: privacy-sdk link {name}",
        )
    return AsyncClient.from_account(TryxAccount(name))


class _Screen:
    """The terminal, where a code takes the place of the last one."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._has_code = False

    def show(self, status: LinkStatus) -> None:
        """Show how far it is, with the code if there is one."""
        if self._has_code and self._is_terminal:
            output.write_control("\x1b[2J\x1b[H")
        if status.qr is not None:
            self._has_code = True
            lines = qr_text(status.qr).splitlines()
            if self._is_terminal:  # light on dark, whatever the colours of the terminal
                lines = [f"\x1b[97;40m{line}\x1b[0m" for line in lines]
                if os.get_terminal_size().lines < len(lines) + 3:
                    output.note(f"Make this window at least {len(lines) + 3} lines high.")
            output.write_control("\n".join(lines))
        output.write(in_words(status))


def _write_json(status: LinkStatus) -> None:
    output.write_json(to_json(status), indent=None)
