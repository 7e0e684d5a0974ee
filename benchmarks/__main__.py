"""``python -m benchmarks [--quick] [SECTION…]`` writes what was measured to RESULTS.md."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import platform
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

import benchmarks
from benchmarks import Row

RESULTS = Path(__file__).with_name("RESULTS.md")
PACKAGES = ("privacy-sdk", "httpx2", "pandas", "vcrpy", "anyio", "fastapi", "uvicorn", "ipywidgets")
HEADER = "| what | ours | beside | theirs | ratio | aim | |\n|---|--:|---|--:|--:|--:|---|"


def sections() -> list[str]:
    """The names of the modules with rows."""
    names = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return [name for name in names if hasattr(_module(name), "rows")]


def written(name: str, rows: Iterable[Row]) -> Iterator[str]:
    """A section in Markdown, line by line as it is measured."""
    yield f"\n## {(_module(name).__doc__ or name).splitlines()[0].rstrip('.')}\n\n{HEADER}"
    notes = []
    for row in rows:
        met = {True: "met", False: "**missed**", None: ""}[row.met]
        yield (
            f"| {row.what} | {_figure(row.ours, row.unit)} | {row.beside} "
            f"| {_figure(row.theirs, row.unit)} | {row.ratio:.3g} × | {row.aim} | {met} |"
        )
        if row.note:
            notes.append(f"- {row.what}: {row.note}")
    if notes:
        yield "\n" + "\n".join(notes)


def machine() -> str:
    """Where and with what this was measured."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{_processor()}, {os.cpu_count()} cores; {platform.system()}; "
        f"Python {platform.python_version()}; {versions}."
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _figure(value: float, unit: str) -> str:
    return f"{value:,.3g} {unit}" if value < 1_000 else f"{value:,.0f} {unit}"


def _module(name: str) -> object:
    return importlib.import_module(f"benchmarks.{name}") if name != "__main__" else sys


def main() -> None:
    """Measure, print as it goes, and write the whole."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(sections()))
    parser.add_argument("--quick", action="store_true", help="few rounds; writes nothing")
    options = parser.parse_args()
    chosen = options.sections or sections()
    lines = [
        "# What the package costs\n\n"
        "Written by `make bench`. Medians; both sides of a row measured in turn in one run; the "
        f"ratio is ours ÷ theirs.\n\n{machine()}"
    ]
    print(lines[0], flush=True)
    for name in chosen:
        for line in written(name, _module(name).rows(options.quick)):  # type: ignore[attr-defined]
            print(line, flush=True)
            lines.append(line)
    if not options.quick and not options.sections:
        RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
