"""The commands that record or replay what a program does: record, replay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from privacy_sdk.cli import output
from privacy_sdk.cli.options import options_of
from privacy_sdk.errors import InvalidInputError, PrivacyError, RecordingError
from privacy_sdk.errors.masks import mask_text
from privacy_sdk.model.words import counted

RECORD, REPLAY = "PRIVACY_SDK_RECORD", "PRIVACY_SDK_REPLAY"

_PROGRAM = Annotated[
    list[str],
    typer.Argument(
        metavar="-- SCRIPT.py|NOTEBOOK.ipynb|-m MODULE [ARGUMENTS]...",
        help="What to run, with its arguments. A notebook's file is not changed.",
    ),
]


def record(
    context: typer.Context,
    cassette: Annotated[
        Path, typer.Argument(metavar="CASSETTE", help="Path of a new cassette, as my.yaml.")
    ],
    program: _PROGRAM,
) -> None:
    """Run a script or a notebook, and record what every ps.Client() in it exchanges.

    Nobody can be recognised in the recording. Its exit code is the program's.
    """
    as_json = options_of(context).json
    if cassette.suffix not in {".yaml", ".yml"}:
        raise InvalidInputError(
            f"{str(cassette)!r} is no name for a cassette.",
            hint="It ends in .yaml and stands before the program: record my.yaml -- script.py",
        )
    cassette = cassette.expanduser()
    if cassette.exists():
        raise RecordingError(f"{cassette} exists.", hint="Choose another name, or delete it first.")
    code = _run(program, {RECORD: str(cassette.absolute())})
    _report(cassette, as_json=as_json)
    raise typer.Exit(code)


def replay(
    context: typer.Context,
    cassette: Annotated[
        str, typer.Argument(metavar="CASSETTE", help="Path of a cassette, or 'tour'.")
    ],
    program: _PROGRAM,
) -> None:
    """Run a script or a notebook, with every ps.Client() in it answering from a recording.

    Its exit code is the program's.
    """
    options_of(context)
    from privacy_sdk.cassettes.file import is_bare_name, recording_path

    path = recording_path(cassette).absolute()
    raise typer.Exit(_run(program, {REPLAY: cassette if is_bare_name(cassette) else str(path)}))


def _run(program: list[str], variables: dict[str, str]) -> int:
    """The exit code of a program that was run with some variables, as a shell tells it."""
    path, *arguments = program
    environment = {k: v for k, v in os.environ.items() if k not in (RECORD, REPLAY)} | variables
    if path != "-m" and not Path(path).expanduser().is_file():
        raise InvalidInputError(f"There is no script or notebook {path!r}.")
    if path != "-m":
        path = str(Path(path).expanduser())
    if Path(path).suffix == ".ipynb":
        return _run_notebook(Path(path), arguments, environment)
    command = [sys.executable, path, *arguments]
    with (
        subprocess.Popen(command, env=environment) as child,  # noqa: S603
        _signals_passed_to(child),
    ):
        code = child.wait()
    return code if code >= 0 else 128 - code


@contextmanager
def _signals_passed_to(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end the child, and this process with it."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        # A terminal sends Ctrl-C to both by itself.
        if number != signal.SIGINT or not _has_terminal():
            with suppress(ProcessLookupError):
                child.send_signal(number)

    with _signals_kept():
        signal.signal(signal.SIGINT, pass_on)
        signal.signal(signal.SIGTERM, pass_on)
        yield


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C do at the end what they did before, whoever took them meanwhile."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _has_terminal() -> bool:
    try:
        return os.tcgetpgrp(sys.__stderr__.fileno()) == os.getpgrp()  # type: ignore[union-attr]
    except (OSError, AttributeError, ValueError):
        return False


def _run_notebook(path: Path, arguments: list[str], environment: dict[str, str]) -> int:
    if arguments:
        raise InvalidInputError("A notebook takes no arguments.")
    try:
        import nbformat
        from jupyter_client.kernelspec import NoSuchKernel
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, DeadKernelError
    except ImportError:
        raise PrivacyError(
            "Running a notebook needs Jupyter.", hint='pip install "privacy-sdk[notebook]"'
        ) from None
    try:
        notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except Exception as error:
        raise InvalidInputError(f"{path} is no notebook: {type(error).__name__}.") from None
    folder = {"metadata": {"path": str(path.absolute().parent)}}
    client = NotebookClient(notebook, resources=folder, timeout=None)

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)  # on its way out, the kernel is shut down

    try:
        with _signals_kept():  # nbclient leaves its own where no kernel starts
            signal.signal(signal.SIGTERM, end)
            client.execute(env=environment)
    except CellExecutionError as error:
        output.note(f"{output.PROGRAM}: A cell failed: {error.ename}: {error.evalue}")
        return 1
    except NoSuchKernel as error:
        raise PrivacyError(
            f"The notebook's kernel {mask_text(str(error.name))!r} is not installed.",
            hint="jupyter kernelspec list shows those that are.",
        ) from None
    except (DeadKernelError, RuntimeError):
        output.note(f"{output.PROGRAM}: The notebook's kernel died.")
        return 1
    except SystemExit as exit_:
        return int(str(exit_.code))
    return 0


def _report(cassette: Path, *, as_json: bool) -> None:
    """Say what was recorded: on stderr, since stdout is the program's, or as JSON behind it."""
    count = 0
    if cassette.exists():
        from privacy_sdk.cassettes.file import read_recording

        count = len(read_recording(cassette).interactions)
    if as_json:
        output.write_json({"recording": str(cassette) if count else None, "exchanges": count})
    elif count:
        output.note(f"{cassette}: {counted(count, 'exchange')} recorded.")
    else:
        output.note(
            f"{output.PROGRAM}: Nothing was recorded: no ps.Client() of the program asked a "
            "gateway for anything. Client.replay() and Client.emulated() exchange nothing."
        )
