"""The commands that read and change settings: show, set, excluded, timer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from privacy_sdk.cli import output as terminal
from privacy_sdk.cli.options import app, given_to
from privacy_sdk.errors import NotSupportedError
from privacy_sdk.model.arguments import as_list_category, as_pair, parse_duration
from privacy_sdk.model.types import LIST_CATEGORIES, PrivacyCategory, PrivacyValue
from privacy_sdk.model.words import audience, label
from privacy_sdk.model.words import timer as timer_words

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient


def _categories() -> list[str]:
    return [category.value for category in PrivacyCategory]


def list_categories() -> list[str]:
    """The names that complete a category with a list."""
    return [category.value for category in LIST_CATEGORIES]


def _values(context: typer.Context) -> list[str]:
    category = PrivacyCategory(context.params.get("category") or "?")
    return [value.value for value in category.valid_values or PrivacyValue]


@app.command()
def show(context: typer.Context) -> None:
    """Show all settings."""
    given = given_to(context)

    async def work(client: AsyncClient) -> Any:
        return await client.fetch_privacy_settings(), client.account.id

    settings, account = given.run(work)
    if given.json:
        rows = [
            {
                "category": setting.category.value,
                "setting": label(setting.category),
                "value": setting.value.value,
                "audience": audience(setting.value),
                "allowed": list(setting.category.valid_values) or None,
            }
            for setting in settings
        ]
        terminal.write_json({"account": account, "settings": rows})
    else:
        console = terminal.make_console()
        table = terminal.fitted(
            console,
            ("category", "setting", "value", "audience"),
            [
                (each.category.value, label(each.category), each.value.value, audience(each.value))
                for each in settings
            ],
            essential={"category", "value"},
        )
        terminal.write_rich(table, console=console)


@app.command("set")
def set_(
    context: typer.Context,
    category: Annotated[
        str, typer.Argument(metavar="CATEGORY", autocompletion=_categories, show_default=False)
    ],
    value: Annotated[
        str, typer.Argument(metavar="VALUE", autocompletion=_values, show_default=False)
    ],
) -> None:
    """Change one setting, as in: privacy-sdk set last contacts."""
    given = given_to(context)
    chosen, wanted = as_pair(category, value)

    async def work(client: AsyncClient) -> Any:
        before = (await client.fetch_privacy_settings()).get_value(chosen)
        given.changing = True
        return before, await client.set_privacy_setting(chosen, wanted)

    before, response = given.run(work)
    if given.json:
        terminal.write_json(
            {
                "category": chosen,
                "before": before,
                "value": wanted,
                "dhash": response.dhash,
            }
        )
    else:
        was = "" if before is None else f" (was: {audience(before)})"
        terminal.write(terminal.printable(f"{label(chosen)}: {audience(wanted)}{was}"))


@app.command()
def excluded(
    context: typer.Context,
    category: Annotated[
        str, typer.Argument(metavar="CATEGORY", autocompletion=list_categories, show_default=False)
    ],
    show_numbers: Annotated[
        bool, typer.Option("--show-numbers", help="Whole numbers, not masked ones.")
    ] = False,
) -> None:
    """List the people excepted in a category; numbers are masked."""
    from privacy_sdk.errors.masks import mask_text

    given = given_to(context)
    chosen = as_list_category(category)
    people = given.run(lambda client: client.fetch_disallowed_list(chosen))
    shown = str if show_numbers else lambda jid: mask_text(str(jid))
    rows = [
        (shown(person.jid), "" if person.pn_jid is None else shown(person.pn_jid))
        for person in people
    ]
    if given.json:
        users = [{"jid": jid, "pn_jid": pn_jid or None} for jid, pn_jid in rows]
        terminal.write_json({"category": chosen, "dhash": people.dhash, "users": users})
    elif rows:
        console = terminal.make_console()
        table = terminal.fitted(console, ("jid", "pn_jid"), rows, essential={"jid", "pn_jid"})
        terminal.write_rich(table, console=console)
    else:
        terminal.write(f"{label(chosen)}: nobody is excepted.")


@app.command()
def timer(
    context: typer.Context,
    duration: Annotated[
        str | None,
        typer.Argument(
            help="7d, 24h, 90m, off, or seconds; left out, the present one is shown.",
            metavar="DURATION",
            autocompletion=lambda: ["off", "24h", "7d", "90d"],
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show or set after how long messages of new chats disappear."""
    given = given_to(context)
    seconds = None if duration is None else parse_duration(duration)

    async def work(client: AsyncClient) -> int | None:
        try:
            before = await client.fetch_default_disappearing_mode()
        except NotSupportedError:
            if seconds is None:
                raise
            before = None
        if seconds is not None:
            given.changing = True
            await client.set_default_disappearing_mode(seconds)
        return before

    before = given.run(work)
    now = before if seconds is None else seconds
    if given.json:
        terminal.write_json({"duration": now} | ({} if seconds is None else {"before": before}))
    else:
        was = "" if seconds is None or before is None else f" (was: {timer_words(before)})"
        terminal.write(f"Disappearing messages in new chats: {timer_words(cast('int', now))}{was}")
