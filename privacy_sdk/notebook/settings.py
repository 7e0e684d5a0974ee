"""What the panel reads of an account: all that can be read, and why the rest cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from privacy_sdk.accounts.base import Account, AccountInfo, AccountState, Capability
from privacy_sdk.errors import NotRecordedError, PrivacyError
from privacy_sdk.model.changes import Change, TimerChange
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import (
    LIST_CATEGORIES,
    PrivacyCategory,
    PrivacyValue,
)
from privacy_sdk.policies.result import ApplyResult
from privacy_sdk.policies.state import TIMER, Part, read_state
from privacy_sdk.views.html import error_text


def key_of(change: Change) -> str:
    """What a change is made to: a category's wire string, or :data:`TIMER`."""
    return TIMER if isinstance(change, TimerChange) else change.category.value


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """An account and its settings, as far as they are known.

    Attributes:
        info: Who the account is.
        state: Its settings.
        errors: Why a list or the timer could not be read, by category or :data:`TIMER`.
    """

    info: AccountInfo
    state: SettingsState = field(default_factory=SettingsState)
    errors: Mapping[str, str] = field(default_factory=dict)

    def why_unread(self, key: str) -> str:
        """Why a list or the timer cannot be read; empty when it can."""
        is_timer = key == TIMER
        needed = Capability.READ_DISAPPEARING_MODE if is_timer else Capability.READ_DISALLOWED_LIST
        if needed not in self.info.capabilities:
            return "This account cannot read it."
        return self.errors.get(key, "")

    def missing(self) -> list[str]:
        """The lists and the timer that are not known and can be read."""
        missing: list[str] = [TIMER] if self.state.timer is None else []
        missing += [
            category
            for category in LIST_CATEGORIES
            if self.state.settings.get(category) is PrivacyValue.CONTACT_BLACKLIST
            and category not in self.state.lists
        ]
        return [key for key in missing if not self.why_unread(key)]

    def updated(self, applied: ApplyResult) -> AccountSettings:
        """What is known after a plan, by its answer."""
        changed = {key_of(result.change) for result in applied}
        before, after = self.state, applied.after
        kept = {c: listed for c, listed in before.lists.items() if c not in changed}
        lists = {
            category: listed
            for category, listed in {**kept, **after.lists}.items()
            if after.settings.get(category) is PrivacyValue.CONTACT_BLACKLIST
        }
        timer = after.timer if TIMER in changed else before.timer
        errors = {key: error for key, error in self.errors.items() if key not in changed}
        return AccountSettings(self.info, SettingsState(after.settings, lists, timer), errors)


async def read_settings(account: Account, known: AccountSettings | None = None) -> AccountSettings:
    """Read the settings of an account.

    Args:
        account: The account.
        known: What is known of it, and not asked for again.

    Raises:
        PrivacyError: They cannot be read. A list or timer that cannot is left out.
    """
    if known is None:
        known = AccountSettings(await _read_info(account))
    elif known.info.state != AccountState.CONNECTED:
        known = replace(known, info=await _read_info(account))
    if not known.state.settings:
        present = await read_state(account, (), lists=(), timer=False)
        known = replace(known, state=replace(known.state, settings=present.settings))
    missing = known.missing()
    unread: dict[Part, PrivacyError] = {}
    read = await read_state(
        account,
        known.info.capabilities,
        settings=False,
        lists=[PrivacyCategory(key) for key in missing if key != TIMER],
        timer=TIMER in missing,
        unread=unread,
    )
    state = replace(
        known.state,
        lists={**known.state.lists, **read.lists},
        timer=known.state.timer if read.timer is None else read.timer,
    )
    errors: dict[str, str] = {part: error_text(error) for part, error in unread.items()}
    return AccountSettings(known.info, state, {**known.errors, **errors})


async def _read_info(account: Account) -> AccountInfo:
    try:
        return await account.info()
    except NotRecordedError:  # then what the account can do is found out by asking
        return AccountInfo(account.id or "", "", capabilities=frozenset(Capability))
