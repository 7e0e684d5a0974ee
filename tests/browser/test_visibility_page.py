"""Who sees what, in a real browser: light, dark, narrow, without style, and in JupyterLab."""

import json
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from servers import serving, write_notebook
from test_lab import SERVER, run_all

import privacy_sdk as ps

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
SHOTS = os.environ.get("SCREENSHOTS")
"""A folder where to leave what was seen, for people to look at."""

THEMES = {"light": "color: #1f2328; background: #fff", "dark": "color: #e6edf3; background: #111"}
CELLS = (
    "import privacy_sdk as ps\n"
    "client = ps.Client.emulated()\n"
    "response = client.exclude('last', ['+999 11 555 0101', '+999 11 555 0102'])\n"
    "client.set_privacy_setting('calladd', 'known')",
    "client.visibility()",
    "client.visibility('+999 11 555 0101')",
    "client.plan(ps.policies.MAXIMUM)",
    "client",
)


def pictures():
    """All that the picture can say: every mark, a lock, and a comparison."""
    settings = dict.fromkeys((each.value for each in ps.PrivacyCategory), "all")
    settings |= {"status": "contacts", "calladd": "known", "defense": "off", "stickers": "newer"}
    client = ps.Client.from_account(ps.EmulatedAccount(settings=settings))
    client.exclude("last", "+999 11 555 0101")
    plan = client.plan(ps.policies.MAXIMUM)
    client.set_privacy_setting("defense", "on_standard")
    person = client.visibility("+999 11 555 0101")
    return [each.as_html() for each in (client.visibility(), person, plan.visibility())]


def shot(page, name):
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def no_findings(page):
    if not AXE.exists():
        pytest.skip("no axe-core found (npm ci --prefix tests/browser)")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("() => axe.run('.psdk-sees')")
    assert len(found["passes"]) > 5
    assert not found["violations"], json.dumps(found["violations"], indent=1)


@pytest.fixture
def show(page):
    def show(body, style=""):
        page.set_content(
            '<!doctype html><html lang="en"><title>Who sees what</title>'
            f"<style>body {{ font: 13px sans-serif; {style} }}</style><main>{body}</main></html>"
        )
        return page

    return show


@pytest.mark.parametrize("width", [1_000, 400])
@pytest.mark.parametrize("theme", THEMES)
def test_it_fits_and_can_be_read_by_everybody(show, theme, width):
    page = show("<br>".join(pictures()), THEMES[theme])
    page.set_viewport_size({"width": width, "height": 700})
    shot(page, f"{theme}-{width}")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    no_findings(page)
    rows = page.locator(".psdk-sees").first.get_by_role("row")
    expect(rows).to_have_count(11)
    about = rows.filter(has=page.get_by_role("rowheader", name="About"))
    names = [cell.aria_snapshot() for cell in about.get_by_role("cell").all()]
    assert [re.sub(r'- cell "(.*?)".*', r"\1", name, flags=re.S) for name in names[:4]] == [
        "no", "no", "yes", "does not apply",
    ]  # fmt: skip


def test_without_style_every_dot_stands_beside_its_word(show):
    bare = re.sub(r'<style>.*?</style>| (?:class|style)="[^"]*"', "", pictures()[0], flags=re.S)
    page = show(bare)
    shot(page, "plain")
    text = page.get_by_role("row").filter(has_text="About text").inner_text()
    assert re.sub(r"\s+", " ", text).startswith("About ○ no ○ no ● yes – does not apply Only your")


def test_jupyterlab_shows_it_light_and_dark(page, home):
    folder = home / "looks"
    folder.mkdir(exist_ok=True)
    write_notebook(folder / "looks.ipynb", *CELLS)
    program = (
        "jupyter",
        "lab",
        *SERVER,
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
        f"--ServerApp.root_dir={folder}",
    )
    with serving(program, home) as url:
        page.set_viewport_size({"width": 1_100, "height": 3_000})
        run_all(page, f"{url}/doc/tree/looks.ipynb")
        seen = page.locator(".jp-OutputArea .psdk-sees")
        expect(seen).to_have_count(4, timeout=30_000)
        for theme in ("JupyterLab Light", "JupyterLab Dark"):
            page.evaluate(
                "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
            )
            is_light = str(theme.endswith("Light")).lower()
            page.wait_for_selector(f"body[data-jp-theme-light='{is_light}']", state="attached")
            page.wait_for_timeout(500)
            shot(page, theme.replace(" ", "-").lower())
            no_findings(page)
