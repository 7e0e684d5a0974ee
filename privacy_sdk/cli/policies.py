"""The commands for wanted settings: plan, apply, snapshot; exclude, include."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from privacy_sdk.cli import output as terminal
from privacy_sdk.cli.options import app, given_to
from privacy_sdk.cli.settings import list_categories
from privacy_sdk.errors import InvalidInputError, NotAppliedError, OutcomeUnknownError
from privacy_sdk.model.arguments import as_list_category
from privacy_sdk.model.changes import Change, ListChange, Outcome, SettingChange, TimerChange
from privacy_sdk.model.words import label
from privacy_sdk.model.words import people as people_words
from privacy_sdk.policies.plan import Plan
from privacy_sdk.policies.result import ApplyResult
from privacy_sdk.policies.run import Progress
from privacy_sdk.views.tables import Table

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient
    from privacy_sdk.model.types import SetPrivacySettingResponse

_POLICY = typer.Argument(
    metavar="POLICY.yaml", help="What is wanted, as snapshot writes it.", show_default=False
)
_CATEGORY = typer.Argument(metavar="CATEGORY", autocompletion=list_categories, show_default=False)
_PEOPLE = typer.Argument(
    metavar="PERSON...", help="Phone numbers with + and country code, or JIDs.", show_default=False
)


@app.command()
def plan(context: typer.Context, policy: Annotated[Path, _POLICY]) -> None:
    """Show what a policy would change; change nothing."""
    given = given_to(context)
    _show_plan(given.run(lambda client: client.plan(policy)), as_json=given.json)


@app.command()
def apply(
    context: typer.Context,
    policy: Annotated[Path, _POLICY],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
) -> None:
    """Change the settings as a policy wants them, and say what became of each change."""
    given = given_to(context)
    asks = sys.stdin is not None and sys.stdin.isatty() and not given.json
    if not (yes or asks):
        raise InvalidInputError(
            "apply asks first, and nobody is there to answer.", hint="Add --yes."
        )
    planned = given.run(lambda client: client.plan(policy))
    if not given.json:
        _show_plan(planned, as_json=False)
    if planned.possible and not yes and not terminal.agrees("Make these changes?"):
        terminal.write("Nothing was changed.")
        return

    async def work(client: AsyncClient) -> ApplyResult:
        with _progress() as progress:
            return await client.apply(planned, progress=progress)

    given.changing = bool(planned.possible)
    applied = given.run(work)
    given.changing = False
    if given.json:
        terminal.write_json(_applied_json(applied))
    elif applied:
        _show(applied.table(), essential={"setting", "outcome", "reason"})
    raise typer.Exit(_exit_code(applied))


@app.command()
def snapshot(
    context: typer.Context,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write, readable by you alone; else stdout."),
    ] = None,
) -> None:
    """Write the settings as they are now as a policy; it names people in full."""
    given = given_to(context)
    policy = given.run(lambda client: client.snapshot())
    if output is not None:
        policy.save(output)
    if given.json:
        terminal.write_json({"policy": policy.to_yaml(), "saved": output and str(output)})
    else:
        terminal.write(f"Saved to {output}." if output else policy.to_yaml().rstrip("\n"))


@app.command()
def exclude(
    context: typer.Context,
    category: Annotated[str, _CATEGORY],
    people: Annotated[list[str], _PEOPLE],
) -> None:
    """Except people from a category; it is opened to nobody by that."""
    _change_people(context, category, people, "excepted")


@app.command()
def include(
    context: typer.Context,
    category: Annotated[str, _CATEGORY],
    people: Annotated[list[str], _PEOPLE],
) -> None:
    """No longer except people from a category."""
    _change_people(context, category, people, "no longer excepted")


def _change_people(context: typer.Context, category: str, people: list[str], done: str) -> None:
    given = given_to(context)
    chosen = as_list_category(category)

    async def work(client: AsyncClient) -> SetPrivacySettingResponse:
        change = client.exclude if done == "excepted" else client.include
        given.changing = True
        return await change(chosen, people)

    response = given.run(work)
    given.changing = False
    if given.json:
        terminal.write_json({"category": chosen, "people": len(people), "dhash": response.dhash})
    elif response.dhash is None:
        terminal.write(f"{label(chosen)}: nobody is excepted.")
    else:
        verb = "is" if len(people) == 1 else "are"
        terminal.write(f"{label(chosen)}: {people_words(len(people))} {verb} {done}.")


def _show_plan(planned: Plan, *, as_json: bool) -> None:
    if as_json:
        terminal.write_json(
            {"account": planned.account, "changes": [_change_json(each) for each in planned]}
        )
    else:
        _show(planned.table(), essential={"setting", "to", "direction", "why not"})


def _show(table: Table, *, essential: set[str]) -> None:
    terminal.write(terminal.printable(table.title))
    if table.rows:
        console = terminal.make_console()
        rows = terminal.fitted(console, table.header, table.rows, essential=essential)
        terminal.write_rich(rows, console=console)


def _change_json(change: Change) -> dict[str, Any]:
    what: dict[str, Any]
    match change:
        case SettingChange(category=category):
            what = {"change": "setting", "category": category}
        case ListChange(category=category):
            what = {"change": "exceptions", "category": category}
        case TimerChange():
            what = {"change": "timer", "category": None}
    return {
        **what,
        "from": change.before,
        "to": change.after,
        "direction": change.direction,
        "obstacle": change.obstacle,
    }


def _applied_json(applied: ApplyResult) -> dict[str, Any]:
    return {
        "account": applied.account,
        "is_complete": applied.is_complete,
        "changes": [
            {**_change_json(each.change), "outcome": each.outcome, "reason": each.reason}
            for each in applied
        ],
    }


def _exit_code(applied: ApplyResult) -> int:
    """That of the error that stands for the worst outcome."""
    outcomes = {result.outcome for result in applied}
    if Outcome.UNKNOWN in outcomes:
        return terminal.EXIT_CODES[OutcomeUnknownError][0]
    return terminal.EXIT_CODES[NotAppliedError][0] if outcomes - {Outcome.APPLIED} else 0


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on stderr, where that is a terminal; it is gone when the changes are made."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, SpinnerColumn, TextColumn
    from rich.progress import Progress as Bar

    with Bar(
        SpinnerColumn(),
        TextColumn("Changing settings"),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
