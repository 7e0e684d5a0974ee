"""See and change who can see you on WhatsApp, from a notebook or a script.

Example:
    >>> import privacy_sdk as ps
    >>> client = ps.Client.emulated()
    >>> client.fetch_privacy_settings()[["setting", "audience"]].head(3)
                    setting  audience
    category
    last          Last seen  everyone
    online           Online  everyone
    profile   Profile photo  everyone
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # as type checkers read it; importing typing costs 5 ms
if TYPE_CHECKING:
    __version__: str

    from typing import Any

    from IPython.core.interactiveshell import InteractiveShell

    from privacy_sdk import errors
    from privacy_sdk.accounts.base import Account, AccountInfo, AccountState, Capability, LinkStatus
    from privacy_sdk.accounts.emulated.account import EmulatedAccount
    from privacy_sdk.accounts.emulated.events import Event, Fault, NextAnswer, PhoneLists, PhoneSets
    from privacy_sdk.accounts.http import HttpAccount
    from privacy_sdk.accounts.whatsapp.account import WhatsAppAccount
    from privacy_sdk.client import AsyncClient
    from privacy_sdk.errors import (
        AnswerTimeoutError,
        BadRequestError,
        ConflictError,
        GatewayError,
        InvalidContactError,
        InvalidDurationError,
        InvalidInputError,
        InvalidJidError,
        InvalidPairError,
        InvalidPolicyError,
        InvalidRequestError,
        InvalidTokenError,
        IqError,
        ItemNotFoundError,
        NoDisallowedListError,
        NotAppliedError,
        NotAuthorizedError,
        NotConnectedError,
        NotRecordedError,
        NotSupportedError,
        OutcomeUnknownError,
        OutdatedPlanError,
        PrivacyError,
        PrivacyWarning,
        RateLimitError,
        RecordingError,
        ServiceUnavailableError,
        TooManyRequestsError,
        UnknownAccountError,
        UnknownNameError,
        UnreadableAnswerError,
        UsageError,
    )
    from privacy_sdk.model.arguments import CategoryLike, DurationLike, ValueLike
    from privacy_sdk.model.changes import (
        Change,
        ChangeResult,
        Direction,
        ListChange,
        Outcome,
        SettingChange,
        TimerChange,
    )
    from privacy_sdk.model.state import SettingsState
    from privacy_sdk.model.types import (
        Contact,
        DisallowedList,
        DisallowedListAction,
        DisallowedListUpdate,
        DisallowedListUser,
        DisallowedListUserEntry,
        Jid,
        PrivacyCategory,
        PrivacySetting,
        PrivacySettingsResponse,
        PrivacyValue,
        SetPrivacySettingResponse,
    )
    from privacy_sdk.notebook.panel import Panel
    from privacy_sdk.policies import policy
    from privacy_sdk.policies.people import PeopleLike, PersonLike
    from privacy_sdk.policies.plan import Plan
    from privacy_sdk.policies.policy import Policy, PolicyLike
    from privacy_sdk.policies.result import ApplyResult
    from privacy_sdk.sync import Client
    from privacy_sdk.views import frames
    from privacy_sdk.views.style import style
    from privacy_sdk.views.visibility import Visibility

_MODULES = {
    "errors": "errors",
    "frames": "views.frames",
    "policy": "policies.policy",
}
_HOMES = {
    "Account": "accounts.base",
    "AccountInfo": "accounts.base",
    "AccountState": "accounts.base",
    "ApplyResult": "policies.result",
    "AsyncClient": "client",
    "Capability": "accounts.base",
    "CategoryLike": "model.arguments",
    "Change": "model.changes",
    "Client": "sync",
    "Direction": "model.changes",
    "DurationLike": "model.arguments",
    "EmulatedAccount": "accounts.emulated.account",
    "Event": "accounts.emulated.events",
    "Fault": "accounts.emulated.events",
    "HttpAccount": "accounts.http",
    "ListChange": "model.changes",
    "NextAnswer": "accounts.emulated.events",
    "Outcome": "model.changes",
    "LinkStatus": "accounts.base",
    "Panel": "notebook.panel",
    "PeopleLike": "policies.people",
    "PersonLike": "policies.people",
    "PhoneLists": "accounts.emulated.events",
    "PhoneSets": "accounts.emulated.events",
    "Plan": "policies.plan",
    "Policy": "policies.policy",
    "PolicyLike": "policies.policy",
    "ChangeResult": "model.changes",
    "SettingChange": "model.changes",
    "SettingsState": "model.state",
    "TimerChange": "model.changes",
    "Visibility": "views.visibility",
    "WhatsAppAccount": "accounts.whatsapp.account",
    "ValueLike": "model.arguments",
    "style": "views.style",
}
"""Where a public name lives that is neither an error nor one of ``types``."""

__all__ = [
    "Account",
    "AccountInfo",
    "AccountState",
    "AnswerTimeoutError",
    "ApplyResult",
    "AsyncClient",
    "BadRequestError",
    "Capability",
    "CategoryLike",
    "Change",
    "ChangeResult",
    "Client",
    "ConflictError",
    "Contact",
    "Direction",
    "DisallowedList",
    "DisallowedListAction",
    "DisallowedListUpdate",
    "DisallowedListUser",
    "DisallowedListUserEntry",
    "DurationLike",
    "EmulatedAccount",
    "Event",
    "Fault",
    "GatewayError",
    "HttpAccount",
    "InvalidContactError",
    "InvalidDurationError",
    "InvalidInputError",
    "InvalidJidError",
    "InvalidPairError",
    "InvalidPolicyError",
    "InvalidRequestError",
    "InvalidTokenError",
    "IqError",
    "ItemNotFoundError",
    "Jid",
    "LinkStatus",
    "ListChange",
    "NextAnswer",
    "NoDisallowedListError",
    "NotAppliedError",
    "NotAuthorizedError",
    "NotConnectedError",
    "NotRecordedError",
    "NotSupportedError",
    "Outcome",
    "OutcomeUnknownError",
    "OutdatedPlanError",
    "Panel",
    "PeopleLike",
    "PersonLike",
    "PhoneLists",
    "PhoneSets",
    "Plan",
    "Policy",
    "PolicyLike",
    "PrivacyCategory",
    "PrivacyError",
    "PrivacySetting",
    "PrivacySettingsResponse",
    "PrivacyValue",
    "PrivacyWarning",
    "RateLimitError",
    "RecordingError",
    "ServiceUnavailableError",
    "SetPrivacySettingResponse",
    "SettingChange",
    "SettingsState",
    "TimerChange",
    "TooManyRequestsError",
    "UnknownAccountError",
    "UnknownNameError",
    "UnreadableAnswerError",
    "UsageError",
    "ValueLike",
    "Visibility",
    "WhatsAppAccount",
    "__version__",
    "errors",
    "frames",
    "policy",
    "style",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("privacy-sdk")
    elif name in _MODULES:
        value = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    else:
        is_error = name.endswith(("Error", "Warning"))
        home = _HOMES.get(name, "errors" if is_error else "model.types")
        value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Complete categories and values inside calls: ``%load_ext privacy_sdk``."""
    from privacy_sdk.notebook.completion import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Complete them no longer: ``%unload_ext privacy_sdk``."""
    from privacy_sdk.notebook.completion import unload

    unload(shell)


def __dir__() -> list[str]:
    return __all__
