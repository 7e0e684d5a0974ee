"""The privacy-sdk command, run in this process."""

import json
from typing import Any

import pytest

from privacy_sdk.cli.main import main


class Command:
    """Runs the command; what it prints is returned."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, stdout, and stderr."""
        code = main(arguments)
        out, err = self._capsys.readouterr()
        return code, out, err

    def out(self, *arguments: str) -> str:
        """The output of a command that succeeds."""
        code, out, err = self(*arguments)
        assert (code, err) == (0, "")
        return out.rstrip("\n")

    def json(self, *arguments: str) -> Any:
        return json.loads(self.out(*arguments, "--json"))

    def error(self, *arguments: str) -> tuple[int, str]:
        """The code, and the one line on stderr."""
        code, out, err = self(*arguments)
        assert out == ""
        assert err.count("\n") == 1
        assert "Traceback" not in err
        return code, err.removeprefix("privacy-sdk: ").rstrip("\n")
