"""Who sees what: one rule for every row, nothing guessed, readable in every form."""

import io
import re
import unicodedata
from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import privacy_sdk as ps
from privacy_sdk.model.types import LOCKED_BY_DEFENSE, exposure
from privacy_sdk.views.visibility import (
    VIEWERS,
    Mark,
    Visibility,
    person_visibility,
    visibility,
)

C, V = ps.PrivacyCategory, ps.PrivacyValue
YES, NO, UNKNOWN, NONE = Mark

categories = st.sampled_from(list(C)) | st.text("abc_<&\x1b", min_size=1).map(C)
values = st.sampled_from(list(V)) | st.text("abc_<&\x1b", min_size=1).map(V)
states = st.dictionaries(categories, values)
counts = st.dictionaries(st.sampled_from(list(C)), st.integers(0, 64_000))
timers = st.none() | st.integers(0, 2**32 - 1)


def settings(state: dict[str, str]) -> list[ps.PrivacySetting]:
    return [ps.PrivacySetting(C(category), V(value)) for category, value in state.items()]


def marks(state: dict[str, str], category: str, **more) -> tuple[Mark, ...]:
    return visibility(settings(state), **more)[category].marks


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("all", (YES, YES, YES, NONE)),
        ("known", (NO, YES, YES, NONE)),
        ("contacts", (NO, NO, YES, NONE)),
        ("contact_blacklist", (NO, NO, YES, NO)),
        ("none", (NO, NO, NO, NONE)),
        ("contact_allowlist", (UNKNOWN,) * 4),
    ],
)
def test_a_value_lets_in_whom_it_says(value, expected):
    assert marks({"calladd": value}, "calladd") == expected


@given(states)
def test_as_many_kinds_are_let_in_as_exposure_says(state):
    """Exposure and dots are two ways to say the same, so neither may know more."""
    seen = visibility(settings(state))
    for row in seen.rows:
        figure = exposure(row.category, row.value, state.get(C.LAST))
        strangers, known, contacts, excepted = row.marks
        if figure is None:
            assert set(row.marks) <= {UNKNOWN, NONE}
            continue
        assert (strangers is YES, known is YES) == (figure == 4, figure >= 3)
        assert contacts is (YES if figure >= 1 else NO)
        assert excepted is (NO if figure == 1 else NONE)


@given(states)
def test_what_is_not_known_says_so_and_is_not_guessed(state):
    seen = visibility(settings(state))
    assert [row.category for row in seen.rows] == list(state)
    for row in seen.rows:
        if not (row.category.is_known and row.value.is_known):
            assert set(row.marks) == {UNKNOWN}
            assert row.meaning.startswith("This version does not know what ")


@pytest.mark.parametrize("last", ["all", "contacts", "contact_blacklist", "none"])
def test_online_that_matches_last_seen_is_seen_by_the_same(last):
    state = {"online": "match_last_seen", "last": last}
    assert marks(state, "online") == marks(state, "last")
    row = visibility(settings(state))["online"]
    assert "can see that you are online. It is the same as for last seen." in row.meaning


@pytest.mark.parametrize("last", [{}, {"last": "newer"}, {"last": "match_last_seen"}])
def test_last_seen_that_is_not_known_leaves_online_not_known(last):
    assert marks({"online": "match_last_seen", **last}, "online") == (UNKNOWN,) * 4


def test_nobody_is_excepted_by_an_empty_list():
    state = {"last": "contact_blacklist", "online": "match_last_seen"}
    assert marks(state, "last", excepted={C.LAST: 0}) == (NO, NO, YES, NONE)
    assert marks(state, "online", excepted={C.LAST: 0}) == (NO, NO, YES, NONE)
    assert marks(state, "last", excepted={C.LAST: 1}) == (NO, NO, YES, NO)


@given(states.map(lambda state: {**state, C.DEFENSE_MODE: V.ON_STANDARD}))
def test_defense_mode_says_what_it_locks_and_each_locked_row_says_so(state):
    seen = visibility(settings(state))
    for row in seen.rows:
        assert row.meaning.endswith(" Locked.") is (row.category in LOCKED_BY_DEFENSE)
    said = seen["defense"].meaning
    for category in LOCKED_BY_DEFENSE & state.keys():
        assert seen[category].label in said


def test_nothing_is_locked_while_defense_mode_is_off():
    seen = visibility(settings({"last": "all", "defense": "off"}))
    assert "Locked" not in seen["last"].meaning
    assert set(seen["defense"].marks) == {NONE}


def test_timer_lists_and_what_cannot_be_named_stand_below():
    seen = visibility(
        settings({"last": "contact_blacklist", "profile": "contact_blacklist", "status": "all"}),
        timer=604_800,
        excepted={C.LAST: 2, C.STATUS: 5},
        unreadable=1,
    )
    assert seen.notes() == [
        "Disappearing messages in new chats: 7 days",
        "Excepted from Last seen: 2 people",
        "Excepted from Profile photo: not read",
        "1 more setting was reported that this account cannot name.",
    ]


