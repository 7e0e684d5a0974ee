"""What the control panel shows, what choosing means, and what becomes of it."""

import gc
import re
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import httpx2
import ipywidgets as widgets
import pytest
from ipywidgets.widgets.widget import _instances
from panels import (
    Blind,
    Forgetful,
    Gated,
    eventually,
    html_of,
    labelled,
    press,
    row_of,
    settled,
    shown,
    text_in,
    text_of,
)

import privacy_sdk as ps
from privacy_sdk.model import words
from privacy_sdk.model.types import LOCKED_BY_DEFENSE

PERSON, OTHER = "+999 11 555 0101", "+999 11 555 0102"


@pytest.fixture
def client():
    return ps.Client.emulated()


@pytest.fixture
def panel(client):
    panel = client.panel()
    yield panel
    panel.close()


def value_of(client, category):
    return client.fetch_privacy_settings().loc[category, "value"]


def test_each_category_has_a_labelled_control_with_exactly_its_values(panel):
    for category in ps.PrivacyCategory:
        control = panel.controls[category.value]
        assert control.description == words.label(category)
        assert [value for _, value in control.options] == [*category.valid_values]
        assert [text for text, _ in control.options] == [
            words.audience(value) for value in category.valid_values
        ]
    assert panel.controls["last"].value == "all"
    assert row_of(panel, "last") == "Everyone can see when you were last online."


def test_a_choice_is_marked_and_planned_and_nothing_is_sent():
    account = Gated()
    client = ps.Client.from_account(account)
    panel = client.panel()
    panel.controls["last"].value = "none"
    panel.controls["status"].value = "all"
    assert row_of(panel, "last") == (
        "Nobody can see when you were last online. Changed, not applied yet; now: everyone."
    )
    assert "Last seen everyone nobody tighter About my contacts everyone looser" in text_of(panel)
    assert account.asked == []
    assert value_of(client, "last") == "all"


def test_what_is_chosen_is_the_plan_that_a_policy_would_be(client, panel):
    panel.controls["last"].value = "none"
    panel.controls["defense"].value = "on_standard"
    panel.controls["timer"].value = 604_800
    panel.exclude("profile", [PERSON, OTHER])
    policy = ps.Policy(
        last="none", defense="on_standard", timer=604_800, exceptions={"profile": [PERSON, OTHER]}
    )
    assert panel.plan == client.plan(policy)


def test_applied_changes_are_said_and_the_panel_shows_what_the_server_says(client, panel):
    panel.controls["last"].value = "none"
    panel.controls["timer"].value = 86_400
    applied = panel.apply()
    assert applied.is_complete
    assert panel.applied is applied
    assert (value_of(client, "last"), client.fetch_default_disappearing_mode()) == ("none", 86_400)
    assert row_of(panel, "last") == "Nobody can see when you were last online. Applied."
    assert panel.message == "Applied to 'demo': 2 applied."
    assert len(panel.plan) == 0
    client.apply(applied.undo())
    panel.refresh()
    assert panel.controls["last"].value == "all"


@pytest.mark.parametrize("fault", ["refused", "refused_inside", "not_applied"])
def test_a_refused_change_stays_marked_with_its_reason(client, panel, fault):
    client.account.emulate(
        ps.testing.NextAnswer(fault, operation="set_privacy_setting", category="groupadd")
    )
    panel.controls["groupadd"].value = "none"
    panel.controls["last"].value = "none"
    assert not panel.apply().is_complete
    assert panel.controls["groupadd"].value == "none"
    assert "Changed, not applied yet; now: everyone. Refused." in row_of(panel, "groupadd")
    assert "Applied." in row_of(panel, "last")
    assert [change.category.value for change in panel.plan] == ["groupadd"]
    assert panel.apply().is_complete


def test_another_choice_ends_what_was_said_of_the_last_one(client, panel):
    client.account.emulate(ps.testing.NextAnswer("refused", category="groupadd"))
    panel.controls["groupadd"].value = "none"
    panel.apply()
    panel.controls["groupadd"].value = "contacts"
    assert "Refused" not in text_of(panel)
    assert panel.message == ""


def test_revert_chooses_what_is_set(panel):
    panel.exclude("profile", PERSON)
    for key, control in panel.controls.items():
        if key != "profile":
            control.value = control.options[-1][1]
    panel.revert()
    assert len(panel.plan) == 0
    assert panel.controls["last"].value == "all"
    assert "Changed" not in text_of(panel)


def test_buttons_can_be_used_when_there_is_something_to_do(panel):
    def enabled():
        names = "Apply", "Revert", "Refresh"
        return [name for name in names if not labelled(panel, name).disabled]

    assert enabled() == ["Refresh"]
    panel.controls["last"].value = "none"
    assert enabled() == ["Apply", "Revert", "Refresh"]


