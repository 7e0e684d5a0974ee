"""Reads QR codes back with zbar, out of what a terminal shows or out of an image."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SCALE = 4
MARGIN = 4
HALVES = {" ": "00", "▄": "01", "▀": "10", "█": "11"}
"""What a character draws in the upper and the lower half of its cell."""


def need(program: str, package: str) -> str:
    """The path of a program; without it the test is skipped, or fails in CI."""
    if found := shutil.which(program):
        return found
    reason = f"no {program} found, so no QR code is read back (apt-get install {package})"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def read_image(path: Path) -> str:
    """What the QR code in an image says."""
    done = subprocess.run(
        [need("zbarimg", "zbar-tools"), "--quiet", "--raw", "--nodbus", str(path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout.removesuffix("\n")


def read_text(text: str, folder: Path) -> str:
    """What a QR code says that is drawn with half blocks, light where they are drawn."""
    lines = [line for line in text.splitlines() if re.search("[▄▀█]{3}", line)]
    width = max(map(len, lines))
    rows = [
        "".join(HALVES[character][half] for character in line.ljust(width))
        for line in lines
        for half in (0, 1)
    ]
    empty = "1" * (width + 2 * MARGIN)
    rows = [empty] * MARGIN + [f"{'1' * MARGIN}{row}{'1' * MARGIN}" for row in rows]
    rows += [empty] * MARGIN
    pixels = [
        " ".join("1" if bit == "0" else "0" for bit in row for _ in range(SCALE))
        for row in rows
        for _ in range(SCALE)
    ]
    path = folder / "terminal.pbm"
    path.write_text(f"P1 {len(empty) * SCALE} {len(rows) * SCALE}\n" + "\n".join(pixels))
    return read_image(path)
