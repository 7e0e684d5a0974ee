"""The commands that look at recordings: cassette show, cassette check."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from privacy_sdk.cli import output
from privacy_sdk.cli.options import options_of

cassette = typer.Typer(help="Look at recordings, and check that nobody is in them.")

_WHICH = "Path of a cassette, or the name of one that comes with the package."


@cassette.command()
def show(
    context: typer.Context,
    recording: Annotated[str, typer.Argument(metavar="CASSETTE", help=_WHICH, show_default=False)],
    body: Annotated[
        bool, typer.Option("--body", help="Show the bodies of requests and answers, too.")
    ] = False,
) -> None:
    """List the exchanges of a cassette; people are masked."""
    from privacy_sdk.cassettes import check as cassette_check
    from privacy_sdk.cassettes.file import recording_path

    as_json = options_of(context).json
    exchanges = cassette_check.show(recording_path(recording))
    if as_json:
        output.write_json({"exchanges": [asdict(exchange) for exchange in exchanges]})
        return
    headers = ("line", "request", "status", "asked", "answered")[: 5 if body else 3]
    rows = [
        (
            str(each.line),
            f"{each.method} {each.address}",
            str(each.status),
            each.asked,
            each.answered,
        )
        for each in exchanges
    ]
    output.write_table(headers, [row[: len(headers)] for row in rows], essential=headers[1:])


@cassette.command()
def check(
    context: typer.Context,
    recordings: Annotated[
        list[str], typer.Argument(metavar="CASSETTE...", help=_WHICH, show_default=False)
    ],
) -> None:
    """Check that cassettes can be read and handed to anybody; code 1 when one cannot."""
    from privacy_sdk.cassettes import check as cassette_check
    from privacy_sdk.cassettes.file import recording_path

    as_json = options_of(context).json
    paths = [recording_path(recording) for recording in recordings]
    found = [(path, finding) for path in paths for finding in cassette_check.check(path)]
    wrong = any(finding.is_wrong for _, finding in found)
    if as_json:
        findings = [{"path": str(path), **asdict(finding)} for path, finding in found]
        output.write_json({"findings": findings})
    else:
        for path, finding in found:
            level = "wrong" if finding.is_wrong else "note"
            message = str(finding).removeprefix(f"{path}, ")
            output.write(f"{level:<5} {path}: {message}")
        if not wrong:
            count = "1 cassette" if len(paths) == 1 else f"{len(paths)} cassettes"
            output.write(f"{count} can be handed to anybody.")
    raise typer.Exit(int(wrong))