# One person


@pytest.mark.parametrize(
    ("listed", "expected"),
    [({C.LAST: True}, (NO, NO)), ({C.LAST: False}, (YES, NO)), ({}, (UNKNOWN, NO))],
)
def test_one_person_sees_by_being_a_contact_and_excepted_or_not(listed, expected):
    state = settings({"last": "contact_blacklist", "online": "match_last_seen"})
    seen = person_visibility(state, "+99•••01", is_excepted=listed)
    assert [viewer.label for viewer in seen.viewers] == ["if a contact", "if not"]
    assert seen["last"].marks == seen["online"].marks == expected
    said = {True: "is excepted.", False: "is not excepted.", None: "is excepted is not known."}
    assert seen["last"].meaning.endswith(said[listed.get(C.LAST)])


def test_whether_somebody_that_is_no_contact_is_known_is_not_guessed():
    seen = person_visibility(settings({"calladd": "known"}), "x", is_excepted={})
    assert seen["calladd"].marks == (YES, UNKNOWN)


@given(states, st.dictionaries(st.sampled_from(list(C)), st.booleans()))
def test_a_person_sees_what_their_kind_sees(state, listed):
    kinds, person = (
        visibility(settings(state)),
        person_visibility(settings(state), "x", is_excepted=listed),
    )
    for kind, row in zip(kinds.rows, person.rows, strict=True):
        if_contact, if_not = row.marks
        assert if_contact in {*kind.marks[2:], UNKNOWN}
        assert if_not in (kind.marks[0], UNKNOWN)


# Two states compared


@given(states, states)
def test_only_rows_that_differ_are_compared_each_with_what_it_was(before, after):
    old, new = visibility(settings(before)), visibility(settings(after))
    changed = new.since(old)
    assert not new.since(new).rows
    for row in changed.rows:
        was = before.get(row.category)
        assert row.before == (old[row.category].marks if was is not None else (UNKNOWN,) * 4)
    kept = {row.category for row in new.rows} - {row.category for row in changed.rows}
    for category in kept:
        assert (before[category], old[category].marks) == (after[category], new[category].marks)


def test_a_comparison_shows_before_and_after():
    old = visibility(settings({"last": "all", "status": "none"}), timer=0)
    new = visibility(
        settings({"last": "contact_blacklist", "status": "none"}), timer=90, excepted={C.LAST: 1}
    )
    assert new.since(old).as_text().splitlines() == [
        "Who sees what, before → after",
        "",
        "  strangers",
        "  │   people I know",
        "  │   │   my contacts",
        "  │   │   │   excepted people",
        "  ●→○ ●→○  ●  –→○  Last seen  Your contacts, except the people listed, can see",
        "                              when you were last online.",
        "",
        "  ● yes, ○ no, – does not apply",
        "  Disappearing messages in new chats: off → 90 seconds",
        "  Excepted from Last seen: nobody → 1 person",
    ]


# Forms


@given(states, timers, counts, st.sampled_from([20, 40, 80, 200]), st.booleans())
def test_text_fits_its_width_and_cannot_steer_a_terminal(state, timer, excepted, width, is_ascii):
    seen = visibility(settings(state), timer=timer, excepted=excepted, account="demo")
    text = seen.as_text(width, is_ascii=is_ascii)
    assert max(map(len, text.splitlines())) <= width
    assert not [each for each in text if unicodedata.category(each) == "Cc" and each != "\n"]
    assert text.isascii() or not is_ascii
    assert not any(line != line.rstrip() for line in text.splitlines())


