"""What holds for every test: no settings leak in, nothing is written outside temporary folders."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from fake_tryx import FakePhone

REQUIRE_BROWSER = os.environ.get("PRIVACY_SDK_REQUIRE_BROWSER") == "1"

collect_ignore = ["typing"]
# Two conftest modules cannot both be imported for their doctests.
collect_ignore_glob = ["**/conftest.py", "conftest.py"]

settings.register_profile("quick", max_examples=25, derandomize=True, deadline=None, database=None)
settings.register_profile("long", max_examples=1_000, deadline=None, print_blob=True)
settings.load_profile("quick")


def pytest_configure(config: pytest.Config) -> None:
    """Before any module of the tests is imported, so that doctests are covered too."""
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    for name in [name for name in os.environ if name.startswith("PRIVACY_SDK_")]:
        patch.delenv(name)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        patch.delenv(name, raising=False)
        patch.delenv(name.lower(), raising=False)
    data = tempfile.TemporaryDirectory(prefix="privacy-sdk-tests-")
    config.add_cleanup(data.cleanup)
    patch.setenv("XDG_DATA_HOME", data.name)
    patch.setenv("XDG_RUNTIME_DIR", data.name)
    patch.delenv("STATE_DIRECTORY", raising=False)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As in a background job or under cron. Children would inherit it, and Ctrl-C is tested.
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _ctrl_c_is_kept() -> Iterator[None]:
    """Fail the test that leaves Ctrl-C without effect, not the later one that presses it."""
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def phone() -> FakePhone:
    """A phone that is not linked yet."""
    from fake_tryx import FakePhone

    return FakePhone(is_linked=False)


@pytest.fixture
def phone_gateway(phone: FakePhone, tmp_path: Path) -> Iterator[str]:
    """The address of a gateway that serves ``phone`` as the account ``me``."""
    from privacy_sdk.accounts.whatsapp.account import TryxAccount
    from privacy_sdk.testing import running_gateway

    account = TryxAccount("me", folder=tmp_path / "me", runtime=phone.runtime)
    with running_gateway({"me": account}) as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; without one the test is skipped, or fails where one is required."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    if found := next(filter(None, (shutil.which(name) for name in names if name)), None):
        return found
    reason = "no Chromium found (apt-get install chromium)"
    if REQUIRE_BROWSER:
        pytest.fail(reason)
    pytest.skip(reason)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright holds the main thread's event loop while it is open."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
