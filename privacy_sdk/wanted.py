"""What a client does with wanted settings: snapshot, plan, apply; and people excepted by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from privacy_sdk.accounts.base import Account, Capability
from privacy_sdk.errors import InvalidInputError, short_repr
from privacy_sdk.model.arguments import ListCategoryLike, as_list_category
from privacy_sdk.model.types import (
    LIST_CATEGORIES,
    DisallowedList,
    DisallowedListAction,
    DisallowedListUpdate,
    DisallowedListUser,
    DisallowedListUserEntry,
    PrivacyCategory,
    PrivacyValue,
    SetPrivacySettingResponse,
)
from privacy_sdk.policies.verify import Confirming
from privacy_sdk.support.caller_warnings import warn_caller

if TYPE_CHECKING:
    from privacy_sdk.policies.people import PeopleLike
    from privacy_sdk.policies.plan import Plan
    from privacy_sdk.policies.policy import Policy, PolicyLike
    from privacy_sdk.policies.result import ApplyResult
    from privacy_sdk.policies.run import Progress

_ON_LIST = PrivacyValue.CONTACT_BLACKLIST
_SENT_AT_ONCE = 5_000
"""So many entries of a list are half of the longest body that a gateway takes."""


class WantedSettings:
    """The part of ``AsyncClient`` that takes several steps to what is wanted."""

    _account: Account
    _confirming: Confirming

    async def snapshot(self) -> Policy:
        """The settings as they are now, as a policy that restores them.

        What a policy cannot say is left out, and said in its notes: categories and values
        that this version does not know, lists and timer that the account cannot read.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> before = client.snapshot()
            >>> client.set_privacy_setting("last", "none")
            SetPrivacySettingResponse(dhash=None)
            >>> client.plan(before)
            Plan of 1 change for 'demo'
              setting    from    to        direction
              Last seen  nobody  everyone  looser
        """
        from privacy_sdk.model.state import read_state
        from privacy_sdk.policies.policy import policy_of

        can_read_lists = await self._can(Capability.READ_DISALLOWED_LIST)
        can_read_timer = await self._can(Capability.READ_DISAPPEARING_MODE)
        return policy_of(
            await read_state(
                self._account,
                lists=LIST_CATEGORIES if can_read_lists else (),
                timer=can_read_timer,
            )
        )

    async def plan(self, policy: PolicyLike) -> Plan:
        """What would have to change for the settings to be as wanted; nothing is changed.

        Args:
            policy: A :class:`~privacy_sdk.Policy`, a mapping of one, the path of a YAML file
                with one, or what :meth:`snapshot` gave.

        Returns:
            The changes in the order in which it is safe to make them; empty when nothing is
            to do. What cannot be done is among them, with the reason.

        Raises:
            InvalidPolicyError: A policy with faults, all of them named; nothing was sent.
            InvalidContactError: People who are not on WhatsApp, or twice in one list.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> len(client.plan(ps.policy.MAXIMUM)), len(client.plan(client.snapshot()))
            (7, 0)
        """
        from privacy_sdk.model.state import read_state
        from privacy_sdk.policies.people import find_people
        from privacy_sdk.policies.plan import make_plan
        from privacy_sdk.policies.policy import as_policy

        policy = as_policy(policy)
        places = {f"exceptions.{category.value}": category for category in policy.exceptions}
        found = await find_people(
            self._account, {place: policy.exceptions[places[place]] for place in places}
        )
        # A list that is only kept is not read; one that is left is, so that it can be restored.
        lists = [
            category
            for category, value in policy.settings.items()
            if category.supports_disallowed_list()
            and (category in policy.exceptions or value is not _ON_LIST)
        ]
        standing = await read_state(
            self._account,
            lists=lists if await self._can(Capability.READ_DISALLOWED_LIST) else (),
            timer=policy.timer is not None and await self._can(Capability.READ_DISAPPEARING_MODE),
        )
        people = {places[place]: users for place, users in found.items()}
        return make_plan(policy, standing, people, self._account.id)

    async def apply(self, plan: Plan, *, progress: Progress | None = None) -> ApplyResult:
        """Make the changes of a plan, beside the account, and read back what became of them.

        What tightens is changed before what loosens; defense mode, which locks other
        settings, goes off first and on last. A refusal does not keep the rest from being
        tried, unless it would be refused likewise: then the rest is not tried.

        Args:
            plan: What to change; changes with an obstacle are not tried.
            progress: Called with how many changes were made and how many there are.

        Returns:
            What became of each change; ``undo()`` gives the plan that takes back exactly
            what was applied. That something was refused or is not known is said there and
            raises nothing: see ``is_complete``.

        Raises:
            OutdatedPlanError: The settings are not those that the plan starts from; nothing
                was changed.
            InvalidInputError: No plan, or one for another account; nothing was sent.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> applied = client.apply(client.plan(ps.policy.MAXIMUM))
            >>> applied.is_complete, len(client.apply(applied.undo()))
            (True, 7)
        """
        from privacy_sdk.model.changes import ChangeResult, Outcome, Report
        from privacy_sdk.policies.plan import Plan
        from privacy_sdk.policies.result import ApplyResult
        from privacy_sdk.policies.run import apply_changes

        if not isinstance(plan, Plan):
            raise InvalidInputError(
                f"{short_repr(plan)} is no plan.", hint="Make one with client.plan(policy)."
            )
        if None not in (plan.account, self._account.id) and plan.account != self._account.id:
            raise InvalidInputError(
                f"The plan is for account {plan.account!r}, not for {self._account.id!r}.",
                hint="Make a plan with the client that is to apply it.",
            )
        report = Report()
        if plan.possible:
            report = await apply_changes(
                self._account, plan.before, plan.possible, progress or (lambda done, total: None)
            )
        made = iter(report.results)
        results = tuple(
            ChangeResult(change, Outcome.NOT_TRIED, change.obstacle)
            if change.obstacle
            else next(made)
            for change in plan
        )
        return ApplyResult(results, plan.before, report.after, plan.account)

    async def exclude(
        self, category: ListCategoryLike, people: PeopleLike
    ) -> SetPrivacySettingResponse:
        """Except people from a category: they no longer see what your other contacts see.

        Excluding never shows more to anybody. Only contacts can be excepted, so a category
        that is open to everyone or to contacts is first set to ``contact_blacklist``, as the
        phone does for "My contacts except…"; strangers then are not let in either. One that
        nobody sees is refused, for that would open it to all your other contacts.

        The change is made to the list as it stands, and done again once when the phone
        changed the list meanwhile. Who is excepted already stays so.

        Args:
            category: ``last``, ``profile``, ``status`` or ``groupadd``.
            people: One person or several: phone numbers with ``+`` and country code, JIDs
                or LIDs.

        Returns:
            The list's new dhash.

        Raises:
            NoDisallowedListError: The category has no list; nothing was sent.
            InvalidContactError: No phone numbers, people not on WhatsApp or named twice; all
                are named, and nothing was changed.
            InvalidInputError: Nobody sees the category.
            ConflictError: The list was changed meanwhile, twice; the hint tells what it held.
            NotAppliedError: WhatsApp answered success, and the list is another.
            OutcomeUnknownError: The answer was lost.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> response = client.exclude("profile", ["+999 11 555 0101", "+999 11 555 0102"])
            >>> client.excluded("profile")["number"].tolist()
            ['99•••01', '99•••02']
        """
        return await self._change_excluded(category, people, DisallowedListAction.ADD)

    async def include(
        self, category: ListCategoryLike, people: PeopleLike
    ) -> SetPrivacySettingResponse:
        """No longer except people from a category: they see again what other contacts see.

        Nothing is changed while nobody is excepted, because a category is open to everyone
        or to contacts. Otherwise like :meth:`exclude`.

        Args:
            category: ``last``, ``profile``, ``status`` or ``groupadd``.
            people: As for :meth:`exclude`.

        Returns:
            The list's new dhash; None when nobody is excepted.

        Raises:
            InvalidInputError: Nobody sees the category.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> response = client.exclude("profile", ["+999 11 555 0101", "+999 11 555 0102"])
            >>> response = client.include("profile", "+999 11 555 0101")
            >>> client.excluded("profile")["number"].tolist()
            ['99•••02']
        """
        return await self._change_excluded(category, people, DisallowedListAction.REMOVE)

    async def excluded(self, category: ListCategoryLike) -> DisallowedList:
        """Who is excepted in a category; nobody while it is not on ``contact_blacklist``.

        Args:
            category: ``last``, ``profile``, ``status`` or ``groupadd``.

        Raises:
            NoDisallowedListError: The category has no list; nothing was sent.
            NotSupportedError: The account cannot read lists.
        """
        return await self._account.fetch_disallowed_list(as_list_category(category))

    async def _can(self, capability: Capability) -> bool:
        return await self._confirming.can(capability)

    async def _change_excluded(
        self, category: ListCategoryLike, people: PeopleLike, action: DisallowedListAction
    ) -> SetPrivacySettingResponse:
        from privacy_sdk.policies.people import as_people, find_people

        category = as_list_category(category)
        users = (await find_people(self._account, {"people": as_people(people)}))["people"]
        value = (await self._account.fetch_privacy_settings()).get_value(category)
        response = SetPrivacySettingResponse()
        if value is not _ON_LIST:
            if value not in (PrivacyValue.ALL, PrivacyValue.CONTACTS):
                raise _would_open(category, value)
            if action is DisallowedListAction.REMOVE:
                return response
            response = await self._confirming.set_privacy_setting(category, _ON_LIST)
        for update in _updates(users, action):
            response = await self._confirming.set_privacy_disallowed_list(category, update)
        if not await self._can(Capability.READ_DISALLOWED_LIST):
            warn_caller(
                f"The change of the list of {category.value!r} was accepted; this account "
                "cannot read lists, so who is excepted now is not known."
            )
        return response


def _would_open(category: PrivacyCategory, value: PrivacyValue | None) -> InvalidInputError:
    if value is PrivacyValue.NONE:
        what = "is shown to nobody, so nobody is excepted"
    else:
        what = "is not reported" if value is None else f"is set to {value.value!r}"
    return InvalidInputError(
        f"{category.value!r} {what}.",
        hint=f"Set it to {_ON_LIST.value!r} first, if all other contacts may see it.",
    )


def _updates(
    users: Sequence[DisallowedListUser], action: DisallowedListAction
) -> Iterator[DisallowedListUpdate]:
    """Updates of the list as it stands, each short enough for one request."""
    for first in range(0, len(users), _SENT_AT_ONCE):
        yield DisallowedListUpdate(
            None,
            [
                DisallowedListUserEntry(user.jid, user.pn_jid, action)
                for user in users[first : first + _SENT_AT_ONCE]
            ],
        )
