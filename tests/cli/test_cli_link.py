"""Linking a phone by the command line: what it prints, and what a camera reads off a terminal."""

import asyncio
import io
import os
import shlex
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from fake_tryx import payload
from qr_reading import need, read_image, read_text
from tryx.wacore import Attrs, Node, NodeValue

import privacy_sdk as ps
from privacy_sdk.accounts.whatsapp import account as whatsapp
from privacy_sdk.accounts.whatsapp.account import TryxAccount
from privacy_sdk.cli.link import _Screen
from privacy_sdk.notebook import link as linking
from privacy_sdk.testing import running_gateway


@pytest.fixture(autouse=True)
def looks_often(monkeypatch):
    monkeypatch.setattr(linking, "_LOOK_EVERY", 0.01)


def test_the_command_unlinks_at_a_gateway(phone, phone_gateway, run):
    asyncio.run(phone.scan())
    code, out, err = run("unlink", "me", "--url", phone_gateway)
    assert (code, err) == (0, "")
    assert "now remove the device on the phone" in out


def test_the_command_links_and_unlinks_without_a_gateway(phone, monkeypatch, run):
    class Scanned(TryxAccount):
        async def link_status(self) -> ps.accounts.LinkStatus:
            found = await super().link_status()
            if found.qr:
                await phone.scan()
            return found

    monkeypatch.setattr(whatsapp, "TryxAccount", partial(Scanned, runtime=phone.runtime))
    code, out, err = run("link", "somebody")
    assert (code, err) == (0, "")
    assert "█" in out
    assert "linked as +99 ••• 78" in out
    assert "privacy-sdk gateway --account somebody=whatsapp" in out
    assert "\x1b" not in out
    code, out, err = run("unlink", "somebody", "--json")
    assert (code, err) == (0, "")
    assert '"state": "unlinked"' in out


def test_the_command_says_what_a_passkey_is_and_that_nothing_is_lost(phone, monkeypatch, run):
    class Asked(TryxAccount):
        async def link_status(self) -> ps.accounts.LinkStatus:
            found = await super().link_status()
            if found.qr:
                asked = Attrs("type", NodeValue("passkey_prologue_request"))
                await phone.current.emit("EvNotification", node=Node("notification", [asked], None))
            return found

    monkeypatch.setattr(whatsapp, "TryxAccount", partial(Asked, runtime=phone.runtime))
    code, _, err = run("link", "somebody")
    assert code == 4
    assert "No phone is linked (passkey)" in err
    assert "Nothing is lost" in err


def test_the_command_says_when_there_is_nothing_to_unlink(run):
    code, out, err = run("unlink", "nobody-here")
    assert (code, out) == (2, "")
    assert err == (
        "privacy-sdk: No phone is linked as 'nobody-here' on this machine. "
        "Link one: privacy-sdk link nobody-here\n"
    )


def test_the_command_finds_the_gateway_that_serves_the_account(phone, tmp_path, run):
    account = TryxAccount("me", folder=tmp_path / "me", runtime=phone.runtime)
    with running_gateway({"me": account}, is_found=True):
        asyncio.run(phone.scan())
        code, out, _ = run("link", "me", "--json")
        assert code == 0
        assert '"linked_as": "+99' in out
        code, _, err = run("unlink", "another")
        assert code == 2
        assert "another" in err


def test_the_code_is_read_back_from_a_real_terminal_and_turns_into_words(
    phone, phone_gateway, tmp_path
):
    tmux = [need("tmux", "tmux"), "-L", f"privacy-sdk-{os.getpid()}", "-f", os.devnull]
    program = [sys.executable, "-m", "privacy_sdk", "link", "me", "--url", phone_gateway]
    root = Path(__file__).parents[2]
    command = f"cd {shlex.quote(str(root))} && {shlex.join(program)}; sleep 60"
    subprocess.run(
        [*tmux, "new-session", "-d", "-x", "100", "-y", "50", command],
        check=True,
        env=os.environ | {"LANG": "C.UTF-8", "TERM": "xterm-256color"},
    )

    def screens() -> Iterator[str]:
        for _ in range(600):
            yield subprocess.run(
                [*tmux, "capture-pane", "-p"], check=True, capture_output=True, text=True
            ).stdout
            time.sleep(0.05)
        raise AssertionError("The terminal never showed it.")

    try:
        first = next(screen for screen in screens() if "Linked devices" in screen)
        assert read_text(first, tmp_path) == payload(1)
        asyncio.run(phone.current.offer(2))
        second = next(
            screen for screen in screens() if screen != first and "Linked devices" in screen
        )
        assert read_text(second, tmp_path) == payload(2)
        asyncio.run(phone.scan())
        last = next(screen for screen in screens() if "linked as +99 ••• 78" in screen)
        assert "█" not in last
    finally:
        subprocess.run([*tmux, "kill-server"], check=True)


@pytest.mark.parametrize("encoding", ["utf-8", "cp437", "cp1252", "ascii"])
@pytest.mark.parametrize("prefix", ["", "https://wa.me/settings/linked_devices#"])
def test_every_terminal_gets_a_code_that_it_can_show(encoding, prefix, tmp_path, monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding, errors="replace"))
    code = prefix + payload(1)
    with _Screen("me") as screen:
        screen.show(ps.accounts.LinkStatus("waiting_for_scan", "Scan • it …", qr=code))
        shown = raw.getvalue().decode(encoding)
        image = tmp_path / "privacy-sdk" / "link-me.png"
        if encoding in ("utf-8", "cp437"):  # which have half blocks
            assert read_text(shown, tmp_path) == code
            assert not image.exists()
        else:
            assert str(image) in shown
            assert read_image(image) == code
            assert stat.S_IMODE(image.stat().st_mode) == 0o600
        assert "?" not in shown
    assert not image.exists()


def test_the_backend_that_links_is_chosen_and_an_unknown_one_refused(run):
    code, out, err = run("link", "me", "--backend", "telepathy")
    assert (code, out) == (2, "")
    assert "emulated, whatsapp, raw" in err
