"""Accounts: what a client talks to, in this process, on a gateway, or on a linked phone."""

import lazy_loader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from privacy_sdk.accounts.base import Account as Account
    from privacy_sdk.accounts.base import AccountInfo as AccountInfo
    from privacy_sdk.accounts.base import AccountState as AccountState
    from privacy_sdk.accounts.base import Capability as Capability
    from privacy_sdk.accounts.base import Emulator as Emulator
    from privacy_sdk.accounts.base import KeepsHistory as KeepsHistory
    from privacy_sdk.accounts.base import Linkable as Linkable
    from privacy_sdk.accounts.base import LinkStatus as LinkStatus
    from privacy_sdk.accounts.base import LostAnswerError as LostAnswerError
    from privacy_sdk.accounts.base import RunsPlans as RunsPlans
    from privacy_sdk.accounts.base import Startable as Startable
    from privacy_sdk.accounts.emulated.account import EmulatedAccount as EmulatedAccount
    from privacy_sdk.accounts.http import HttpAccount as HttpAccount
    from privacy_sdk.accounts.nodes import ProtocolAccount as ProtocolAccount
    from privacy_sdk.accounts.whatsapp.account import TryxAccount as TryxAccount
    from privacy_sdk.accounts.whatsapp.raw_account import RawAccount as RawAccount
else:
    __getattr__, __dir__, __all__ = lazy_loader.attach(
        __name__,
        submod_attrs={
            "base": [
                "Account",
                "AccountInfo",
                "AccountState",
                "Capability",
                "Emulator",
                "KeepsHistory",
                "LinkStatus",
                "Linkable",
                "LostAnswerError",
                "RunsPlans",
                "Startable",
            ],
            "emulated.account": ["EmulatedAccount"],
            "http": ["HttpAccount"],
            "nodes": ["ProtocolAccount"],
            "whatsapp.account": ["TryxAccount"],
            "whatsapp.raw_account": ["RawAccount"],
        },
    )
