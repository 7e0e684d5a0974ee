"""Policies: the settings as they should be, the plan to get there, its outcome, and undo.

Example:
    >>> import privacy_sdk as ps
    >>> client = ps.Client.emulated()
    >>> applied = client.apply(client.plan(ps.policies.MAXIMUM))
    >>> applied.is_complete
    True
"""

from __future__ import annotations

from privacy_sdk.model.changes import (
    Change,
    ChangeResult,
    Direction,
    ListChange,
    Outcome,
    SettingChange,
    TimerChange,
)
from privacy_sdk.model.history import HistoryEntry
from privacy_sdk.model.state import SettingsState
from privacy_sdk.policies.plan import Plan
from privacy_sdk.policies.policy import MAXIMUM, STRICTEST, Policy
from privacy_sdk.policies.result import ApplyResult

__all__ = [
    "MAXIMUM",
    "STRICTEST",
    "ApplyResult",
    "Change",
    "ChangeResult",
    "Direction",
    "HistoryEntry",
    "ListChange",
    "Outcome",
    "Plan",
    "Policy",
    "SettingChange",
    "SettingsState",
    "TimerChange",
]


def __dir__() -> list[str]:
    return __all__
