"""One browser for all browser tests, and axe-core to look at what it shows."""

import json
import os
from pathlib import Path

import pytest
from servers import browsing

HERE = Path(__file__).parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A home for servers, kernels and browser: nobody's settings leak in."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def browser(chromium, home):
    with browsing(chromium, home) as context:
        yield context


@pytest.fixture
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def accessible():
    """Check a panel with axe-core: there is nothing to find."""
    if not AXE.exists():
        reason = f"no axe-core found (npm ci --prefix {os.path.relpath(HERE)})"
        if os.environ.get("PRIVACY_SDK_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)

    def check(page):
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(AXE.read_text("utf-8"))
        found = page.evaluate("() => axe.run('.privacy-sdk')")
        assert len(found["passes"]) > 5
        assert not found["violations"], json.dumps(found["violations"], indent=1)

    return check


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