@pytest.fixture
def untold():
    """A client of an account that tells of no change."""
    return ps.Client.from_account(Forgetful())


def test_a_change_on_the_phone_is_shown_and_a_choice_stays(untold):
    client, panel = untold, untold.panel()
    panel.controls["last"].value = "none"
    client.account.emulate(ps.testing.PhoneSets("last", "contacts"))
    client.account.emulate(ps.testing.PhoneSets("calladd", "known"))
    panel.refresh()
    assert panel.controls["calladd"].value == "known"
    assert "Changed elsewhere; it was everyone." in row_of(panel, "calladd")
    assert panel.controls["last"].value == "none"
    assert "now: my contacts. Changed elsewhere; it was everyone." in row_of(panel, "last")


def test_what_was_changed_elsewhere_is_not_overwritten_silently(untold):
    client, panel = untold, untold.panel()
    panel.controls["last"].value = "none"
    panel.controls["status"].value = "none"
    client.account.emulate(ps.testing.PhoneSets("last", "contacts"))
    with pytest.raises(ps.errors.OutdatedPlanError):
        panel.apply()
    assert value_of(client, "status") == "contacts"
    assert "changed elsewhere meanwhile, and nothing was sent" in panel.message
    assert "Changed elsewhere; it was everyone." in row_of(panel, "last")
    assert panel.apply().is_complete
    assert value_of(client, "last") == "none"


def test_what_the_phone_did_as_well_is_no_change_any_more(untold):
    client, panel = untold, untold.panel()
    panel.controls["last"].value = "none"
    client.account.emulate(ps.testing.PhoneSets("last", "none"))
    panel.refresh()
    assert len(panel.plan) == 0
    assert row_of(panel, "last").endswith("Already set.")


def test_what_defense_mode_locks_says_so(client, panel):
    client.set_privacy_setting("defense", "on_standard")
    panel.refresh()
    panel.controls["last"].value = "none"
    assert "Defense mode locks it" in row_of(panel, "last")
    assert labelled(panel, "Apply").disabled


def test_unknown_categories_are_shown_and_have_no_control():
    account = ps.EmulatedAccount(settings={"last": "all", "brand_new": "who_knows"})
    panel = ps.Client.from_account(account).panel()
    assert set(panel.controls) == {"last", "timer"}
    assert "1 setting that this version does not know" in text_of(panel)
    assert "brand_new who_knows" in text_of(panel)


def test_a_value_outside_the_table_is_shown_and_can_be_left():
    client = ps.Client.from_account(ps.EmulatedAccount(settings={"last": "allowlist"}))
    panel = client.panel()
    control = panel.controls["last"]
    assert control.value == "allowlist"
    assert control.options[-1] == ("allowlist (unknown)", "allowlist")
    assert len(panel.plan) == 0
    control.value = "none"
    assert panel.apply().is_complete
    assert "allowlist" not in dict(control.options).values()


def test_a_category_that_is_not_reported_any_more_goes():
    account = ps.EmulatedAccount(settings={"last": "all", "online": "all"})
    panel = ps.Client.from_account(account).panel()
    del account.server.settings["online"]
    panel.refresh()
    assert set(panel.controls) == {"last", "timer"}


def test_the_timer_offers_whatsapps_times_and_another_one(client, panel):
    control = panel.controls["timer"]
    offered = ["off", "24 hours", "7 days", "90 days", "another time"]
    assert [label for label, _ in control.options] == offered
    control.value = "other"
    assert "Write a time below." in text_of(panel)
    assert labelled(panel, "Apply").disabled
    labelled(panel, "Disappear after, as in 2d, 36h or 90m").value = "2d"
    assert "disappear after 2 days" in row_of(panel, "timer")
    panel.apply()
    assert client.fetch_default_disappearing_mode() == 172_800
    assert control.value == 172_800
    assert ("2 days", 172_800) in control.options


@pytest.mark.parametrize("written", ["2 fortnights", "-1", "99999999d", "<b>"])
def test_a_time_that_is_none_keeps_everything_from_being_sent(panel, written):
    panel.controls["last"].value = "none"
    panel.controls["timer"].value = "other"
    labelled(panel, "Disappear after, as in 2d, 36h or 90m").value = written
    assert labelled(panel, "Apply").disabled
    with pytest.raises(ps.InvalidInputError):
        panel.apply()
    assert "<b>" not in html_of(panel)
    panel.revert()
    assert panel.message == ""


