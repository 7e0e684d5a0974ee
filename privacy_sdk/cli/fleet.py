"""What commands do with ``--all-accounts``: show, visibility, plan, apply, check and history."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from privacy_sdk.accounts.journal import entry_to_json
from privacy_sdk.cli import output
from privacy_sdk.cli.options import Options
from privacy_sdk.cli.output import HISTORY_HEADER, history_row
from privacy_sdk.errors import PrivacyError
from privacy_sdk.model.changes import change_row, result_row
from privacy_sdk.model.words import audience, label

if TYPE_CHECKING:
    from privacy_sdk.fleet import PerAccount
    from privacy_sdk.policies.plan import Plan
    from privacy_sdk.policies.policy import Policy


def show(options: Options) -> None:
    """Show all settings of all accounts."""
    with options.fleet() as fleet:
        seen = fleet.visibility()
    header = ("category", "setting", "value", "audience")
    rows = {
        name: [
            (each.category.value, label(each.category), each.value.value, audience(each.value))
            for each in response
        ]
        for name, response in seen.settings.items()
    }
    if options.json:
        settings = {
            name: {"settings": [dict(zip(header, row, strict=True)) for row in each]}
            for name, each in rows.items()
        }
        _write_json(settings, seen.errors)
    else:
        flat = [(name, *row) for name, each in rows.items() for row in each]
        output.write_table(("account", *header), flat, essential={"account", "category", "value"})
    _end(seen.errors, options)


def visibility(options: Options) -> None:
    """Show how open all accounts are."""
    with options.fleet() as fleet:
        seen = fleet.visibility()
    if options.json:
        names = [category.value for category in seen.categories]
        levels = seen.levels().items()
        _write_json(
            {name: {"exposure": dict(zip(names, row, strict=True))} for name, row in levels},
            seen.errors,
        )
    else:
        console = output.make_console()
        output.write(seen.as_text(is_ascii=console.options.ascii_only))
    _end(seen.errors, options)


def history(options: Options, since: str | None, category: str | None) -> None:
    """Show what was changed of all accounts, one change after the other."""
    with options.fleet() as fleet:
        found, errors = fleet._histories(since, category)
    if options.json:
        rows = {name: {"entries": list(map(entry_to_json, each))} for name, each in found.items()}
        _write_json(rows, errors)
    else:
        entries = [(each, name) for name, entries in found.items() for each in entries]
        entries.sort(key=lambda pair: pair[0].at)
        output.write_table(
            ("account", *HISTORY_HEADER),
            [(name, *history_row(each)) for each, name in entries],
            essential={"account", "at", "setting", "to", "outcome"},
        )
    _end(errors, options)


def plan(
    options: Options,
    policy: Path | Policy,
    *,
    only: Literal["tighter"] | None = None,
    checks: bool = False,
) -> bool:
    """Show what a policy would change in all accounts; return whether that is anything."""
    with options.fleet() as fleet:
        plans = fleet.plan(policy, only=only)
    _write_plans(options, plans, checks=checks)
    _end(plans.errors, options)
    return any(plans.values())


def apply(
    options: Options, policy: Path | Policy, *, only: Literal["tighter"] | None, yes: bool
) -> int:
    """Change all accounts as a policy wants them; return the exit code of the worst outcome."""
    with options.fleet() as fleet:
        plans = fleet.plan(policy, only=only)
        if not options.json:
            _write_plans(options, plans)
        is_possible = any(each.possible for each in plans.values())
        if is_possible and not yes and not output.confirm("Make these changes?"):
            output.write("Nothing was changed.")
            return 1
        options.changing = is_possible
        applied = fleet.apply(plans)
        options.made()
    errors = plans.errors | applied.errors
    if options.json:
        _write_json(
            {
                name: {
                    "is_complete": each.is_complete,
                    "changes": [result_row(result) for result in each],
                }
                for name, each in applied.items()
            },
            errors,
        )
    else:
        essential = {"account", "setting", "outcome", "reason"}
        output.write_whole(applied.table(), essential=essential)
    _end(errors, options)
    return max((output.outcome_code(each) for each in applied.values()), default=0)


def _write_plans(options: Options, plans: PerAccount[Plan], *, checks: bool = False) -> None:
    if options.json:
        rows = {
            name: ({"is_as_wanted": not each} if checks else {})
            | {"changes": [change_row(change) for change in each]}
            for name, each in plans.items()
        }
        _write_json(rows, plans.errors)
    else:
        essential = {"account", "setting", "to", "direction", "why not"}
        output.write_whole(plans.table(), essential=essential)


def _write_json(found: Mapping[str, Mapping[str, Any]], errors: Mapping[str, PrivacyError]) -> None:
    failed = {name: {"error": output.problem(error)} for name, error in errors.items()}
    documents = ({"account": name, **each} for name, each in {**found, **failed}.items())
    output.write_json({"accounts": list(documents)})


def _end(errors: Mapping[str, PrivacyError], options: Options) -> None:
    """Report each account that failed in one line, and exit as for the worst of them."""
    for name, error in errors.items():
        if not options.json:
            output.note(f"{output.PROGRAM}: {name}: {error.message}\n{error.hint}")
    if errors:
        raise typer.Exit(max(map(output.exit_code, errors.values())))
