"""The panel in a real browser, as a page of its own."""

import os
import signal
import subprocess
import sys

import pytest
from playwright.sync_api import expect
from servers import free_port, panel_of, plan_rows, serving, write_notebook

import privacy_sdk as ps
from privacy_sdk.testing import running_gateway

SETTINGS = {
    "last": "all",
    "online": "all",
    "profile": "contact_blacklist",
    "status": "contacts",
    "groupadd": "all",
    "readreceipts": "all",
    "calladd": "known",
    "messages": "a_value_of_tomorrow",
    "defense": "off",
    "<b>brand new</b>": "<script>alert(1)</script>",
}


ALIVE = """
import ipywidgets
import privacy_sdk as ps
client = ps.Client.emulated()
button = ipywidgets.Button(description="by code")
button.on_click(lambda _: client.apply(client.plan({"last": "none", "defense": "on_standard"})))
ipywidgets.VBox([button, ipywidgets.HBox([client.panel(), client.panel()])])
"""


@pytest.fixture(scope="module")
def gateway():
    """Accounts for the pages of this module; each page has its own."""
    accounts = {
        name: ps.EmulatedAccount(name, settings=SETTINGS) for name in ("mouse", "slow", "wide")
    }
    accounts["undo"] = ps.EmulatedAccount("undo")
    with running_gateway(accounts) as url:
        yield url


@pytest.fixture(scope="module")
def voila(gateway, home):
    folder = home / "pages"
    folder.mkdir()
    for account in ("mouse", "slow", "wide", "undo"):
        client = f"ps.Client({gateway!r}, token='any', account={account!r})"
        write_notebook(folder / f"{account}.ipynb", f"import privacy_sdk as ps\n{client}.panel()")
    write_notebook(folder / "alive.ipynb", ALIVE)
    tour = "import privacy_sdk as ps\nps.Client.replay('tour').panel()"
    write_notebook(folder / "replay.ipynb", tour)
    program = [
        *("voila", str(folder), "--no-browser", "--port={port}", "--Voila.ip=127.0.0.1"),
        "--VoilaConfiguration.allow_theme_override=YES",
        f"--Voila.connection_dir_root={home}",
    ]
    with serving(program, home) as url:
        yield f"{url}/voila/render"


@pytest.fixture
def client_of(gateway):
    clients = []

    def make(account):
        clients.append(ps.Client(gateway, token="any", account=account))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_choose_read_the_summary_and_apply(voila, page, accessible, client_of):
    client = client_of("mouse")
    page.goto(f"{voila}/mouse.ipynb")
    panel = panel_of(page)
    accessible(page)
    expect(panel.locator("details").get_by_text("alert(1)")).to_be_visible()
    expect(panel.get_by_role("button", name="Apply")).to_be_disabled()

    panel.get_by_label("Last seen").select_option(label="nobody")
    panel.get_by_label("Groups").select_option(label="my contacts")
    panel.get_by_label("Disappearing messages").select_option(label="7 days")
    panel.get_by_label("Profile photo: except the phone numbers").fill("+999 11 555 0101")
    panel.get_by_role("button", name="Add").click()
    expect(panel.get_by_label("Profile photo: people excepted")).to_contain_text(
        "+99•••01 (to be added)"
    )
    beside = panel.locator(".psdk-line").get_by_text("Nobody can see when you were last online.")
    expect(beside).to_be_visible()
    expect(panel.get_by_text("Changed, not applied yet")).to_have_count(4)
    summary = plan_rows(panel).all_inner_texts()
    assert "Last seen\teveryone\tnobody\ttighter" in summary
    assert "Profile photo: except\t0 people\t1 person\ttighter" in summary
    accessible(page)
    assert client.fetch_privacy_settings().loc["last", "value"] == "all"

    client.account.emulate(
        ps.testing.NextAnswer("refused", operation="set_privacy_setting", category="groupadd")
    )
    panel.get_by_role("button", name="Apply").click()
    expect(panel.get_by_role("alert")).to_have_text("Applied to 'mouse': 3 applied, 1 refused.")
    expect(panel.get_by_text("Refused. WhatsApp refused: 406")).to_be_visible()
    expect(panel.get_by_label("Groups")).to_have_value("my contacts")
    accessible(page)
    now = client.fetch_privacy_settings()["value"]
    assert (now["last"], now["groupadd"]) == ("none", "all")
    assert client.fetch_default_disappearing_mode() == 604_800
    assert len(client.excluded("profile")) == 1

    panel.get_by_role("button", name="Revert").click()
    expect(panel.get_by_label("Groups")).to_have_value("everyone")


def test_while_a_slow_gateway_answers_controls_are_off_and_a_second_click_is_none(
    voila, page, accessible, client_of
):
    client = client_of("slow")
    page.goto(f"{voila}/slow.ipynb?theme=dark")
    panel = panel_of(page)
    accessible(page)
    client.account.emulate(
        ps.testing.NextAnswer("slow", seconds=1.5, operation="set_privacy_setting")
    )
    panel.get_by_label("Last seen").select_option(label="nobody")
    apply = panel.get_by_role("button", name="Apply")
    apply.dblclick()
    expect(panel.get_by_role("status")).to_have_text("Applying 1 change…")
    expect(panel.get_by_label("Last seen")).to_be_disabled()
    expect(apply).to_be_disabled()
    accessible(page)
    expect(panel.get_by_role("status")).to_have_text("Applied to 'slow': 1 applied.")
    expect(panel.get_by_label("Last seen")).to_be_enabled()
    accessible(page)


