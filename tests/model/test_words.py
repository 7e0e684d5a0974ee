"""Words for people: every known name has them, and an unknown one is said as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy_sdk import PrivacyCategory as Category
from privacy_sdk import PrivacyValue as Value
from privacy_sdk.model import words

PAIRS = [(category, value) for category in Category for value in category.valid_values]


def test_every_known_category_has_its_own_label():
    labels = {words.label(category) for category in Category}
    assert len(labels) == len(Category)
    assert not labels & set(Category)


def test_status_is_labelled_about():
    assert words.label(Category.STATUS) == "About"


def test_every_known_value_has_its_own_words():
    audiences = {words.audience(value) for value in Value}
    assert len(audiences) == len(Value)


def test_every_valid_pair_means_something_of_its_own():
    meanings = {words.meaning(category, value) for category, value in PAIRS}
    assert len(meanings) == len(PAIRS)
    assert all(meaning.endswith(".") and "not know" not in meaning for meaning in meanings)


@pytest.mark.parametrize(
    ("category", "value", "meaning"),
    [
        ("last", "none", "Nobody can see when you were last online."),
        ("online", "match_last_seen", "The same people as for last seen can see that you are"),
        ("status", "contact_blacklist", "Your contacts, except the people listed, can read your"),
        ("readreceipts", "all", "Everyone can see that you have read their messages."),
        ("groupadd", "contacts", "Only your contacts can add you to groups."),
    ],
)
def test_a_setting_is_said_in_a_sentence(category, value, meaning):
    assert words.meaning(Category(category), Value(value)).startswith(meaning)


@given(st.text(min_size=1), st.text(min_size=1))
def test_unknown_names_are_said_as_they_are(category, value):
    category, value = Category("new " + category), Value("new " + value)
    assert words.label(category) == category
    assert words.audience(value) == value
    assert repr(category.value) in words.meaning(category, value)
    assert repr(value.value) in words.meaning(Category.LAST, value)


def test_a_value_of_another_category_is_not_explained_away():
    assert "does not know" in words.meaning(Category.DEFENSE_MODE, Value.CONTACTS)
    assert "does not know" in words.meaning(Category.LAST, Value.OFF)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "off"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (3_600, "1 hour"),
        (5_400, "90 minutes"),
        (86_400, "24 hours"),
        (172_800, "2 days"),
        (604_800, "7 days"),
        (7_776_000, "90 days"),
        (2**32 - 1, "4294967295 seconds"),
    ],
)
def test_a_timer_is_said_in_its_largest_whole_unit(seconds, expected):
    assert words.timer(seconds) == expected


@given(st.integers(1, 2**32 - 1))
def test_a_timer_in_words_is_as_long_as_in_seconds(seconds):
    count, unit = words.timer(seconds).split()
    units = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
    assert int(count) * units[unit.removesuffix("s")] == seconds
    assert unit.endswith("s") is (count != "1")
