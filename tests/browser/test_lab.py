"""The panel in JupyterLab and Notebook 7: one journey through everything, one visit."""

import ast
import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from jupyter_client.asynchronous import AsyncKernelClient
from playwright.sync_api import expect
from servers import panel_of, plan_rows, serving, write_notebook

import privacy_sdk as ps
from privacy_sdk.testing import running_gateway

IDLE = """() => {
  const session = jupyterapp.shell.currentWidget?.sessionContext;
  return session?.isReady && session.session?.kernel?.status === 'idle';
}"""
SERVER = (
    *("--no-browser", "--allow-root", "--port={port}", "--ip=127.0.0.1"),
    *("--IdentityProvider.token=", "--ServerApp.port_retries=0"),
)


@pytest.fixture(scope="module")
def gateway():
    with running_gateway({"lab": ps.EmulatedAccount("lab")}) as url:
        yield url


@pytest.fixture
def client(gateway):
    with ps.Client(gateway, token="any", account="lab") as client:
        yield client


@pytest.fixture
def folder(home, gateway):
    folder = home / "notebooks"
    folder.mkdir(exist_ok=True)
    write_notebook(
        folder / "journey.ipynb",
        "import privacy_sdk as ps",
        f"client = ps.Client({gateway!r}, token='any', account='lab')",
        "panel = client.panel()\npanel",
        "recorded = ps.Client.replay('tour').panel()\nrecorded",
    )
    return folder


def run_all(page, address):
    """Open a notebook and run it, once its kernel is ready: earlier, running hangs."""
    page.goto(address)
    page.wait_for_function(f"() => window.jupyterapp && ({IDLE})()")
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells') }")


def in_kernel(home, expression):
    """What an expression is in the kernel that was started last."""

    async def ask():
        files = sorted((home / "runtime").glob("kernel-*.json"), key=lambda f: f.stat().st_mtime)
        kernel = AsyncKernelClient(connection_file=str(files[-1]))
        kernel.load_connection_file()
        kernel.start_channels()
        try:
            await kernel.wait_for_ready(timeout=20)
            asked = {"it": f"__import__('json').dumps({expression})"}
            answer = await kernel.execute_interactive(
                "", silent=True, user_expressions=asked, timeout=20, allow_stdin=False
            )
            said = answer["content"]["user_expressions"]["it"]["data"]["text/plain"]
            return json.loads(ast.literal_eval(said))
        finally:
            kernel.stop_channels()

    with ThreadPoolExecutor(1) as other_thread:  # the browser's loop runs in this one
        return other_thread.submit(asyncio.run, ask()).result()


def test_the_journey_in_jupyterlab(page, home, folder, client, accessible):
    program = (
        "jupyterlab",
        *SERVER,
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
        f"--notebook-dir={folder}",
    )
    with serving(program, home) as url:
        run_all(page, f"{url}/lab/tree/journey.ipynb")
        panel = panel_of(page).first
        accessible(page)
        for setting, words in (
            ("Last seen", "nobody"),
            ("About", "nobody"),
            ("Groups", "my contacts"),
        ):
            panel.get_by_label(setting).click()
            panel.get_by_label(setting).select_option(label=words)
            page.keyboard.press("Escape")  # the list that the click opened is no part of the page
        panel.get_by_label("Groups").focus()
        page.keyboard.press("Tab")
        expect(panel.get_by_label("Read receipts")).to_be_focused()
        # Until Space has opened the list, arrow keys belong to the notebook.
        for key in ("Space", "ArrowDown", "Enter"):
            page.keyboard.press(key)
        expect(panel.get_by_label("Read receipts")).to_have_value("nobody")
        expect(plan_rows(panel)).to_have_count(5)
        summary = plan_rows(panel).all_inner_texts()
        assert summary[0] == "setting\tfrom\tto\tdirection"
        assert sorted(row.split("\t")[0] for row in summary[1:]) == [
            "About",
            "Groups",
            "Last seen",
            "Read receipts",
        ]
        client.account.emulate(
            ps.testing.NextAnswer("refused", operation="set_privacy_setting", category="groupadd")
        )
        panel.get_by_role("button", name="Apply").click()
        expect(panel.get_by_role("alert")).to_have_text("Applied to 'lab': 3 applied, 1 refused.")
        expect(panel.get_by_text("Refused. WhatsApp refused: 406")).to_be_visible()
        accessible(page)
        there = {each: value for each, value in client.fetch_privacy_settings()["value"].items()}
        assert in_kernel(home, "{s.category: s.value for s in panel.settings}") == there
        assert in_kernel(home, "client.fetch_privacy_settings()['value'].to_dict()") == there
        assert in_kernel(home, "panel.controls['groupadd'].value") == "contacts"
        assert [there[key] for key in ("last", "status", "readreceipts")] == ["none"] * 3
        assert there["groupadd"] == "all"

        recorded = page.locator(".privacy-sdk").nth(1)
        recorded.get_by_label("Profile photo").select_option(label="nobody")
        recorded.get_by_role("button", name="Apply").click()
        expect(recorded.get_by_role("alert")).to_contain_text(
            "The recording 'tour' does not have a plan"
        )
        expect(recorded.get_by_label("Profile photo")).to_have_value("everyone")


def test_a_visit_in_notebook_7(page, home, folder, client):
    program = (
        "notebook",
        *SERVER,
        "--JupyterNotebookApp.expose_app_in_browser=True",
        f"--notebook-dir={folder}",
    )
    with serving(program, home) as url:
        run_all(page, f"{url}/notebooks/journey.ipynb")
        panel = panel_of(page).first
        panel.get_by_label("Calls").select_option(label="my contacts")
        panel.get_by_role("button", name="Apply").click()
        expect(panel.get_by_role("status")).to_have_text("Applied to 'lab': 1 applied.")
        assert client.fetch_privacy_settings().loc["calladd", "value"] == "contacts"
