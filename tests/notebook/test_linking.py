"""Linking a phone: what is shown of it by a script and in a kernel."""

import asyncio
import base64
import gc
import sys
import threading
import weakref

import pytest
from fake_tryx import NUMBER, payload
from kernels import running_kernel
from linked import account_of
from qr_reading import read_image, read_text

import privacy_sdk as ps
from privacy_sdk.accounts.base import AccountState as State
from privacy_sdk.notebook import link as linking
from privacy_sdk.notebook.link import follow_link, in_words
from privacy_sdk.views.qr import qr_image, qr_text


@pytest.fixture(autouse=True)
def looks_often(monkeypatch):
    monkeypatch.setattr(linking, "_LOOK_EVERY", 0.01)


# --- the code


@pytest.mark.parametrize("number", [1, 2])
def test_the_code_in_a_terminal_is_read_back(tmp_path, number):
    assert read_text(qr_text(payload(number)), tmp_path) == payload(number)


@pytest.mark.parametrize("number", [1, 2])
def test_the_code_in_an_image_is_read_back(tmp_path, number):
    kind, _, data = qr_image(payload(number)).partition(",")
    assert kind == "data:image/png;base64"
    path = tmp_path / "code.png"
    path.write_bytes(base64.b64decode(data))
    assert read_image(path) == payload(number)


def test_without_segno_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "segno", None)
    with pytest.raises(ps.PrivacyError, match="segno") as caught:
        qr_text("x")
    assert caught.value.hint == 'pip install "privacy-sdk[whatsapp]"'


# --- the steps


async def test_each_new_code_is_shown_once_until_the_phone_is_linked(phone, tmp_path):
    async with account_of(phone, tmp_path) as account:
        shown = []

        async def show_and_go_on() -> None:
            while len(shown) < 2:
                await asyncio.sleep(0.02)
                if len(shown) == 1:
                    await phone.current.offer(2)
            await phone.scan()

        client = ps.AsyncClient.from_account(account)
        linked, _ = await asyncio.gather(follow_link(client, shown.append), show_and_go_on())
        assert [step.qr for step in shown] == [payload(1), payload(2), None]
        assert in_words(shown[-1]) == "linked as +99 ••• 78"
        assert linked == shown[-1]


async def test_a_phone_that_does_not_scan_is_an_error_with_a_hint(phone, tmp_path):
    async with account_of(phone, tmp_path) as account:
        with pytest.raises(ps.errors.AnswerTimeoutError, match=r"within 0\.05 seconds") as caught:
            await follow_link(
                ps.AsyncClient.from_account(account), lambda step: None, patience=0.05
            )
        assert "Linked devices" in caught.value.hint


async def test_an_end_in_another_state_is_an_error_with_its_hint(phone, tmp_path):
    async with account_of(phone, tmp_path) as account:

        async def ban(step: ps.accounts.LinkStatus) -> None:
            await phone.current.emit("EvClientOutDated")

        tasks = []
        with pytest.raises(ps.NotConnectedError, match="outdated") as caught:
            await follow_link(
                ps.AsyncClient.from_account(account),
                lambda step: tasks.append(asyncio.ensure_future(ban(step))),
            )
        assert "upgrade" in caught.value.hint


async def test_an_account_that_is_no_phones_cannot_be_linked():
    client = ps.AsyncClient.emulated()
    for call in (client.link_status, client.link, client.unlink):
        with pytest.raises(ps.NotSupportedError, match="no phone's"):
            await call()


# --- outside a notebook


def test_in_a_script_the_code_is_printed_and_the_call_returns_when_linked(
    phone, phone_gateway, tmp_path, capsys
):
    class ScansWhatIsPrinted:
        """A stdout that the phone looks at."""

        def __init__(self) -> None:
            self.printed = ""

        def write(self, text: str) -> None:
            self.printed += text
            if text.count("█") > 100:  # in the thread of a loop that runs
                threading.Thread(target=asyncio.run, args=(phone.scan(),)).start()

        def flush(self) -> None: ...

    out = ScansWhatIsPrinted()
    with ps.Client(phone_gateway) as client, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", out)
        linking = client.link()
    assert read_text(out.printed, tmp_path) == payload(1)
    assert out.printed.rstrip().endswith("linked as +99 ••• 78")
    assert linking.wait().state == State.CONNECTED
    assert repr(linking) == "Link('me': linked as +99 ••• 78)"
    assert NUMBER not in out.printed


def test_a_script_is_told_when_nobody_scans(phone_gateway, capsys):
    with (
        ps.Client(phone_gateway) as client,
        pytest.raises(ps.errors.AnswerTimeoutError, match="No phone"),
    ):
        client.link(timeout=0.05)


# --- a recording


async def test_a_recording_holds_no_code_and_no_number(phone, phone_gateway, tmp_path):
    cassette = tmp_path / "mine.yaml"
    async with ps.AsyncClient(phone_gateway, account="me", record=cassette) as client:
        shown = (await client.link()).qr
        await phone.scan()
        while (await client.link_status()).state != State.CONNECTED:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert shown == payload(1)
    text = cassette.read_text("utf-8")
    for part in (payload(1), *payload(1).split(","), NUMBER):
        assert part not in text
    replayed = ps.AsyncClient.replay(cassette)
    stand_in = (await replayed.link()).qr
    assert stand_in
    assert (await replayed.link_status()).linked_as == "+99 ••• 01"
    assert qr_text(stand_in)


def test_what_waits_for_a_phone_keeps_its_client_open():
    client = ps.Client.replay("live_account")
    link = client.link()
    alive = weakref.ref(client)
    del client
    gc.collect()
    assert alive() is not None
    assert link.wait().linked_as


# --- in a kernel


def test_in_a_kernel_it_returns_at_once_and_its_image_turns_into_words(
    phone, phone_gateway, tmp_path
):
    with running_kernel() as kernel:
        # Nothing but the link holds the client.
        kernel.run(f"import privacy_sdk as ps\nlink = ps.Client({phone_gateway!r}).link()")
        shown = kernel.run(
            "import time\n"
            "while 'img' not in link._widget.value: time.sleep(0.05)\n"
            "print(link._widget.value)"
        )
        data = shown.partition("base64,")[2].partition('"')[0]
        (tmp_path / "code.png").write_bytes(base64.b64decode(data))
        assert read_image(tmp_path / "code.png") == payload(1)
        assert 'alt="QR code' in shown
        assert kernel.run("link") == "Link('me')"
        told = kernel.run("print(link)")
        assert told.startswith("Link('me': On the phone: WhatsApp")
        assert payload(1)[:20] not in told

        asyncio.run(phone.scan())
        assert kernel.run("print(link.wait(30).linked_as)") == "+99 ••• 78"
        assert kernel.run("print(link._widget.value)") == "<p>linked as +99 ••• 78</p>"


def test_in_a_kernel_trouble_is_shown_in_place_of_the_image():
    with running_kernel() as kernel:
        kernel.run("import privacy_sdk as ps\nlink = ps.Client('http://127.0.0.1:1').link()")
        shown = kernel.run(
            "try: link.wait(30)\nexcept ps.NotConnectedError: print(link._widget.value)"
        )
        assert "No gateway answers" in shown
