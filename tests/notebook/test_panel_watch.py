"""An open panel shows what others change, and leaves nothing behind."""

import asyncio
import subprocess
import sys
import threading

import pytest
from panels import Forgetful, eventually, labelled, row_of

import privacy_sdk as ps
from privacy_sdk.cassettes.transport import CassetteTransport
from privacy_sdk.support.loop import LOOP
from privacy_sdk.testing import running_gateway

PERSON = "+999 11 555 0101"


@pytest.fixture
def url():
    with running_gateway({"demo": ps.EmulatedAccount()}) as url:
        yield url


@pytest.fixture
def make(url):
    clients = []

    def make():
        clients.append(ps.Client(url, token="t", account="demo"))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


class Counting(ps.EmulatedAccount):
    """Counts how often its settings are read."""

    reads = 0

    async def fetch_privacy_settings(self):
        self.reads += 1
        return await super().fetch_privacy_settings()


def test_what_another_client_changes_shows_at_once(make):
    panel, other = make().panel(), make()
    panel.controls["calladd"].value = "known"
    other.set_privacy_setting("last", "none")
    eventually(lambda: panel.controls["last"].value == "none")
    assert "Changed elsewhere; it was everyone." in row_of(panel, "last")
    other.set_default_disappearing_mode("7d")
    eventually(lambda: panel.controls["timer"].value == 604_800)
    other.exclude("profile", PERSON)
    eventually(lambda: "1 person is excepted." in row_of(panel, "profile"))
    other.include("profile", PERSON)
    eventually(lambda: "Nobody is excepted." in row_of(panel, "profile"))
    other.apply(other.plan({"profile": "all", "status": "none"}))
    eventually(lambda: panel.controls["status"].value == "none")
    assert [change.category.value for change in panel.plan] == ["calladd"]  # the choice stays
    assert panel.apply().is_complete


def test_what_the_phone_changes_shows_at_once(make):
    for client in (make(), ps.Client.emulated()):
        panel = client.panel()
        client.account.emulate(ps.testing.PhoneSets("last", "contacts"))
        eventually(lambda panel=panel: panel.controls["last"].value == "contacts")
        panel.close()


def test_what_this_client_changes_is_not_read_again_for_being_told():
    client = ps.Client.from_account(account := Counting())
    panel = client.panel()
    panel.controls["last"].value = "none"
    panel.exclude("profile", PERSON)
    panel.apply()
    client.set_privacy_setting("status", "none")
    before = account.reads
    client.account.emulate(ps.testing.PhoneSets("calladd", "known"))
    eventually(lambda: panel.controls["calladd"].value == "known")
    assert account.reads == before + 2  # noticed, and shown: for none of the others


def test_one_panel_watches_for_all_of_a_client_and_hands_over_when_it_is_closed():
    client = ps.Client.from_account(account := ps.EmulatedAccount())
    one, two = client.panel(), client.panel()
    eventually(lambda: account.recorder.watchers == 1)
    one.close()
    client.account.emulate(ps.testing.PhoneSets("last", "none"))
    eventually(lambda: two.controls["last"].value == "none")
    assert account.recorder.watchers == 1
    two.close()
    eventually(lambda: account.recorder.watchers == 0)


def test_closed_panels_leave_neither_threads_nor_tasks_behind(make):
    async def tasks():
        return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}

    clients = [make(), ps.Client.emulated()]
    for client in clients:
        client.fetch_privacy_settings()
    threads, before = set(threading.enumerate()), LOOP.run(tasks)
    for client in clients:
        panels = [client.panel() for _ in range(3)]
        client.account.emulate(ps.testing.PhoneSets("last", "none"))
        for panel in panels:
            eventually(lambda panel=panel: panel.controls["last"].value == "none")
            panel.close()
    eventually(lambda: LOOP.run(tasks) <= before)
    assert set(threading.enumerate()) <= threads


def test_a_closed_client_ends_the_watch(make):
    client = make()
    panel = client.panel()
    make().set_privacy_setting("last", "none")
    eventually(lambda: panel.controls["last"].value == "none")
    client.close()
    eventually(panel._watching.done)


def test_nothing_is_asked_of_a_recording_on_hearing_of_changes(tmp_path):
    path = tmp_path / "mine.yaml"
    with ps.Client.emulated(record=path) as client:
        panel = client.panel()
        asked = [str(each) for each in CassetteTransport(path).requests()]
        client.account.emulate(ps.testing.PhoneSets("last", "none"))
        panel.close()
    assert [str(each) for each in CassetteTransport(path).requests()][:-1] == asked
    assert ps.Client.replay(path).panel()._watching is None
    assert panel._watching is None


def test_where_no_journal_is_kept_a_panel_works_and_is_told_nothing():
    client = ps.Client.from_account(Forgetful())
    panel = client.panel()
    eventually(panel._watching.done)
    client.account.emulate(ps.testing.PhoneSets("last", "none"))
    assert panel.controls["last"].value == "all"
    labelled(panel, "Refresh").click()
    eventually(lambda: panel.controls["last"].value == "none")


def test_a_change_by_code_that_a_gateway_verified_leaves_all_rows(monkeypatch):
    monkeypatch.setattr("privacy_sdk.notebook.panel.can_watch", lambda account: False)
    with (
        running_gateway({"demo": ps.EmulatedAccount()}) as url,
        ps.Client(url, token="t", account="demo") as client,
    ):
        panel = client.panel()
        keys = set(panel.controls)
        client.set_privacy_setting("status", "none")
        assert set(panel.controls) == keys
        assert panel.controls["status"].value == "none"
        panel.close()


def test_what_was_changed_while_the_gateway_was_away_shows_when_it_is_back():
    account = ps.EmulatedAccount()
    with running_gateway({"demo": account}) as url:
        client = ps.Client(url, token="t", account="demo")
        panel = client.panel()
        client.set_privacy_setting("status", "none")
        eventually(lambda: panel.controls["status"].value == "none")
    LOOP.run(lambda: account.emulate(ps.testing.PhoneSets("last", "none")))
    with running_gateway({"demo": account}, port=int(url.rpartition(":")[2])):
        eventually(lambda: panel.controls["last"].value == "none")
        panel.close()
        client.close()


@pytest.mark.parametrize("is_remote", [False, True], ids=["emulated", "on a gateway"])
def test_an_open_panel_keeps_no_process_from_ending(url, is_remote):
    client = (
        f"ps.Client({url!r}, token='t', account='demo')" if is_remote else "ps.Client.emulated()"
    )
    code = f"import privacy_sdk as ps\nclient = {client}\npanel = client.panel()\nprint('open')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "open\n", "")
