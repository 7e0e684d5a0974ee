"""Who is meant: spellings of one person, and who is never taken for another."""

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import privacy_sdk as ps
from privacy_sdk.model.people import as_people, as_person, written

NUMBER = "+999 11 555 0101"
LID = "999000000000001@lid"


def patterned(pattern: str) -> st.SearchStrategy[str]:
    """Numbers of a country's pattern, made while the test runs: none stands in a file."""
    return st.from_regex(pattern, fullmatch=True)


# Of each: the groups of the number, and the digit that one spelling has and the other lacks.
COUNTRIES = {
    "Brazil": (patterned("55[1-9][1-9]"), "9", patterned("[6-9][0-9]{7}")),
    "Mexico": (st.just("52"), "1", patterned("[2-9][0-9]{9}")),
    "Argentina": (st.just("54"), "9", patterned("[2-3][0-9]{9}")),
    "nobody's": (st.just("999"), "", patterned("[0-9]{9}")),
}
INVISIBLE = ["\u200b", "\u200e", "\u202a", "\u202c", "\u2060", "\ufeff", "\u00ad"]
GAPS = ["", "", " ", "-", ".", " (", ") ", "\u00a0", "\u2011", "\u2009", "\u3000", "/"]


@st.composite
def spelled(draw, digits: str) -> str:
    """A number as it may be written, pasted, or exported."""
    fullwidth, arabic = "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩"
    script = draw(st.sampled_from(["0123456789", fullwidth, arabic]))
    parts = [
        draw(st.sampled_from(["", " ", "tel:", "TEL: ", "\u202a"])),
        draw(st.sampled_from("+＋")),
    ]
    for digit in digits:
        parts.append(script[int(digit)])
        parts.append(draw(st.sampled_from([*GAPS, *INVISIBLE])))
    while parts[-1] in GAPS:
        parts.pop()
    return "".join(parts) + draw(st.sampled_from(["", " ", "\n", "\u202c"]))


@given(st.data())
def test_all_spellings_of_a_person_are_one_person(data):
    country = data.draw(st.sampled_from(sorted(COUNTRIES)))
    head, digit, tail = COUNTRIES[country]
    first, last = data.draw(head), data.draw(tail)
    forms = [f"{first}{last}", f"{first}{digit}{last}"]
    people = {as_person(data.draw(spelled(form))) for form in forms * 2}
    people |= {as_person(f"{form}:7@s.whatsapp.net") for form in forms}
    assert len({person.identity for person in people}) == 1
    assert {person.user for person in people} == set(forms)
    with pytest.raises(ps.errors.InvalidContactError, match="the same person as people"):
        as_people([*map(written, people), f"+{forms[0]}"])


@given(st.data())
def test_another_digit_anywhere_is_another_person(data):
    head, digit, tail = COUNTRIES[data.draw(st.sampled_from(sorted(COUNTRIES)))]
    number = data.draw(head) + digit + data.draw(tail)
    place = data.draw(st.integers(len(number) - 7, len(number) - 1))
    other = number[:place] + str((int(number[place]) + data.draw(st.integers(1, 9))) % 10)
    other += number[place + 1 :]
    assert ps.Jid.phone(number).identity != ps.Jid.phone(other).identity


@given(patterned("55[1-9][1-9]"), patterned("[2-5][0-9]{7}"))
def test_a_landline_of_brazil_is_no_mobile_with_a_digit_less(head, tail):
    assert ps.Jid.phone(f"{head}9{tail}").identity != ps.Jid.phone(f"{head}{tail}").identity


@given(patterned("[2-9][0-9]{9}"), st.sampled_from(["1", "044", "045", "01"]))
def test_the_older_forms_of_mexico_are_understood(number, prefix):
    plain = ps.Jid.phone(f"52{number}")
    groups = f"+52 {prefix} {number[:2]} {number[2:6]} {number[6:]}"
    assert as_person(groups).identity == plain.identity


