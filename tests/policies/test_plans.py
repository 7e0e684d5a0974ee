"""Plans: what would change, which way, in which order, and how they show themselves."""

import io
import math
import pickle

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import privacy_sdk as ps
from privacy_sdk.model.changes import Direction, in_safe_order, with_directions
from privacy_sdk.views.frames import APPLIED_COLUMNS, PLAN_COLUMNS
from privacy_sdk.views.tables import Cell, Table, Tone

C, V = ps.PrivacyCategory, ps.PrivacyValue
LIDS = [f"99900000000000{n}@lid" for n in range(1, 9)]
PHONE = "+999 11 555 0101"


@pytest.fixture
def client():
    return ps.Client.emulated()


class ReadOnly(ps.EmulatedAccount):
    """An account whose every change is an error of the test."""

    async def _change(self, *args):
        raise AssertionError("a change was sent")

    set_privacy_setting = set_privacy_disallowed_list = set_default_disappearing_mode = _change


def summary(plan: ps.Plan) -> list[tuple[object, ...]]:
    return [
        (type(c).__name__, getattr(c, "category", None), c.before, c.after, c.direction)
        for c in plan
    ]


def test_a_plan_sends_nothing_but_reads():
    policy = ps.Policy(last="none", exceptions={"profile": [PHONE]}, timer=1)
    assert len(ps.Client.from_account(ReadOnly()).plan(policy)) == 4


def test_the_maximum_is_planned_from_everything_open(client):
    plan = client.plan(ps.policies.MAXIMUM)
    assert summary(plan) == [
        ("SettingChange", C.LAST, V.ALL, V.NONE, Direction.TIGHTER),
        ("SettingChange", C.ONLINE, V.ALL, V.MATCH_LAST_SEEN, Direction.TIGHTER),
        ("SettingChange", C.PROFILE, V.ALL, V.CONTACTS, Direction.TIGHTER),
        ("SettingChange", C.GROUP_ADD, V.ALL, V.CONTACTS, Direction.TIGHTER),
        ("SettingChange", C.READ_RECEIPTS, V.ALL, V.NONE, Direction.TIGHTER),
        ("SettingChange", C.CALL_ADD, V.ALL, V.CONTACTS, Direction.TIGHTER),
        ("SettingChange", C.MESSAGES, V.ALL, V.CONTACTS, Direction.TIGHTER),
    ]
    assert plan.account == "demo"
    assert plan.before.settings.keys() == ps.policies.MAXIMUM.settings.keys() | {"defense"}


def test_nothing_to_do_is_an_empty_plan(client):
    for policy in (ps.Policy(), {"last": "all"}, client.snapshot()):
        plan = client.plan(policy)
        assert not plan
        assert len(plan) == 0
        assert repr(plan) == "Plan for 'demo': nothing is to be changed"
        assert list(plan.to_frame().columns) == [column.name for column in PLAN_COLUMNS]


def test_a_list_is_made_exactly_as_wanted(client):
    client.exclude("last", LIDS[:2])
    plan = client.plan(ps.Policy(exceptions={"last": LIDS[1:4]}))
    assert summary(plan) == [
        ("ListChange", C.LAST, 2, 4, Direction.TIGHTER),
        ("ListChange", C.LAST, 4, 3, Direction.LOOSER),
    ]
    added, removed = plan
    assert [str(user.jid) for user in added.people] == LIDS[2:4]
    assert [str(user.jid) for user in removed.people] == LIDS[:1]
    assert {entry.action for entry in removed.entries} == {ps.DisallowedListAction.REMOVE}


def test_a_list_that_is_not_named_stays_as_it_is(client):
    client.exclude("last", LIDS[:2])
    assert not client.plan(ps.Policy(last="contact_blacklist"))


def test_people_are_found_by_number_and_known_by_any_address(client):
    client.exclude("last", LIDS[:1])
    assert not client.plan(ps.Policy(exceptions={"last": [PHONE]}))
    people = ["999115550101@s.whatsapp.net", LIDS[1]]
    (change,) = client.plan(ps.Policy(exceptions={"last": people}))
    assert [str(user.jid) for user in change.people] == LIDS[1:2]


def test_people_who_are_not_on_whatsapp_are_named_with_their_places(client):
    policy = ps.Policy(
        exceptions={"last": [LIDS[0], "+999 55 555 0155"], "profile": ["+999 66 555 0166", PHONE]}
    )
    with pytest.raises(ps.errors.InvalidContactError) as caught:
        client.plan(policy)
    assert "exceptions.last[1]: nobody on WhatsApp has 99•••55." in caught.value.message
    assert "exceptions.profile[0]: nobody on WhatsApp has 99•••66." in caught.value.message


