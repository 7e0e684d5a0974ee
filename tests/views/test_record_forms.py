"""What calls return, as a notebook shows it: in words, escaped, nobody's number whole."""

import re

import pytest

import privacy_sdk as ps
from privacy_sdk.model.html import html_table


def cells(html: str) -> list[list[str]]:
    rows = re.findall("<tr>(.*?)</tr>", html)
    return [re.findall("<t[dh][^>]*>(.*?)</t[dh]>", row) for row in rows]


def test_excepted_people_are_counted_and_masked():
    client = ps.Client.emulated()
    client.exclude("last", ["+999 11 555 0101", "999000000000002@lid"])
    held = client.fetch_disallowed_list("last")
    html = held._repr_html_()
    assert f"2 people are excepted, dhash {held.dhash}" in html
    assert cells(html)[1:] == [["99•••01", "99•••01@lid"], ["99•••02", "99•••02@lid"]]


def test_settings_keep_the_servers_order_and_nothing_of_theirs_is_markup():
    settings = [
        ps.PrivacySetting(ps.PrivacyCategory("<i>"), ps.PrivacyValue("<b>")),
        ps.PrivacySetting(ps.PrivacyCategory.LAST, ps.PrivacyValue.ALL),
    ]
    html = ps.PrivacySettingsResponse(settings, unreadable=2)._repr_html_()
    assert "2 settings, and 2 that cannot be named" in html
    assert cells(html)[1:] == [["&lt;i&gt;", "&lt;b&gt;"], ["last", "all"]]


def test_an_account_and_a_link_are_said_in_words_and_the_code_is_not_shown():
    assert ["can also", "find contacts"] in cells(
        ps.AccountInfo("me", "whatsapp", capabilities=frozenset({"find_contacts"}))._repr_html_()
    )
    html = ps.accounts.LinkStatus("waiting_for_scan", "Scan it.", qr="2@secret")._repr_html_()
    assert cells(html)[1:] == [["state", "waiting for scan"], ["hint", "Scan it."]]
    assert "secret" not in html


def test_a_policy_is_said_in_words():
    policy = ps.Policy(last="none", exceptions={"profile": ["+999 11 555 0101"]}, timer="7d")
    assert cells(policy._repr_html_())[1:] == [
        ["Last seen", "nobody"],
        ["Profile photo", "my contacts except…"],
        ["Profile photo: except", "1 person"],
        ["Disappearing messages", "7 days"],
    ]


def test_text_is_left_and_figures_are_right():
    html = html_table("t", ("name", "count"), [("a", "1,200"), ("2", "3")])
    assert '<th class="psdk-figure">count</th>' in html
    assert '<td class="psdk-figure">1,200</td>' in html
    assert "<td>2</td>" in html


@pytest.mark.parametrize("each", [ps.DisallowedList(), ps.PrivacySettingsResponse(), ps.Policy()])
def test_what_is_empty_is_a_line(each):
    assert "<table" not in each._repr_html_()
