"""The ``privacy-sdk`` command as a whole: its parts put together, and every error in one line."""

from __future__ import annotations

import importlib
import io
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from itertools import takewhile
from typing import Any, cast

import typer
from typer.core import TyperGroup

from privacy_sdk.cli import output as terminal
from privacy_sdk.cli.options import Given, app, given_to
from privacy_sdk.errors import InvalidInputError, PrivacyError, PrivacyWarning


@app.command()
def demo(context: typer.Context) -> None:
    """Replay a recorded tour of everything: no account, no network."""
    from privacy_sdk.cli import demo

    demo.run(as_json=given_to(context, looks=False).json)


@app.command()
def doctor(context: typer.Context) -> None:
    """Check versions, extras, token and gateway, and say what to fix."""
    from privacy_sdk.cli import doctor

    code = doctor.run(given_to(context))
    raise typer.Exit(code)


_OWN_OPTIONS = {name: {"json"} for name in ("demo", "gateway", "cassette", "record")} | {
    "app": {"url", "token_file", "account", "timeout", "replay", "emulated"},
    "link": {"url", "token_file", "timeout", "json"},
    "unlink": {"url", "token_file", "timeout", "json"},
}
"""The commands, or groups of them, that take only some of the common options."""


_PARTS = ("app", "cassettes", "gateway", "link", "policies", "record", "settings", "visibility")
"""The modules of commands; each adds its own to ``app`` as it is imported."""


def build() -> TyperGroup:
    """The whole command, with the common options on every part of it."""
    for part in _PARTS:
        importlib.import_module(f"privacy_sdk.cli.{part}")
    group = cast("TyperGroup", typer.main.get_command(app))
    names = {field.name for field in fields(Given)}
    common = [option for option in group.params if option.name in names]
    for last in ("gateway", "doctor"):
        group.commands[last] = group.commands.pop(last)
    for name, command in group.commands.items():
        allowed = _OWN_OPTIONS.get(name, names)
        for leaf in _leaves(command):
            leaf.params += [option for option in common if option.name in allowed]
    return group


def _leaves(command: Any) -> Iterator[Any]:
    if isinstance(command, TyperGroup):
        for part in command.commands.values():
            yield from _leaves(part)
    else:
        yield command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and say every error in one line.

    Args:
        arguments: What stands after the command's name; None takes the process's own.

    Returns:
        The exit code.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    given = Given(json="--json" in takewhile(lambda argument: argument != "--", arguments))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        with _warnings_in_one_line(given):
            code = build().main(
                arguments, prog_name=terminal.PROGRAM, standalone_mode=False, obj=given
            )
    except PrivacyError as error:
        terminal.say_error(error, as_json=given.json)
        return terminal.exit_code(error)
    except typer.TyperException as error:
        return _misused(error, given)
    except terminal.OutputError as error:
        return error.code
    except KeyboardInterrupt:
        code = terminal.INTERRUPTED
    if code == terminal.INTERRUPTED:
        terminal.say_interrupted(may_still_take=given.changing, as_json=given.json)
    return code or 0


def _misused(error: typer.TyperException, given: Given) -> int:
    context: typer.Context | None = getattr(error, "ctx", None)
    path = context.command_path if context else terminal.PROGRAM
    message = error.format_message().rstrip(".?")
    mark = "?" if "Did you mean" in message else "."
    terminal.say_error(
        InvalidInputError(message + mark, hint=f"Help: {path} --help"), as_json=given.json
    )
    return 2


@contextmanager
def _warnings_in_one_line(given: Given) -> Iterator[None]:
    with warnings.catch_warnings():
        show_others = warnings.showwarning

        def show(message: Any, category: type[Warning], *rest: Any, **more: Any) -> None:
            if issubclass(category, PrivacyWarning):
                terminal.say_warning(message, as_json=given.json)
            else:
                show_others(message, category, *rest, **more)

        warnings.showwarning = show
        warnings.simplefilter("always", PrivacyWarning)
        yield
