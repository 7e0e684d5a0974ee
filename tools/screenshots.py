"""Takes the pictures in docs/, in a real browser, from emulated accounts."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import expect

import privacy_sdk as ps
from privacy_sdk.testing import running_gateway

ROOT = Path(__file__).resolve().parent.parent
sys.path += [str(ROOT / "tests" / "browser"), str(ROOT / "docs")]

from readme import picture as readme_picture  # noqa: E402
from servers import browsing, panel_of, serving, write_notebook  # noqa: E402

SCENES = ("panel", "panel-slow", "panel-refused", "panel-conflict", "panel-locked")
WHOLE = ("panel",)
"""The others show what has happened: rows and what stands below them."""


def play(scene: str, panel: Any, client: ps.Client) -> None:
    """Bring a panel to what its picture shows."""
    happens = client.account.emulate
    apply = panel.get_by_role("button", name="Apply")
    match scene:
        case "panel" | "panel-refused":
            happens(ps.testing.NextAnswer("refused", category="groupadd"))
            panel.get_by_label("Last seen").select_option(label="nobody")
            panel.get_by_label("Groups").select_option(label="my contacts")
            apply.click()
            expect(panel.get_by_role("alert")).to_contain_text("1 applied, 1 refused")
            if scene == "panel":
                panel.get_by_label("Calls").select_option(label="people I know")
                expect(panel.locator(".psdk-plan")).to_contain_text("people I know")
        case "panel-slow":
            happens(ps.testing.NextAnswer("slow", seconds=5, operation="set_privacy_setting"))
            panel.get_by_label("Last seen").select_option(label="nobody")
            apply.click()
            expect(panel.get_by_role("status")).to_contain_text("Applying")
        case "panel-conflict":
            panel.get_by_label("Last seen").select_option(label="nobody")
            expect(apply).to_be_enabled()
            happens(ps.testing.PhoneSets("last", "contacts"))
            expect(panel).to_contain_text("Changed elsewhere")
        case "panel-locked":
            panel.get_by_label("Defense mode").select_option(label="on")
            apply.click()
            expect(panel.get_by_role("status")).to_contain_text("1 applied")


LOOKS = {"light": ("#1f2328", "#ffffff"), "dark": ("#e6edf3", "#14181e")}
"""Text and ground of a page; those of the documentation's theme."""


def show_who_sees_what(page: Any) -> None:
    """Take the picture of what the README's first lines show, light and dark."""
    page.set_viewport_size({"width": 1_960, "height": 1_000})
    for look, (ink, ground) in LOOKS.items():
        page.set_content(
            f"<body style='margin: 0; zoom: 2; font: 15px sans-serif; color: {ink}; "
            f"background: {ground}'><div id=picture style='padding: 12px; width: 940px'>"
            f"{readme_picture()}</div>"
        )
        save(page.locator("#picture").screenshot(), f"who-sees-what-{look}")


def save(screenshot: bytes, name: str) -> None:
    """Write a picture to docs/, in few colours."""
    picture = Image.open(io.BytesIO(screenshot)).convert("RGB")
    picture.quantize(64, Image.Quantize.MAXCOVERAGE).save(
        ROOT / "docs" / f"{name}.png", optimize=True
    )
    print(f"docs/{name}.png")


def main() -> int:
    """Takes every picture."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if chromium is None:
        print("no Chromium found", file=sys.stderr)
        return 1
    accounts = {scene: ps.EmulatedAccount(scene) for scene in SCENES}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_gateway(accounts) as url,
        browsing(chromium, home := Path(folder)) as browser,
    ):
        for scene in SCENES:
            client = f"ps.Client({url!r}, token='any', account={scene!r})"
            write_notebook(home / f"{scene}.ipynb", f"import privacy_sdk as ps\n{client}.panel()")
        voila = ("voila", folder, "--no-browser", "--port={port}", "--Voila.ip=127.0.0.1")
        with serving([*voila, f"--Voila.connection_dir_root={folder}"], home) as pages:
            page = browser.new_page()
            page.set_viewport_size({"width": 880, "height": 1_300})
            for scene in SCENES:
                page.goto(f"{pages}/voila/render/{scene}.ipynb")
                panel = panel_of(page)
                with ps.Client(url, token="any", account=scene) as client:  # noqa: S106
                    play(scene, panel, client)
                    if scene not in WHOLE:
                        page.add_style_tag(content=".psdk-sees { display: none !important; }")
                    save(panel.screenshot(), scene)
            show_who_sees_what(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
