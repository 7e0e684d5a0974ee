"""From the start of Python to the first table"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

from benchmarks import Row, compare

TABLE = "import privacy_sdk as ps; ps.Client.replay('tour').fetch_privacy_settings()"
FLOOR = "import asyncio, httpx2, pandas, yaml; pandas.DataFrame({'value': ['all']})"

TYPER = """
import asyncio, typer
from rich.console import Console
from rich.table import Table

app = typer.Typer()

@app.command()
def show(url: str = "") -> None:
    asyncio.run(asyncio.sleep(0))
    table = Table("category", "setting", "value", "audience", box=None)
    for _ in range(9):
        table.add_row("last", "Last seen", "all", "everyone")
    Console().print(table)

app()
"""
"""What a command costs that has one option and shows as large a table."""


def rows(quick: bool) -> Iterator[Row]:
    rounds = 1 if quick else 15
    yield compare(
        "first replayed table",
        lambda: python(TABLE),
        f"its floor: `{FLOOR}`",
        lambda: python(FLOOR),
        rounds=rounds,
        aim="<= 1.15",
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
        "typer and rich with one option and a table",
        lambda: python(TYPER),
        rounds=rounds,
        aim="<= 1.15",
    )


def python(code: str) -> None:
    """Run code, or ``-m`` and a module, in a process of its own."""
    arguments = code.split() if code.startswith("-m") else ["-c", code]
    # Compiled files are kept, as where the package is installed.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, *arguments]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
