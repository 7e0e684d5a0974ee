"""Output of the command line: tables that fit, JSON, errors in one line, exit codes."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from privacy_sdk.accounts.problems import PROBLEM_PREFIX, PROBLEMS, problem_from_error
from privacy_sdk.accounts.wire import Json
from privacy_sdk.errors import (
    AnswerTimeoutError,
    GatewayError,
    InvalidInputError,
    IqError,
    NotAppliedError,
    NotConnectedError,
    NotSupportedError,
    OutcomeUnknownError,
    OutdatedPlanError,
    OvertakenError,
    PrivacyError,
    RecordingError,
    UnknownAccountError,
    UnreadableAnswerError,
)
from privacy_sdk.errors.escapes import printable
from privacy_sdk.model.changes import ChangeResult, Outcome
from privacy_sdk.model.words import history_label
from privacy_sdk.views.tables import STYLES, Cell, Table

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    from privacy_sdk.model.history import HistoryEntry

EXIT_CODES: dict[type[PrivacyError], tuple[int, str]] = {
    PrivacyError: (1, "something else went wrong"),
    InvalidInputError: (2, "bad input, nothing was sent"),
    UnknownAccountError: (2, "bad input, nothing was sent"),
    IqError: (3, "refused"),
    NotAppliedError: (3, "refused"),
    OutdatedPlanError: (3, "refused"),
    NotSupportedError: (3, "refused"),
    GatewayError: (3, "refused"),
    NotConnectedError: (4, "not connected"),
    AnswerTimeoutError: (4, "not connected"),
    UnreadableAnswerError: (4, "not connected"),
    OutcomeUnknownError: (5, "outcome unknown, or overtaken by another change"),
    OvertakenError: (5, "outcome unknown, or overtaken by another change"),
    RecordingError: (6, "not recorded"),
}
"""The exit code of every error, by its nearest class here, and what it means."""

WOULD_CHANGE = 7
"""What ``check`` and ``plan --exit-code`` say of a plan that is not empty."""

INTERRUPTED = 130
BROKEN_PIPE = 128 + 13
"""What a shell reports of a process that ended by SIGPIPE."""

PROGRAM = "privacy-sdk"


class OutputError(Exception):
    """Nobody reads the output any more, or it cannot be written."""

    def __init__(self, code: int) -> None:
        self.code = code


def exit_code(error: PrivacyError) -> int:
    """The exit code that stands for an error.

    Example:
        >>> from privacy_sdk.errors import ConflictError
        >>> exit_code(ConflictError(409, "conflict"))
        3
    """
    return next(EXIT_CODES[cls][0] for cls in type(error).__mro__ if cls in EXIT_CODES)


def outcome_code(results: Iterable[ChangeResult]) -> int:
    """The exit code of the error that stands for the worst outcome; 0 when all was applied."""
    outcomes = {result.outcome for result in results}
    if outcomes & {Outcome.UNKNOWN, Outcome.OVERTAKEN}:
        return EXIT_CODES[OutcomeUnknownError][0]
    return EXIT_CODES[NotAppliedError][0] if outcomes - {Outcome.APPLIED} else 0


def problem(error: PrivacyError) -> Json:
    """An error as the command line's problem document.

    Example:
        >>> from privacy_sdk.errors import NotRecordedError
        >>> problem(NotRecordedError("No such exchange."))["type"]
        'urn:privacy-sdk:not-recorded'
    """
    _, document = problem_from_error(error)
    if type(error) not in PROBLEMS:
        words = re.findall("[A-Z][a-z]+", type(error).__name__.removesuffix("Error"))
        document["type"] = PROBLEM_PREFIX + "-".join(words).lower()
        document["title"] = " ".join(words).capitalize()
    for name in ("status", "source"):  # those of HTTP, which say nothing here
        del document[name]
    return {**document, "exit_code": exit_code(error)}


def report_error(error: PrivacyError, *, as_json: bool) -> None:
    """Report an error on stderr: in one line, or as a problem document."""
    _report(f"{error.message}\n{error.hint}", problem(error) if as_json else None)


def report_warning(message: object, *, as_json: bool) -> None:
    """Report in one line on stderr that something was left out."""
    _report(f"warning: {message}", {"warning": str(message)} if as_json else None)


def report_interrupt(*, may_still_take: bool, as_json: bool) -> None:
    """Report in one line on stderr that Ctrl-C was pressed, and what may come of it."""
    still = " A change that was already sent may still take; privacy-sdk show tells."
    message = f"Interrupted.{still if may_still_take else ''}"
    document = {
        "type": f"{PROBLEM_PREFIX}interrupted",
        "title": "Interrupted",
        "detail": message,
        "exit_code": INTERRUPTED,
    }
    _report(message, document if as_json else None)


def _report(message: str, document: Json | None) -> None:
    note(f"{PROGRAM}: {message}" if document is None else json.dumps(document))


def note(text: str) -> None:
    """Write one line to stderr; that it cannot be read is no reason to fail."""
    if sys.stderr is not None:
        try:
            print(one_line(text), file=sys.stderr, flush=True)
        except OSError:
            _silence(sys.stderr)


_PLAIN = str.maketrans({"•": "*", "…": "...", "–": "-", "—": "-", "→": "->", "’": "'"})


@contextmanager
def _writing() -> Iterator[None]:
    """Report why the output cannot be written, unless it is that nobody reads it."""
    try:
        yield
    except OSError as error:
        raise OutputError(unwritable(error)) from None


def unwritable(error: OSError) -> int:
    """Report why the output cannot be written, unless nobody reads it; return the exit code."""
    _silence(sys.stdout)
    if error.errno == errno.EPIPE:
        return BROKEN_PIPE
    note(f"{PROGRAM}: The output cannot be written: {error.strerror}.")
    return 1


def can_write(text: str) -> bool:
    """Whether stdout has every character of a text."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def write(text: str) -> None:
    """Write to stdout; a character that it does not have, by one that it has.

    Raises:
        OutputError: It cannot be written, which is reported already.
    """
    if not can_write(text):
        encoding = sys.stdout.encoding or "ascii"
        text = text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    with _writing():
        print(printable(text, keep="\n"), flush=True)