def test_people_are_excepted_by_number_and_removed(client, panel):
    panel.controls["profile"].value = "contact_blacklist"
    assert "Nobody is excepted." in row_of(panel, "profile")
    labelled(panel, "Profile photo: except the phone numbers").value = PERSON
    press(panel, "Add")
    eventually(lambda: "1 to be added" in row_of(panel, "profile"))
    assert labelled(panel, "Profile photo: except the phone numbers").value == ""
    panel.apply()
    assert "1 person is excepted." in row_of(panel, "profile")
    assert client.excluded("profile", masked=False)["number"].tolist() == ["+999115550101"]
    people = labelled(panel, "Profile photo: people excepted")
    people.index = (0,)
    press(panel, "Remove")
    assert "1 to be removed" in row_of(panel, "profile")
    panel.apply()
    assert len(client.excluded("profile")) == 0


def test_numbers_are_masked_until_whole_ones_are_wanted(client):
    client.exclude("profile", PERSON)
    panel = client.panel()
    people = labelled(panel, "Profile photo: people excepted")
    assert people._options_labels == ("+99•••01",)
    assert not any("9991155" in str(widget.get_state()) for widget in shown(panel))
    labelled(panel, "Show whole phone numbers").value = True
    assert people._options_labels == ("+999115550101",)


def test_the_switch_for_numbers_is_there_when_there_are_people(panel):
    assert "Show whole phone numbers" not in [
        getattr(widget, "description", None) for widget in shown(panel)
    ]


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("", "nobody is named"),
        ("11 555-0101", "is not a phone number with a country code"),
        ("+999 11 555 0999", "nobody on WhatsApp has"),
        ("<img src=x>", "is not a phone number"),
    ],
)
def test_a_number_that_is_nobodys_is_said_beside_its_list(panel, number, says):
    panel.controls["profile"].value = "contact_blacklist"
    labelled(panel, "Profile photo: except the phone numbers").value = number
    press(panel, "Add")
    eventually(lambda: says in row_of(panel, "profile"))
    assert "5550999" not in html_of(panel)
    assert "<img" not in html_of(panel)
    assert [change.category.value for change in panel.plan] == ["profile"]


def test_excepting_somebody_never_opens_what_nobody_sees(client, panel):
    panel.controls["last"].value = "none"
    with pytest.raises(ps.InvalidInputError, match="nobody"):
        panel.exclude("last", PERSON)
    assert panel.controls["last"].value == "none"


def test_people_can_be_chosen_from_code(client, panel):
    panel.exclude("profile", [PERSON, OTHER])
    panel.apply()
    panel.include("profile", OTHER)
    panel.apply()
    assert client.excluded("profile", masked=False)["number"].tolist() == ["+999115550101"]
    with pytest.raises(ps.errors.InvalidContactError):
        panel.exclude("profile", "+999 11 555 0999")
    with pytest.raises(ps.errors.NoDisallowedListError):
        panel.exclude("online", PERSON)


def test_a_list_changed_on_the_phone_is_shown_and_choices_stay(untold):
    client = untold
    client.exclude("profile", PERSON)
    panel = client.panel()
    panel.exclude("profile", OTHER)
    added = ps.DisallowedListUserEntry("999000000000003@lid")
    client.account.emulate(ps.testing.PhoneLists("profile", [added]))
    with pytest.raises(ps.errors.OutdatedPlanError):
        panel.apply()
    said = row_of(panel, "profile")
    assert "2 people are excepted; 1 to be added." in said
    assert "Who is excepted was changed elsewhere." in said
    panel.apply()
    assert len(client.excluded("profile")) == 3


def test_an_account_that_cannot_read_lists_and_timer_says_so():
    client = ps.Client.from_account(Blind(settings={"last": "contact_blacklist", "profile": "all"}))
    panel = client.panel()
    assert "This account cannot read it." in row_of(panel, "last")
    assert labelled(panel, "Add").disabled
    assert row_of(panel, "timer") == "This account cannot read it."
    assert panel.controls["timer"].value is None
    panel.controls["timer"].value = 0
    panel.exclude("profile", PERSON)
    assert panel.apply().is_complete


def test_a_list_of_thousands_is_counted_and_its_first_people_are_listed():
    client = ps.Client.emulated()
    client.exclude("profile", [f"999{n:012}@lid" for n in range(1, 3_001)])
    panel = client.panel()
    assert "3,000 people are excepted; the first 500 are listed." in row_of(panel, "profile")
    assert len(labelled(panel, "Profile photo: people excepted").options) == 500


def test_other_code_runs_while_a_slow_gateway_answers():
    account = Gated()
    panel = ps.Client.from_account(account).panel()
    panel.controls["last"].value = "none"
    press(panel, "Apply")
    assert account.arrived.wait(10)
    assert panel.message == "Applying 1 change…"
    assert all(control.disabled for control in panel.controls.values())
    assert "progress" in html_of(panel)
    account.passing.set()
    assert settled(panel) == "Applied to 'demo': 1 applied."
    assert not any(control.disabled for control in panel.controls.values())


