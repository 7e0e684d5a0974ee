"""What is built is what is shipped: the wheel carries the recordings and runs by itself."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README_LINES = """
import privacy_sdk as ps
client = ps.Client.replay("tour")
settings = client.fetch_privacy_settings()
print(settings[["setting", "audience", "exposure"]])
print(ps.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True, timeout=120)
    return next(folder.glob("*.whl"))


def test_it_carries_the_recordings_the_types_and_the_style(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"privacy_sdk/_recordings/tour.yaml", "privacy_sdk/py.typed"} <= names
    for sheet in (
        "notebook/panel.css",
        "views/visibility.css",
        "views/timeline.css",
        "model/table.css",
    ):
        assert f"privacy_sdk/{sheet}" in names
    committed = {path.name for path in (ROOT / "cassettes").glob("*.yaml")}
    assert {Path(name).name for name in names if "_recordings" in name} == committed
    assert not [name for name in names if name.startswith(("tests", "tools", "notebooks"))]


def test_the_readmes_lines_run_from_it_outside_the_checkout(wheel, tmp_path):
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    code = f"import sys; sys.path.insert(0, {str(installed)!r})\n{README_LINES}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert str(installed) in done.stdout
    assert "Profile photo" in done.stdout
