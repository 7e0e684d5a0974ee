"""How the control panel looks when something goes wrong."""

import asyncio
import signal
import threading
import time

import pytest
from ipywidgets.widgets.widget import _instances
from panels import Gated, eventually, html_of, labelled, press, row_of, settled, text_of

import privacy_sdk as ps
from privacy_sdk.testing import running_gateway

TOKEN, NEW_TOKEN = "only-for-tests", "only-for-tests-anew"


def port_of(url):
    return int(url.rpartition(":")[2])


def chosen(client, category="last", value="none"):
    panel = client.panel()
    panel.controls[category].value = value
    return panel


def test_gateway_gone_while_the_panel_is_open():
    with running_gateway({"demo": ps.EmulatedAccount()}) as url:
        client = ps.Client(url, account="demo", token=TOKEN)
        panel = chosen(client)
    for button in ("Refresh", "Apply"):
        press(panel, button)
        assert settled(panel).startswith("No gateway answers at http://127.0.0.1")
        assert 'role="alert"' in html_of(panel)
    assert panel.controls["last"].value == "none"
    with running_gateway({"demo": ps.EmulatedAccount()}, port=port_of(url)):
        press(panel, "Apply")
        assert settled(panel) == "Applied to 'demo': 1 applied."
    client.close()


def test_no_gateway_at_all_is_an_error_and_no_panel():
    before = set(_instances)
    with (
        ps.Client("http://127.0.0.1:9", account="demo", token=TOKEN) as client,
        pytest.raises(ps.NotConnectedError, match="No gateway answers"),
    ):
        client.panel()
    assert set(_instances) == before


def test_token_revoked_while_the_panel_is_open():
    with running_gateway({"demo": ps.EmulatedAccount()}, token=TOKEN) as url:
        client = ps.Client(url, account="demo", token=TOKEN)
        panel = chosen(client)
    with running_gateway({"demo": ps.EmulatedAccount()}, token=NEW_TOKEN, port=port_of(url)):
        press(panel, "Apply")
        assert "token" in settled(panel)
        with pytest.raises(ps.errors.InvalidTokenError):
            panel.refresh()
    assert TOKEN not in html_of(panel) + repr(panel)
    client.close()


@pytest.mark.parametrize(
    ("code", "text", "says"),
    [
        (401, "not-authorized", "401 not-authorized"),
        (409, "conflict", "409 conflict"),
        (429, "rate-overlimit", "WhatsApp asks to wait 30 s before trying again."),
        (503, "service-unavailable", "503 service-unavailable"),
    ],
)
def test_refused_by_whatsapp(code, text, says):
    client = ps.Client.emulated()
    panel = chosen(client)
    client.account.emulate(
        ps.testing.NextAnswer(
            "refused",
            code=code,
            text=text,
            backoff=30 if code == 429 else None,
            operation="set_privacy_setting",
        )
    )
    press(panel, "Apply")
    assert settled(panel) == "Applied to 'demo': 1 refused."
    assert f"Changed, not applied yet; now: everyone. Refused. WhatsApp refused: {code}" in (
        row_of(panel, "last")
    )
    assert says in row_of(panel, "last")


def test_too_many_requests_keeps_the_rest_from_being_tried():
    client = ps.Client.emulated()
    panel = chosen(client)
    panel.controls["status"].value = "none"
    client.account.emulate(
        ps.testing.NextAnswer(
            "refused", code=429, backoff=30, operation="set_privacy_setting", times=9
        )
    )
    press(panel, "Apply")
    assert settled(panel) == "Applied to 'demo': 1 refused, 1 not tried."
    assert "Not tried. Stopped when another change was refused" in text_of(panel)


def test_reading_refused_with_a_backoff():
    client = ps.Client.emulated()
    panel = chosen(client)
    client.account.emulate(
        ps.testing.NextAnswer("refused", code=429, text="rate-overlimit", backoff=30)
    )
    press(panel, "Refresh")
    assert "WhatsApp asks to wait 30 s" in settled(panel)
    assert panel.controls["last"].value == "none"


def test_a_lost_answer_whose_change_was_made_is_found_out():
    client = ps.Client.emulated()
    panel = chosen(client)
    client.account.emulate(ps.testing.NextAnswer("lost", operation="set_privacy_setting"))
    press(panel, "Apply")
    assert settled(panel) == "Applied to 'demo': 1 applied."


class LostThenDeaf(ps.EmulatedAccount):
    """The answer to a change is lost, and so are the next two that would tell of it."""

    async def set_privacy_setting(self, category, value, **options):
        await self.emulate(
            ps.testing.NextAnswer("lost", operation="fetch_privacy_settings", times=2)
        )
        await self.emulate(ps.testing.NextAnswer("lost", operation="set_privacy_setting"))
        return await super().set_privacy_setting(category, value, **options)


def test_a_lost_answer_that_cannot_be_read_back_is_unknown():
    account = LostThenDeaf()
    panel = chosen(ps.Client.from_account(account))
    press(panel, "Apply")
    assert settled(panel) == "Applied to 'demo': 1 unknown."
    # Read again, the panel shows what became of it.
    assert panel.controls["last"].value == "none"
    assert "Not known whether it was applied." in row_of(panel, "last")
    assert len(panel.plan) == 0


def test_no_categories():
    panel = ps.Client.from_account(ps.EmulatedAccount(settings={})).panel()
    assert set(panel.controls) == {"timer"}
    assert "The server reported no settings." in text_of(panel)
    assert "Plan" not in text_of(panel)


