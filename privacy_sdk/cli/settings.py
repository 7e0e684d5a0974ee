"""The commands that read and change settings: show, set, excluded, timer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from privacy_sdk.cli import output
from privacy_sdk.cli.options import ListCategory, options_of
from privacy_sdk.errors import NotSupportedError
from privacy_sdk.model.arguments import as_list_category, as_pair, parse_duration
from privacy_sdk.model.types import PrivacyCategory, PrivacyValue
from privacy_sdk.model.words import audience, label
from privacy_sdk.model.words import timer as timer_words

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient


def _categories() -> list[str]:
    return [category.value for category in PrivacyCategory]


def _values(context: typer.Context) -> list[str]:
    category = PrivacyCategory(context.params.get("category") or "?")
    return [value.value for value in category.valid_values or PrivacyValue]


def show(context: typer.Context) -> None:
    """Show all settings."""
    options = options_of(context)

    async def work(client: AsyncClient) -> Any:
        return await client.fetch_privacy_settings(), client.account.id

    settings, account = options.run(work)
    rows = [
        (each.category.value, label(each.category), each.value.value, audience(each.value))
        for each in settings
    ]
    header = ("category", "setting", "value", "audience")
    if options.json:
        documents = [
            {
                **dict(zip(header, row, strict=True)),
                "allowed": list(each.category.valid_values) or None,
            }
            for each, row in zip(settings, rows, strict=True)
        ]
        output.write_json({"account": account, "settings": documents})
    else:
        output.write_table(header, rows, essential={"category", "value"})


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
    options = options_of(context)
    chosen, after = as_pair(category, value)

    async def work(client: AsyncClient) -> Any:
        before = (await client.fetch_privacy_settings()).get_value(chosen)
        options.changing = True
        return before, await client.set_privacy_setting(chosen, after)

    before, response = options.run(work)
    if options.json:
        output.write_json(
            {"category": chosen, "before": before, "value": after, "dhash": response.dhash}
        )
    else:
        was = "" if before is None else f" (was: {audience(before)})"
        output.write(f"{label(chosen)}: {audience(after)}{was}")


def excluded(
    context: typer.Context,
    category: ListCategory,
    show_numbers: Annotated[
        bool, typer.Option("--show-numbers", help="Whole numbers, not masked ones.")
    ] = False,
) -> None:
    """List the people excepted in a category; numbers are masked."""
    from privacy_sdk.errors.masks import mask_text

    options = options_of(context)
    chosen = as_list_category(category)
    people = options.run(lambda client: client.fetch_disallowed_list(chosen))
    address = str if show_numbers else lambda jid: mask_text(str(jid))
    rows = [
        (address(person.jid), "" if person.pn_jid is None else address(person.pn_jid))
        for person in people
    ]
    if options.json:
        users = [{"jid": jid, "pn_jid": pn_jid or None} for jid, pn_jid in rows]
        output.write_json({"category": chosen, "dhash": people.dhash, "users": users})
    elif rows:
        output.write_table(("jid", "pn_jid"), rows, essential={"jid", "pn_jid"})
    else:
        output.write(f"{label(chosen)}: nobody is excepted.")


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
    options = options_of(context)
    seconds = None if duration is None else parse_duration(duration)

    async def work(client: AsyncClient) -> int | None:
        try:
            before = await client.fetch_default_disappearing_mode()
        except NotSupportedError:
            if seconds is None:
                raise
            before = None
        if seconds is not None:
            options.changing = True
            await client.set_default_disappearing_mode(seconds)
        return before

    before = options.run(work)
    now = before if seconds is None else seconds
    if options.json:
        output.write_json({"duration": now} | ({} if seconds is None else {"before": before}))
    else:
        was = "" if seconds is None or before is None else f" (was: {timer_words(before)})"
        output.write(f"Disappearing messages in new chats: {timer_words(cast('int', now))}{was}")
