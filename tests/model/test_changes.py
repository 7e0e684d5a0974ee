"""Directions of changes, and what a list holds after one."""

import pytest

import privacy_sdk as ps
from privacy_sdk.model.changes import in_safe_order, with_directions
from privacy_sdk.policies import (
    ChangeResult,
    Direction,
    ListChange,
    Outcome,
    SettingChange,
    SettingsState,
)

C, V = ps.PrivacyCategory, ps.PrivacyValue
ADD, REMOVE = ps.DisallowedListAction.ADD, ps.DisallowedListAction.REMOVE
USERS = tuple(ps.DisallowedListUser(f"99900000000000{n}@lid") for n in (1, 2, 3))
TIGHTER, LOOSER = Direction.TIGHTER, Direction.LOOSER


@pytest.mark.parametrize(
    ("action", "after", "direction"), [(ADD, 13, TIGHTER), (REMOVE, 7, LOOSER)], ids=str
)
def test_a_list_is_as_much_longer_or_shorter_as_people_are_named(action, after, direction):
    change = ListChange(C.LAST, action, USERS, before=10)
    assert change.after == after
    assert ListChange(C.LAST, action, USERS).after is None
    assert with_directions([change], SettingsState())[0].direction is direction


@pytest.mark.parametrize(("value", "direction"), [(V.ON_STANDARD, TIGHTER), (V.OFF, LOOSER)])
def test_defense_mode_tightens_whatever_it_was_before(value, direction):
    change = SettingChange(C.DEFENSE_MODE, None, value)
    assert with_directions([change], SettingsState())[0].direction is direction


@pytest.mark.parametrize(("last", "direction"), [(V.NONE, TIGHTER), (V.CONTACTS, LOOSER)])
def test_online_as_last_seen_is_as_open_as_last_seen_will_be(last, direction):
    """Compared with everyone who may see it: last seen is changed by the same plan."""
    before = SettingsState({C.LAST: V.NONE if last is V.CONTACTS else V.ALL})
    online = SettingChange(C.ONLINE, V.MATCH_LAST_SEEN, V.MATCH_LAST_SEEN)
    other = SettingChange(C.PROFILE, V.ALL, V.ALL)
    changed = with_directions([online, SettingChange(C.LAST, None, last), other], before)
    assert changed[0].direction is direction


@pytest.mark.parametrize(
    ("outcome", "missed", "took"),
    [
        (Outcome.APPLIED, 0, 3),
        (Outcome.REFUSED, 1, 2),
        (Outcome.REFUSED, 0, 0),
        (Outcome.UNKNOWN, 0, 0),
        (Outcome.NOT_TRIED, 0, 0),
    ],
)
def test_for_whom_a_list_change_took(outcome, missed, took):
    change = ListChange(C.LAST, ADD, USERS)
    result = ChangeResult(change, outcome, missed=frozenset(user.jid for user in USERS[:missed]))
    assert result.people == (USERS[3 - took :] if took else ())


@pytest.mark.parametrize("is_given_first", [False, True])
def test_a_list_is_changed_after_its_category_gets_there_and_before_it_leaves(is_given_first):
    users = ListChange(C.LAST, ADD, USERS)
    arrives = SettingChange(C.LAST, V.ALL, V.CONTACT_BLACKLIST)
    leaves = SettingChange(C.LAST, V.CONTACT_BLACKLIST, V.NONE)
    for setting, expected in ((arrives, (arrives, users)), (leaves, (users, leaves))):
        given = (users, setting) if is_given_first else (setting, users)
        assert in_safe_order(given) == expected
