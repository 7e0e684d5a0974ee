"""The command that records what a script or a notebook does: record."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from privacy_sdk.cli import output
from privacy_sdk.cli.options import options_of
from privacy_sdk.errors import InvalidInputError, PrivacyError, RecordingError

VARIABLE = "PRIVACY_SDK_RECORD"


def record(
    context: typer.Context,
    cassette: Annotated[
        Path, typer.Argument(metavar="CASSETTE", help="Path of a new cassette, as my.yaml.")
    ],
    program: Annotated[
        list[str],
        typer.Argument(
            metavar="-- SCRIPT.py|NOTEBOOK.ipynb [ARGUMENTS]...",
            help="What to run, with its arguments. A notebook's file is not changed.",
        ),
    ],
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
    if cassette.exists():
        raise RecordingError(
            f"{cassette} exists, and would be replayed.",
            hint="Choose another name, or delete it first.",
        )
    path, *arguments = program
    if not Path(path).is_file():
        raise InvalidInputError(f"There is no script or notebook {path!r}.")
    environment = os.environ | {VARIABLE: str(cassette.absolute())}
    if Path(path).suffix == ".ipynb":
        code = _run_notebook(Path(path), arguments, environment)
    else:
        code = subprocess.run([sys.executable, path, *arguments], env=environment).returncode  # noqa: S603
    _report(cassette, as_json=as_json)
    raise typer.Exit(code if code >= 0 else 128 - code)


def _run_notebook(path: Path, arguments: list[str], environment: dict[str, str]) -> int:
    if arguments:
        raise InvalidInputError("A notebook takes no arguments.")
    try:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError
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
    try:
        client.execute(env=environment)
    except CellExecutionError as error:
        output.note(f"{output.PROGRAM}: A cell failed: {error.ename}: {error.evalue}")
        return 1
    return 0


def _report(cassette: Path, *, as_json: bool) -> None:
    """Say what was recorded, on stderr: stdout is the program's."""
    if not cassette.exists():
        raise RecordingError(
            "Nothing was recorded: no ps.Client() of the program asked a gateway for anything.",
            hint="Client.replay() and Client.emulated() exchange nothing.",
        )
    from privacy_sdk.cassettes.file import read_recording

    count = len(read_recording(cassette).interactions)
    if not as_json:
        noun = "exchange" if count == 1 else "exchanges"
        output.note(f"{cassette}: {count} {noun} recorded.")
