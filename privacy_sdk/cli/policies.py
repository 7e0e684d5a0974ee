"""The commands for wanted settings: plan, apply, snapshot; exclude, include."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from privacy_sdk.cli import output
from privacy_sdk.cli.options import ListCategory, options_of
from privacy_sdk.errors import InvalidInputError, NotAppliedError, OutcomeUnknownError
from privacy_sdk.model.arguments import as_list_category
from privacy_sdk.model.changes import Outcome, change_row, result_row
from privacy_sdk.model.words import label
from privacy_sdk.model.words import people as people_words
from privacy_sdk.policies.plan import Plan
from privacy_sdk.policies.result import ApplyResult
from privacy_sdk.policies.run import Progress
from privacy_sdk.views.tables import Table

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient
    from privacy_sdk.model.types import SetPrivacySettingResponse

_Policy = Annotated[
    Path,
    typer.Argument(
        metavar="POLICY.yaml",
        help="The settings to have, as snapshot writes them.",
        show_default=False,
    ),
]
_People = Annotated[
    list[str],
    typer.Argument(
        metavar="PERSON...",
        help="Phone numbers with + and country code, or JIDs.",
        show_default=False,
    ),
]


def plan(context: typer.Context, policy: _Policy) -> None:
    """Show what a policy would change; change nothing."""
    options = options_of(context)
    planned = options.run(lambda client: client.plan(policy))
    if options.json:
        changes = [change_row(each) for each in planned]
        output.write_json({"account": planned.account, "changes": changes})
    else:
        _write_plan(planned)


def apply(
    context: typer.Context,
    policy: _Policy,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
) -> None:
    """Change the settings as a policy wants them, and show the outcome of each change."""
    options = options_of(context)
    asks = sys.stdin is not None and sys.stdin.isatty() and not options.json
    if not (yes or asks):
        raise InvalidInputError(
            "apply asks first, and nobody is there to answer.", hint="Add --yes."
        )
    planned = options.run(lambda client: client.plan(policy))
    if not options.json:
        _write_plan(planned)
    if planned.possible and not yes and not output.confirm("Make these changes?"):
        output.write("Nothing was changed.")
        return

    async def work(client: AsyncClient) -> ApplyResult:
        with _progress() as progress:
            return await client.apply(planned, progress=progress)

    options.changing = bool(planned.possible)
    applied = options.run(work)
    options.changing = False
    if options.json:
        document = {"account": applied.account, "is_complete": applied.is_complete}
        output.write_json({**document, "changes": [result_row(each) for each in applied]})
    elif applied:
        _write(applied.table(), essential={"setting", "outcome", "reason"})
    raise typer.Exit(_exit_code(applied))


def snapshot(
    context: typer.Context,
    path: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write, readable by you alone; else stdout."),
    ] = None,
) -> None:
    """Write the settings as they are now as a policy; it names people in full."""
    options = options_of(context)
    policy = options.run(lambda client: client.snapshot())
    if path is not None:
        policy.save(path)
    if options.json:
        output.write_json({"policy": policy.to_yaml(), "saved": path and str(path)})
    else:
        output.write(f"Saved to {path}." if path else policy.to_yaml().rstrip("\n"))


def exclude(context: typer.Context, category: ListCategory, people: _People) -> None:
    """Except people from a category; it is opened to nobody by that."""
    _change_people(context, category, people, "excepted")


def include(context: typer.Context, category: ListCategory, people: _People) -> None:
    """No longer except people from a category."""
    _change_people(context, category, people, "no longer excepted")


def _change_people(context: typer.Context, category: str, people: list[str], done: str) -> None:
    options = options_of(context)
    chosen = as_list_category(category)

    async def work(client: AsyncClient) -> SetPrivacySettingResponse:
        change = client.exclude if done == "excepted" else client.include
        options.changing = True
        return await change(chosen, people)

    response = options.run(work)
    options.changing = False
    if options.json:
        output.write_json({"category": chosen, "people": len(people), "dhash": response.dhash})
    elif response.dhash is None:
        output.write(f"{label(chosen)}: nobody is excepted.")
    else:
        verb = "is" if len(people) == 1 else "are"
        output.write(f"{label(chosen)}: {people_words(len(people))} {verb} {done}.")


def _write_plan(planned: Plan) -> None:
    _write(planned.table(), essential={"setting", "to", "direction", "why not"})


def _write(table: Table, *, essential: set[str]) -> None:
    output.write(table.title)
    if table.rows:
        output.write_table(table.header, table.rows, essential=essential)


def _exit_code(applied: ApplyResult) -> int:
    """That of the error that stands for the worst outcome."""
    outcomes = {result.outcome for result in applied}
    if Outcome.UNKNOWN in outcomes:
        return output.EXIT_CODES[OutcomeUnknownError][0]
    return output.EXIT_CODES[NotAppliedError][0] if outcomes - {Outcome.APPLIED} else 0


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
