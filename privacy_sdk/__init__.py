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

import lazy_loader

__version__ = "0.1.0"

TYPE_CHECKING = False  # as type checkers read it; importing typing costs 5 ms
if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from privacy_sdk import accounts as accounts
    from privacy_sdk import errors as errors
    from privacy_sdk import policies as policies
    from privacy_sdk import testing as testing
    from privacy_sdk import typing as typing
    from privacy_sdk.accounts.base import Account as Account
    from privacy_sdk.accounts.base import AccountInfo as AccountInfo
    from privacy_sdk.accounts.emulated.account import EmulatedAccount as EmulatedAccount
    from privacy_sdk.accounts.http import HttpAccount as HttpAccount
    from privacy_sdk.accounts.whatsapp.account import TryxAccount as TryxAccount
    from privacy_sdk.client import AsyncClient as AsyncClient
    from privacy_sdk.errors import ConflictError as ConflictError
    from privacy_sdk.errors import InvalidInputError as InvalidInputError
    from privacy_sdk.errors import InvalidPairError as InvalidPairError
    from privacy_sdk.errors import IqError as IqError
    from privacy_sdk.errors import NotAppliedError as NotAppliedError
    from privacy_sdk.errors import NotConnectedError as NotConnectedError
    from privacy_sdk.errors import NotRecordedError as NotRecordedError
    from privacy_sdk.errors import NotSupportedError as NotSupportedError
    from privacy_sdk.errors import OutcomeUnknownError as OutcomeUnknownError
    from privacy_sdk.errors import PrivacyError as PrivacyError
    from privacy_sdk.errors import PrivacyWarning as PrivacyWarning
    from privacy_sdk.errors import RecordingError as RecordingError
    from privacy_sdk.errors import UnknownNameError as UnknownNameError
    from privacy_sdk.fleet import Fleet as Fleet
    from privacy_sdk.model.types import Contact as Contact
    from privacy_sdk.model.types import DisallowedList as DisallowedList
    from privacy_sdk.model.types import DisallowedListAction as DisallowedListAction
    from privacy_sdk.model.types import DisallowedListUpdate as DisallowedListUpdate
    from privacy_sdk.model.types import DisallowedListUser as DisallowedListUser
    from privacy_sdk.model.types import DisallowedListUserEntry as DisallowedListUserEntry
    from privacy_sdk.model.types import Jid as Jid
    from privacy_sdk.model.types import PrivacyCategory as PrivacyCategory
    from privacy_sdk.model.types import PrivacySetting as PrivacySetting
    from privacy_sdk.model.types import PrivacySettingsResponse as PrivacySettingsResponse
    from privacy_sdk.model.types import PrivacyValue as PrivacyValue
    from privacy_sdk.model.types import SetPrivacySettingResponse as SetPrivacySettingResponse
    from privacy_sdk.notebook.panel import Panel as Panel
    from privacy_sdk.policies.plan import Plan as Plan
    from privacy_sdk.policies.policy import Policy as Policy
    from privacy_sdk.policies.result import ApplyResult as ApplyResult
    from privacy_sdk.sync import Client as Client
    from privacy_sdk.views.style import style as style
    from privacy_sdk.views.timeline import timeline as timeline
    from privacy_sdk.views.visibility import Visibility as Visibility
else:
    __getattr__, __dir__, __all__ = lazy_loader.attach(
        __name__,
        {"accounts", "errors", "policies", "testing", "typing"},
        {
            "accounts.base": ["Account", "AccountInfo"],
            "accounts.emulated.account": ["EmulatedAccount"],
            "accounts.http": ["HttpAccount"],
            "accounts.whatsapp.account": ["TryxAccount"],
            "client": ["AsyncClient"],
            "errors": [
                "ConflictError",
                "InvalidInputError",
                "InvalidPairError",
                "IqError",
                "NotAppliedError",
                "NotConnectedError",
                "NotRecordedError",
                "NotSupportedError",
                "OutcomeUnknownError",
                "PrivacyError",
                "PrivacyWarning",
                "RecordingError",
                "UnknownNameError",
            ],
            "fleet": ["Fleet"],
            "model.types": [
                "Contact",
                "DisallowedList",
                "DisallowedListAction",
                "DisallowedListUpdate",
                "DisallowedListUser",
                "DisallowedListUserEntry",
                "Jid",
                "PrivacyCategory",
                "PrivacySetting",
                "PrivacySettingsResponse",
                "PrivacyValue",
                "SetPrivacySettingResponse",
            ],
            "notebook.panel": ["Panel"],
            "policies.plan": ["Plan"],
            "policies.policy": ["Policy"],
            "policies.result": ["ApplyResult"],
            "sync": ["Client"],
            "views.style": ["style"],
            "views.timeline": ["timeline"],
            "views.visibility": ["Visibility"],
        },
    )


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Complete categories and values inside calls: ``%load_ext privacy_sdk``."""
    import privacy_sdk.notebook.completion as completion

    completion.load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Complete them no longer: ``%unload_ext privacy_sdk``."""
    import privacy_sdk.notebook.completion as completion

    completion.unload(shell)
