"""The commands for wanted settings: plan, apply, snapshot; exclude, include."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from privacy_sdk.cli import fleet, output
from privacy_sdk.cli.options import ListCategory, Options, argument, option, options_of
from privacy_sdk.cli.settings import count_excepted
from privacy_sdk.errors import InvalidInputError
from privacy_sdk.model.arguments import as_list_category
from privacy_sdk.model.changes import change_row, result_row
from privacy_sdk.policies.plan import Plan
from privacy_sdk.policies.policy import Policy
from privacy_sdk.policies.result import ApplyResult
from privacy_sdk.policies.undo_file import read_plan, write_plan
from privacy_sdk.support.files import write_private
from privacy_sdk.support.progress import progress_bar

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient

PolicyFile = Annotated[
    Path,
    argument(
        "POLICY.yaml",
        "The settings to have, as snapshot writes them; - reads them from standard input.",
    ),
]
_People = Annotated[
    list[str],
    argument(
        "PERSON...",
        "Phone numbers with + and country code, JIDs, or names of --names; - reads them from "
        "standard input, one a line, where other users of this machine do not see them.",
    ),
]
_Tighter = Annotated[
    bool, typer.Option("--only-tighter", help="Leave out what would loosen anything.")
]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]


def plan(
    context: typer.Context,
    policy: PolicyFile,
    only_tighter: _Tighter = False,
    tells: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 7 if anything would change.")
    ] = False,
) -> None:
    """Show what a policy would change; change nothing."""
    options = options_of(context)
    wanted = given_policy(policy)
    if options.all_accounts:
        would = fleet.plan(options, wanted, only=_only(only_tighter))
        raise typer.Exit(output.WOULD_CHANGE if tells and would else 0)
    planned = options.run(lambda client: client.plan(wanted, only=_only(only_tighter)))
    if options.json:
        changes = [change_row(each) for each in planned]
        output.write_json({"account": planned.account, "changes": changes})
    else:
        show_plan(planned)
    raise typer.Exit(output.WOULD_CHANGE if tells and planned else 0)


def apply(
    context: typer.Context,
    policy: PolicyFile,
    yes: _Yes = False,
    only_tighter: _Tighter = False,
    undo_file: Annotated[
        Path | None,
        typer.Option(help="New file for what takes the changes back, readable by you alone."),
    ] = None,
) -> None:
    """Change the settings as a policy wants them, and show the outcome of each change."""
    options = options_of(context)
    _refuse_silence("apply", options, yes=yes)
    wanted = given_policy(policy)
    if options.all_accounts:
        if undo_file is not None:
            raise InvalidInputError("--undo-file is of one account.")
        raise typer.Exit(fleet.apply(options, wanted, only=_only(only_tighter), yes=yes))
    planned = options.run(lambda client: client.plan(wanted, only=_only(only_tighter)))
    _apply(options, planned, yes=yes, undo_file=undo_file)


def undo(
    context: typer.Context,
    file: Annotated[
        Path | None,
        argument(
            "FILE",
            "What apply --undo-file wrote; - is standard input; left out, the last change of the "
            "history.",
        ),
    ] = None,
    yes: _Yes = False,
) -> None:
    """Take back the last change, or what apply changed, if nothing was changed since."""
    options = options_of(context)
    _refuse_silence("undo", options, yes=yes)
    if file is None:
        planned = options.run(lambda client: client.undo())
    elif str(file) == "-":
        planned = read_plan(sys.stdin.read(), "standard input")
    else:
        try:
            planned = read_plan(file.read_text("utf-8", "replace"), str(file))
        except OSError as error:
            raise InvalidInputError(f"{file} cannot be read: {error.strerror}.") from None
    _apply(options, planned, yes=yes)


def _refuse_silence(command: str, options: Options, *, yes: bool) -> None:
    asks = sys.stdin is not None and sys.stdin.isatty() and not options.json
    if not (yes or asks):
        raise InvalidInputError(
            f"{command} asks first, and nobody is there to answer.", hint="Add --yes."
        )


def given_policy(policy: Path) -> Path | Policy:
    """Return the path of a policy, or the policy that standard input holds."""
    if str(policy) != "-":
        return policy
    return Policy.from_yaml(sys.stdin.read(), source="standard input")


def _apply(options: Options, planned: Plan, *, yes: bool, undo_file: Path | None = None) -> None:
    """Show a plan, ask, apply it, and exit as its outcome is."""
    if not options.json:
        show_plan(planned)
    if planned.possible and not yes and not output.confirm("Make these changes?"):
        output.write("Nothing was changed.")
        raise typer.Exit(1)
    if undo_file is not None:
        _write_undo(undo_file, "", replace=False)  # before anything is changed

    async def work(client: AsyncClient) -> ApplyResult:
        with progress_bar("Changing settings") as progress:
            return await client.apply(planned, progress=progress)

    options.changing = bool(planned.possible)
    applied = options.run(work)
    options.made()
    if undo_file is not None:
        _write_undo(undo_file, write_plan(applied.undo()), replace=True)
    if options.json:
        document = {"account": applied.account, "is_complete": applied.is_complete}
        output.write_json({**document, "changes": [result_row(each) for each in applied]})
    elif applied:
        output.write_whole(applied.table(), essential={"setting", "outcome", "reason"})
    raise typer.Exit(output.outcome_code(applied))


def _write_undo(file: Path, text: str, *, replace: bool) -> None:
    try:
        write_private(file, text.encode(), replace=replace)
    except OSError as error:
        raise InvalidInputError(
            f"{file} cannot be written: {error.strerror}.",
            hint="The changes were made all the same." if replace else "Nothing was changed.",
        ) from None


def snapshot(
    context: typer.Context,
    path: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write, readable by you alone; - is stdout."),
    ] = None,
    at: Annotated[
        str | None,
        option('Of which moment, as in "2026-11-24 18:00"; left out, now.', metavar="TIME"),
    ] = None,
) -> None:
    """Write the settings as a policy, those of now or of a moment; it names people in full."""
    options = options_of(context)
    policy = options.run(lambda client: client.snapshot(at))
    path = None if path is None or str(path) == "-" else path
    if path is not None:
        policy.save(path)
    if options.json:
        output.write_json({"policy": policy.to_yaml(), "saved": path and str(path)})
    else:
        output.write(f"Saved to {path}." if path else policy.to_yaml().rstrip("\n"))


def exclude(context: typer.Context, category: ListCategory, people: _People) -> None:
    """Except people from a category; it is opened to nobody by that."""
    _change_people(context, category, people, is_added=True)


def include(context: typer.Context, category: ListCategory, people: _People) -> None:
    """No longer except people from a category."""
    _change_people(context, category, people, is_added=False)


def _change_people(
    context: typer.Context, category: str, people: list[str], *, is_added: bool
) -> None:
    options = options_of(context)
    chosen = as_list_category(category)
    people = _read_lines(people)

    async def work(client: AsyncClient) -> dict[str, Any]:
        before = (await client.fetch_privacy_settings()).get_value(chosen)
        options.changing = True
        response = await (client.exclude if is_added else client.include)(chosen, people)
        options.made()
        after = (await client.fetch_privacy_settings()).get_value(chosen)
        return {
            "category": chosen,
            "before": before,
            "value": after,
            "people": await count_excepted(client, chosen) if options.json else None,
            "dhash": response.dhash,
            "description": response.description,
        }

    document = options.run(work)
    if options.json:
        output.write_json(document)
    else:
        output.write(f"{document['description']}.")


def _read_lines(people: list[str]) -> list[str]:
    """Return people, those of standard input in place of ``-``."""
    if "-" not in people:
        return people
    if people.count("-") > 1 or sys.stdin is None:
        raise InvalidInputError(
            "Standard input can be read once.", hint="Write - once, and a person on each line."
        )
    lines = [stripped for line in sys.stdin if (stripped := line.strip())]
    place = people.index("-")
    return [*people[:place], *lines, *people[place + 1 :]]


def _only(is_tighter: bool) -> Literal["tighter"] | None:
    return "tighter" if is_tighter else None


def show_plan(planned: Plan) -> None:
    """Write a plan as a table that fits."""
    essential = {"setting", "to", "direction", "why not", "note"}
    output.write_whole(planned.table(), essential=essential)
