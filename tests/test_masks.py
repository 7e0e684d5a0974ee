"""What is personal is found in every written form, and nothing else is."""

import re
import time

import pytest
from hostile import assert_linear, of_size, patterns, seconds
from hypothesis import example, given, settings
from hypothesis import strategies as st

from privacy_sdk.accounts.problems import error_from_problem
from privacy_sdk.errors import PrivacyError, short_repr
from privacy_sdk.errors.escapes import printable
from privacy_sdk.errors.masks import DOTS, mask_people, mask_start, mask_text

FORMS = [
    "+55 11 91234-5678",
    "+5511912345678",
    "+55 (11) 91234-5678",
    "(+55) 11 91234.5678",
    "+55\u00a011\u202f91234\u20115678",
    "\uff0b5511912345678",
    "+\u0665\u0665\u0661\u0661\u0669\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668",
    "5511912345678",
    "%2B5511912345678",
    "%2b55%2011%2091234-5678",
    "%2B55+11+91234-5678",
    "5511912345678@s.whatsapp.net",
    "5511912345678:3@s.whatsapp.net",
    "5511912345678.1:3@s.whatsapp.net",
    "5511912345678_1@c.us",
    "5511912345678%3A3%40s.whatsapp.net",
    "5511912345678-1612345678@g.us",
    "203948576102938@lid",
    "203948576102938:7@hosted.lid",
    "https://wa.me/5511912345678",
    "tel:5511912345678",
    "whatsapp://send?phone=5511912345678",
]


def hidden(text: str) -> bool:
    return not any(part in text for part in ("91234", "5678", "948576", "2938", "\u0669\u0661"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "around", ["{}", "no such user {}, code 404", '{{"x":"{}"}}', "a/{}/b?c={}"]
)
def test_a_number_is_masked_in_every_written_form(form, around):
    masked = mask_text(around.replace("{}", form))
    assert DOTS in masked
    assert hidden(masked)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call +999 11 5550 0101 2 times", f"call 99{DOTS}01 2 times"),
        ("+999115550101 +999115550102", f"99{DOTS}01 99{DOTS}02"),
        ("a +999115550101 +999115550102", f"a 99{DOTS}01 99{DOTS}02"),
        ("+1 234567 8 9", f"12{DOTS}78 9"),
        ("+1 2345678 9", f"12{DOTS}78 9"),
        ("+1 234567 123456 1 99", f"12{DOTS}56 1 99"),
        ("+999 115 7", DOTS),
        ("+9991157", DOTS),
        ("+999115", "+999115"),
    ],
)
def test_a_number_ends_where_the_next_thing_begins(text, masked):
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x" * 20, "x" * 20),
        ("x" * 21, "x" * 19 + "…"),
        ("a +999115550101 " + "b" * 30, f"a 99{DOTS}01 bbbbbbbbb…"),
        ("+9991155501 " + "+999115550101" * 9, "…"),
        ("ab +999 11 5550 010 1", f"ab 99{DOTS}10 1"),
    ],
)
def test_a_beginning_shows_no_part_of_a_number_that_was_cut(text, shown):
    assert mask_start(text, 20) == shown


@pytest.mark.parametrize("form", FORMS)
def test_masking_what_is_masked_changes_nothing(form):
    assert mask_text(mask_text(form)) == mask_text(form)


@pytest.mark.parametrize(
    "secret",
    [
        "Bearer abc.DEF-123_x==",
        "authorization: bearer abc123",
        "Cookie: session=abc123; other=def",
        "Set-Cookie: sid=abc123; HttpOnly",
        "https://x/?access_token=abc123&y=1",
        "2@abc123abc123,abc123abc123,abc123abc123=,abc123abc123=",
        "pairing code: ABC1-23DE",
    ],
)
def test_a_secret_is_masked(secret):
    masked = mask_text(f"x {secret} y")
    assert DOTS in masked
    assert "abc" not in masked.lower()


