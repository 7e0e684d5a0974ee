"""What is personal is found in every written form, and nothing else is."""

import pytest

from privacy_sdk.errors.masks import DOTS, mask_people, mask_text

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
