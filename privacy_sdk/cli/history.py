"""The commands for what was changed: history, watch, check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from privacy_sdk.accounts.journal import entry_to_json
from privacy_sdk.cli import output
from privacy_sdk.cli.options import options_of
from privacy_sdk.cli.policies import PolicyFile, show_plan
from privacy_sdk.model.changes import change_row
from privacy_sdk.model.words import label

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient
    from privacy_sdk.model.history import HistoryEntry
    from privacy_sdk.policies.plan import Plan


def history(
    context: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(
            help='From when on, as in "2026-11-24 18:00"; local time without a zone.',
            metavar="TIME",
            show_default=False,
        ),
    ] = None,
    category: Annotated[
        str | None, typer.Option(help="Of which setting.", metavar="CATEGORY", show_default=False)
    ] = None,
) -> None:
    """Show what was changed, when and by whom."""
    options = options_of(context)
    entries = options.run(lambda client: client.history(since, category))
    if options.json:
        output.write_json({"entries": list(map(entry_to_json, entries))})
    elif not entries:
        output.write("Nothing was changed.")
    else:
        header = ("at", "setting", "from", "to", "by", "outcome")
        rows = list(map(_row, entries))
        output.write_table(header, rows, essential={"at", "setting", "to", "outcome"})


def _row(entry: HistoryEntry) -> tuple[str, ...]:
    return (
        f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}",
        "timer" if entry.category is None else label(entry.category),
        entry.before or "",
        entry.after or "",
        entry.by,
        entry.outcome,
    )


def watch(context: typer.Context) -> None:
    """Show each change as it is made or noticed, a line each, until Ctrl-C."""
    options = options_of(context)

    async def work(client: AsyncClient) -> None:
        async for entry in client.watch():
            if options.json:
                output.write_json(entry_to_json(entry), indent=None)
            else:
                at, setting, before, after, by, outcome = _row(entry)
                output.write(f"{at}  {setting}: {before or '?'} -> {after}  ({outcome}, {by})")

    options.run(work)


def check(context: typer.Context, policy: PolicyFile) -> None:
    """Say whether the settings are as a policy wants them: exit code 7, and a plan, if not."""
    options = options_of(context)

    async def work(client: AsyncClient) -> Plan:
        return await client.plan(policy)

    planned = options.run(work)
    if options.json:
        document: dict[str, Any] = {"account": planned.account, "is_as_wanted": not planned}
        output.write_json({**document, "changes": [change_row(each) for each in planned]})
    else:
        show_plan(planned)
    raise typer.Exit(output.WOULD_CHANGE if planned else 0)
