"""The command that shows who sees what: visibility."""

from __future__ import annotations

from typing import Annotated

import typer

from privacy_sdk.cli import fleet, output
from privacy_sdk.cli.options import argument, options_of
from privacy_sdk.errors import InvalidInputError


def visibility(
    context: typer.Context,
    person: Annotated[
        str | None,
        argument(
            "PERSON",
            "A phone number with + and country code, a JID or a LID; left out, strangers, people "
            "you know, contacts and excepted people.",
        ),
    ] = None,
) -> None:
    """Show who sees what: strangers, contacts, or one person."""
    options = options_of(context)
    if options.all_accounts:
        if person is not None:
            raise InvalidInputError("What one person sees is asked of one account.")
        return fleet.visibility(options)
    seen = options.run(lambda client: client.visibility(person))
    if options.json:
        output.write_json(seen.to_dict())
    else:
        console = output.make_console()
        # Where stdout is no terminal a sentence is one line, so that grep finds it.
        width = console.width if console.is_terminal else 10_000
        output.write(seen.as_text(width, is_ascii=console.options.ascii_only))