def test_progress_is_said_change_by_change(panel):
    said = []
    place = next(w for w in shown(panel) if "psdk-status" in w._dom_classes)
    place.observe(lambda change: said.append(text_in(change.new)), "value")
    panel.controls["last"].value = "none"
    panel.controls["timer"].value = 604_800
    panel.apply()
    assert said == [
        "Applying 2 changes…",
        "Applying 2 changes, 1 made…",
        "Applying 2 changes, 2 made…",
        "Applied to 'demo': 2 applied.",
    ]


def test_choices_made_in_many_threads_all_count(panel):
    def choose(category):
        control = panel.controls[category.value]
        for value in (*control.options, *control.options):
            control.value = value[1]

    threads = [threading.Thread(target=choose, args=(c,)) for c in ps.PrivacyCategory]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for change in panel.plan:
        assert change.after == change.category.valid_values[-1]


def test_panels_of_one_client_show_what_another_applied(client):
    one, two = client.panel(), client.panel()
    two.controls["status"].value = "none"
    one.controls["last"].value = "none"
    one.apply()
    assert two.controls["last"].value == "none"
    assert "Changed elsewhere; it was everyone." in row_of(two, "last")
    assert two.apply().is_complete
    assert one.controls["status"].value == "none"


def test_a_hundred_panels_leave_no_widget_behind(client):
    client.exclude("profile", PERSON)
    before = set(_instances)
    for _ in range(100):
        panel = client.panel()
        panel.controls["last"].value = "contact_blacklist"
        panel.controls["timer"].value = "other"
        panel.close()
    assert set(_instances) == before
    panel.close()


def test_what_is_on_a_page_keeps_its_client_open():
    client = ps.Client.emulated()
    panel = client.panel()
    alive = weakref.ref(client)
    del client
    gc.collect()
    assert alive() is not None
    assert panel.children


def test_a_closed_panel_says_so(client):
    panel = client.panel()
    panel.close()
    for use in (panel.apply, panel.refresh, lambda: panel.exclude("last", PERSON)):
        with pytest.raises(ps.errors.UsageError, match="closed"):
            use()
    assert "closed" in repr(panel)
    assert "application/vnd.jupyter.widget-view+json" not in panel._repr_mimebundle_()


def test_without_a_front_end_a_panel_is_a_table_that_needs_no_script():
    account = ps.EmulatedAccount(settings={"last": "all", "<script>alert(1)</script>": "&<b>"})
    panel = ps.Client.from_account(account).panel()
    bundle = panel._repr_mimebundle_()
    assert "<td>everyone</td>" in bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"]
    assert "<script" not in bundle["text/html"]
    assert bundle["text/plain"] == "Panel(Client(EmulatedAccount('demo')), 0 changes pending)"
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.model_id


def test_a_panel_of_a_recording_says_what_is_replayed():
    panel = ps.Client.replay("tour").panel()
    assert "Replay of 'tour': answers were recorded, nothing is sent" in text_of(panel)


def test_a_change_that_was_not_recorded_is_said_in_words_and_taken_back():
    panel = ps.Client.replay("tour").panel()
    before = panel.controls["profile"].value
    panel.controls["profile"].value = "none"
    press(panel, "Apply")
    assert settled(panel).startswith("Nothing was changed. The recording 'tour' does not have")
    assert "a plan (profile → nobody)" in panel.message
    assert panel.controls["profile"].value == before
    assert len(panel.plan) == 0
    panel.controls["profile"].value = "none"
    with pytest.raises(ps.NotRecordedError):
        panel.apply()


def test_a_miss_says_which_changes_were_recorded(tmp_path):
    from privacy_sdk.testing import running_gateway

    path = tmp_path / "mine.yaml"
    with (
        running_gateway({"demo": ps.EmulatedAccount()}) as url,
        ps.Client(url, token="t", account="demo", record=path) as client,
    ):
        panel = client.panel()
        panel.controls["last"].value = "none"
        panel.controls["timer"].value = 604_800
        panel.apply()
    with ps.Client.replay(path) as client:
        panel = client.panel()
        panel.controls["last"].value = "contacts"
        press(panel, "Apply")
        assert "It has: a plan (last → nobody, timer → 7 days)." in settled(panel)
        panel.controls["last"].value = "none"
        panel.controls["timer"].value = 604_800
        assert panel.apply().is_complete
        assert panel.controls["last"].value == "none"


class Counted(httpx2.AsyncBaseTransport):
    """The network, and what was asked of it."""

    def __init__(self):
        self._network = httpx2.AsyncHTTPTransport()
        self._asked = []

    async def handle_async_request(self, request):
        path = request.url.path.removeprefix("/v1/accounts/demo")
        self._asked.append(f"{request.method} {path}".rstrip())
        return await self._network.handle_async_request(request)

    async def aclose(self):
        await self._network.aclose()

    def asked(self):
        """The requests since this was called last."""
        asked, self._asked = self._asked, []
        return asked


@pytest.fixture
def network():
    return Counted()


@pytest.fixture
def remote(network):
    """Make clients of a served account whose requests are counted; nothing tells of changes."""
    from privacy_sdk.accounts.http import HttpAccount
    from privacy_sdk.testing import running_gateway

    class Unwatched(HttpAccount):
        async def watch(self, **asked):
            raise ps.NotSupportedError("Nobody tells of changes.")
            yield

    clients = []
    with running_gateway({"demo": ps.EmulatedAccount()}) as url:

        def make(account="demo"):
            account = Unwatched(url, token="t", account=account, transport=network)
            clients.append(ps.Client.from_account(account))
            return clients[-1]

        yield make
        for client in clients:
            client.close()


def test_opening_a_panel_asks_who_the_account_is_once(remote, network):
    remote("demo").panel()
    assert network.asked() == ["GET", "GET /privacy", "GET /disappearing-mode"]
    remote(None).panel()
    assert network.asked() == ["GET /v1/accounts", "GET /privacy", "GET /disappearing-mode"]


def test_apply_is_one_request_whose_answer_is_shown(remote, network):
    client = remote()
    panel, other = client.panel(), client.panel()
    panel.controls["last"].value = "none"
    panel.controls["timer"].value = 604_800
    panel.exclude("profile", PERSON)
    client.account.emulate(ps.testing.PhoneSets("calladd", "known"))
    network.asked()
    assert panel.apply().is_complete
    assert network.asked() == ["PATCH /privacy"]
    for each in (panel, other):
        assert {key: each.controls[key].value for key in ("last", "timer", "calladd")} == {
            "last": "none",
            "timer": 604_800,
            "calladd": "known",
        }
        assert "1 person is excepted." in row_of(each, "profile")
        assert "Changed elsewhere; it was everyone." in row_of(each, "calladd")
    assert "Changed elsewhere" not in row_of(panel, "last")
    panel.controls["last"].value = "contacts"
    press(panel, "Apply")
    assert settled(panel) == "Applied to 'demo': 1 applied."
    assert network.asked() == ["PATCH /privacy"]
    assert client.apply(panel.applied.undo()).is_complete


def test_what_the_answer_to_apply_does_not_hold_is_asked_for(remote, network):
    client = remote()
    panel = client.panel()
    remote().exclude("profile", PERSON)  # by another client
    panel.controls["last"].value = "none"
    network.asked()
    assert panel.apply().is_complete
    assert network.asked() == ["PATCH /privacy", "GET /privacy/profile/disallowed-list"]
    assert "1 person is excepted." in row_of(panel, "profile")


def test_refresh_and_a_conflict_read_and_do_not_ask_who_the_account_is(remote, network):
    client = remote()
    panel = client.panel()
    panel.controls["last"].value = "none"
    client.account.emulate(ps.testing.PhoneSets("last", "contacts"))
    network.asked()
    with pytest.raises(ps.errors.OutdatedPlanError):
        panel.apply()
    assert network.asked() == ["PATCH /privacy", "GET /privacy", "GET /disappearing-mode"]
    panel.refresh()
    assert network.asked() == ["GET /privacy", "GET /disappearing-mode"]
    panel.revert()
    assert network.asked() == []


def test_a_panel_of_an_account_that_cannot_read_lists_reads_nothing_after_apply():
    class Counting(Blind):
        reads = 0

        async def fetch_privacy_settings(self):
            self.reads += 1
            return await super().fetch_privacy_settings()

    account = Counting(settings={"last": "contact_blacklist", "profile": "all"})
    panel = ps.Client.from_account(account).panel()
    panel.controls["profile"].value = "contact_blacklist"
    account.reads = 0
    assert panel.apply().is_complete
    assert account.reads == 2  # before and after, by the run itself
    assert "This account cannot read it." in row_of(panel, "profile")


# --- a widget as any other


def test_a_panel_is_a_widget(client):
    panel, other = client.panel(), client.panel()
    tab = widgets.Tab([panel, widgets.VBox([other])], titles=["one", "another"])
    assert tab.children[0] is panel
    assert panel.get_state()["_dom_classes"] == ("privacy-sdk",)
    note = widgets.HTML()
    widgets.dlink((panel.controls["last"], "value"), (note, "value"))
    panel.controls["last"].value = "none"
    assert note.value == "none"


def test_closing_leaves_the_table(client):
    panel = client.panel()
    panel.controls["last"].value = "none"
    panel.apply()
    panel.close()
    panel.close()
    bundle = panel._repr_mimebundle_(include=None, exclude=None)
    assert set(bundle) == {"text/plain", "text/html"}
    assert "<td>Last seen</td><td>nobody</td>" in bundle["text/html"]
    assert bundle["text/plain"] == "Panel(Client.emulated(), closed)"


@pytest.mark.parametrize("wrong", ["nobdy", "contact", "", None, 7, True, [], "all " * 99])
def test_a_choice_that_is_not_offered_says_what_is(panel, wrong):
    with pytest.raises(ps.InvalidInputError, match="Last seen cannot be set to") as caught:
        panel.controls["last"].value = wrong
    assert caught.value.hint == (
        "It can be: everyone ('all'), my contacts ('contacts'), "
        "my contacts except… ('contact_blacklist'), nobody ('none')."
    )
    assert panel.controls["last"].value == "all"
    assert len(panel.plan) == 0


@pytest.mark.parametrize("choice", ["none", "nobody", ps.PrivacyValue.NONE], ids=repr)
def test_a_choice_is_a_word_a_wire_string_or_a_member(panel, choice):
    panel.controls["last"].value = choice
    assert panel.controls["last"].value == "none"
    assert [change.after for change in panel.plan] == ["none"]


def test_a_time_is_chosen_by_its_words_too(panel):
    panel.controls["timer"].value = "7 days"
    assert panel.controls["timer"].value == 604_800
    with pytest.raises(ps.InvalidInputError, match="Disappearing messages cannot be set to 5"):
        panel.controls["timer"].value = 5


def test_no_wire_string_stands_in_what_is_said_to_people(panel):
    panel.controls["last"].value = "none"
    with pytest.raises(ps.InvalidInputError) as caught:
        panel.exclude("last", PERSON)
    panel.exclude("profile", PERSON)
    said = text_of(panel) + str(caught.value)
    assert "my contacts except…" in said
    assert "contact_blacklist" not in said


# --- alive: what code and other panels change shows at once, without a question


def test_what_code_changes_shows_at_once(client, panel):
    client.set_privacy_setting("last", "none")
    client.set_default_disappearing_mode(86_400)
    assert panel.controls["last"].value == "none"
    assert panel.controls["timer"].value == 86_400
    assert "Changed elsewhere; it was everyone." in row_of(panel, "last")
    applied = client.apply(client.plan({"status": "none", "calladd": "known"}))
    assert panel.controls["status"].value == "none"
    client.apply(applied.undo())
    assert panel.controls["status"].value == "contacts"
    assert panel.controls["calladd"].value == "all"
    client.exclude("profile", [PERSON, OTHER])
    eventually(lambda: "2 people are excepted." in row_of(panel, "profile"))
    client.include("profile", OTHER)
    assert "1 person is excepted." in row_of(panel, "profile")
    panel.exclude("profile", OTHER)
    assert panel.apply().is_complete  # from the list's present version


def test_a_list_that_code_begins_is_read_and_can_be_changed(client, panel):
    client.set_privacy_setting("profile", "contact_blacklist")
    eventually(lambda: "Nobody is excepted." in row_of(panel, "profile"))
    panel.exclude("profile", PERSON)
    assert panel.apply().is_complete


def test_a_change_that_was_answered_and_not_made_is_not_shown(client, panel):
    client.account.emulate(ps.testing.NextAnswer("not_applied", category="last"))
    client.account.emulate(ps.testing.PhoneSets("status", "none"))
    with pytest.raises(ps.errors.NotAppliedError):
        client.set_privacy_setting("last", "none")
    assert panel.controls["last"].value == "all"
    assert panel.controls["status"].value == "none"


def test_what_code_changes_asks_nothing_for_the_panels_sake(remote, network):
    client = remote()

    def asked():
        network.asked()
        client.set_privacy_setting("last", "none")
        client.set_default_disappearing_mode(86_400)
        client.apply(client.plan({"last": "all"}))
        return network.asked()

    asked()  # once who the account is
    alone = asked()
    panel = client.panel()
    assert asked() == alone
    assert panel.controls["last"].value == "all"


def test_what_code_changes_while_the_panel_applies_shows_when_it_is_done():
    account = Gated()
    client = ps.Client.from_account(account)
    panel = client.panel()
    panel.controls["last"].value = "none"
    press(panel, "Apply")
    assert account.arrived.wait(10)
    with ThreadPoolExecutor(1) as pool:  # it waits for its turn
        change = pool.submit(client.set_default_disappearing_mode, 86_400)
        account.passing.set()
        change.result()
    assert settled(panel) == "Applied to 'demo': 1 applied."
    assert panel.controls["timer"].value == 86_400
    assert panel.controls["last"].value == "none"


def test_a_client_keeps_no_panel_alive_and_tells_no_closed_one(client):
    panel = client.panel()
    observers = client._async._observers
    assert panel in observers
    panel.close()
    assert len(observers) == 0
    client.set_privacy_setting("last", "none")
    assert "everyone" in panel._repr_mimebundle_()["text/html"]


def test_a_replay_is_not_moved_by_a_panel_that_follows():
    def played(*, is_closed):
        client = ps.Client.replay("tour")
        panel = client.panel()
        if is_closed:
            panel.close()
        client.set_privacy_setting("last", "contacts")
        client.fetch_privacy_settings()
        client.set_privacy_setting("last", "contact_blacklist")  # a list begins, not read here
        if not is_closed:
            assert panel.controls["last"].value == "contact_blacklist"
        client.fetch_privacy_settings()  # after whatever was submitted
        return client._async.recording.unplayed()

    assert played(is_closed=False) == played(is_closed=True)


def test_what_defense_mode_locks_is_disabled_and_says_why(client, panel):
    client.set_privacy_setting("defense", "on_standard")
    locked = {key for key, control in panel.controls.items() if control.disabled}
    assert locked == {category.value for category in LOCKED_BY_DEFENSE}
    why = "Locked by defense mode; to change it, turn that off first."
    assert why in row_of(panel, "last")
    panel.controls["defense"].value = "off"
    assert not panel.controls["last"].disabled
    assert why not in text_of(panel)
    panel.controls["last"].value = "none"
    assert panel.apply().is_complete
    assert value_of(client, "last") == "none"


@pytest.mark.parametrize("between", [", ", "\n", "\n\n", ";", " ,\n "])
def test_several_numbers_at_once(panel, between):
    panel.controls["profile"].value = "contact_blacklist"
    labelled(panel, "Profile photo: except the phone numbers").value = PERSON + between + OTHER
    press(panel, "Add")
    eventually(lambda: "2 to be added" in row_of(panel, "profile"))


def test_of_several_numbers_the_wrong_ones_are_named_and_none_is_taken(panel):
    panel.controls["profile"].value = "contact_blacklist"
    labelled(panel, "Profile photo: except the phone numbers").value = f"{PERSON}, 12, +999"
    press(panel, "Add")
    said = row_of(panel, "profile")
    assert "2 people cannot be used" in said
    assert "'12' is not a phone number" in said
    assert "people[" not in said
    assert "to be added" not in said


def test_people_without_a_number_are_shown_by_lid(client, panel):
    panel.exclude("profile", "999000000000007@lid")
    people = labelled(panel, "Profile photo: people excepted")
    assert people._options_labels == ("99•••07@lid (to be added)",)
    labelled(panel, "Show whole phone numbers").value = True
    assert people._options_labels == ("999000000000007@lid (to be added)",)


# --- undo and presets: chosen first, sent by Apply


def test_undo_chooses_what_takes_back_the_last_change_and_apply_sends_it(client, panel):
    client.exclude("status", PERSON)
    before = client.snapshot()
    panel.controls["last"].value = "none"
    panel.controls["timer"].value = 86_400
    panel.controls["status"].value = "none"
    panel.exclude("profile", [PERSON, OTHER])
    panel.apply()
    press(panel, "Undo")
    assert "Undo: chosen and not applied yet" in settled(panel)
    assert value_of(client, "last") == "none"
    assert "Last seen nobody everyone looser" in text_of(panel)
    assert "Profile photo my contacts except… everyone looser" in text_of(panel)
    assert panel.apply().is_complete
    assert client.snapshot() == before


def test_undo_is_the_clients_and_goes_further_back(remote):
    client = remote()
    panel = client.panel()
    client.set_privacy_setting("calladd", "known")
    remote().set_privacy_setting("last", "none")  # by another client
    panel.undo()
    assert [change.category.value for change in panel.plan] == ["last"]
    panel.apply()
    panel.undo()
    assert [change.category.value for change in panel.plan] == ["calladd"]
    assert panel.apply().is_complete
    assert value_of(client, "calladd") == "all"
    with pytest.raises(ps.errors.UsageError, match="no change to take back"):
        panel.undo()
    assert client.history()["setting"].tolist()[-4:] == ["Calls", "Last seen", "Last seen", "Calls"]


def test_another_choice_is_no_undo_any_more(client, panel):
    client.set_privacy_setting("last", "none")
    panel.undo()
    panel.controls["calladd"].value = "known"
    panel.apply()
    panel.undo()
    assert {change.category.value for change in panel.plan} == {"last", "calladd"}


def test_undo_takes_the_place_of_what_was_chosen_and_says_so(client, panel):
    client.set_privacy_setting("last", "none")
    panel.controls["calladd"].value = "known"
    panel.exclude("profile", PERSON)
    panel.undo()
    assert [change.category.value for change in panel.plan] == ["last"]
    assert "What was chosen before, 3 changes, is not." in panel.message