@pytest.mark.parametrize(
    "text",
    [
        "604800",
        "7_776_000",
        "2026-11-22T16:24:00+01:00",
        "http://127.0.0.1:8480/v1/accounts/demo/privacy",
        "409 conflict",
        "+100 points",
        "version 1.2.3",
        "1-2-3",
    ],
)
def test_what_is_no_person_stays(text):
    assert mask_text(text) == text


def test_pseudonyms_stay_readable_where_people_are_masked():
    text = "999900000001, +999 11 5550 0101 and 999900000000001:2@lid, not +55 11 91234-5678"
    assert mask_people(text) == (
        "999900000001, +999 11 5550 0101 and 999900000000001:2@lid, not 55•••78"
    )


def test_only_numbers_without_a_country_belong_to_nobody():
    for form in ("+{}", "{}@lid", "{}"):
        assert DOTS in mask_people(form.format("998" + "11555501017"))


# --- what it costs


WORK = {
    "mask_text": mask_text,
    "mask_people": mask_people,
    "printable": printable,
}
ATTACKS = [("/", "1-", ""), ("", "+1 ", "x"), ("1@", "a", ""), ("cookie", " ", ""), ("", "\\", "")]


@pytest.mark.parametrize("name", WORK)
@given(pattern=patterns)
@example(pattern=("", "1-", ""))
@settings(max_examples=10)
def test_eight_times_the_text_takes_eight_times_as_long(name, pattern):
    assert_linear(WORK[name], pattern)


@pytest.mark.slow
@pytest.mark.parametrize("name", WORK)
@given(pattern=patterns)
@settings(max_examples=40)
def test_time_grows_linearly_to_a_mebibyte(name, pattern):
    assert_linear(WORK[name], pattern, 2**20)


@pytest.mark.parametrize("pattern", ATTACKS)
def test_a_text_that_once_took_seconds_takes_milliseconds(pattern):
    assert seconds(mask_text, of_size(pattern, 120_000)) < 1.0


@given(pattern=patterns, times=st.sampled_from([10, 10_000, 400_000]))
@settings(max_examples=20)
def test_an_error_of_any_text_is_short_and_costs_next_to_nothing(pattern, times):
    begins, repeated, ends = pattern
    text = f"{begins}{repeated * times}{ends}"
    document = {"type": "urn:privacy-sdk:refused", "detail": text, "hint": text, "text": text}
    began = time.thread_time()
    errors = [PrivacyError(text, hint=text), error_from_problem(502, document)]
    assert len(short_repr(text)) <= 110
    assert time.thread_time() - began < 0.2
    for error in errors:
        assert len(error.message) <= 2_000 * 6
        assert printable(error.message + error.hint, keep="\n") == error.message + error.hint


@given(st.text(max_size=60), st.sampled_from(FORMS), st.integers(1, 80))
def test_a_text_that_is_cut_shows_no_part_of_a_number(before, form, longest):
    before = re.sub(r"\d", "x", before)
    cut = mask_start(f"{before} {form} " + "and so on " * 40, longest)
    assert len(cut) <= longest
    assert hidden(cut)


# --- what steers a terminal


@pytest.mark.parametrize(
    "character",
    "\0\a\b\t\r\x1b\x7f\x9b\u00ad\u034f\u200b\u200e\u202e\u2028\u2066\u3164\ufeff\U000e0041",
)
def test_what_cannot_be_seen_is_escaped_wherever_an_error_is_shown(character):
    error = PrivacyError(f"a{character}b", hint=f"c{character}d")
    assert error.message == "a" + ascii(character)[1:-1] + "b"
    for text in (error.hint, str(error), repr(error), *error.__notes__):
        assert character not in text


def test_letters_of_any_language_stay():
    text = "Zoë, 李雷, Ελένη, يوسف: “so” – 99•••01 …"
    assert printable(text) == text