def test_one_person_by_two_addresses_is_named_with_both_places(client):
    policy = ps.Policy(exceptions={"last": [LIDS[0], PHONE]})
    with pytest.raises(ps.errors.InvalidContactError) as caught:
        client.plan(policy)
    assert "exceptions.last[1]: the same person as exceptions.last[0]." in caught.value.message


def test_what_cannot_be_done_is_in_the_plan_with_the_reason():
    account = ps.EmulatedAccount(settings={"last": "all", "defense": "on_standard"})
    client = ps.Client.from_account(account)
    plan = client.plan(ps.Policy(last="none", readreceipts="none", timer=5))
    assert [change.obstacle for change in plan] == [
        "Defense mode locks it; turn that off in the same policy.",
        "",
        "WhatsApp does not report it for this account.",
    ]
    assert [type(change).__name__ for change in plan.possible] == ["TimerChange"]
    assert "why not" in repr(plan)
    assert not any(c.obstacle for c in client.plan(ps.Policy(last="none", defense="off")))


# Order and direction


def test_tighter_comes_before_looser_and_defense_goes_off_first_and_on_last(client):
    client.apply(client.plan(ps.Policy(last="none", readreceipts="none")))
    plan = client.plan(
        ps.Policy(
            defense="on_standard", last="all", profile="none", readreceipts="all", status="none"
        )
    )
    assert [change.category for change in plan] == [
        C.PROFILE,
        C.STATUS,
        C.LAST,
        C.READ_RECEIPTS,
        C.DEFENSE_MODE,
    ]
    client.apply(client.plan(ps.Policy(defense="on_standard")))
    plan = client.plan(ps.Policy(last="contacts", profile="none", defense="off"))
    assert [change.category for change in plan] == [C.DEFENSE_MODE, C.PROFILE, C.LAST]


def test_a_category_gets_on_its_list_right_before_its_people_do(client):
    client.apply(client.plan(ps.Policy(last="none")))
    plan = client.plan(
        ps.Policy(
            groupadd="none", exceptions={"last": LIDS[:1], "profile": LIDS[:1]}, calladd="known"
        )
    )
    assert [(type(change).__name__, change.category) for change in plan] == [
        ("SettingChange", C.GROUP_ADD),
        ("SettingChange", C.CALL_ADD),
        ("SettingChange", C.PROFILE),
        ("ListChange", C.PROFILE),
        # Nobody sees it before, so its list opens it: whom it excepts never sees it.
        ("ListChange", C.LAST),
        ("SettingChange", C.LAST),
    ]


@pytest.mark.parametrize(
    ("start", "policy", "direction"),
    [
        ({"online": "all"}, {"online": "match_last_seen"}, Direction.TIGHTER),
        ({"online": "match_last_seen"}, {"online": "all"}, Direction.LOOSER),
        ({"last": "all"}, {"online": "match_last_seen"}, Direction.SAME),
        ({"last": "all"}, {"last": "none", "online": "match_last_seen"}, Direction.TIGHTER),
        ({"last": "some"}, {"online": "match_last_seen"}, None),
        ({"last": "some"}, {"last": "none"}, None),
        ({}, {"defense": "on_standard"}, Direction.TIGHTER),
        ({"defense": "on_standard"}, {"defense": "off"}, Direction.LOOSER),
        ({}, {"timer": 86_400}, Direction.TIGHTER),
        ({"timer": 86_400}, {"timer": 0}, Direction.LOOSER),
        ({"timer": 86_400}, {"timer": 604_800}, Direction.LOOSER),
    ],
)
def test_which_way_a_change_goes(start, policy, direction):
    settings = {"last": "contacts", "online": "all", "defense": "off"} | start
    timer = settings.pop("timer", None)
    client = ps.Client.from_account(ps.EmulatedAccount(settings=settings))
    if timer is not None:
        client.set_default_disappearing_mode(timer)
    assert client.plan(policy).changes[-1].direction is direction


changes = st.lists(
    st.one_of(
        st.sampled_from([(c, v) for c in C for v in c.valid_values]).map(
            lambda pair: ps.policies.SettingChange(pair[0], None, pair[1])
        ),
        st.builds(
            ps.policies.ListChange,
            st.sampled_from([C.LAST, C.PROFILE]),
            st.sampled_from(ps.DisallowedListAction),
            st.just((ps.DisallowedListUser(ps.Jid.parse(LIDS[0])),)),
        ),
        st.builds(ps.policies.TimerChange, st.sampled_from([0, 5]), st.sampled_from([0, 5, 9])),
    ),
    unique_by=lambda change: (type(change), getattr(change, "category", None)),
)


