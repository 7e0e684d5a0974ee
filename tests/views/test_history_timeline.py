"""What was changed, as dots: every change in words, whatever shows it, and nothing unescaped."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pandas as pd
import pytest

import privacy_sdk as ps
from privacy_sdk.model.history import HistoryEntry
from privacy_sdk.views.frames import changes_frame, history_frame

BEGAN = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)


def entry(minutes: int, **members: object) -> HistoryEntry:
    given = {"change": "setting", "category": ps.PrivacyCategory.LAST, "by": "me"}
    return HistoryEntry(0, BEGAN + timedelta(minutes=minutes), **{**given, **members})


ENTRIES = [
    entry(0, before="all", after="none", outcome="applied"),
    entry(30, change="timer", category=None, before="0", after="604800", outcome="refused"),
    entry(50, change="exceptions", before="1", after="2", outcome="unknown"),
    entry(100, before="none", after="contacts", outcome="noticed", by="phone or elsewhere"),
]


def test_a_line_for_each_setting_and_a_sign_for_each_change():
    assert repr(ps.timeline(history_frame(ENTRIES))) == "\n".join(
        [
            "4 changes, 2026-11-24 18:00 to 2026-11-24 19:40 UTC",
            f"  Last seen              ●{'·' * 46}◆",
            f"  Disappearing messages  {'·' * 14}○{'·' * 33}",
            f"  Last seen (excepted)   {'·' * 24}?{'·' * 23}",
            "  ● applied, ◆ noticed, ○ refused, ? unknown",
        ]
    )


def test_without_style_every_change_stands_there_in_words():
    html = ps.timeline(history_frame(ENTRIES))._repr_html_()
    bare = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    text = unescape(re.sub(r"<[^>]+>", " ", bare))
    for words in (
        "2026-11-24 18:00:00: everyone → nobody, applied, me",
        "2026-11-24 18:30:00: off → 7 days, refused, me",
        "2026-11-24 18:50:00: 1 person → 2 people, unknown, me",
        "2026-11-24 19:40:00: nobody → my contacts, noticed, phone or elsewhere",
    ):
        assert words in text
    assert "<script" not in html
    assert [float(each) for each in re.findall(r"--psdk-at:([\d.]+)%", html)] == [0, 100, 30, 50]


def test_texts_of_others_are_escaped_and_cut():
    hostile = entry(0, before="<b>", after="&", by='"><script>' * 100, outcome="<i>")
    html = ps.timeline(history_frame([hostile]))._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert len(html) < 5_000


def test_times_are_those_of_the_column():
    frame = history_frame(ENTRIES).assign(at=lambda each: each["at"].dt.tz_convert("Asia/Tokyo"))
    assert ps.timeline(frame).title == "4 changes, 2026-11-25 03:00 to 2026-11-25 04:40 JST"


def test_accounts_of_a_fleet_have_lines_of_their_own_and_failures_none():
    frames = {"ana": history_frame(ENTRIES[:1]), "ben": history_frame(ENTRIES[3:])}
    lines = ps.timeline(changes_frame(frames, {"cem": "It failed."})).lines
    assert list(lines) == ["ana: Last seen", "ben: Last seen"]


def test_nothing_is_a_timeline_too():
    nothing = ps.timeline(history_frame([]))
    assert repr(nothing) == "Nothing was changed."
    assert "Nothing was changed." in nothing._repr_html_()


def test_of_very_many_the_last_are_shown():
    many = ps.timeline(history_frame([entry(n, outcome="applied") for n in range(1_500)]))
    assert many.title.startswith("The last 1,000 changes of 1,500, ")
    assert sum(map(len, many.lines.values())) == 1_000


@pytest.mark.parametrize("other", [None, [], pd.DataFrame({"at": [1]})])
def test_something_else_is_refused(other):
    with pytest.raises(ps.InvalidInputError, match="no table of what was changed"):
        ps.timeline(other)
