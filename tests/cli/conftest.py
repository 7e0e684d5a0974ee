"""The command in this process, and a gateway that it finds."""

from collections.abc import Iterator

import pytest
from asking import TOKEN
from commands import Command

import privacy_sdk as ps
from privacy_sdk.testing import running_gateway


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a gateway, which the environment names with its token."""
    with running_gateway({"demo": ps.EmulatedAccount()}, token=TOKEN) as url:
        monkeypatch.setenv("PRIVACY_SDK_URL", url)
        monkeypatch.setenv("PRIVACY_SDK_TOKEN", TOKEN)
        yield url
