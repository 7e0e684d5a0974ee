"""The commands that read and change settings: show, set, excluded, timer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from privacy_sdk.cli import fleet, output
from privacy_sdk.cli.options import ListCategory, argument, options_of
from privacy_sdk.errors import NotSupportedError
from privacy_sdk.model.arguments import as_list_category, as_pair, as_seconds
from privacy_sdk.model.types import PrivacyCategory, PrivacyValue
from privacy_sdk.model.words import audience, label, people
from privacy_sdk.model.words import timer as timer_words

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient


_ADDRESSES = ("jid", "pn_jid")
_PERSON = ("name", "username", *_ADDRESSES)
"""The columns of people; the first two where one of them has it."""


def _categories() -> list[str]:
    return [category.value for category in PrivacyCategory]


def _values(context: typer.Context) -> list[str]:
    category = PrivacyCategory(context.params.get("category") or "?")
    return [value.value for value in category.valid_values or PrivacyValue]


def show(context: typer.Context) -> None:
    """Show all settings."""
    options = options_of(context)
    if options.all_accounts:
        return fleet.show(options)

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
    category: Annotated[str, argument("CATEGORY", autocompletion=_categories)],
    value: Annotated[str, argument("VALUE", autocompletion=_values)],
    unreported: Annotated[
        bool, typer.Option("--unreported", help="Even if WhatsApp does not report the category.")
    ] = False,
) -> None:
    """Change one setting, as in: privacy-sdk set last contacts."""
    options = options_of(context)
    chosen, after = as_pair(category, value)

    async def work(client: AsyncClient) -> Any:
        before = (await client.fetch_privacy_settings()).get_value(chosen)
        is_left = before is PrivacyValue.CONTACT_BLACKLIST is not after
        lost = await count_excepted(client, chosen) if is_left else 0
        options.changing = True
        response = await client.set_privacy_setting(chosen, after, unreported=unreported)
        options.made()
        is_reached = before is not PrivacyValue.CONTACT_BLACKLIST is after
        listed = await count_excepted(client, chosen) if is_reached else None
        return before, response, lost, listed

    before, response, lost, listed = options.run(work)
    if options.json:
        output.write_json(
            {
                "category": chosen,
                "before": before,
                "value": after,
                "dhash": response.dhash,
                "exceptions_lost": lost,
            }
        )
    else:
        was = "" if before is None else f" (was: {audience(before)})"
        output.write(f"{label(chosen)}: {audience(after)}{was}")
        if lost != 0:
            who = "nobody knows how many" if lost is None else people(lost)
            back = audience(PrivacyValue.CONTACT_BLACKLIST)
            output.write(f"Its exceptions are lost ({who}); set back to {back!r}, none are left.")
        if listed == 0:
            output.write("Its list is empty: nobody is excepted.")


async def count_excepted(client: AsyncClient, category: PrivacyCategory) -> int | None:
    """Return how many people a list holds; None where the account cannot read lists."""
    try:
        return len(await client.fetch_disallowed_list(category))
    except NotSupportedError:
        return None


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

    async def work(client: AsyncClient) -> Any:
        return await client.fetch_disallowed_list(chosen), client.names

    listed, names = options.run(work)
    address = str if show_numbers else lambda jid: mask_text(str(jid))
    users = [
        {
            "name": names.name(person),
            "username": person.username if show_numbers else person.masked_username,
            "jid": address(person.jid),
            "pn_jid": person.pn_jid and address(person.pn_jid),
        }
        for person in listed
    ]
    columns = [name for name in _PERSON if name in _ADDRESSES or any(user[name] for user in users)]
    if options.json:
        documents = [{name: user[name] for name in columns} for user in users]
        output.write_json({"category": chosen, "dhash": listed.dhash, "users": documents})
    elif users:
        rows = [[user[name] or "" for name in columns] for user in users]
        output.write_table(columns, rows, essential=set(columns))
    else:
        output.write(f"{label(chosen)}: nobody is excepted.")


def timer(
    context: typer.Context,
    duration: Annotated[
        str | None,
        argument(
            "DURATION",
            "7d, 24h, 90m, off, or seconds; left out, the present one is shown.",
            autocompletion=lambda: ["off", "24h", "7d", "90d"],
        ),
    ] = None,
) -> None:
    """Show or set after how long messages of new chats disappear."""
    options = options_of(context)
    seconds = None if duration is None else as_seconds(duration)

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
