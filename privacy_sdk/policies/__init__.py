"""Policies: the settings as they should be, the plan to get there, its outcome, and undo.

Example:
    >>> import privacy_sdk as ps
    >>> client = ps.Client.emulated()
    >>> applied = client.apply(client.plan(ps.policies.MAXIMUM))
    >>> applied.is_complete
    True
"""

from __future__ import annotations

import lazy_loader

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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from privacy_sdk.policies.plan import Plan
    from privacy_sdk.policies.policy import MAXIMUM, STRICTEST, Policy
    from privacy_sdk.policies.result import ApplyResult
else:
    __getattr__, _, _ = lazy_loader.attach(
        __name__,
        submod_attrs={
            "plan": ["Plan"],
            "policy": ["MAXIMUM", "STRICTEST", "Policy"],
            "result": ["ApplyResult"],
        },
    )

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