def test_a_change_that_was_not_recorded_is_said_and_taken_back(voila, page, accessible):
    page.goto(f"{voila}/replay.ipynb")
    panel = panel_of(page)
    expect(panel.get_by_text("Replay of 'tour'")).to_be_visible()
    panel.get_by_label("Profile photo").select_option(label="nobody")
    panel.get_by_role("button", name="Apply").click()
    expect(panel.get_by_role("alert")).to_contain_text("does not have a plan")
    expect(panel.get_by_label("Profile photo", exact=True)).to_have_value("everyone")
    accessible(page)


def test_it_fits_into_400_pixels(voila, page, accessible):
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(f"{voila}/wide.ipynb?theme=dark")
    panel = panel_of(page)
    panel.get_by_label("Disappearing messages").select_option(label="another time")
    panel.get_by_label("Disappear after").fill("2d")
    panel.get_by_label("Disappear after").press("Enter")
    expect(panel.get_by_text("Plan of 1 change")).to_be_visible()
    beyond = panel.evaluate(
        "panel => [...panel.querySelectorAll('*')]"
        ".filter(each => each.getBoundingClientRect().right > 400).map(each => each.outerHTML)"
    )
    assert beyond == []
    accessible(page)


def test_the_keyboard_alone_is_enough(voila, page, client_of):
    client = client_of("wide")
    page.goto(f"{voila}/wide.ipynb")
    panel = panel_of(page)
    page.keyboard.press("Tab")
    expect(panel.get_by_label("Last seen")).to_be_focused()
    page.keyboard.type("my contacts")
    expect(panel.get_by_label("Last seen")).to_have_value("my contacts")
    for _ in range(40):
        page.keyboard.press("Tab")
        if panel.get_by_role("button", name="Apply").evaluate("it => it.matches(':focus')"):
            break
    page.keyboard.press("Enter")
    expect(panel.get_by_role("status")).to_have_text("Applied to 'wide': 1 applied.")
    assert client.fetch_privacy_settings().loc["last", "value"] == "contacts"


def test_undo_and_presets_are_seen_as_a_plan_by_keyboard_alone(voila, page, accessible, client_of):
    client = client_of("undo")
    page.goto(f"{voila}/undo.ipynb")
    panel = panel_of(page)

    def press(name):
        panel.get_by_label("Last seen").focus()
        for _ in range(60):
            page.keyboard.press("Tab")
            if panel.get_by_role("button", name=name).evaluate("it => it.matches(':focus')"):
                break
        page.keyboard.press("Enter")

    press("Maximum privacy")
    expect(plan_rows(panel)).to_have_count(8)
    accessible(page)
    assert client.fetch_privacy_settings().loc["last", "value"] == "all"
    press("Apply")
    expect(panel.get_by_role("status")).to_have_text("Applied to 'undo': 7 applied.")
    assert client.fetch_privacy_settings().loc["last", "value"] == "none"
    press("Undo")
    expect(plan_rows(panel)).to_have_count(8)
    accessible(page)
    press("Apply")
    expect(panel.get_by_role("status")).to_have_text("Applied to 'undo': 7 applied.")
    assert client.fetch_privacy_settings().loc["last", "value"] == "all"


def test_what_code_changes_shows_and_what_is_locked_cannot_be_chosen(voila, page, accessible):
    page.goto(f"{voila}/alive.ipynb")
    panels = page.locator(".privacy-sdk")
    expect(panels).to_have_count(2)
    for panel in panels.all():
        expect(panel.get_by_label("Last seen")).to_be_enabled()
    page.get_by_role("button", name="by code").click()
    for panel in panels.all():
        expect(panel.get_by_label("Last seen")).to_have_value("nobody")
        expect(panel.get_by_label("Last seen")).to_be_disabled()
        why = panel.locator(".psdk-line").get_by_text("Locked by defense mode").first
        expect(why).to_be_visible()
    accessible(page)


def test_the_app_shows_a_panel_to_whoever_has_its_address(page, home):
    port = free_port()
    command = [sys.executable, "-m", "privacy_sdk", "app", "--emulated", "--no-browser"]
    environment = {**os.environ, "HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
    with subprocess.Popen(
        [*command, f"--port={port}"], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            address = process.stdout.readline().split()[-1]
            page.goto(address.partition("?")[0])
            assert "token" in page.content()
            assert page.locator(".privacy-sdk").count() == 0
            page.goto(address)
            panel = panel_of(page)
            expect(panel.get_by_text("Emulated account")).to_be_visible()
            expect(page.get_by_role("heading", name="Privacy settings")).to_be_visible()
            expect(page.get_by_text("nothing is sent anywhere")).to_be_visible()
            asked = []
            page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
            panel.get_by_label("Last seen").select_option(label="nobody")
            expect(plan_rows(panel)).to_have_count(2)
            page.reload()
            assert asked == ["beforeunload"]  # a choice would be lost
            panel = panel_of(page)
            expect(panel.get_by_label("Last seen")).to_have_value("everyone")
            panel.get_by_label("Last seen").select_option(label="nobody")
            panel.get_by_role("button", name="Apply").click()
            expect(panel.get_by_role("status")).to_have_text("Applied to 'demo': 1 applied.")
            page.reload()
            assert len(asked) == 1
            expect(panel_of(page).get_by_label("Last seen")).to_have_value("nobody")
        finally:
            process.send_signal(signal.SIGINT)
    assert process.returncode == 0
