"""The commands that look at recordings: cassette show, cassette check."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from privacy_sdk.cli import output as terminal
from privacy_sdk.cli.options import app, given_to

cassette = typer.Typer(help="Look at recordings, and check that nobody is in them.")
app.add_typer(cassette, name="cassette")

_WHICH = "Path of a cassette, or the name of one that comes with the package."


@cassette.command()
def show(
    context: typer.Context,
    recording: Annotated[str, typer.Argument(metavar="CASSETTE", help=_WHICH, show_default=False)],
    body: Annotated[bool, typer.Option("--body", help="Show what was said, too.")] = False,
) -> None:
    """List the exchanges of a cassette; people are masked."""
    from privacy_sdk.cassettes import check as cassette_check
    from privacy_sdk.cassettes.file import recording_path

    rows = cassette_check.show(recording_path(recording))
    if given_to(context, looks=False).json:
        terminal.write_json({"exchanges": [asdict(row) for row in rows]})
        return
    console = terminal.make_console()
    shown = [
        {
            "line": str(row.line),
            "request": f"{row.method} {row.address}",
            "status": str(row.status),
            **({"asked": row.asked, "answered": row.answered} if body else {}),
        }
        for row in rows
    ]
    headers = ("line", "request", "status", *(("asked", "answered") if body else ()))
    table = terminal.fitted(
        console,
        headers,
        [tuple(row.values()) for row in shown],
        essential={"request", "status", "asked", "answered"},
    )
    terminal.write_rich(table, console=console)


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

    paths = [recording_path(recording) for recording in recordings]
    found = [(path, finding) for path in paths for finding in cassette_check.check(path)]
    wrong = any(finding.is_wrong for _, finding in found)
    if given_to(context, looks=False).json:
        findings = [{"path": str(path), **asdict(finding)} for path, finding in found]
        terminal.write_json({"findings": findings})
    else:
        for path, finding in found:
            level = "wrong" if finding.is_wrong else "note"
            says = str(finding).removeprefix(f"{path}, ")
            terminal.write(terminal.printable(f"{level:<5} {path}: {says}"))
        if not wrong:
            count = "1 cassette" if len(paths) == 1 else f"{len(paths)} cassettes"
            terminal.write(f"{count} can be handed to anybody.")
    raise typer.Exit(int(wrong))