@given(changes, st.dictionaries(st.sampled_from(list(C)), st.sampled_from(list(V))))
def test_the_safe_order_holds_for_any_changes_and_is_its_own(changes, settings):
    ordered = in_safe_order(with_directions(changes, ps.policies.SettingsState(settings)))
    assert in_safe_order(ordered) == ordered
    assert len(ordered) == len(changes)
    places = {
        (type(change), getattr(change, "category", None)): place
        for place, change in enumerate(ordered)
    }
    defense = places.get((ps.policies.SettingChange, C.DEFENSE_MODE))
    if defense is not None:
        is_on = ordered[defense].after == "on_standard"
        assert defense == (len(ordered) - 1 if is_on else 0)
    free = [
        change
        for change in ordered
        if not isinstance(change, ps.policies.ListChange)
        and getattr(change, "category", None) is not C.DEFENSE_MODE
    ]
    rank = {Direction.TIGHTER: 0, Direction.LOOSER: math.inf}
    ranks = [rank.get(change.direction, 1) for change in free]
    assert ranks == sorted(ranks)
    for category in (C.LAST, C.PROFILE):
        setting = places.get((ps.policies.SettingChange, category))
        people = places.get((ps.policies.ListChange, category))
        if None not in (setting, people):
            arrives = ordered[setting].after is V.CONTACT_BLACKLIST
            opens = arrives and ordered[people].action is ps.DisallowedListAction.ADD
            assert people == setting + (1 if arrives and not opens else -1)


# Shown


def test_a_plan_is_a_table_in_text(client):
    client.set_default_disappearing_mode(604_800)
    plan = client.plan(
        ps.Policy(last="none", status="all", exceptions={"profile": LIDS[:1]}, timer=0)
    )
    assert repr(plan).splitlines() == [
        "Plan of 5 changes for 'demo', 2 of them looser",
        "  setting                from         to                   direction",
        "  Last seen              everyone     nobody               tighter",
        "  Profile photo          everyone     my contacts except…  tighter",
        "  Profile photo: except  0 people     1 person             tighter",
        "  About                  my contacts  everyone             looser",
        "  Disappearing messages  7 days       off                  looser",
    ]
    assert plan._repr_mimebundle_()["text/plain"] == f"{plan!r}\n\n{plan.visibility()!r}"


def test_html_escapes_everything_and_colours_the_direction():
    account = ps.EmulatedAccount("demo", settings={"last": "<b>&", "online": "all"})
    client = ps.Client.from_account(account)
    plan = client.plan(ps.Policy(last="none", online="match_last_seen"))
    html = plan._repr_mimebundle_()["text/html"]
    assert "<b>" not in html
    assert "&lt;b&gt;&amp;" in html
    applied = client.apply(client.plan(ps.Policy(last="none")))
    assert "background" in applied._repr_mimebundle_()["text/html"]


def test_every_cell_of_a_table_is_escaped():
    evil = "<script>alert(1)</script>"
    table = Table(evil, (evil, evil), [(Cell(evil), Cell(evil, Tone.BAD))])
    assert "<script>" not in table.as_html()
    assert table.as_html().count("&lt;script&gt;") == 5


def test_a_terminal_gets_colours_of_rich(client):
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, color_system="standard", width=100)
    console.print(client.plan(ps.Policy(last="none", status="all")))
    assert "\x1b[32mtighter" in written.getvalue()
    assert "\x1b[33mlooser" in written.getvalue()


def test_markup_of_rich_in_a_value_is_text():
    client = ps.Client.from_account(ps.EmulatedAccount(settings={"last": "[red]x[/red]"}))
    written = io.StringIO()
    Console(file=written, width=100).print(client.plan(ps.Policy(last="none")))
    assert "[red]x[/red]" in written.getvalue()


def test_a_plan_s_frame_has_the_columns_that_are_documented(client):
    client.exclude("profile", LIDS[:2])
    plan = client.plan(
        ps.Policy(last="none", exceptions={"profile": LIDS[:1]}, timer=86_400, status="all")
    )
    frame = plan.to_frame()
    assert list(frame.columns) == [column.name for column in PLAN_COLUMNS]
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        column.name: column.dtype for column in PLAN_COLUMNS
    }
    assert frame[["change", "from", "to"]].to_numpy().tolist() == [
        ["setting", "all", "none"],
        ["timer", "0", "86400"],
        ["setting", "contacts", "all"],
        ["exceptions", "2", "1"],
    ]
    assert pd.isna(frame.loc[frame["change"] == "timer", "category"]).all()
    assert frame.attrs == {"account": "demo"}


