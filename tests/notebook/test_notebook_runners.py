"""Papermill and nbconvert run each notebook, and what nbconvert writes can be looked at."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
RUNNERS = {
    "papermill": ("papermill", "--no-progress-bar", "{path}", "run.ipynb"),
    "nbconvert": ("nbconvert", "--execute", "--to=notebook", "--output=run", "{path}"),
}


def run(folder, *program):
    """Run a module in a folder as anybody would who has nothing set up."""
    kept = {name: value for name, value in os.environ.items() if "PRIVACY_SDK" not in name}
    home = {"HOME": str(folder), "IPYTHONDIR": str(folder), "JUPYTER_PLATFORM_DIRS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", *program],
        cwd=folder,
        env=kept | home,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_runs(path, runner, tmp_path):
    (tmp_path / path.name).write_bytes(path.read_bytes())
    run(tmp_path, *(part.format(path=path.name) for part in RUNNERS[runner]))
    cells = nbformat.read(tmp_path / "run.ipynb", as_version=4).cells
    assert all(cell.execution_count for cell in cells if cell.cell_type == "code" and cell.source)


def test_what_nbconvert_writes_shows_pictures_without_script_or_network(tmp_path):
    for number, what in ((4, "●"), (5, "data:image/png;base64,")):
        path = NOTEBOOKS[number - 1]
        run(tmp_path, "nbconvert", "--to=html", f"--output-dir={tmp_path}", str(path))
        page = (tmp_path / f"{path.stem}.html").read_text("utf-8")
        bare = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
        assert what in bare
