"""Executes the notebooks and writes their outputs; a second run changes no byte.

What may differ between runs is replaced by the same patterns with which nbval compares.
"""

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbval.plugin import get_sanitize_patterns
from traitlets.config import Config

ROOT = Path(__file__).resolve().parent.parent
PATTERNS = get_sanitize_patterns((ROOT / "tests" / "nbval_sanitize.cfg").read_text("utf-8"))
# An id may stand right after an underscore, which \b takes for a letter.
MODEL_ID = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])")
# Without it the kernel warns, in every notebook, that its channels are not encrypted.
KERNEL = Config(KernelManager={"transport_encryption": "auto"})


def execute(path: Path) -> str:
    """The notebook's text after a run of all its cells, in its own folder."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        config=KERNEL,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,
        timeout=120,
    ).execute()
    sanitize = sanitizer()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [nbformat.from_dict(in_strings(sanitize, out)) for out in cell.outputs]
    notebook.metadata.pop("widgets", None)
    notebook.metadata.kernelspec = {"display_name": "Python 3", "name": "python3"}
    notebook.metadata.language_info = {"name": "python"}
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def sanitizer() -> Callable[[str], str]:
    """A function that makes a string the same in every run; it numbers the ids that it meets."""
    ids: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        return ids.setdefault(match[0], f"{len(ids) + 1:032x}")

    def sanitize(text: str) -> str:
        for pattern, replacement in PATTERNS:
            text = re.sub(pattern, replacement, text)
        return MODEL_ID.sub(number, text)

    return sanitize


def in_strings(change: Callable[[str], str], node: Any) -> Any:
    """The node with every string in it changed, images excepted."""
    match node:
        case str():
            return change(node)
        case list():
            return [in_strings(change, item) for item in node]
        case dict():
            return {
                key: item if key.startswith("image/") else in_strings(change, item)
                for key, item in node.items()
            }
        case _:
            return node


def main() -> int:
    """Runs the notebooks that were named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all of notebooks/")
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    args = parser.parse_args()

    paths = args.notebooks or sorted((ROOT / "notebooks").glob("*.ipynb"))
    if not paths:
        print("no notebooks found", file=sys.stderr)
        return 1
    for name in [name for name in os.environ if name.startswith("PRIVACY_SDK_")]:
        del os.environ[name]

    stale = 0
    with tempfile.TemporaryDirectory() as profile:
        os.environ["IPYTHONDIR"] = profile
        for path in paths:
            before, after = path.read_text("utf-8"), execute(path)
            changed = before != after
            print(f"{path.name}: {'changed' if changed else 'unchanged'}")
            stale += changed
            if changed and not args.check:
                path.write_text(after, "utf-8")
    return int(args.check and stale > 0)


if __name__ == "__main__":
    sys.exit(main())