def test_what_became_of_a_plan_has_a_frame_too(client):
    applied = client.apply(client.plan(ps.Policy(last="none")))
    frame = applied.to_frame()
    assert list(frame.columns) == [column.name for column in APPLIED_COLUMNS]
    assert frame.loc[0, ["category", "outcome", "reason"]].tolist() == ["last", "applied", ""]
    assert list(ps.ApplyResult().to_frame().columns) == [column.name for column in APPLIED_COLUMNS]


def test_plans_and_what_became_of_them_pickle(client):
    client.exclude("profile", LIDS[:2])
    plan = client.plan(ps.Policy(last="none", exceptions={"profile": LIDS[:1]}, timer=1))
    assert pickle.loads(pickle.dumps(plan)) == plan
    applied = client.apply(plan)
    assert pickle.loads(pickle.dumps(applied)) == applied
    assert pickle.loads(pickle.dumps(applied)).undo() == applied.undo()


def test_no_number_is_in_any_look_of_a_plan(client):
    client.exclude("profile", LIDS[:2])
    plan = client.plan(ps.Policy(exceptions={"profile": [PHONE]}, last="none"))
    for shown in (
        repr(plan),
        str(plan._repr_mimebundle_()),
        repr(plan.changes),
        plan.to_frame().to_string(),
        repr(client.apply(plan)),
    ):
        assert "0101" not in shown
        assert "00000000000" not in shown


# Only what tightens


def test_only_what_tightens_is_planned(client):
    client.apply(client.plan({"profile": "none", "defense": "on_standard"}))
    policy = ps.Policy(
        last="none", status="all", defense="off", exceptions={"profile": LIDS[:1]}, timer="7d"
    )
    plan = client.plan(policy, only="tighter")
    assert {change.direction for change in plan} == {Direction.TIGHTER}
    # Defense mode stays, for to end it loosens; so what it locks cannot be tightened here.
    assert [(c.category, bool(c.obstacle)) for c in plan if hasattr(c, "category")] == [
        ("last", True)
    ]
    # The list would open the photo, which nobody sees now.
    assert not any(isinstance(change, ps.policies.ListChange) for change in plan)


def test_a_list_is_added_to_and_not_shortened_when_only_tightened(client):
    client.exclude("last", LIDS[:2])
    plan = client.plan({"exceptions": {"last": LIDS[1:3]}}, only="tighter")
    assert [(c.action, len(c.people)) for c in plan] == [("add", 1)]


def test_following_last_seen_is_judged_without_what_is_left_out(client):
    client.apply(client.plan({"last": "none", "online": "all"}))
    plan = client.plan({"last": "all", "online": "match_last_seen"}, only="tighter")
    assert [change.category for change in plan] == ["online"]


@pytest.mark.parametrize("only", ["looser", "", 5, "Tighter "])
def test_another_filter_is_refused(client, only):
    with pytest.raises(ps.UnknownNameError):
        client.plan({"last": "none"}, only=only)


@pytest.mark.parametrize("preset", ["MAXIMUM", "STRICTEST"])
def test_a_preset_says_what_it_would_loosen(client, preset):
    client.apply(client.plan({"profile": "none", "status": "none", "groupadd": "none"}))
    policy = getattr(ps.policies, preset)
    plan = client.plan(policy)
    looser = [c.category for c in plan if c.direction is Direction.LOOSER]
    contacts = ["groupadd"] if preset == "STRICTEST" else ["profile", "status", "groupadd"]
    assert looser == contacts
    assert f"{len(looser)} of them looser" in plan.table().title
    assert {c.category for c in client.plan(policy, only="tighter")}.isdisjoint(looser)


def test_a_table_names_three_people_of_a_list_and_counts_the_others():
    people = {"Ana": LIDS[0], "Bo": LIDS[1], "Cy": LIDS[2], "Di": LIDS[3], "Ed": LIDS[4]}
    with ps.Client.emulated(names=people) as client:
        for count, named in ((3, "Cy 99•••03"), (5, "Cy 99•••03, 2 more")):
            table = client.plan({"exceptions": {"last": list(people)[:count]}}).table()
            assert table.rows[-1][-1].text == f"Ana 99•••01, Bo 99•••02, {named}"


def test_one_change_that_opens_is_not_counted_again(client):
    client.set_privacy_setting("last", "none")
    assert client.plan({"last": "all"}).table().title == "Plan of 1 change for 'demo'"


def test_the_table_says_what_its_lists_update_opens(client):
    client.set_privacy_setting("last", "none")
    table = client.plan(ps.Policy(exceptions={"last": LIDS[:1]})).table()
    notes = [row[-1].text for row in table.rows]
    assert sorted(note.split(" ")[0] for note in notes) == ["Opened", "Set"]
