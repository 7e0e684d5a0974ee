"""The command that shows the control panel as a page of its own: app."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from privacy_sdk.cli.options import options_of

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient


def app(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Where to listen.", min=1, max=65_535)] = 8866,
    theme: Annotated[Literal["light", "dark"], typer.Option(help="How the page looks.")] = "light",
    open_browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it at once.")
    ] = True,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="A new emulated account for each page and reload.")
    ] = False,
) -> None:
    """Open the control panel as a page of its own, in a browser on this machine.

    Without a gateway, try: privacy-sdk app --emulated
    """
    from privacy_sdk.notebook.app import serve_page

    options = options_of(context)
    options.run(_nothing)  # a mistake in the options is an error here, not on the page
    where = {name: getattr(options, name) for name in options.where()}
    if options.names is not None:
        where["names"] = str(options.names)
    for name in ("token_file", "cafile", "replay", "names"):  # the page stands in another folder
        if name in where and Path(where[name]).exists():
            where[name] = str(Path(where[name]).resolve())
    serve_page(where, port=port, theme=theme, open_browser=open_browser, fresh=fresh)


async def _nothing(client: AsyncClient) -> None:
    """Ask nothing."""
