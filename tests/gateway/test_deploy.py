"""What stands in deploy/ starts: the commands of unit and container, without a home or a name."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from asking import free_port

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = (DEPLOY / "privacy-sdk@.service").read_text("utf-8").replace("%i", "me")
CONTAINER = (DEPLOY / "Containerfile").read_text("utf-8")

STRANGER = 54_321
"""A user that has no entry and no home."""


def unit_command() -> list[str]:
    port = re.search(r"^Environment=PORT=(.*)$", UNIT, re.MULTILINE)[1]
    command = re.search(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)[1]
    return shlex.split(command.replace("${PORT}", port))[1:]


def container_command() -> list[str]:
    return json.loads(re.search(r"^CMD (.*)$", CONTAINER, re.MULTILINE)[1])


def as_stranger(arguments: list[str], environment: dict[str, str], home: Path) -> list[str]:
    """A command without HOME, as a user without an entry where this may be done."""
    command = [sys.executable, "-m", "privacy_sdk", *arguments]
    variables = [f"{name}={value}" for name, value in environment.items()]
    command = ["env", "-i", "-C", str(home), f"PATH={os.environ['PATH']}", *variables, *command]
    if os.getuid() == 0 and shutil.which("setpriv"):
        rights = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        user = [f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups"]
        return ["setpriv", *user, *rights, *command]
    return command


@contextmanager
def served(arguments: list[str], environment: dict[str, str], home: Path) -> Iterator[str]:
    port = str(free_port())
    arguments = [word.replace("whatsapp", "emulated") for word in [*arguments, "--port", port]]
    with subprocess.Popen(
        as_stranger(arguments, environment, home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process.stdout.readline() or process.stderr.read()
        finally:
            process.terminate()


def stranger(arguments: list[str], environment: dict[str, str], home: Path) -> tuple[int, str, str]:
    command = as_stranger(arguments, environment, home)
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


pytestmark = pytest.mark.skipif(os.name != "posix", reason="users are those of POSIX")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that the stranger can write, below one that it can enter."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    if os.getuid() == 0:
        os.chown(folder, STRANGER, STRANGER)
    return folder


@pytest.mark.parametrize(
    ("command", "variable"),
    [
        (unit_command, "STATE_DIRECTORY"),
        (container_command, "PRIVACY_SDK_DATA_DIR"),
    ],
)
def test_its_command_serves_without_a_home_and_clients_of_that_user_find_it(
    command, variable: str, folder: Path
) -> None:
    environment = {variable: str(folder)}
    with served(command(), environment, folder) as banner:
        assert "Gateway on http://" in banner
        url = re.search(r"http://\S+", banner)[0].replace("0.0.0.0", "127.0.0.1")
        assert httpx2.get(f"{url}/readyz").status_code == 200
        code, out, err = stranger(["show", "--json"], environment, folder)
        assert (code, err) == (0, "")
        assert json.loads(out)["account"] == "me"
        token = (folder / "gateway-token").read_text().strip()
        code, out, err = stranger(
            ["show", "--url", url, "--account", "me"], {"PRIVACY_SDK_TOKEN": token}, folder
        )
        assert (code, err) == (0, "")


def test_without_a_home_and_a_variable_it_says_what_to_set(folder: Path) -> None:
    with served(["gateway"], {}, folder) as said:
        assert "no home folder" in said
        assert "PRIVACY_SDK_DATA_DIR" in said
        assert "PRIVACY_SDK_TOKEN" in said
        assert "Traceback" not in said
    with served(["gateway"], {"PRIVACY_SDK_TOKEN": "x"}, folder) as banner:
        assert "Gateway on http://" in banner
    code, _, err = stranger(["show"], {}, folder)
    assert (code, err.count("\n")) == (4, 1)
    assert "No gateway runs on this machine" in err


def test_a_home_that_cannot_be_written_needs_a_token_or_another_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    with served(["gateway"], {"HOME": str(home)}, home) as said:
        if os.getuid() == 0 and not shutil.which("setpriv"):
            pytest.skip("root may write everything")
        assert "cannot be kept" in said
        assert "PRIVACY_SDK_TOKEN" in said
    with served(["gateway"], {"HOME": str(home), "PRIVACY_SDK_TOKEN": "x"}, home) as banner:
        assert "Gateway on http://" in banner


def test_a_journal_that_it_may_not_write_keeps_it_from_starting(folder: Path) -> None:
    if os.getuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root may write everything")
    environment = {"PRIVACY_SDK_DATA_DIR": str(folder), "PRIVACY_SDK_TOKEN": "x"}
    with served(["gateway"], environment, folder) as banner:
        assert "Gateway on http://" in banner
    journal = folder / "journal.sqlite"
    journal.chmod(0o400)
    with served(["gateway"], environment, folder) as said:
        assert f"The journal {journal} cannot be used: " in said
        assert "--journal off" in said
    with served(["gateway", "--journal", "off"], environment, folder) as banner:
        assert "Gateway on http://" in banner


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze found")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "privacy-sdk@me.service"
    unit.write_text(UNIT.replace("/opt/privacy-sdk/bin/privacy-sdk", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_container_copies_what_the_package_is_built_from(tmp_path: Path) -> None:
    for copied in re.findall(r"^COPY (.*)$", CONTAINER, re.MULTILINE):
        *sources, target = copied.split()
        for source in sources:
            path = tmp_path / target.lstrip("/")
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, path)
            else:
                path.mkdir(exist_ok=True)
                shutil.copy(ROOT / source, path)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path)]
    subprocess.run([*build, str(tmp_path / "src")], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"privacy_sdk/gateway/server.py", "privacy_sdk/_recordings/tour.yaml"} <= set(names)
