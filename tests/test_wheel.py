"""What is built is what is shipped: wheel and sdist are whole, and run by themselves."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
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
def dist(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "-o", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def wheel(dist) -> Path:
    return next(dist.glob("*.whl"))


@pytest.fixture(scope="module")
def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


@pytest.fixture(scope="module")
def unpacked(dist, tmp_path_factory) -> Path:
    """The sdist's files."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.iterdir())


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


def test_its_page_leads_nowhere_that_only_a_checkout_has(metadata):
    page = metadata.get_payload()
    assert page.startswith("# privacy_sdk\n\nSee and change")
    assert "docs/" in (ROOT / "README.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)]*)\)|(?:src|srcset|href)=\"([^\"]*)", page)
    assert [link for link in map("".join, links) if not link.startswith(("https:", "#"))] == []
    assert "what was verified against what" in page


def test_its_extras_are_for_users(metadata):
    names = {"gateway", "postgresql", "notebook", "whatsapp", "raw", "app", "names"}
    assert set(metadata.get_all("Provides-Extra")) == names


def test_every_requirement_has_one_lower_bound():
    listed = subprocess.run(
        [sys.executable, ROOT / "tools" / "lowest.py"], capture_output=True, text=True, check=True
    )
    assert "pandas==3\n" in listed.stdout


@pytest.mark.skipif(not (ROOT / ".git").exists() or not shutil.which("git"), reason="no checkout")
def test_the_sdist_holds_what_the_repository_holds(unpacked):
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    missing = [
        name
        for name in tracked.stdout.splitlines()
        if not name.startswith(".ci/") and not (unpacked / name).exists()
    ]
    assert missing == []
    assert {path.name for path in unpacked.iterdir() if path.name.startswith(".")} == {
        ".gitignore", ".pre-commit-config.yaml", ".pre-commit-hooks.yaml",
    }  # fmt: skip


def test_its_tests_run_where_it_is_unpacked(unpacked):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "tests/model", "tests/views/test_html.py"],
        cwd=unpacked,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout
