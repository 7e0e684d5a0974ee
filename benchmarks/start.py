"""From the start of Python to the first table"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

from benchmarks import Row, compare

TABLE = "import privacy_sdk as ps; ps.Client.replay('tour').fetch_privacy_settings()"
IMPORTS = "import httpx2, pandas, vcr, yaml"


def rows(quick: bool) -> Iterator[Row]:
    rounds = 1 if quick else 15
    yield compare(
        "first replayed table",
        lambda: python(TABLE),
        f"`{IMPORTS}`",
        lambda: python(IMPORTS),
        rounds=rounds,
        aim="<= 1.1",
    )
    yield compare(
        "import privacy_sdk",
        lambda: python("import privacy_sdk"),
        "bare Python",
        lambda: python("pass"),
        rounds=rounds,
    )
    yield compare(
        "privacy-sdk show --emulated",
        lambda: python("-m privacy_sdk show --emulated"),
        "`import httpx2, rich.console, typer`",
        lambda: python("import httpx2, rich.console, typer"),
        rounds=rounds,
    )


def python(code: str) -> None:
    """Run code, or ``-m`` and a module, in a process of its own."""
    arguments = code.split() if code.startswith("-m") else ["-c", code]
    # Compiled files are kept, as where the package is installed.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, *arguments]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
