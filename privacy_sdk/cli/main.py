"""The ``privacy-sdk`` command as a whole: its parts put together, and every error in one line."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from importlib import import_module
from inspect import Signature, signature
from itertools import takewhile
from typing import Annotated, Any, NamedTuple, cast

import typer
from typer.core import TyperGroup

from privacy_sdk.cli import output
from privacy_sdk.cli.options import Options
from privacy_sdk.errors import InvalidInputError, PrivacyError, PrivacyWarning

FIRST_STEPS = """\
See and change who can see you on WhatsApp.

  privacy-sdk demo             a recorded tour: no account, no network
  privacy-sdk show --emulated  settings of an account made up on the spot
  privacy-sdk gateway          serve an account to this machine; then, elsewhere:
  privacy-sdk show             its settings

privacy-sdk --help lists everything; privacy-sdk doctor says what to fix."""

_EVERY_ACCOUNT = frozenset(field.name for field in fields(Options))
_EVERY_OPTION = _EVERY_ACCOUNT - {"all_accounts"}
_GATEWAY_OPTIONS = frozenset({"url", "token_file", "timeout", "wait", "cafile", "insecure", "json"})
_ONLY_JSON = frozenset({"json"})


class _Part(NamedTuple):
    """A command or a group of them, by its place in this room, and the common options it takes."""

    place: str
    options: frozenset[str] = _EVERY_OPTION
    settings: Mapping[str, Any] = {}


_PARTS = {
    "demo": _Part("demo.demo", _ONLY_JSON),
    "show": _Part("settings.show", _EVERY_ACCOUNT),
    "visibility": _Part("visibility.visibility", _EVERY_ACCOUNT),
    "set": _Part("settings.set_"),
    "timer": _Part("settings.timer"),
    "excluded": _Part("settings.excluded"),
    "exclude": _Part("policies.exclude"),
    "include": _Part("policies.include"),
    "plan": _Part("policies.plan", _EVERY_ACCOUNT),
    "apply": _Part("policies.apply", _EVERY_ACCOUNT),
    "undo": _Part("policies.undo"),
    "snapshot": _Part("policies.snapshot"),
    "check": _Part("history.check", _EVERY_ACCOUNT),
    "history": _Part("history.history", _EVERY_ACCOUNT),
    "watch": _Part("history.watch"),
    "app": _Part("app.app", _EVERY_OPTION - _ONLY_JSON),
    "record": _Part("record.record", _ONLY_JSON, {"ignore_unknown_options": True}),
    "replay": _Part("record.replay", frozenset(), {"ignore_unknown_options": True}),
    "cassette": _Part("cassettes.cassette", _ONLY_JSON),
    "link": _Part("link.link", _GATEWAY_OPTIONS),
    "unlink": _Part("link.unlink", _GATEWAY_OPTIONS),
    "gateway": _Part("gateway.gateway", _ONLY_JSON),
    "doctor": _Part("doctor.doctor"),
}
"""The whole command, in the order in which its help shows it."""


class _Commands(Mapping[str, Any]):
    """The parts of the command, each imported and built when it is looked up."""

    def __init__(self, common: Sequence[Any]) -> None:
        self._common = common
        self._built: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            self._built[name] = self._build(name, _PARTS[name])
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_PARTS)

    def __len__(self) -> int:
        return len(_PARTS)

    def _build(self, name: str, part: _Part) -> Any:
        module, attribute = part.place.split(".")
        command = getattr(import_module(f"privacy_sdk.cli.{module}"), attribute)
        alone = typer.Typer(callback=lambda: None)
        if isinstance(command, typer.Typer):
            alone.add_typer(command, name=name)
        else:
            alone.command(name, context_settings=dict(part.settings))(command)
        built = cast("TyperGroup", typer.main.get_command(alone)).commands[name]
        for leaf in _leaves(built):
            leaf.params += [option for option in self._common if option.name in part.options]
        return built


def _leaves(command: Any) -> Iterator[Any]:
    if isinstance(command, TyperGroup):
        for part in command.commands.values():
            yield from _leaves(part)
    else:
        yield command


def _version(wanted: bool) -> None:
    if wanted:
        from privacy_sdk import __version__

        output.write(f"{output.PROGRAM} {__version__}")
        raise typer.Exit


def _first_steps(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
    **_: object,
) -> None:
    if context.invoked_subcommand is None:
        output.write(FIRST_STEPS)


def _with_common_options(callback: Callable[..., None]) -> Callable[..., None]:
    """Return the callback of the whole command, before whose own options stand the common ones."""
    context, *own, _ = signature(callback, eval_str=True).parameters.values()
    common = signature(Options, eval_str=True).parameters.values()
    callback.__signature__ = Signature([context, *common, *own])  # type: ignore[attr-defined]
    return callback


@cache
def build() -> TyperGroup:
    """Build the whole command, with the common options on every part of it."""
    codes = ", ".join(f"{code} {words}" for code, words in sorted(set(output.EXIT_CODES.values())))
    whole = typer.Typer(
        help="See and change who can see you on WhatsApp.",
        epilog=f"Exit codes: 0 done, {codes}, "
        f"{output.WOULD_CHANGE} something would change, {output.INTERRUPTED} interrupted.",
        invoke_without_command=True,
        callback=_with_common_options(_first_steps),
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    group = cast("TyperGroup", typer.main.get_command(whole))
    group.commands = cast("MutableMapping[str, Any]", _Commands(group.params))
    return group


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and report every error in one line.

    Args:
        arguments: What stands after the command's name; None takes the process's own.

    Returns:
        The exit code.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    options = Options(json="--json" in takewhile(lambda argument: argument != "--", arguments))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        with _warnings_in_one_line(options):
            code = build().main(
                arguments, prog_name=output.PROGRAM, standalone_mode=False, obj=options
            )
    except PrivacyError as error:
        output.report_error(error, as_json=options.json)
        return output.exit_code(error)
    except typer.TyperException as error:
        output.report_error(_misuse(error), as_json=options.json)
        return 2
    except output.OutputError as error:
        if options.changed or options.changing:
            output.note(f"{output.PROGRAM}: The change was made all the same.")
        return error.code
    except OSError as error:  # of the help, which is not written by output
        return output.unwritable(error)
    except KeyboardInterrupt:
        code = output.INTERRUPTED
    if code == output.INTERRUPTED:
        output.report_interrupt(may_still_take=options.changing, as_json=options.json)
    return code or 0


def _misuse(error: typer.TyperException) -> InvalidInputError:
    context: typer.Context | None = getattr(error, "ctx", None)
    path = context.command_path if context else output.PROGRAM
    message = error.format_message().rstrip(".?")
    mark = "?" if "Did you mean" in message else "."
    return InvalidInputError(message + mark, hint=f"Help: {path} --help")


@contextmanager
def _warnings_in_one_line(options: Options) -> Iterator[None]:
    with warnings.catch_warnings():
        show_others = warnings.showwarning

        def show(message: Any, category: type[Warning], *rest: Any, **more: Any) -> None:
            if issubclass(category, PrivacyWarning):
                output.report_warning(message, as_json=options.json)
            else:
                show_others(message, category, *rest, **more)

        warnings.showwarning = show
        warnings.simplefilter("always", PrivacyWarning)
        yield
