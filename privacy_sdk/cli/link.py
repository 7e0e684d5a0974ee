"""The commands that link a phone and end that link: link, unlink."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Annotated

import typer

from privacy_sdk.accounts.base import LinkStatus, OverHttp
from privacy_sdk.accounts.wire import link_status_to_json
from privacy_sdk.cli import output as terminal
from privacy_sdk.cli.options import Given, app, given_to
from privacy_sdk.client import AsyncClient
from privacy_sdk.errors import NotConnectedError, UnknownAccountError
from privacy_sdk.notebook.link import follow_link, in_words
from privacy_sdk.support.gateways import find_gateway
from privacy_sdk.views.qr import qr_text

_Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="The account, as in: gateway --account NAME=whatsapp.",
        show_default=False,
    ),
]


@app.command()
def link(context: typer.Context, name: _Name) -> None:
    """Link a phone: shows the QR code to scan, whether a gateway runs or not."""
    given = given_to(context)
    show = _show_json if given.json else _Screen().show

    async def work() -> bool:
        async with await _client(given, name) as client:
            await follow_link(client, show)
            return not isinstance(client.account, OverHttp)

    is_local = asyncio.run(work())
    if is_local and not given.json:
        terminal.write(f"Now serve it: privacy-sdk gateway --account {name}=whatsapp")


@app.command()
def unlink(context: typer.Context, name: _Name) -> None:
    """Delete the keys of a linked phone; remove the device on the phone as well."""
    given = given_to(context)

    async def work() -> LinkStatus:
        async with await _client(given, name, known=True) as client:
            return await client.unlink()

    status = asyncio.run(work())
    if given.json:
        _show_json(status)
    else:
        terminal.write(status.hint)


async def _client(given: Given, name: str, *, known: bool = False) -> AsyncClient:
    """A client of the gateway that serves the account, else of its session on this machine.

    Args:
        given: The common options.
        name: The account.
        known: Whether the session must be there already.
    """
    given.account = name
    if given.url or os.environ.get("PRIVACY_SDK_URL"):
        return given.client()
    given.url = find_gateway()
    if given.url is not None:
        client = given.client()
        try:
            await client.info()
        except (UnknownAccountError, NotConnectedError):
            await client.aclose()
        else:
            return client

    from privacy_sdk.accounts.whatsapp.account import TryxAccount
    from privacy_sdk.accounts.whatsapp.session import Session

    if known and not Session(name).folder.is_dir():
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
            terminal.write("\x1b[2J\x1b[H")
        if status.qr is not None:
            self._has_code = True
            lines = qr_text(status.qr).splitlines()
            if self._is_terminal:  # light on dark, whatever the colours of the terminal
                lines = [f"\x1b[97;40m{line}\x1b[0m" for line in lines]
                if os.get_terminal_size().lines < len(lines) + 3:
                    terminal.note(f"Make this window at least {len(lines) + 3} lines high.")
            terminal.write("\n".join(lines))
        terminal.write(in_words(status))


def _show_json(status: LinkStatus) -> None:
    terminal.write(json.dumps(link_status_to_json(status)))
