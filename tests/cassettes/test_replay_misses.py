"""What a recording does not hold is said of what was asked, not of what was read on the way."""

import pytest

import privacy_sdk as ps

PERSON, LID = "+999 11 555 0101", "999000000000001@lid"


@pytest.fixture
def tour():
    with ps.Client.replay("tour") as client:
        yield client


def test_a_plan_is_made_from_recorded_settings(tour):
    plan = tour.plan(ps.policies.MAXIMUM)
    live = ps.Client.emulated(settings=tour.fetch_privacy_settings()["value"].to_dict())
    assert list(plan) == list(live.plan(ps.policies.MAXIMUM))
    assert len(plan) == 7
    assert len(tour.plan({"timer": "7d"})) == 1


def test_a_snapshot_and_a_picture_are_made_from_recorded_settings(tour):
    assert tour.snapshot().timer == 0
    assert tour.visibility()["status"].value == "contacts"


MISSES = {
    "include": (lambda tour: tour.include("profile", PERSON), "the look-up of 1 number"),
    "visibility": (lambda tour: tour.visibility(PERSON), "the look-up of 1 number"),
    "by LID": (lambda tour: tour.exclude("profile", LID), "profile: except 1 person"),
    "excluded": (lambda tour: tour.excluded("profile"), "the list of profile"),
    "undo": (lambda tour: tour.undo(), "the history"),
    "info": (lambda tour: tour.info(), "what the account is"),
}


@pytest.mark.parametrize("what", MISSES)
def test_a_miss_is_about_what_was_asked(tour, what):
    ask, lacks = MISSES[what]
    with pytest.raises(ps.NotRecordedError) as caught:
        ask(tour)
    assert lacks in caught.value.message