def write_control(sequence: str) -> None:
    """Write what is to steer the terminal, and is ours alone, to stdout."""
    with _writing():
        print(sequence, flush=True)


def one_line(text: str) -> str:
    r"""A text as one line that cannot steer a terminal.

    Example:
        >>> one_line("Nearest:\n  this one\n  that one.\nTry again.")
        'Nearest: this one; that one. Try again.'
    """
    lines = (" ".join(line.split()) for line in text.splitlines())
    joined = re.sub(r"(?<=[.:!?]); ", " ", "; ".join(filter(None, lines)))
    return printable(joined)


def write_json(document: object, *, indent: int | None = 2) -> None:
    """Write a JSON document to stdout; without an indent it is one line."""
    # json.dumps() escapes all but DEL.
    write(json.dumps(document, indent=indent).replace("\x7f", "\\u007f"))


def _silence(stream: TextIO) -> None:
    """Discard what is still buffered, instead of failing again at exit."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, stream.fileno())
    os.close(devnull)


def make_console() -> Console:
    """Return a console for stdout, with its width and colours; NO_COLOR is obeyed."""
    from rich.console import Console
    from rich.segment import Segment

    class PassingOn(Console):
        def on_broken_pipe(self) -> None:
            raise  # the BrokenPipeError that this is called for

        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterable[Segment]:
            for text, style, control in super().render(renderable, options):
                yield Segment(text if control else printable(text, keep="\n"), style, control)

    return PassingOn(highlight=False, markup=False, emoji=False)


def confirm(question: str) -> bool:
    """Ask on stderr whether to go on; only yes means it."""
    print(f"{printable(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def write_rich(*parts: RenderableType, console: Console) -> None:
    """Write rich renderables to stdout."""
    with _writing():
        for part in parts:
            console.print(part, soft_wrap=isinstance(part, str) or not console.is_terminal)


HISTORY_HEADER = ("at", "setting", "from", "to", "by", "outcome")


def history_row(entry: HistoryEntry) -> tuple[str, ...]:
    """A change as a row of a table, at local time."""
    return (
        f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}",
        history_label(entry),
        entry.before or "",
        entry.after or "",
        entry.by,
        entry.outcome,
    )


def write_table(
    headers: Sequence[str], rows: Sequence[Sequence[str | Cell]], *, essential: Collection[str]
) -> None:
    """Write a table that fits, as :func:`fit_table` makes it, to stdout."""
    console = make_console()
    write_rich(fit_table(console, headers, rows, essential=essential), console=console)


def write_whole(table: Table, *, essential: Collection[str]) -> None:
    """Write a table with its title, likewise."""
    write(table.title)
    if table.rows:
        write_table(table.header, table.rows, essential=essential)


def fit_table(
    console: Console,
    headers: Sequence[str],
    rows: Sequence[Sequence[str | Cell]],
    *,
    essential: Collection[str],
    changed: Collection[int] = (),
) -> RenderableType:
    """Return a table that fits: whole, or its essential columns, or each row as lines.

    Where stdout is no terminal every row is one line, however long, so that ``grep`` finds it.
    """
    from rich.box import ROUNDED
    from rich.table import Table as RichTable
    from rich.text import Text

    frame: dict[str, Any] = {"box": None, "pad_edge": False, "padding": (0, 2, 0, 0)}
    if console.is_terminal:
        frame = {"box": ROUNDED, "border_style": "dim"}
    endless = console.options.update(max_width=2**20)
    for wanted in (headers, [header for header in headers if header in essential]):
        table = RichTable(header_style="bold", **frame)
        for header in wanted:
            table.add_column(header, no_wrap=True)
        for place, row in enumerate(rows):
            cells = [
                Text(printable(text), style=style or ("bold green" if place in changed else ""))
                for header, (text, style) in zip(headers, map(_styled, row), strict=True)
                if header in wanted
            ]
            table.add_row(*cells)
        width = console.measure(table, options=endless).maximum
        if not console.is_terminal:
            console.width = max(console.width, width)
        if width <= console.width:
            return table
    return _as_lines(headers, rows, essential, changed)


def _styled(cell: str | Cell) -> tuple[str, str]:
    return (cell, "") if isinstance(cell, str) else (cell.text, STYLES[cell.tone])


def _as_lines(
    headers: Sequence[str],
    rows: Sequence[Sequence[str | Cell]],
    essential: Collection[str],
    changed: Collection[int],
) -> RenderableType:
    from rich.text import Text

    text = Text(overflow="fold")
    columns = [place for place, header in enumerate(headers) if header in essential]
    for place, row in enumerate(rows):
        for depth, column in enumerate(columns):
            cell, style = _styled(row[column])
            style = style or ("bold green" if place in changed else "")
            name = f"{headers[column]}: " if depth and len(columns) > 2 else ""
            line = f"{'  ' * bool(depth)}{name}{printable(cell)}\n"
            text.append(line, style=style or ("" if depth else "bold"))
    text.rstrip()
    return text