class _Text(HTMLParser):
    """The text of each cell, and the tags, as a page without style has them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.rows: list[list[str]] = []
        self._is_style = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._is_style = tag == "style"
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.rows and self.rows[-1] and not self._is_style:
            self.rows[-1][-1] += data


@given(states, counts)
def test_html_reads_without_style_and_runs_nothing(state, excepted):
    seen = visibility(settings(state), excepted=excepted, account="<i>")
    page = _Text(seen.as_html())
    assert set(page.tags) <= {
        "div", "style", "table", "caption", "thead", "tbody", "tr", "th", "td", "span", "ul",
        "li", "p",
    }  # fmt: skip
    assert not re.search(r"\son\w+=|javascript:", seen.as_html())
    for row, cells in zip(seen.rows, page.rows[1:], strict=False):
        assert cells[0] == row.label
        assert cells[1:-1] == [f"{mark.sign} {mark.value}" for mark in row.marks]
        assert cells[-1].startswith(row.meaning)


@given(states, timers, counts)
def test_the_frame_always_has_the_same_columns_and_survives_parquet(state, timer, excepted):
    seen = visibility(settings(state), timer=timer, excepted=excepted, account="demo")
    frame = seen.to_frame()
    kinds = {viewer.name: "boolean" for viewer in VIEWERS}
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == kinds | {"meaning": "str"}
    assert (frame.index.name, str(frame.index.dtype)) == ("category", "str")
    assert frame.index.tolist() == [category.value for category in state]
    for row in seen.rows:
        for viewer, mark in zip(seen.viewers, row.marks, strict=True):
            known = {YES: True, NO: False}.get(mark)
            found = frame.loc[row.category.value, viewer.name]
            assert found is pd.NA if known is None else found == known
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    again = pd.read_parquet(buffer)
    pd.testing.assert_frame_equal(again, frame)
    assert again.attrs == frame.attrs
    assert frame.attrs["timer"] == timer


def test_an_account_without_settings_is_shown_as_well():
    assert "no setting" in Visibility().as_html()
    assert Visibility().as_text().startswith("Who sees what")
    assert Visibility().to_frame().columns.tolist() == [*(v.name for v in VIEWERS), "meaning"]


def test_a_terminal_without_the_signs_gets_ascii(monkeypatch):
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    assert repr(visibility(settings({"last": "all"}))).isascii()


# Asked of an account


def test_a_client_reads_timer_and_lists():
    client = ps.Client.emulated()
    client.exclude("last", ["+999 11 555 0101", "+999 11 555 0102"])
    client.set_default_disappearing_mode(86_400)
    seen = client.visibility()
    assert (seen.timer, seen.excepted, seen.account) == (86_400, {C.LAST: 2}, "demo")
    assert seen["last"].marks == (NO, NO, YES, NO)


@pytest.mark.parametrize("person", ["+999 11 555 0101", "999115550101@s.whatsapp.net"])
def test_a_person_is_found_on_a_list_and_never_shown_whole(person):
    client = ps.Client.emulated()
    client.exclude("last", "+999 11 555 0101")
    lid = str(client.fetch_disallowed_list("last").users[0].jid)
    for each in (person, lid):
        seen = client.visibility(each)
        assert seen["last"].meaning.endswith("This person is excepted.")
        for text in (repr(seen), seen.as_html(), str(seen.to_dict()), seen.person):
            assert "115550101" not in re.sub(r"\D", "", text)
            assert lid.partition("@")[0] not in text
    assert client.visibility("+999 11 555 0102")["last"].marks == (YES, NO)


def test_who_is_excepted_is_not_guessed_where_lists_cannot_be_read():
    class Blind(ps.EmulatedAccount):
        async def info(self):
            info = await super().info()
            return ps.AccountInfo(info.id, info.backend)

    client = ps.Client.from_account(Blind())
    client.set_privacy_setting("last", "contact_blacklist")
    assert client.visibility("+999 11 555 0101")["last"].marks == (UNKNOWN, NO)
    assert client.visibility().notes()[0].endswith(": not read")
    assert client.visibility().excepted == {C.LAST: None}


def test_nobody_is_nobody():
    client = ps.Client.emulated()
    with pytest.raises(ps.errors.InvalidContactError, match="nobody on WhatsApp has"):
        client.visibility("+999 11 555 9999")
    with pytest.raises(ps.errors.InvalidContactError):
        client.visibility("somebody")


# Plans and what became of them


def test_a_plan_and_its_result_show_the_rows_that_change():
    client = ps.Client.emulated()
    client.set_privacy_setting("online", "match_last_seen")
    before = client.visibility()
    plan = client.plan(ps.Policy(last="contact_blacklist", online="match_last_seen", timer=604_800))
    applied = client.apply(plan)
    expected = client.visibility().since(before)
    assert {row.category for row in expected.rows} == {C.LAST, C.ONLINE}
    for seen in (plan.visibility(), applied.visibility()):
        assert seen.as_text() == expected.as_text()
        assert ("before" in seen.title, len(seen)) == (True, 2)
    for shown in (plan, applied):
        html = shown._repr_mimebundle_()["text/html"]
        assert shown.visibility().as_html() in html
    assert not client.plan({"last": "contact_blacklist"}).visibility().rows


def test_people_of_a_plan_are_counted_before_and_after():
    client = ps.Client.emulated()
    client.exclude("last", "+999 11 555 0101")
    people = ["+999 11 555 0101", "+999 11 555 0102", "+999 11 555 0103"]
    plan = client.plan({"exceptions": {"last": people}})
    assert plan.visibility().notes() == ["Excepted from Last seen: 1 person → 3 people"]


def test_what_was_refused_is_not_shown_as_changed():
    account = ps.EmulatedAccount()
    client = ps.Client.from_account(account)
    client.account.emulate(ps.testing.NextAnswer("not_applied", category="status"))
    applied = client.apply(client.plan({"last": "none", "status": "all"}))
    assert [row.category for row in applied.visibility().rows] == [C.LAST]
