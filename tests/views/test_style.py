"""Settings in colour: every exposure has a word, a readable colour, and a table its own id."""

import re
import subprocess
import sys

import pandas as pd
import pytest

import privacy_sdk as ps
from privacy_sdk.views.frames import accounts_frame, settings_frame
from privacy_sdk.views.style import EXPOSURE


def response(**settings: str) -> ps.PrivacySettingsResponse:
    return ps.PrivacySettingsResponse(
        ps.PrivacySetting(ps.PrivacyCategory(category), ps.PrivacyValue(value))
        for category, value in settings.items()
    )


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    r, g, b = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("exposure", EXPOSURE)
def test_text_stands_out_from_its_colour(exposure):
    _, background, text = EXPOSURE[exposure]
    darker, lighter = sorted([luminance(background), luminance(text)])
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_every_exposure_has_its_words_and_what_has_none_is_calm():
    frame = settings_frame(
        response(
            last="all", calladd="known", status="contacts", profile="contact_blacklist",
            groupadd="none", defense="off", new="<b>",
        )
    )  # fmt: skip
    html = ps.style(frame).to_html()
    cells = re.findall(r'class="data row\d+ col2" >([^<]*)<', html)
    assert cells == [
        "4 everyone", "3 people I know", "2 contacts", "1 contacts except…", "0 nobody", "–", "–",
    ]  # fmt: skip
    for _, background, _ in EXPOSURE.values():
        assert f"background-color: {background}" in html
    assert "<b>" not in html


def test_the_same_table_is_the_same_html_and_another_has_another_id():
    frames = [settings_frame(response(last=value)) for value in ("all", "all", "none")]
    same, again, other = (ps.style(frame).to_html() for frame in frames)
    assert same == again
    ids = [re.search('<table id="([^"]+)"', html)[1] for html in (same, other)]
    assert ids[0] != ids[1]


def test_many_accounts_and_chosen_columns_can_be_coloured():
    frame = accounts_frame({"a": response(last="all"), "b": response(last="none")})
    assert "0 nobody" in ps.style(frame[["exposure"]]).to_html()


@pytest.mark.parametrize("given", [None, "settings", pd.DataFrame({"a": [1]})])
def test_what_is_no_table_of_settings_is_refused(given):
    with pytest.raises(ps.InvalidInputError, match="no table with a column 'exposure'"):
        ps.style(given)


def test_without_jinja_it_says_what_to_install():
    code = (
        "import sys; sys.modules['jinja2'] = None\n"
        "import privacy_sdk as ps\n"
        "try: ps.style(ps.Client.emulated().fetch_privacy_settings())\n"
        "except ps.NotSupportedError as error: print(error.message, error.hint)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "Coloured tables need Jinja2" in done.stdout, done.stderr
    assert 'pip install "privacy-sdk[notebook]"' in done.stdout