@given(st.data())
def test_a_letter_is_never_a_digit(data):
    number = (
        "+999115550101"
        if data.draw(st.booleans())
        else f"+55{21}9{data.draw(COUNTRIES['Brazil'][2])}"
    )
    place = data.draw(st.integers(1, len(number)))
    letter = data.draw(st.characters(categories=["L", "No", "Nl"]))
    replaced = data.draw(st.booleans())
    text = number[:place] + letter + number[place + replaced :]
    with pytest.raises(ps.errors.InvalidContactError, match="is not a phone number"):
        as_person(text)


def test_a_word_behind_a_number_is_a_slip_and_said_to_be_one():
    with pytest.raises(ps.errors.InvalidContactError) as caught:
        as_person(f"{NUMBER} home")
    assert "It holds a letter, 'h'." in caught.value.hint


@given(patterned("[0-9]{1,20}"), st.sampled_from(["lid", "s.whatsapp.net"]))
def test_whoever_is_written_is_read(user, server):
    jid = ps.Jid(user, server)
    assert as_person(written(jid)) == jid
    assert re.fullmatch(r"\+\d+|\d+@[a-z.]+", written(jid))


def test_records_and_tables_of_people_are_people():
    lid, phone = ps.Jid.parse(LID), as_person(NUMBER)
    user = ps.DisallowedListUser(lid, phone)
    entry = ps.DisallowedListUserEntry(lid)
    found, unknown = ps.Contact(phone.user, lid, phone), ps.Contact(phone.user)
    for person in (lid, user, entry, found):
        assert as_people(person) == (lid,)
    assert as_people(unknown) == (phone,)
    assert as_people(ps.DisallowedList("1", (user,))) == (lid,)
    frame = pd.DataFrame({"number": [NUMBER], "jid": [LID]})
    assert as_people(frame) == (lid,)
    assert as_people(frame["number"]) == (phone,)
    with pytest.raises(ps.errors.InvalidContactError, match="no column 'jid'"):
        as_people(frame[["number"]])


@pytest.mark.parametrize("missing", [pd.NA, float("nan"), pd.NaT])
def test_a_number_that_is_not_known_says_where_the_person_is_named(missing):
    with pytest.raises(
        ps.errors.InvalidContactError, match=r"people\[1\]: The number is not known"
    ) as caught:
        as_people(pd.Series([NUMBER, missing], dtype=object))
    assert "The column 'jid' of the table names everybody." in caught.value.message


# The entries of a list


def test_an_entry_has_a_lid_and_a_phone_s_address_without_device():
    entry = ps.DisallowedListUserEntry("999000000000001.2:3@lid", "999115550101:4@s.whatsapp.net")
    assert str(entry.jid) == LID
    assert str(entry.pn_jid) == "999115550101@s.whatsapp.net"


@pytest.mark.parametrize(
    ("jid", "pn_jid", "told"),
    [
        ("999115550101@s.whatsapp.net", None, "is not a LID"),
        ("999115550101@g.us", None, "is not a LID"),
        (LID, LID, "is not a phone's address"),
        (LID, "999115550101@g.us", "is not a phone's address"),
    ],
)
def test_an_entry_of_other_addresses_is_refused(jid, pn_jid, told):
    with pytest.raises(ps.errors.InvalidJidError, match=told):
        ps.DisallowedListUserEntry(jid, pn_jid)


def test_one_person_is_added_once_though_a_stale_address_may_be_removed_beside():
    phone = "999115550101@s.whatsapp.net"
    old, new = LID, "999000000000002@lid"
    with pytest.raises(ps.InvalidInputError, match="named twice"):
        ps.DisallowedListUpdate(
            "1", [ps.DisallowedListUserEntry(old, phone), ps.DisallowedListUserEntry(new, phone)]
        )
    ps.DisallowedListUpdate(
        "1",
        [ps.DisallowedListUserEntry(old, phone, "remove"), ps.DisallowedListUserEntry(new, phone)],
    )