def test_two_hundred_unknown_categories_are_one_table():
    settings = {f"new_{n}": "all" for n in range(200)}
    before = len(_instances)
    panel = ps.Client.from_account(ps.EmulatedAccount(settings=settings)).panel()
    assert len(_instances) - before < 40
    assert "200 settings that this version does not know" in text_of(panel)
    assert "new_199" in text_of(panel)
    assert "<details><summary>" in html_of(panel)


EVIL = "<img src=x onerror=alert(1)>"


def test_names_with_html_in_them_are_text():
    account = ps.EmulatedAccount(id="demo", settings={EVIL: EVIL, "last": EVIL, "online": "all"})
    account.id = EVIL
    client = ps.Client.from_account(account)
    panel = client.panel()
    panel.controls["last"].value = "none"
    client.account.emulate(
        ps.testing.NextAnswer(
            "refused", text=EVIL, error_type=EVIL, operation="set_privacy_setting"
        )
    )
    press(panel, "Apply")
    settled(panel)
    fallback = panel._repr_mimebundle_()["text/html"]
    assert "<img" not in html_of(panel) + client._repr_html_() + fallback
    assert EVIL in text_of(panel)


def test_a_second_click_on_apply_does_nothing():
    account = Gated()
    panel = chosen(ps.Client.from_account(account))
    press(panel, "Apply")
    press(panel, "Apply")
    press(panel, "Refresh")
    press(panel, "Revert")
    assert account.arrived.wait(10)
    with pytest.raises(ps.errors.UsageError, match="busy"):
        panel.apply()
    account.passing.set()
    assert settled(panel) == "Applied to 'demo': 1 applied."
    assert account.asked == ["last"]


def test_closing_during_apply_frees_the_widgets_and_the_change_goes_on():
    account = Gated()
    before = set(_instances)
    panel = chosen(ps.Client.from_account(account))
    press(panel, "Apply")
    assert account.arrived.wait(10)
    panel.close()
    assert set(_instances) == before
    account.passing.set()
    eventually(lambda: panel.applied is not None)
    assert panel.applied.is_complete
    assert set(_instances) == before


def interrupted_while(account, work):
    """Run work and press Ctrl-C once the account is asked."""
    main = threading.main_thread().ident

    def interrupt():
        account.arrived.wait(10)
        signal.pthread_kill(main, signal.SIGINT)

    def begin():
        thread.start()
        work()

    thread = threading.Thread(target=interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        begin()
    thread.join()
    return caught.value


def test_a_kernel_interrupt_during_apply_from_code_says_that_it_may_still_take():
    account = Gated()
    panel = chosen(ps.Client.from_account(account))
    error = interrupted_while(account, panel.apply)
    assert "may still be applied" in "".join(error.__notes__)
    assert settled(panel).startswith("Interrupted. What was sent may still be applied")
    assert panel.controls["last"].value == "none"
    assert len(panel.plan) == 1
    account.passing.set()
    assert panel.apply().is_complete


def test_a_kernel_interrupt_after_a_click_does_not_touch_what_the_click_began():
    account = Gated()
    panel = chosen(ps.Client.from_account(account))
    press(panel, "Apply")
    interrupted_while(account, lambda: time.sleep(30))  # an Event may deadlock on Ctrl-C
    account.passing.set()
    assert settled(panel) == "Applied to 'demo': 1 applied."


def test_two_panels_on_one_client_at_once():
    account = Gated()
    client = ps.Client.from_account(account)
    one, two = chosen(client), chosen(client, "status", "none")
    press(one, "Apply")
    press(two, "Apply")
    account.passing.set()
    assert settled(one) == settled(two) == "Applied to 'demo': 1 applied."
    one.refresh()
    for panel in (one, two):
        assert (panel.controls["last"].value, panel.controls["status"].value) == ("none", "none")
        assert len(panel.plan) == 0


def test_two_panels_that_want_different_things():
    client = ps.Client.emulated()
    one, two = chosen(client), chosen(client, "last", "contacts")
    one.apply()
    assert two.controls["last"].value == "contacts"
    assert "now: nobody. Changed elsewhere; it was everyone." in row_of(two, "last")


def test_a_closed_client_says_so_in_its_panel():
    client = ps.Client.replay("tour")
    panel = client.panel()
    client.close()
    press(panel, "Refresh")
    assert settled(panel).startswith("The client is closed.")


def test_what_nobody_thought_of_is_shown_too():
    account = ps.EmulatedAccount()
    panel = chosen(ps.Client.from_account(account))

    async def broken():
        raise ZeroDivisionError("of +999 11 555 0101")

    account.fetch_privacy_settings = broken
    press(panel, "Refresh")
    assert settled(panel) == "ZeroDivisionError: of 99•••01"
    press(panel, "Apply")
    assert settled(panel).startswith("ZeroDivisionError")


def test_an_account_that_is_not_connected_says_what_to_do():
    account = ps.EmulatedAccount()
    account._info = ps.AccountInfo("demo", "whatsapp", "logged_out", hint="Link the phone again.")
    assert "Logged out. Link the phone again." in text_of(ps.Client.from_account(account).panel())


def test_a_reading_that_was_cancelled_leaves_the_panel_usable():
    account = Gated()
    panel = chosen(ps.Client.from_account(account))

    async def never():
        account.arrived.set()
        await asyncio.Event().wait()

    account.fetch_privacy_settings, fetch = never, account.fetch_privacy_settings
    interrupted_while(account, panel.refresh)
    assert settled(panel) == "Interrupted."
    account.fetch_privacy_settings = fetch
    panel.refresh()
    assert labelled(panel, "Apply").disabled is False
