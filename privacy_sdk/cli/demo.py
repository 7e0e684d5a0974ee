"""The tour: every pattern of the specification in one go, as steps that can be shown.

The recorder runs it against a gateway and the demo against what was recorded, so that what
is shown is what happened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

from privacy_sdk.accounts.events import NextAnswer
from privacy_sdk.errors import PrivacyError
from privacy_sdk.errors.masks import mask_text
from privacy_sdk.model import words
from privacy_sdk.model.types import DisallowedList, DisallowedListUpdate, DisallowedListUserEntry
from privacy_sdk.policies.policy import MAXIMUM

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from privacy_sdk.sync import Client

RECORDING = "tour"
"""Name of the recording that comes with the package."""

Shown: TypeAlias = "pd.DataFrame | DisallowedList | PrivacyError | int | str | None"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the tour.

    Attributes:
        says: What happens, in a sentence.
        code: What a user types for it; each step may use the names of those before it.
        after: What came of it: settings, a list, a timer [s], an error, or a text.
        before: The same before the step; None when it changes nothing.
    """

    says: str
    code: str
    after: Shown
    before: Shown = None


def tour(client: Client, show: Callable[[Step], None]) -> None:
    """Run all steps in order.

    Args:
        client: A client of an emulated account, of its recording, or of a gateway with one.
        show: Called with each step after it has happened.

    Example:
        >>> import privacy_sdk as ps
        >>> tour(ps.Client.emulated(), lambda step: print(step.says))
        Fetch the settings.
        Look up one of them.
        ...
        The specification's maximum privacy configuration.
    """
    start = client.fetch_privacy_settings()
    show(Step("Fetch the settings.", "settings = client.fetch_privacy_settings()", start))
    show(
        Step(
            "Look up one of them.",
            'settings.loc["last", "audience"]',
            str(start.loc["last", "audience"]),
        )
    )

    client.set_privacy_setting("last", "contacts")
    contacts = client.fetch_privacy_settings()
    show(
        Step(
            "Change one, and see it changed.",
            'client.set_privacy_setting("last", "contacts")',
            contacts,
            before=start,
        )
    )

    show(
        Step(
            "A pair that does not exist is refused before anything is sent.",
            'client.set_privacy_setting("online", "none")',
            _error_of(lambda: client.set_privacy_setting("online", "none")),
        )
    )

    _except_somebody(client, show, contacts)
    _set_timer(client, show)

    client.account.emulate(NextAnswer("refused", category="groupadd"))
    show(
        Step(
            "What WhatsApp refuses is an error, never a silent success.",
            'client.account.emulate(ps.testing.NextAnswer("refused", category="groupadd"))\n'
            'client.set_privacy_setting("groupadd", "none")',
            _error_of(lambda: client.set_privacy_setting("groupadd", "none")),
        )
    )

    before = client.fetch_privacy_settings()
    for category, value in MAXIMUM.settings.items():
        client.set_privacy_setting(category, value)
    show(
        Step(
            "The specification's maximum privacy configuration.",
            "\n".join(
                f'client.set_privacy_setting("{category}", "{value}")'
                for category, value in MAXIMUM.settings.items()
            ),
            client.fetch_privacy_settings(),
            before=before,
        )
    )


def _except_somebody(client: Client, show: Callable[[Step], None], start: pd.DataFrame) -> None:
    dhash = client.set_privacy_setting("last", "contact_blacklist").dhash
    show(
        Step(
            "Contacts except some: the answer holds the list's version, its dhash.",
            'dhash = client.set_privacy_setting("last", "contact_blacklist").dhash',
            client.fetch_privacy_settings(),
            before=start,
        )
    )

    nobody = client.fetch_disallowed_list("last")
    person = DisallowedListUserEntry("999000000000001@lid", "999115550101@s.whatsapp.net")
    update = DisallowedListUpdate(dhash, [person])
    client.set_privacy_disallowed_list("last", update)
    show(
        Step(
            "Except one person, based on that version.",
            "person = ps.DisallowedListUserEntry(\n"
            '    "999000000000001@lid", "999115550101@s.whatsapp.net")\n'
            "update = ps.DisallowedListUpdate(dhash, [person])\n"
            'client.set_privacy_disallowed_list("last", update)',
            client.fetch_disallowed_list("last"),
            before=nobody,
        )
    )
    show(
        Step(
            "The list has changed since: the same version again is a conflict.",
            'client.set_privacy_disallowed_list("last", update)',
            _error_of(lambda: client.set_privacy_disallowed_list("last", update)),
        )
    )


