"""The commands that look at recordings: cassette show, cassette check."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from privacy_sdk.cli import output
from privacy_sdk.cli.options import argument, options_of
from privacy_sdk.model.words import counted

cassette = typer.Typer(help="Look at recordings, and check that nobody is in them.")

_WHICH = "Path of a cassette, or the name of one that comes with the package."


@cassette.command()
def show(
    context: typer.Context,
    recording: Annotated[str, argument("CASSETTE", _WHICH)],
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
    recordings: Annotated[list[str], argument("CASSETTE...", f"{_WHICH} A folder is searched.")],
    only_cassettes: Annotated[
        bool, typer.Option("--only-cassettes", help="Pass over YAML files that are none.")
    ] = False,
) -> None:
    """Check that cassettes can be read and handed to anybody.

    Exit codes: 0 all can, 1 something is to be mended or cannot be read, 2 bad input.
    """
    from privacy_sdk.cassettes.check import Finding
    from privacy_sdk.cassettes.check import check as look
    from privacy_sdk.cassettes.file import is_cassette, recording_path
    from privacy_sdk.errors import PrivacyError

    as_json = options_of(context).json
    found: list[tuple[object, Finding]] = []
    count = 0
    for given in recordings:
        folder = Path(given).expanduser()
        paths = sorted(folder.rglob("*.y*ml")) if folder.is_dir() else [folder]
        for path in paths:
            if (only_cassettes or folder.is_dir()) and not is_cassette(path):
                continue
            try:
                path = recording_path(given) if path is folder else path
            except PrivacyError as error:
                found.append((given, Finding(None, True, error.message)))
                continue
            count += 1
            found += [(path, finding) for finding in look(path)]
    wrong = any(finding.is_wrong for _, finding in found)
    if as_json:
        findings = [{"path": str(path), **asdict(finding)} for path, finding in found]
        output.write_json({"findings": findings})
    else:
        for place, finding in found:
            level = "wrong" if finding.is_wrong else "note"
            says = str(finding).removeprefix(f"{place}, ")
            output.write(f"{level:<5} {place}: {says}")
        if not wrong:
            checked = f"{counted(count, 'cassette')} can be handed to anybody."
            output.write(checked if count else "Nothing was checked.")
    raise typer.Exit(int(wrong))
