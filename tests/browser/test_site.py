"""The documentation as `make docs` built it: whole without a network, on a desk and on a phone."""

import json
import os
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Page, expect

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"
AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"

pytestmark = pytest.mark.slow  # `make check` builds the site first


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    if not SITE.joinpath("index.html").exists():
        assert os.environ.get("PRIVACY_SDK_REQUIRE_BROWSER") != "1", "make docs builds the site"
        pytest.skip("no site found (make docs)")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SITE)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def pages() -> list[str]:
    found = (path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
    return sorted(name for name in found if not name.startswith("_static"))


def test_every_page_is_whole_without_a_network(site: str, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda answer: missing.append(answer.url) if not answer.ok else None)
    missing: list[str] = []
    links: set[str] = set()
    for name in pages():
        page.goto(f"{site}/{name}")
        links |= set(
            page.evaluate("() => [...document.querySelectorAll('a[href]')].map(a => a.href)")
        )
    assert [url for url in asked if not url.startswith((site, "data:"))] == []
    assert missing == []
    paths = {
        link.removeprefix(site).partition("#")[0].strip("/")
        for link in links
        if link.startswith(site)
    }
    assert [path for path in paths if path and not SITE.joinpath(path).exists()] == []


def test_no_page_is_wider_than_a_phone(site: str, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    wide = []
    for name in pages():
        page.goto(f"{site}/{name}")
        element = "document.documentElement"
        if page.evaluate(f"() => {element}.scrollWidth > {element}.clientWidth"):
            wide.append(name)
    assert wide == []


def test_the_search_finds_pages_without_a_network(site: str, page: Page) -> None:
    page.goto(f"{site}/search.html?q=undo")
    results = page.locator("#search-results li")
    expect(results.first).to_be_visible()
    assert results.count() > 3


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "howto/one-person", "notebooks/06_questions"])
def test_a_page_is_accessible(site: str, page: Page, name: str, look: str) -> None:
    if not AXE.exists():
        pytest.skip("no axe-core found")
    page.emulate_media(color_scheme=look)
    page.goto(f"{site}/{name}.html")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("() => axe.run('article')")
    assert len(found["passes"]) > 5
    serious = [each for each in found["violations"] if each["impact"] in ("serious", "critical")]
    assert not serious, json.dumps(serious, indent=1)
