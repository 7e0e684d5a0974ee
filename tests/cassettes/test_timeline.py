"""A replay tells what the recorded account really held, wherever it stands."""

import asyncio
import json
import random
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

import privacy_sdk as ps
from privacy_sdk.cassettes.requests import Request
from privacy_sdk.gateway.server import running_gateway

CATEGORIES = ["last", "profile", "status", "groupadd", "readreceipts"]
VALUES = ["all", "contacts", "contact_blacklist", "none"]
PEOPLE = [f"+999 11 555 010{n}" for n in range(1, 5)]
ENTRIES = [f"99900000000000{n}@lid" for n in range(1, 5)]

categories = st.sampled_from(CATEGORIES)
lists = st.sampled_from(CATEGORIES[:4])
reads = st.one_of(
    st.tuples(st.just("settings")),
    st.tuples(st.just("list"), lists),
    st.tuples(st.just("timer")),
    st.tuples(st.just("info")),
)
changes = st.one_of(
    st.tuples(st.just("set"), categories, st.sampled_from(VALUES)),
    st.tuples(st.just("set_timer"), st.sampled_from([0, 86_400, 604_800])),
    st.tuples(st.just("exclude"), lists, st.sampled_from(PEOPLE)),
    st.tuples(st.just("include"), lists, st.sampled_from(PEOPLE)),
    st.tuples(st.just("update"), lists, st.sampled_from(ENTRIES), st.booleans()),
    st.tuples(st.just("phone_sets"), categories, st.sampled_from(VALUES[:2])),
    st.tuples(st.just("phone_lists"), lists, st.sampled_from(ENTRIES)),
    st.tuples(st.just("fault"), st.sampled_from(["refused", "refused_inside", "not_applied"])),
    st.tuples(st.just("plan"), categories, st.sampled_from(["contacts", "none"])),
    st.tuples(st.just("undo")),
)
sessions = st.lists(st.one_of(reads, changes), min_size=1, max_size=25)


class Session:
    """Does what a step says, and tells what came of it."""

    def __init__(self, client):
        self.client = client
        self.dhashes = {}
        self.applied = None

    def __call__(self, step):
        kind, *rest = step
        try:
            return getattr(self, kind)(*rest)
        except ps.NotRecordedError:
            raise
        except ps.PrivacyError as error:
            return type(error), error.message

    def settings(self):
        return self.client.fetch_privacy_settings()["value"].to_dict()

    def list(self, category):
        found = self.client.fetch_disallowed_list(category)
        self.dhashes.setdefault(category, found.dhash)
        return found

    def timer(self):
        return self.client.fetch_default_disappearing_mode()

    def info(self):
        return self.client.info()

    def set(self, category, value):
        return self.client.set_privacy_setting(category, value)

    def set_timer(self, seconds):
        return self.client.set_default_disappearing_mode(seconds)

    def exclude(self, category, person):
        return self.client.exclude(category, person)

    def include(self, category, person):
        return self.client.include(category, person)

    def update(self, category, entry, is_fresh):
        """An update with the list's dhash, or with the one that was read first."""
        if is_fresh:
            dhash = self.client.fetch_disallowed_list(category).dhash
        else:
            dhash = self.dhashes.get(category)
        change = ps.DisallowedListUpdate(dhash, [ps.DisallowedListUserEntry(entry)])
        return self.client.set_privacy_disallowed_list(category, change)

    def phone_sets(self, category, value):
        self._emulate(ps.testing.PhoneSets(category, value))

    def phone_lists(self, category, entry):
        self._emulate(ps.testing.PhoneLists(category, [ps.DisallowedListUserEntry(entry)]))

    def fault(self, kind):
        self._emulate(ps.testing.NextAnswer(kind, operation="set_privacy_setting"))

    def _emulate(self, event):
        self.client.account.emulate(event)

    def plan(self, category, value):
        self.applied = self.client.apply(self.client.plan({category: value}))
        return [(each.outcome, each.reason) for each in self.applied]

    def undo(self):
        if self.applied is None:
            return None
        return [(each.outcome, each.reason) for each in self.client.apply(self.applied.undo())]


def recorded(steps, path):
    with ps.Client.emulated(record=path) as client:
        session = Session(client)
        return [session(step) for step in steps]


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


numbers = iter(range(10**9))


