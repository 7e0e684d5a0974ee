"""The panel beside other widgets in JupyterLab, by keyboard alone, and notebook 02 as it is run."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect
from servers import panel_of, plan_rows, serving, write_notebook
from test_lab import SERVER, run_all

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SHOTS = os.environ.get("SCREENSHOTS")
"""A folder where to leave what was seen, for people to look at."""

CELLS = (
    "import ipywidgets\nimport privacy_sdk as ps\n"
    "one, two = (ps.Client.from_account(ps.EmulatedAccount(n)) for n in ('one', 'two'))\n"
    "first, second = one.panel(), two.panel()",
    "ipywidgets.Tab([first, ipywidgets.VBox([second])], titles=['one', 'two'])",
    "place, note = ipywidgets.IntText(description='place'), ipywidgets.HTML('nothing')\n"
    "ipywidgets.jslink((first.controls['last'], 'index'), (place, 'value'))\n"
    "ipywidgets.HBox([place, note])",
    "def show(last):\n    note.value = f'seen by {last}'\n"
    "ipywidgets.interact(show, last=first.controls['last']);",
)


def shot(page, name):
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


@pytest.fixture(scope="module")
def lab(home):
    folder = home / "compose"
    folder.mkdir()
    write_notebook(folder / "compose.ipynb", *CELLS)
    shutil.copy(NOTEBOOKS / "02_control_panel.ipynb", folder)
    program = (
        "jupyterlab",
        *SERVER,
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
        f"--notebook-dir={folder}",
    )
    with serving(program, home) as url:
        yield f"{url}/doc/tree"


def use_theme(page, theme):
    page.evaluate(
        "name => jupyterapp.commands.execute('apputils:change-theme', {theme: name})", theme
    )
    light = str(theme.endswith("Light")).lower()
    page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")


def test_a_panel_is_a_widget_among_others(page, lab, accessible):
    page.set_viewport_size({"width": 1_100, "height": 1_700})
    run_all(page, f"{lab}/compose.ipynb")
    first = panel_of(page).first
    first.get_by_label("Last seen").select_option(label="my contacts")
    expect(page.get_by_label("place")).to_have_value("1")
    expect(page.get_by_text("seen by contacts")).to_be_visible()
    expect(page.get_by_label("Last seen").last).to_have_value("my contacts")  # of interact
    page.get_by_label("place").fill("3")
    page.get_by_label("place").press("Enter")
    expect(first.get_by_label("Last seen")).to_have_value("nobody")
    expect(plan_rows(first)).to_have_count(2)
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        use_theme(page, theme)
        shot(page, f"tab-{theme.split()[-1].lower()}")
        accessible(page)
    page.get_by_role("tab", name="two").click()
    second = page.locator(".privacy-sdk:visible")
    second.get_by_label("Calls").select_option(label="my contacts")
    second.get_by_role("button", name="Apply").click()
    expect(second.get_by_role("status")).to_have_text("Applied to 'two': 1 applied.")
    shot(page, "tab-second")


def test_after_run_all_of_notebook_02_the_first_panel_shows_and_the_last_is_alive(page, lab):
    page.set_viewport_size({"width": 1_100, "height": 12_000})
    run_all(page, f"{lab}/02_control_panel.ipynb")
    panels = page.locator(".privacy-sdk")
    expect(panels).to_have_count(2, timeout=60_000)
    first, last = panels.nth(0), panels.nth(1)
    expect(first.get_by_label("Last seen").first).to_be_visible()
    expect(first.get_by_text("Replay of 'panel'")).to_be_visible()
    # Code set it: the panel above shows it.
    expect(last.get_by_label("Last seen")).to_have_value("my contacts")
    last.get_by_role("button", name="Only my contacts").click()
    expect(plan_rows(last)).to_have_count(2)
    last.get_by_role("button", name="Apply").click()
    expect(last.get_by_role("status")).to_have_text("Applied to 'demo': 1 applied.")
    last.get_by_role("button", name="Undo").click()
    expect(last.get_by_role("status")).to_contain_text("Undo: chosen and not applied yet")
    expect(plan_rows(last)).to_have_count(2)
    if SHOTS:
        last.screenshot(path=str(Path(SHOTS) / "undo.png"))
        first.screenshot(path=str(Path(SHOTS) / "first-panel.png"))
    last.get_by_role("button", name="Apply").click()
    expect(last.get_by_label("Profile photo")).to_have_value("everyone")