def test_what_was_changed_since_is_not_undone(client, panel):
    client.set_privacy_setting("last", "none")
    client.account.emulate(ps.testing.PhoneSets("last", "contacts"))
    press(panel, "Undo")
    assert "'last' was 'none', and is 'contacts' now" in settled(panel)
    assert len(panel.plan) == 0
    with pytest.raises(ps.errors.OutdatedPlanError):
        panel.undo()


@pytest.mark.parametrize("make", [ps.Client.emulated, lambda: ps.Client.replay("tour")])
def test_where_nothing_was_changed_undo_says_so(make):
    panel = make().panel()
    with pytest.raises((ps.errors.UsageError, ps.NotRecordedError)):
        panel.undo()
    press(panel, "Undo")
    assert re.search("no change to take back|does not have the history", settled(panel))
    assert len(panel.plan) == 0


def test_without_a_journal_undo_is_what_this_panel_applied_last():
    client = ps.Client.from_account(Forgetful())
    panel = client.panel()
    press(panel, "Undo")
    assert settled(panel) == "What was changed is not written down."
    panel.controls["last"].value = "none"
    panel.apply()
    client.set_privacy_setting("calladd", "known")
    panel.undo()
    assert [change.category.value for change in panel.plan] == ["last"]
    assert panel.apply().is_complete
    assert value_of(client, "last") == "all"


def test_every_policy_of_the_package_is_a_preset(client, panel):
    offered = (getattr(ps.policies, name) for name in dir(ps.policies))
    packaged = [each for each in offered if isinstance(each, ps.Policy)]
    assert packaged
    planned = set()
    for button in (w for w in shown(panel) if getattr(w, "tooltip", None) and "sent" in w.tooltip):
        panel.revert()
        button.click()
        eventually(lambda: panel.message)
        planned.add(panel.plan.changes)
    assert planned == {client.plan(policy).changes for policy in packaged}


def test_a_preset_is_a_plan_before_anything_is_sent(client, panel):
    press(panel, "Maximum privacy")
    eventually(lambda: panel.message)
    assert panel.message.startswith("Maximum privacy: chosen and not applied yet")
    assert panel.plan.changes == client.plan(ps.policies.MAXIMUM).changes
    assert value_of(client, "last") == "all"
    assert panel.apply().is_complete
    press(panel, "Maximum privacy")
    eventually(lambda: panel.message == "Maximum privacy: all is set so already.")


def test_files_and_policies_are_presets_with_people_and_times(client, tmp_path):
    client.exclude("profile", OTHER)
    path = tmp_path / "night.yaml"
    path.write_text(f"last: none\ntimer: 2d\nexceptions:\n  profile: ['{PERSON}']\n")
    panel = client.panel(presets=[path])
    press(panel, "night")
    eventually(lambda: panel.message)
    assert set(panel.plan) == set(client.plan(path))
    assert panel.apply().is_complete
    assert len(client.plan(path)) == 0
    named = client.panel(presets={"Open <b>": {"last": "all"}})
    press(named, "Open <b>")
    eventually(lambda: len(named.plan) == 1)
    assert "<b>" not in html_of(named)


def test_a_preset_that_is_none_is_refused_when_the_panel_is_made(client, tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text("last: nobdy\n")
    with pytest.raises(ps.errors.InvalidPolicyError):
        client.panel(presets=[path])


def test_a_preset_of_somebody_who_is_not_on_whatsapp_says_so(client):
    preset = {"exceptions": {"profile": ["+999 11 555 0999"]}}
    panel = client.panel(presets={"mine": preset})
    press(panel, "mine")
    eventually(lambda: "nobody on WhatsApp has" in panel.message)
    assert len(panel.plan) == 0


def test_the_head_shows_who_sees_what(client, panel):
    assert text_in(client.visibility().as_html()) in text_of(panel)
    client.set_privacy_setting("last", "none")
    client.exclude("profile", PERSON)
    eventually(lambda: text_in(client.visibility().as_html()) in text_of(panel))


def test_people_are_chosen_and_shown_by_their_names():
    client = ps.Client.emulated(names={"Ana": "+999 11 555 0101"})
    client.exclude("profile", "999000000000002@lid")
    panel = client.panel()
    panel.exclude("profile", "ana")
    people = labelled(panel, "Profile photo: people excepted")
    assert people._options_labels == ("+99•••02", "Ana +99•••01 (to be added)")
    assert "Ana 99•••01" in repr(panel.plan)


def test_who_is_listed_under_another_lid_is_found_by_her_number():
    client = ps.Client.emulated()
    stale = ps.DisallowedListUserEntry("999000000000088@lid", "999115550101@s.whatsapp.net")
    client.account.emulate(ps.testing.PhoneLists("profile", [stale]))
    panel = client.panel()
    panel.exclude("profile", "+999 11 555 0101")
    assert not panel.plan
    panel.include("profile", "+999 11 555 0101")
    panel.apply()
    assert client.excluded("profile").empty
