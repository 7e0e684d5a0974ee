"""The command that shows what the package does: demo, and the tour that it replays.

The tour is every pattern of the specification. The recorder runs it against a gateway, and the
demo against what was recorded, so that what is shown is what happened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

import typer

from privacy_sdk.cli import output
from privacy_sdk.cli.options import options_of
from privacy_sdk.errors import IqError, PrivacyError
from privacy_sdk.errors.masks import mask_text
from privacy_sdk.model import words
from privacy_sdk.model.types import DisallowedList
from privacy_sdk.policies.policy import MAXIMUM

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from privacy_sdk.sync import Client

RECORDING = "tour"
"""Name of the recording that comes with the package."""

Result: TypeAlias = "pd.DataFrame | DisallowedList | PrivacyError | int | str | None"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the tour.

    Attributes:
        title: What happens, in a sentence.
        code: What a user types for it; each step may use the names of those before it.
        after: What came of it: settings, a list, a timer [s], an error, or a text.
        before: The same before the step; None when it changes nothing.
    """

    title: str
    code: str
    after: Result
    before: Result = None


_SETTINGS = "client.fetch_privacy_settings()"
_LIST = 'client.fetch_disallowed_list("last")'

_STEPS = (
    (
        "Change one, and see it changed.",
        'client.set_privacy_setting("last", "contacts")',
        _SETTINGS,
    ),
    (
        "A pair that does not exist is refused before anything is sent.",
        'client.set_privacy_setting("online", "none")',
        "",
    ),
    (
        "Contacts except some: the answer holds the list's version, its dhash.",
        'dhash = client.set_privacy_setting("last", "contact_blacklist").dhash',
        _SETTINGS,
    ),
    (
        "Except one person, based on that version.",
        "person = ps.DisallowedListUserEntry(\n"
        '    "999000000000001@lid", "999115550101@s.whatsapp.net")\n'
        "update = ps.DisallowedListUpdate(dhash, [person])\n"
        'client.set_privacy_disallowed_list("last", update)',
        _LIST,
    ),
    (
        "The list has changed since: the same version again is a conflict.",
        'client.set_privacy_disallowed_list("last", update)',
        "",
    ),
    (
        "Messages of new chats disappear after seven days.",
        "client.set_default_disappearing_mode(604_800)",
        "client.fetch_default_disappearing_mode()",
    ),
    (
        "What WhatsApp refuses is an error, never a silent success.",
        'client.account.emulate(ps.testing.NextAnswer("refused", category="groupadd"))\n'
        'client.set_privacy_setting("groupadd", "none")',
        "",
    ),
    (
        "The specification's maximum privacy configuration.",
        "\n".join(
            f'client.set_privacy_setting("{category}", "{value}")'
            for category, value in MAXIMUM.settings.items()
        ),
        _SETTINGS,
    ),
)
"""What changes something: a title, the code, and the code that shows what came of it, if anything
does."""


def tour(client: Client) -> Iterator[Step]:
    """Run all steps in order, each by its own code; each is given after it has happened.

    Args:
        client: A client of an emulated account, of its recording, or of a gateway with one.

    Example:
        >>> import privacy_sdk as ps
        >>> for step in tour(ps.Client.emulated()):
        ...     print(step.title)
        Fetch the settings.
        Look up one of them.
        ...
        The specification's maximum privacy configuration.
    """
    import privacy_sdk as ps

    settings = client.fetch_privacy_settings()
    yield Step("Fetch the settings.", f"settings = {_SETTINGS}", settings)
    audience = str(settings.loc["last", "audience"])
    yield Step("Look up one of them.", 'settings.loc["last", "audience"]', audience)

    names = {"ps": ps, "client": client}
    seen: dict[str, Result] = {_SETTINGS: settings}
    for title, code, look in _STEPS:
        if look and look not in seen:
            seen[look] = eval(look, names)  # noqa: S307
        try:
            exec(code, names)  # noqa: S102
        except PrivacyError as error:
            yield Step(title, code, error)
            if isinstance(error, IqError):
                seen.clear()  # it was sent: what is before the next change, is looked at anew
        else:
            before, seen[look] = seen[look], eval(look, names)  # noqa: S307
            yield Step(title, code, seen[look], before)


def demo(context: typer.Context) -> None:
    """Replay a recorded tour of everything: no account, no network."""
    from privacy_sdk.sync import Client

    as_json = options_of(context).json
    with Client.replay(RECORDING) as client:
        if as_json:
            output.write_json([_as_json(step) for step in tour(client)])
        else:
            output.write(
                "privacy_sdk, replayed from a recording: no account, no network.\n\n"
                "import privacy_sdk as ps\n"
                f'client = ps.Client.replay("{RECORDING}")'
            )
            for step in tour(client):
                _write(step)
            output.write("\nYour turn: privacy-sdk show --emulated")


def _write(step: Step) -> None:
    from rich.syntax import Syntax
    from rich.text import Text

    console = output.make_console()
    code = Syntax("", "python", theme="ansi_dark", background_color="default").highlight(step.code)
    code.rstrip()
    parts: list[RenderableType] = [Text(f"\n{step.title}", style="bold"), code]
    if isinstance(step.after, PrivacyError):
        error = f"{type(step.after).__name__}: {step.after.message}\n{step.after.hint}"
        parts.append(Text(error.rstrip(), style="red"))
    elif isinstance(step.after, str):
        parts.append(repr(step.after))
    elif step.before is None:
        columns = ["setting", "value", "audience"]
        rows = list(cast("pd.DataFrame", step.after)[columns].itertuples(index=False, name=None))
        parts.append(output.fit_table(console, columns, rows, essential=columns[:2]))
    else:
        before, after = _texts(step.before), _texts(step.after)
        parts.append(
            output.fit_table(
                console,
                ("", "before", "after"),
                [(name, before[name], text) for name, text in after.items()],
                essential=("", "before", "after"),
                changed=[n for n, name in enumerate(after) if before[name] != after[name]],
            )
        )
    output.write_rich(*parts, console=console)


def _texts(result: Result) -> dict[str, str]:
    """Settings, a list or a timer: the name of each thing, and what it is."""
    if isinstance(result, DisallowedList):
        people = ", ".join(mask_text(str(person.jid)) for person in result)
        return {"excepted": people or "nobody"}
    if isinstance(result, int):
        return {"timer": words.timer(result)}
    settings = cast("pd.DataFrame", result)
    return dict(zip(settings["setting"], settings["value"], strict=True))


def _as_json(step: Step) -> dict[str, object]:
    def document(result: Result) -> object:
        if result is None or isinstance(result, str):
            return result
        return output.problem(result) if isinstance(result, PrivacyError) else _texts(result)

    return {
        "title": step.title,
        "code": step.code,
        "before": document(step.before),
        "after": document(step.after),
    }
