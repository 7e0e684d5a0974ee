"""The commands for what was changed: history, watch, check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from privacy_sdk.accounts.journal import entry_to_json
from privacy_sdk.cli import fleet, output
from privacy_sdk.cli.options import options_of
from privacy_sdk.cli.policies import PolicyFile, given_policy, show_plan
from privacy_sdk.model.changes import change_row

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient


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
    if options.all_accounts:
        return fleet.history(options, since, category)
    entries = options.run(lambda client: client.history(since, category))
    if options.json:
        output.write_json({"entries": list(map(entry_to_json, entries))})
    elif not entries:
        output.write("Nothing was changed.")
    else:
        rows = list(map(output.history_row, entries))
        essential = {"at", "setting", "to", "outcome"}
        output.write_table(output.HISTORY_HEADER, rows, essential=essential)


def watch(context: typer.Context) -> None:
    """Show each change as it is made or noticed, a line each, until Ctrl-C."""
    options = options_of(context)

    async def work(client: AsyncClient) -> None:
        async for entry in client.watch():
            if options.json:
                output.write_json(entry_to_json(entry), indent=None)
            else:
                at, setting, before, after, by, outcome = output.history_row(entry)
                output.write(f"{at}  {setting}: {before or '?'} -> {after}  ({outcome}, {by})")

    options.run(work)


def check(context: typer.Context, policy: PolicyFile) -> None:
    """Say whether the settings are as a policy wants them: exit code 7, and a plan, if not."""
    options = options_of(context)
    wanted = given_policy(policy)
    if options.all_accounts:
        would = fleet.plan(options, wanted, checks=True)
        raise typer.Exit(output.WOULD_CHANGE if would else 0)
    planned = options.run(lambda client: client.plan(wanted))
    if options.json:
        document: dict[str, Any] = {"account": planned.account, "is_as_wanted": not planned}
        output.write_json({**document, "changes": [change_row(each) for each in planned]})
    else:
        show_plan(planned)
    raise typer.Exit(output.WOULD_CHANGE if planned else 0)
