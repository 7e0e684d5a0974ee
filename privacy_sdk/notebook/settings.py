"""What the panel reads of an account: all that can be read, and why the rest cannot."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from privacy_sdk.accounts.base import Account, AccountInfo, AccountState, KeepsHistory
from privacy_sdk.cassettes import cassette_of
from privacy_sdk.errors import PrivacyError
from privacy_sdk.model.changes import Change, Outcome, TimerChange
from privacy_sdk.model.history import HistoryEntry
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import (
    LIST_CATEGORIES,
    DisallowedListAction,
    PrivacyCategory,
    PrivacyValue,
)
from privacy_sdk.policies.state import SETTINGS, TIMER, Part, read_info, read_state
from privacy_sdk.views.html import error_text

_EXCEPT_SOME = PrivacyValue.CONTACT_BLACKLIST


def key_of(change: Change) -> str:
    """What a change is made to: a category's wire string, or ``timer``."""
    return TIMER if isinstance(change, TimerChange) else change.category.value


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """An account and its settings, as far as they are known.

    Attributes:
        info: Who the account is.
        state: Its settings.
        unread: Why a list or the timer could not be read.
    """

    info: AccountInfo
    state: SettingsState = field(default_factory=SettingsState)
    unread: Mapping[Part, PrivacyError] = field(default_factory=dict)

    def why_unread(self, part: Part) -> str:
        """Why a list or the timer could not be read; empty when nothing stood in the way."""
        return error_text(self.unread[part]) if part in self.unread else ""

    @property
    def is_complete(self) -> bool:
        """Whether all is known, or why not."""
        has_timer = self.state.timer is not None or TIMER in self.unread
        return has_timer and not _missing_lists(self.state, self.unread)

    def shows(self, entry: HistoryEntry) -> bool:
        """Whether what an entry of the history says is known, or of no account."""
        if entry.outcome in (Outcome.REFUSED, Outcome.NOT_TRIED):
            return True
        match entry:
            case HistoryEntry(change="setting", category=category) if category is not None:
                return self.state.settings.get(category) == entry.after
            case HistoryEntry(change="timer"):
                return TIMER in self.unread or str(self.state.timer) == entry.after
            case HistoryEntry(change="exceptions", category=category) if category is not None:
                held = self.state.lists.get(category)
                listed = {user.jid for user in held or ()}
                return held is None or all(
                    (each.jid in listed) is (each.action is DisallowedListAction.ADD)
                    for each in entry.people
                )
        return False

    def updated(self, after: SettingsState, changed: Collection[str] = ()) -> AccountSettings:
        """What is known after something was read.

        Args:
            after: What was read, or is known of a change that was made: all settings or some.
            changed: Keys of what was changed, so that it is not known unless it was read.
        """
        before = self.state
        settings = after.settings if changed else {**before.settings, **after.settings}
        kept = {c: listed for c, listed in before.lists.items() if c not in changed}
        lists = {
            category: listed
            for category, listed in {**kept, **after.lists}.items()
            if settings.get(category) is _EXCEPT_SOME
        }
        timer = before.timer if after.timer is None and TIMER not in changed else after.timer
        known = {*changed, *after.lists, *([] if timer is None else [TIMER])}
        unread: dict[Part, PrivacyError] = {
            part: error for part, error in self.unread.items() if part not in known
        }
        return AccountSettings(self.info, SettingsState(settings, lists, timer), unread)


def can_watch(account: Account) -> bool:
    """Whether an account may tell of changes; one that is recorded or replayed is not asked to.

    What the panel reads on hearing of a change would be recorded, and is not in a recording.
    """
    return isinstance(account, KeepsHistory) and cassette_of(account) is None


async def read_settings(account: Account, known: AccountSettings | None = None) -> AccountSettings:
    """Read the settings of an account; what is known is not asked for again.

    Raises:
        PrivacyError: They cannot be read. A list or timer that cannot is left out.
    """
    if known is None or known.info.state != AccountState.CONNECTED:
        info = await read_info(account)
    else:
        info = known.info
    state = known.state if known else SettingsState()
    unread: dict[Part, PrivacyError] = dict(known.unread) if known else {}
    read = await read_state(
        account,
        info.capabilities,
        settings=not state.settings,
        lists=_missing_lists(state, unread),
        timer=state.timer is None and TIMER not in unread,
        unread=unread,
    )
    if SETTINGS in unread:
        raise unread[SETTINGS]
    return AccountSettings(
        info,
        SettingsState(
            state.settings or read.settings,
            {**state.lists, **read.lists},
            read.timer if state.timer is None else state.timer,
        ),
        unread,
    )


def _missing_lists(
    state: SettingsState, unread: Mapping[Part, PrivacyError]
) -> list[PrivacyCategory]:
    return [
        category
        for category in LIST_CATEGORIES
        if (not state.settings or state.settings.get(category) is _EXCEPT_SOME)
        and category not in state.lists.keys() | unread.keys()
    ]
