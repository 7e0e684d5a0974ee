"""The command that serves accounts: gateway."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from privacy_sdk.accounts.backends import BACKENDS
from privacy_sdk.accounts.base import Account
from privacy_sdk.cli import output
from privacy_sdk.cli.options import option, options_of
from privacy_sdk.errors import InvalidInputError, UnknownNameError
from privacy_sdk.support.files import DATA_DIR
from privacy_sdk.support.gateways import DEFAULT_PORT

if TYPE_CHECKING:
    from privacy_sdk.gateway.server import Listening

_listen = partial(option, rich_help_panel="Where to listen")


def gateway(
    context: typer.Context,
    account: Annotated[
        list[str] | None,
        option("What to serve; may be repeated. Else demo=emulated.", metavar="NAME=BACKEND"),
    ] = None,
    host: Annotated[str, _listen(show_default=True)] = "127.0.0.1",
    port: Annotated[
        int, _listen("0 takes any free port.", min=0, max=65535, show_default=True)
    ] = DEFAULT_PORT,
    allowed_host: Annotated[
        list[str] | None, _listen("A name of this machine that clients may use; may be repeated.")
    ] = None,
    token_file: Annotated[
        Path | None, option("File with the token that clients must send; SIGHUP has it read again.")
    ] = None,
    data_dir: Annotated[
        Path | None, option(f"Where token, sessions and socket are kept; else {DATA_DIR}.")
    ] = None,
    certfile: Annotated[Path | None, _listen("TLS certificate chain, PEM.")] = None,
    keyfile: Annotated[Path | None, _listen("Its key, if not in there.")] = None,
    journal: Annotated[
        str | None,
        option(
            "Where changes are written down: postgresql+psycopg://…, or off; else a file that you "
            "alone can read.",
            metavar="URL",
        ),
    ] = None,
    keep_days: Annotated[
        int, typer.Option(help="How many days they are kept.", min=1, max=36_500)
    ] = 365,
    read_every: Annotated[
        float,
        typer.Option(
            help="How often an account is read while somebody watches it, in seconds.",
            metavar="SECONDS",
            min=1,
        ),
    ] = 60,
    insecure_remote: Annotated[
        bool, _listen("Listen beyond this machine without TLS.", "--insecure-remote")
    ] = False,
) -> None:
    """Serve accounts to this machine over HTTP, until Ctrl-C."""
    from privacy_sdk.gateway.server import serve

    as_json = options_of(context).json
    if data_dir is not None:
        os.environ[DATA_DIR] = str(data_dir.absolute())
    serve(
        dict(map(_account, account or ["demo=emulated"])),
        host=host,
        port=port,
        token_file=token_file,
        allowed_hosts=allowed_host or (),
        certfile=certfile,
        keyfile=keyfile,
        insecure_remote=insecure_remote,
        journal=journal,
        keep=timedelta(days=keep_days),
        read_every=read_every,
        on_ready=lambda listening: _announce(listening, as_json=as_json),
    )


def _announce(listening: Listening, *, as_json: bool) -> None:
    if as_json:
        names = ("url", "accounts", "token_at")
        output.write_json({name: getattr(listening, name) for name in names}, indent=None)
    else:
        output.write(str(listening))


def _account(text: str) -> tuple[str, Account]:
    from privacy_sdk.support.gateways import checked_account

    name, separator, backend = text.partition("=")
    if not separator:
        raise InvalidInputError(f"{text!r} is not NAME=BACKEND.", hint=f"As in: {text}=emulated")
    checked_account(name)
    return name, open_account(name, backend)


def open_account(name: str, backend: str) -> Account:
    """Return an account of a backend.

    Raises:
        UnknownNameError: There is no such backend.
        PrivacyError: Its extra is not installed.
    """
    match backend:
        case "emulated":
            from privacy_sdk.accounts.emulated.account import EmulatedAccount

            return EmulatedAccount(name)
        case "whatsapp":
            from privacy_sdk.accounts.whatsapp.account import TryxAccount

            return TryxAccount(name)
        case "raw":
            from privacy_sdk.accounts.whatsapp.raw_account import RawAccount

            output.note("The backend 'raw' is experimental, and was never tried on WhatsApp.")
            return RawAccount(name)
    raise UnknownNameError("backend", backend, [*BACKENDS])