def new_path(folder):
    return folder / f"{next(numbers)}.yaml"


@given(steps=sessions)
def test_a_session_that_is_replayed_in_order_has_the_same_values(folder, steps):
    was = recorded(steps, path := new_path(folder))
    if not path.exists():
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session = Session(ps.Client.replay(path))
        assert [session(step) for step in steps] == was


@given(steps=sessions, seed=st.integers())
def test_reads_that_are_repeated_are_the_same(folder, steps, seed):
    was = recorded(steps, path := new_path(folder))
    if not path.exists():
        return
    session, rng = Session(ps.Client.replay(path)), random.Random(seed)
    for step, expected in zip(steps, was, strict=True):
        assert session(step) == expected
        if step[0] in ("settings", "list", "timer", "info") and rng.random() < 0.5:
            assert session(step) == expected


@given(steps=sessions, more=st.lists(st.tuples(st.integers(0, 25), reads), max_size=8))
def test_a_read_that_was_not_recorded_tells_what_was_held_or_misses(folder, steps, more):
    """The truth of every moment is read from the account itself, in a run beside the recorded."""
    truth, was = [], []
    account = ps.EmulatedAccount()
    beside = Session(ps.Client.from_account(account))
    all_reads = {read for _, read in more}
    was = recorded(steps, path := new_path(folder))
    if not path.exists():
        return
    for step in steps:
        truth.append({read: beside(read) for read in all_reads})
        beside(step)
    truth.append({read: beside(read) for read in all_reads})
    session = Session(ps.Client.replay(path))
    for number, step in enumerate([*steps, None]):
        for at, read in more:
            if at == number:
                with suppress(ps.NotRecordedError):
                    assert session(read) == truth[number][read]
        if step is not None:
            assert session(step) == was[number]


single_changes = st.one_of(
    st.tuples(st.just("set"), categories, st.sampled_from(["all", "none"])),
    st.tuples(st.just("set"), lists, st.just("contacts")),
    st.tuples(st.just("set_timer"), st.sampled_from([0, 86_400, 604_800])),
)


@given(steps=sessions, change=single_changes)
def test_a_change_that_was_not_recorded_is_a_miss(folder, steps, change):
    recorded(steps, path := new_path(folder))
    if change in steps or not path.exists():
        return
    session = Session(ps.Client.replay(path))
    for step in steps:
        session(step)
    with pytest.raises(ps.NotRecordedError):
        session(change)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
async def test_four_concurrent_sets_are_replayed_without_a_false_word(tmp_path, order):
    wanted = [("last", "none"), ("profile", "contacts"), ("status", "none"), ("groupadd", "none")]
    path = tmp_path / "my.yaml"

    async def session(client, order):
        await client.fetch_privacy_settings()
        await asyncio.gather(*(client.set_privacy_setting(*wanted[n]) for n in order))
        settings = await client.fetch_privacy_settings()
        return {setting.category.value: setting.value.value for setting in settings}

    account = ps.EmulatedAccount(latency=0.005)
    with running_gateway({"demo": account}) as url:
        async with ps.AsyncClient(url, account="demo", record=path) as client:
            was = await session(client, (0, 1, 2, 3))
    assert "overlaps:" in path.read_text()
    async with ps.AsyncClient.replay(path) as client:
        assert await session(client, order) == was


def test_the_tour_answers_as_it_went_however_often_it_is_asked():
    client = ps.Client.replay("tour")
    seen = [client.fetch_privacy_settings().loc["last", "value"] for _ in range(4)]
    assert seen == ["all"] * 4
    with pytest.warns(ps.PrivacyWarning, match="goes on from where it holds messages → my con"):
        client.set_privacy_setting("messages", "contacts")  # the last one, behind last → nobody
    assert client.fetch_privacy_settings().loc["last", "value"] == "none"


