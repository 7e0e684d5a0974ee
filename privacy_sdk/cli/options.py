"""The options that every command has, and the client that they name.

Commands take theirs by :func:`options_of` and raise errors of the tree; ``main`` reports them and
picks the exit code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

import typer

from privacy_sdk.cli.output import PROGRAM
from privacy_sdk.errors import InvalidInputError
from privacy_sdk.model.types import LIST_CATEGORIES

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient
    from privacy_sdk.fleet import Fleet

T = TypeVar("T")


def _common(flag: str, help: str, **more: Any) -> Any:
    return typer.Option(
        flag, help=help, callback=_keep, expose_value=False, show_default=False, **more
    )


def _where(flag: str, help: str) -> Any:
    return _common(flag, help, rich_help_panel="Where to look")


def argument(metavar: str, help: str | None = None, **more: Any) -> Any:
    """An argument of a command; what is left out shows no default."""
    return typer.Argument(metavar=metavar, help=help, show_default=False, **more)


def option(help: str | None = None, *flags: str, show_default: bool = False, **more: Any) -> Any:
    """An option of a command; what is left out shows no default."""
    return typer.Option(*flags, help=help, show_default=show_default, **more)


def _keep(context: typer.Context, option: typer.CallbackParam, value: object) -> None:
    if value is not None and value is not False:  # which 0.0 would equal
        setattr(context.find_object(Options), option.name, value)


ListCategory = Annotated[
    str,
    argument("CATEGORY", autocompletion=lambda: [category.value for category in LIST_CATEGORIES]),
]
"""The argument that names a category with a list."""


@dataclass(slots=True)
class Options:
    """The options that stand before or after the name of any command.

    Attributes:
        json: Whether to write JSON.
        changing: Whether a change may be under way when Ctrl-C is pressed.
        changed: Whether one was made, whatever becomes of the output.
    """

    url: Annotated[
        str | None,
        _where("--url", "Address of a gateway; else PRIVACY_SDK_URL, else yours on this machine."),
    ] = None
    token_file: Annotated[
        Path | None,
        _where(
            "--token-file",
            "File with its token; else PRIVACY_SDK_TOKEN. Yours on this machine needs none.",
        ),
    ] = None
    account: Annotated[
        str | None,
        _where("--account", "Account there; else PRIVACY_SDK_ACCOUNT, else its only one."),
    ] = None
    all_accounts: Annotated[
        bool, _where("--all-accounts", "Every account of the gateway, each with its own outcome.")
    ] = False
    timeout: Annotated[
        float | None, _where("--timeout", "How long one answer may take, in seconds.")
    ] = None
    wait: Annotated[
        float | None, _where("--wait", "How long to wait for a gateway that starts, in seconds.")
    ] = None
    cafile: Annotated[
        Path | None,
        _where("--cafile", "Certificates to trust, PEM; else PRIVACY_SDK_CA, else SSL_CERT_FILE."),
    ] = None
    insecure: Annotated[
        bool, _where("--insecure", "Send the token in clear, to http:// beyond this machine.")
    ] = False
    replay: Annotated[
        str | None, _where("--replay", "Answer from a recording, offline: its path, or 'tour'.")
    ] = None
    emulated: Annotated[
        bool, _where("--emulated", "Answer from an account made up on the spot.")
    ] = False
    names: Annotated[
        Path | None,
        _common("--names", "CSV or vCard file of your contacts, to be called by name; stays here."),
    ] = None
    json: Annotated[bool, _common("--json", "Write JSON, errors too.")] = False
    changing: bool = field(default=False, init=False)
    changed: bool = field(default=False, init=False)

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
            return AsyncClient.emulated(names=self.names)
        if self.replay is not None:
            return AsyncClient.replay(self.replay, names=self.names)
        waits = {"timeout": self.timeout, "wait": self.wait}
        options: dict[str, Any] = {name: s for name, s in waits.items() if s is not None}
        return AsyncClient(
            self.url,
            token=self.token(),
            account=self.account,
            ca=self.cafile,
            insecure=self.insecure,
            names=self.names,
            **options,
        )

    def fleet(self) -> Fleet:
        """All accounts of the gateway that was asked for.

        Raises:
            InvalidInputError: As for :meth:`client`, or one account was named.
        """
        from privacy_sdk.fleet import Fleet

        if self.account is not None:
            raise InvalidInputError("--account and --all-accounts do not go together.")
        return Fleet.of_gateway(self.client())

    def where(self) -> dict[str, str]:
        """The options given that say where to look: field and flag."""
        return {
            each.name: f"--{each.name.replace('_', '-')}"
            for each in fields(self)
            if each.name not in ("names", "json", "changing", "changed")
            and getattr(self, each.name) is not each.default
        }

    def token(self) -> str | None:
        """The token in the file that was given."""
        if self.token_file is None:
            return None
        from privacy_sdk.support.tokens import read_token

        return read_token(self.token_file)

    def made(self) -> None:
        """Note that the change that was under way is over."""
        self.changed, self.changing = self.changed or self.changing, False

    def run(self, work: Callable[[AsyncClient], Awaitable[T]]) -> T:
        """Run ``work`` with a client, which is closed after it."""

        async def with_client() -> T:
            async with self.client() as client:
                return await work(client)

        return asyncio.run(with_client())


def options_of(context: typer.Context) -> Options:
    """The common options of a command.

    Raises:
        InvalidInputError: One that it does not take stood before its name.
    """
    options = cast("Options", context.find_object(Options))
    common = {id(parameter) for parameter in context.find_root().command.params}
    taken = {each.name for each in context.command.params if id(each) in common}
    if refused := [flag for name, flag in options.where().items() if name not in taken]:
        path = context.command_path.removeprefix(f"{PROGRAM} ")
        raise InvalidInputError(f"{path} takes no {', '.join(refused)}.")
    return options
