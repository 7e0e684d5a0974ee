"""Whatever the phone, the server and the network do: reports are true, and undo restores."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

import privacy_sdk as ps
from privacy_sdk.accounts.emulated.account import CONTACTS, EmulatedAccount
from privacy_sdk.accounts.events import CHANGES
from privacy_sdk.accounts.http import HttpAccount
from privacy_sdk.model.types import LIST_CATEGORIES
from privacy_sdk.testing import running_gateway

PEOPLE = [contact.jid for contact in CONTACTS[:4]]
BROKEN_READS = [
    "fetch_privacy_settings",
    "fetch_disallowed_list",
    "fetch_default_disappearing_mode",
]

pairs = st.sampled_from(
    [(category, value) for category in ps.PrivacyCategory for value in category.valid_values]
)
people = st.lists(st.sampled_from(PEOPLE), unique=True)
timers = st.sampled_from([0, 86_400, 604_800])
faults = st.one_of(
    st.builds(
        ps.testing.NextAnswer,
        st.sampled_from(["refused", "refused_inside", "not_applied", "lost"]),
        code=st.sampled_from([400, 406, 409, 429, 503]),
        operation=st.sampled_from([None, *CHANGES]).filter(bool),
        times=st.integers(1, 3),
    ),
    st.builds(
        ps.testing.NextAnswer,
        st.sampled_from(["refused", "lost"]),
        code=st.just(503),
        operation=st.sampled_from(BROKEN_READS),
        times=st.integers(1, 3),
    ),
)


@st.composite
def policies(draw: st.DrawFn) -> ps.Policy:
    wanted = dict(draw(st.lists(pairs, unique_by=lambda pair: pair[0])))
    exceptions = draw(st.dictionaries(st.sampled_from(LIST_CATEGORIES), people))
    for category in exceptions:
        wanted[category] = ps.PrivacyValue.CONTACT_BLACKLIST
    return ps.Policy(wanted, exceptions=exceptions, timer=draw(st.none() | timers))


@dataclass(frozen=True)
class Truth:
    """What the server holds, whatever it answers."""

    settings: Mapping[str, str]
    lists: Mapping[str, frozenset[ps.Jid]]
    timer: int
    versions: Mapping[str, str | None] = field(compare=False)

    @classmethod
    def of(cls, account: EmulatedAccount) -> "Truth":
        server = account.server
        lists = {name: frozenset(user.jid for user in held) for name, held in server.lists.items()}
        versions = {name: held.dhash for name, held in server.lists.items()}
        return cls(dict(server.settings), lists, int(server.timer), versions)


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.account = EmulatedAccount()
        self.client = self.make_client()
        self.plan: ps.Plan | None = None

    def make_client(self) -> ps.Client:
        return ps.Client.from_account(self.account)

    def teardown(self) -> None:
        self.client.close()

    def truth(self) -> Truth:
        return Truth.of(self.account)

    @initialize(starts=st.lists(pairs, unique_by=lambda pair: pair[0]))
    def begin_somewhere(self, starts) -> None:
        for category, value in starts:
            self.account.server.put_setting(category.value, value.value)

    @rule(policy=policies())
    def make_a_plan(self, policy: ps.Policy) -> None:
        self.account.server.faults.clear()
        before = self.truth()
        self.plan = self.client.plan(policy)
        assert self.truth() == before

    @rule(pair=pairs, unknown=st.booleans())
    def phone_sets(self, pair, unknown: bool) -> None:
        category, value = pair
        is_new = unknown and category == "profile"
        self.account.server.put_setting(
            category.value, "contact_allowlist" if is_new else value.value
        )

    @rule(category=st.sampled_from(LIST_CATEGORIES), added=people, removed=people)
    def phone_lists(self, category, added, removed) -> None:
        entries = {jid: ps.DisallowedListUserEntry(jid, None, "remove") for jid in removed}
        entries |= {jid: ps.DisallowedListUserEntry(jid) for jid in added}
        self.account.server.put_people(category.value, entries.values())

    @rule(fault=faults)
    def break_an_answer(self, fault: ps.testing.NextAnswer) -> None:
        self.account.server.faults.append(fault)

    @precondition(lambda self: self.plan is not None)
    @rule(then=st.sampled_from(["undo", "undo later", "keep"]))
    def apply(self, then: str) -> None:
        plan, self.plan = self.plan, None
        before, is_undisturbed = self.truth(), not self.account.server.faults
        try:
            applied = self.client.apply(plan)
        except ps.errors.OutdatedPlanError:
            assert self.truth() == before
            assert not _fits(plan, before)
            return
        except ps.PrivacyError:  # the start could not be read
            assert self.truth() == before
            return
        if plan.possible:
            assert _fits(plan, before)
        now = self.truth()
        self.agrees(applied, now)
        self.left_alone(applied, before, now)
        if is_undisturbed:
            _assert_complete(applied)
        if then == "undo":
            self.undo(applied, before, now)
        elif then == "undo later":
            self.plan = applied.undo()

    def undo(self, applied: ps.ApplyResult, before: Truth, now: Truth) -> None:
        self.account.server.faults.clear()
        back = applied.undo()
        for result in applied:
            is_not_made = result.outcome in (
                ps.policies.Outcome.REFUSED,
                ps.policies.Outcome.NOT_TRIED,
            )
            if is_not_made and not result.people and not _is_gone(result.change, now):
                assert not any(_is_about(result.change, change) for change in back.possible)
        undone = self.client.apply(back)
        assert (self.truth() == now) == (not back.possible)
        if any(result.outcome is ps.policies.Outcome.UNKNOWN for result in applied):
            return
        _assert_complete(undone)
        if not any(change.obstacle for change in back):
            assert self.truth() == before

    def agrees(self, applied: ps.ApplyResult, now: Truth) -> None:
        """Every result says what is so."""
        for result in applied:
            if result.change.obstacle:
                assert result.outcome is ps.policies.Outcome.NOT_TRIED
                continue
            is_made = _is_made(result.change, now)
            match result.outcome:
                case ps.policies.Outcome.APPLIED:
                    assert is_made, result
                case ps.policies.Outcome.REFUSED | ps.policies.Outcome.NOT_TRIED:
                    assert not is_made or _is_gone(result.change, now)
                    assert result.reason
                case ps.policies.Outcome.UNKNOWN:
                    assert result.reason

    def left_alone(self, applied: ps.ApplyResult, before: Truth, now: Truth) -> None:
        """What is reported as not changed, or not at all, is as it was."""
        changed = [
            result.change
            for result in applied
            if result.outcome in (ps.policies.Outcome.APPLIED, ps.policies.Outcome.UNKNOWN)
        ]
        categories = {c.category for c in changed if not isinstance(c, ps.policies.TimerChange)}
        for name in now.settings.keys() | before.settings.keys():
            if name not in categories:
                assert now.settings.get(name) == before.settings.get(name)
                assert now.lists.get(name) == before.lists.get(name)
        if not any(isinstance(change, ps.policies.TimerChange) for change in changed):
            assert now.timer == before.timer


def _assert_complete(applied: ps.ApplyResult) -> None:
    """Every change is made that nothing stood in the way of."""
    for result in applied:
        assert result.outcome is ps.policies.Outcome.APPLIED or result.change.obstacle


def _fits(plan: ps.Plan, truth: Truth) -> bool:
    """Whether all that the plan starts from holds."""
    return (
        all(truth.settings.get(c) == value for c, value in plan.before.settings.items())
        and all(truth.versions.get(c) == held.dhash for c, held in plan.before.lists.items())
        and plan.before.timer in (None, truth.timer)
    )


def _is_made(change: ps.policies.Change, truth: Truth) -> bool:
    match change:
        case ps.policies.SettingChange(category=category, after=value):
            return truth.settings.get(category) == value
        case ps.policies.TimerChange(after=seconds):
            return truth.timer == seconds
        case ps.policies.ListChange(category=category, action=action, people=wanted):
            listed = truth.lists.get(category, frozenset())
            return all((user.jid in listed) == (action == "add") for user in wanted)


def _is_gone(change: ps.policies.Change, truth: Truth) -> bool:
    """Whether a list was lost as a whole, when its category left it."""
    return isinstance(change, ps.policies.ListChange) and change.category not in truth.lists


def _is_about(one: ps.policies.Change, other: ps.policies.Change) -> bool:
    return type(one) is type(other) and getattr(one, "category", "") == getattr(
        other, "category", ""
    )


@pytest.fixture(scope="module")
def gateway():
    """A gateway whose accounts are made as they are asked for."""

    accounts = {f"demo{n}": EmulatedAccount(f"demo{n}") for n in range(4_000)}
    with running_gateway(accounts, token="only-for-tests") as url:
        yield url, iter(accounts.items())


def test_reports_are_true_and_undo_restores():
    run_state_machine_as_test(Machine)


def test_reports_are_true_and_undo_restores_over_a_gateway(gateway):
    url, accounts = gateway

    class Remote(Machine):
        def make_client(self) -> ps.Client:
            name, self.account = next(accounts)
            return ps.Client.from_account(HttpAccount(url, token="only-for-tests", account=name))

    fewer = max(10, settings.default.max_examples // 10)
    run_state_machine_as_test(
        Remote,
        settings=settings(max_examples=fewer, suppress_health_check=[HealthCheck.too_slow]),
    )