def test_what_was_recorded_works_out_of_order_but_a_plan_does_not(tmp_path):
    path = tmp_path / "my.yaml"
    with ps.Client.emulated(record=path) as client:
        client.fetch_privacy_settings()
        client.set_privacy_setting("last", "contacts")
        plan = client.plan({"last": "none"})
        client.apply(plan)
        client.set_default_disappearing_mode(604_800)
        client.fetch_default_disappearing_mode()
        client.exclude("profile", PEOPLE[0])
        client.fetch_disallowed_list("profile")
    client = ps.Client.replay(path)
    with pytest.warns(ps.PrivacyWarning, match="everything else now stands as it stood there"):
        client.exclude("profile", PEOPLE[0])
    assert client.fetch_default_disappearing_mode() == 604_800
    assert client.fetch_disallowed_list("profile").users[0].jid.user.startswith("9990")
    with pytest.raises(ps.NotRecordedError, match="only where other changes were made"):
        client.apply(plan)
    with pytest.warns(ps.PrivacyWarning, match="goes on"):
        client.set_privacy_setting("last", "contacts")
    assert client.fetch_privacy_settings().loc["last", "value"] == "contacts"
    client.apply(plan)


def test_a_change_is_answered_by_the_next_one_that_is_the_same_else_by_the_last(tmp_path):
    path = tmp_path / "my.yaml"
    with ps.Client.emulated(record=path) as client:
        first = client.set_privacy_setting("last", "contact_blacklist").dhash
        client.set_privacy_setting("last", "all")
        second = client.set_privacy_setting("last", "contact_blacklist").dhash
    assert first != second
    with ps.Client.replay(path) as client, warnings.catch_warnings():
        warnings.simplefilter("ignore", ps.PrivacyWarning)
        given = [client.set_privacy_setting("last", "contact_blacklist").dhash for _ in range(3)]
    assert len(set(given)) == 2
    assert given[1] == given[2]


def test_an_update_of_a_list_parts_what_was_read_of_the_setting_before_and_behind_it():
    """WhatsApp takes it for the audience "my contacts except …", whoever sends it."""
    update = Request.of("PATCH", "/v1/accounts/demo/privacy/last/disallowed-list", "{}")
    assert update.things == {"settings", "list last"}
    plan = {"changes": [{"change": "list", "category": "last"}]}
    asked = Request.of("PATCH", "/v1/accounts/demo/privacy", json.dumps(plan))
    assert asked.things == {"settings", "list last"}


def test_a_change_whose_answer_was_lost_parts_what_was_before_and_behind_it(tmp_path):
    """The account took it all the same; nothing that was read before may stand for it."""
    path = tmp_path / "my.yaml"
    with ps.Client.emulated(record=path) as client:
        transport = client._async.account.transport
        client.set_privacy_setting("last", "contact_blacklist")
        client.fetch_privacy_settings()
        ask = transport._inner.handle_async_request

        async def lose(request):
            await ask(request)
            raise httpx2.ReadError("gone")

        transport._inner.handle_async_request = lose
        with pytest.raises(ps.OutcomeUnknownError):
            client.set_privacy_disallowed_list(
                "last", ps.DisallowedListUpdate(None, [ps.DisallowedListUserEntry(ENTRIES[0])])
            )
        transport._inner.handle_async_request = ask
        client.fetch_default_disappearing_mode()
    client = ps.Client.replay(path)
    client.set_privacy_setting("last", "contact_blacklist")
    client.fetch_privacy_settings()
    with pytest.raises(ps.NotRecordedError):  # it could only be told from behind the change
        client.fetch_default_disappearing_mode()


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))  # no test may last longer than two minutes
def test_two_thousand_sessions_are_replayed_with_the_same_values(folder, part):
    rng = random.Random(part)
    for number in range(100):
        strategy_free = [random_step(rng) for _ in range(rng.randrange(1, 25))]
        was = recorded(strategy_free, path := new_path(folder))
        if path.exists():
            session = Session(ps.Client.replay(path))
            assert [session(step) for step in strategy_free] == was, number
            path.unlink()


def random_step(rng):
    kind = rng.choice(
        ["settings", "list", "timer", "set", "exclude", "update", "set_timer", "plan"]
    )
    category, value = rng.choice(CATEGORIES[:4]), rng.choice(VALUES[1:])
    return {
        "list": ("list", category),
        "set": ("set", category, value),
        "exclude": ("exclude", category, rng.choice(PEOPLE)),
        "update": ("update", category, rng.choice(ENTRIES), rng.random() < 0.5),
        "set_timer": ("set_timer", rng.choice([0, 86_400, 604_800])),
        "plan": ("plan", category, rng.choice(["contacts", "none"])),
    }.get(kind, (kind,))
