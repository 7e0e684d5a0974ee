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

    from privacy_sdk import errors, frames, policy, wording
    from privacy_sdk.accounts.emulated import EmulatedAccount
    from privacy_sdk.accounts.events import Event, Fault, NextAnswer, PhoneLists, PhoneSets
    from privacy_sdk.accounts.http import HttpAccount
    from privacy_sdk.accounts.protocol import (
        Account,
        AccountInfo,
        AccountState,
        Capability,
        Pairing,
    )
    from privacy_sdk.accounts.whatsapp import WhatsAppAccount
    from privacy_sdk.applied import Applied, Outcome, Result
    from privacy_sdk.changes import Change, Direction, ListChange, SettingChange, TimerChange
    from privacy_sdk.checks import CategoryLike, DurationLike, ValueLike
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
        NotAuthorizedError,
        NotConnectedError,
        NotRecordedError,
        NotSupportedError,
        NotTakenError,
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
    from privacy_sdk.panel import Panel
    from privacy_sdk.people import PeopleLike, PersonLike
    from privacy_sdk.plans import Plan
    from privacy_sdk.policy import Policy, PolicyLike
    from privacy_sdk.standing import Standing
    from privacy_sdk.sync import Client
    from privacy_sdk.types import (
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

_MODULES = frozenset({"errors", "frames", "policy", "wording"})
_HOMES = {
    "Account": "accounts.protocol",
    "AccountInfo": "accounts.protocol",
    "AccountState": "accounts.protocol",
    "Applied": "applied",
    "AsyncClient": "client",
    "Capability": "accounts.protocol",
    "CategoryLike": "checks",
    "Change": "changes",
    "Client": "sync",
    "Direction": "changes",
    "DurationLike": "checks",
    "EmulatedAccount": "accounts.emulated",
    "Event": "accounts.events",
    "Fault": "accounts.events",
    "HttpAccount": "accounts.http",
    "ListChange": "changes",
    "NextAnswer": "accounts.events",
    "Outcome": "applied",
    "Pairing": "accounts.protocol",
    "Panel": "panel",
    "PeopleLike": "people",
    "PersonLike": "people",
    "PhoneLists": "accounts.events",
    "PhoneSets": "accounts.events",
    "Plan": "plans",
    "Policy": "policy",
    "PolicyLike": "policy",
    "Result": "applied",
    "SettingChange": "changes",
    "Standing": "standing",
    "TimerChange": "changes",
    "WhatsAppAccount": "accounts.whatsapp",
    "ValueLike": "checks",
}
"""Where a public name lives that is neither an error nor one of ``types``."""

__all__ = [
    "Account",
    "AccountInfo",
    "AccountState",
    "AnswerTimeoutError",
    "Applied",
    "AsyncClient",
    "BadRequestError",
    "Capability",
    "CategoryLike",
    "Change",
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
    "ListChange",
    "NextAnswer",
    "NoDisallowedListError",
    "NotAuthorizedError",
    "NotConnectedError",
    "NotRecordedError",
    "NotSupportedError",
    "NotTakenError",
    "Outcome",
    "OutcomeUnknownError",
    "OutdatedPlanError",
    "Pairing",
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
    "Result",
    "ServiceUnavailableError",
    "SetPrivacySettingResponse",
    "SettingChange",
    "Standing",
    "TimerChange",
    "TooManyRequestsError",
    "UnknownAccountError",
    "UnknownNameError",
    "UnreadableAnswerError",
    "UsageError",
    "ValueLike",
    "WhatsAppAccount",
    "__version__",
    "errors",
    "frames",
    "policy",
    "wording",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("privacy-sdk")
    elif name in _MODULES:
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        is_error = name.endswith(("Error", "Warning"))
        home = _HOMES.get(name, "errors" if is_error else "types")
        value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
