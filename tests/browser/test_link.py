"""The QR code in JupyterLab, read back from what a camera would see, and what it turns into."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import nbformat
from fake_tryx import FakePhone, payload
from playwright.sync_api import expect
from qr_reading import read_image
from servers import serving, write_notebook
from test_lab import SERVER, run_all

from privacy_sdk.accounts.whatsapp.account import TryxAccount
from privacy_sdk.testing import running_gateway


def meanwhile(work):
    """Run a coroutine in another thread, for the browser's loop runs in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


def test_the_code_in_jupyterlab_is_read_back_renews_itself_and_turns_into_words(
    page, home, tmp_path
):
    phone = FakePhone(is_linked=False)
    account = TryxAccount("me", folder=tmp_path / "me", runtime=phone.runtime)
    folder = tmp_path / "notebooks"
    folder.mkdir()
    program = (
        *("jupyterlab", *SERVER, "--LabApp.expose_app_in_browser=True"),
        *("--LabApp.extension_manager=readonly", f"--notebook-dir={folder}"),
    )
    with running_gateway({"me": account}) as gateway:
        write_notebook(
            folder / "link.ipynb",
            "import privacy_sdk as ps",
            f"client = ps.Client({gateway!r}, account='me')",
            "client.link()",
        )
        with serving(program, home) as url:
            run_all(page, f"{url}/lab/tree/link.ipynb")
            code = page.get_by_role("img", name="QR code")
            expect(code).to_be_visible()
            code.screenshot(path=tmp_path / "first.png")
            assert read_image(tmp_path / "first.png") == payload(1)

            before = code.get_attribute("src")
            meanwhile(phone.current.offer(2))
            expect(code).not_to_have_attribute("src", before)
            code.screenshot(path=tmp_path / "second.png")
            assert read_image(tmp_path / "second.png") == payload(2)

            meanwhile(phone.scan())
            expect(page.get_by_text("linked as +99 ••• 78")).to_be_visible()
            expect(code).to_have_count(0)

            page.keyboard.press("Control+s")
            expect(page.get_by_text("Saving completed")).to_be_visible()
    saved = nbformat.writes(nbformat.read(folder / "link.ipynb", 4))
    assert "Link('me')" in saved
    for number in (1, 2):
        assert payload(number)[:20] not in saved
