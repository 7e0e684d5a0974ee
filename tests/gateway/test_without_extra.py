"""Without the gateway's extra: one of our errors, with what to install, wherever it is needed."""

import subprocess
import sys

import pytest

WITHOUT = """
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"fastapi", "starlette", "sqlalchemy", "uvicorn"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import privacy_sdk as ps
from privacy_sdk.testing import running_gateway
import privacy_sdk.gateway.server
try:
    %s
except ps.PrivacyError as error:
    print(type(error).__name__, error.message, error.hint, sep="|")
"""

USES = {
    "running_gateway": "running_gateway({'demo': ps.EmulatedAccount()}).__enter__()",
    "create_app": "from privacy_sdk.gateway import create_app",
    "serve": "privacy_sdk.gateway.server.serve({}, port=0)",
    "record": "ps.Client.emulated(record='mine.yaml')",
}


@pytest.mark.parametrize("use", USES)
def test_the_gateway_says_what_to_install(tmp_path, use):
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT % USES[use]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.stderr == ""
    kind, message, hint = ended.stdout.strip().split("|")
    assert kind == "PrivacyError"
    assert message.startswith("The gateway needs ")
    assert message.endswith(", which is not installed.")
    assert hint == 'pip install "privacy-sdk[gateway]"'


def test_the_command_says_what_to_install(tmp_path):
    code = WITHOUT % "from privacy_sdk.cli.main import main; sys.exit(main(['gateway']))"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("privacy-sdk: The gateway needs ")
    assert ended.stderr.count("\n") == 1
