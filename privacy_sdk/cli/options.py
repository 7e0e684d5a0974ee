"""The options that every command has, and the client that they name.

A module of commands takes :data:`app` and :func:`given_to` from here. Commands raise errors of the
tree; ``main`` reports them and picks the exit code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

import typer

from privacy_sdk.cli import output as terminal
from privacy_sdk.errors import InvalidInputError

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient

T = TypeVar("T")

FIRST_STEPS = """\
See and change who can see you on WhatsApp.

  privacy-sdk demo             a recorded tour: no account, no network
  privacy-sdk show --emulated  settings of an account made up on the spot
  privacy-sdk gateway          serve an account to this machine; then, elsewhere:
  privacy-sdk show             its settings

privacy-sdk --help lists everything; privacy-sdk doctor says what to fix."""

_CODES = ", ".join(
    f"{code} {meaning}" for code, meaning in sorted(set(terminal.EXIT_CODES.values()))
)

app = typer.Typer(
    help="See and change who can see you on WhatsApp.",
    epilog=f"Exit codes: 0 done, {_CODES}, {terminal.INTERRUPTED} interrupted.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@dataclass(slots=True)
class Given:
    """The options that stand before or after the name of any command.

    Attributes:
        json: Whether to write JSON.
        changing: Whether a change may be under way when Ctrl-C is pressed.
    """

    url: str | None = None
    token_file: Path | None = None
    account: str | None = None
    timeout: float | None = None
    replay: str | None = None
    emulated: bool = False
    json: bool = False
    changing: bool = False

    def client(self) -> AsyncClient:
        """A client of the gateway, recording or emulated account that was asked for.

        Raises:
            InvalidInputError: More than one of them was asked for, or a token file that
                cannot be read.
        """
        from privacy_sdk.client import AsyncClient

        to_gateway = [name for name in self.where() if name not in ("replay", "emulated")]
        if len(self.where()) > (len(to_gateway) or 1):
            raise InvalidInputError(
                f"{' and '.join(self.where().values())} do not go together.",
                hint="A gateway, a recording or an emulated account: choose one.",
            )
        if self.emulated:
            return AsyncClient.emulated()
        if self.replay is not None:
            return AsyncClient.replay(self.replay)
        options: dict[str, Any] = {} if self.timeout is None else {"timeout": self.timeout}
        return AsyncClient(self.url, token=self.token(), account=self.account, **options)

    def where(self) -> dict[str, str]:
        """The options given that say where to look: field and flag."""
        return {
            field.name: f"--{field.name.replace('_', '-')}"
            for field in fields(self)
            if field.name not in ("json", "changing")
            and getattr(self, field.name) is not field.default
        }

    def token(self) -> str | None:
        """The token in the file that was given."""
        if self.token_file is None:
            return None
        from privacy_sdk.support.tokens import read_token

        return read_token(self.token_file)

    def run(self, work: Callable[[AsyncClient], Awaitable[T]]) -> T:
        """What ``work`` makes of a client, which is closed after it."""

        async def with_client() -> T:
            async with self.client() as client:
                return await work(client)

        return asyncio.run(with_client())


def given_to(context: typer.Context, *, looks: bool = True) -> Given:
    """The common options of a command.

    Args:
        context: That of the command.
        looks: Whether the command looks at an account that can be chosen.
    """
    given = cast("Given", context.find_object(Given))
    if not looks and (where := given.where()):
        path = context.command_path.removeprefix(f"{terminal.PROGRAM} ")
        raise InvalidInputError(f"{path} takes no {', '.join(where.values())}.")
    return given


def _keep(context: typer.Context, option: typer.CallbackParam, value: object) -> None:
    if value is not None and value is not False:  # which 0.0 would equal
        setattr(context.find_object(Given), option.name, value)


def _common(flag: str, help: str, **more: Any) -> Any:
    return typer.Option(
        flag, help=help, callback=_keep, expose_value=False, show_default=False, **more
    )


def _where(flag: str, help: str) -> Any:
    return _common(flag, help, rich_help_panel="Where to look")


def _version(wanted: bool) -> None:
    if wanted:
        from privacy_sdk import __version__

        terminal.write(f"{terminal.PROGRAM} {__version__}")
        raise typer.Exit


_URL = "Address of a gateway; else PRIVACY_SDK_URL, else this machine's."
_FILE = "File with its token; else PRIVACY_SDK_TOKEN, else this machine's token file."
_ACCOUNT = "Account there; else PRIVACY_SDK_ACCOUNT, else its only one."


@app.callback()
def _first(
    context: typer.Context,
    url: Annotated[str | None, _where("--url", _URL)] = None,
    token_file: Annotated[Path | None, _where("--token-file", _FILE)] = None,
    account: Annotated[str | None, _where("--account", _ACCOUNT)] = None,
    timeout: Annotated[
        float | None, _where("--timeout", "How long one answer may take, in seconds.")
    ] = None,
    replay: Annotated[
        str | None, _where("--replay", "Answer from a recording, offline: its path, or 'tour'.")
    ] = None,
    emulated: Annotated[
        bool, _where("--emulated", "Answer from an account made up on the spot.")
    ] = False,
    json: Annotated[bool, _common("--json", "Write JSON, errors too.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        terminal.write(FIRST_STEPS)
