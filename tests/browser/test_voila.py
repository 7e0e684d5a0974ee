"""The panel in a real browser, as a page of its own."""

import os
import signal
import subprocess
import sys

import pytest
from playwright.sync_api import expect
from servers import free_port, panel_of, serving, write_notebook

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


@pytest.fixture(scope="module")
def gateway():
    """Accounts for the pages of this module; each page has its own."""
    accounts = {
        name: ps.EmulatedAccount(name, settings=SETTINGS) for name in ("mouse", "slow", "wide")
    }
    with running_gateway(accounts) as url:
        yield url


@pytest.fixture(scope="module")
def voila(gateway, home):
    folder = home / "pages"
    folder.mkdir()
    for account in ("mouse", "slow", "wide"):
        client = f"ps.Client({gateway!r}, token='any', account={account!r})"
        write_notebook(folder / f"{account}.ipynb", f"import privacy_sdk as ps\n{client}.panel()")
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
    expect(panel.get_by_text("alert(1)")).to_be_visible()
    expect(panel.get_by_role("button", name="Apply")).to_be_disabled()

    panel.get_by_label("Last seen").select_option(label="nobody")
    panel.get_by_label("Groups").select_option(label="my contacts")
    panel.get_by_label("Disappearing messages").select_option(label="7 days")
    panel.get_by_label("Profile photo: except the phone numbers").fill("+999 11 555 0101")
    panel.get_by_role("button", name="Add").click()
    expect(panel.get_by_label("Profile photo: people excepted")).to_contain_text(
        "+99•••01 (to be added)"
    )
    expect(panel.get_by_text("Nobody can see when you were last online.")).to_be_visible()
    expect(panel.get_by_text("Changed, not applied yet")).to_have_count(4)
    summary = panel.get_by_role("row").all_inner_texts()
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
    expect(panel.get_by_role("alert")).to_contain_text("holds no answer to this")
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
            expect(panel_of(page).get_by_text("Emulated account")).to_be_visible()
        finally:
            process.send_signal(signal.SIGINT)
    assert process.returncode == 0