def _set_timer(client: Client, show: Callable[[Step], None]) -> None:
    before = client.fetch_default_disappearing_mode()
    client.set_default_disappearing_mode(604_800)
    show(
        Step(
            "Messages of new chats disappear after seven days.",
            "client.set_default_disappearing_mode(604_800)\n"
            "client.fetch_default_disappearing_mode()",
            client.fetch_default_disappearing_mode(),
            before=before,
        )
    )


def _error_of(call: Callable[[], object]) -> PrivacyError:
    try:
        call()
    except PrivacyError as error:
        return error
    raise AssertionError("The tour expects an error here.")


def run(*, as_json: bool) -> None:
    """Replay the tour in the terminal, each change with what was before and after it."""
    from privacy_sdk.cli import output as terminal
    from privacy_sdk.sync import Client

    steps: list[Step] = []
    with Client.replay(RECORDING) as client:
        if as_json:
            tour(client, steps.append)
            terminal.write_json([_as_json(step) for step in steps])
        else:
            terminal.write_rich(
                "privacy_sdk, replayed from a recording: no account, no network.\n\n"
                "import privacy_sdk as ps\n"
                f'client = ps.Client.replay("{RECORDING}")'
            )
            tour(client, _write)
            terminal.write("\nYour turn: privacy-sdk show --emulated")


def _write(step: Step) -> None:
    from rich.syntax import Syntax
    from rich.text import Text

    from privacy_sdk.cli import output as terminal

    console = terminal.make_console()
    code = Syntax("", "python", theme="ansi_dark", background_color="default").highlight(step.code)
    code.rstrip()
    parts: list[RenderableType] = [Text(f"\n{step.says}", style="bold"), code]
    if isinstance(step.after, PrivacyError):
        error = f"{type(step.after).__name__}: {step.after.message}\n{step.after.hint}"
        parts.append(Text(error.rstrip(), style="red"))
    elif isinstance(step.after, str):
        parts.append(repr(step.after))
    elif step.before is None:
        columns = ["setting", "value", "audience"]
        rows = list(cast("pd.DataFrame", step.after)[columns].itertuples(index=False, name=None))
        parts.append(terminal.fitted(console, columns, rows, essential=columns[:2]))
    else:
        before, after = _texts(step.before), _texts(step.after)
        parts.append(
            terminal.fitted(
                console,
                ("", "before", "after"),
                [(name, before[name], text) for name, text in after.items()],
                essential=("", "before", "after"),
                changed=[n for n, name in enumerate(after) if before[name] != after[name]],
            )
        )
    terminal.write_rich(*parts, console=console)


def _texts(shown: Shown) -> dict[str, str]:
    """Settings, a list or a timer: the name of each thing, and what it is."""
    if isinstance(shown, DisallowedList):
        people = ", ".join(mask_text(str(person.jid)) for person in shown)
        return {"excepted": people or "nobody"}
    if isinstance(shown, int):
        return {"timer": words.timer(shown)}
    settings = cast("pd.DataFrame", shown)
    return dict(zip(settings["setting"], settings["value"], strict=True))


def _as_json(step: Step) -> dict[str, object]:
    from privacy_sdk.cli.output import problem

    def shown(result: Shown) -> object:
        if result is None or isinstance(result, str):
            return result
        return problem(result) if isinstance(result, PrivacyError) else _texts(result)

    return {
        "says": step.says,
        "code": step.code,
        "before": shown(step.before),
        "after": shown(step.after),
    }
