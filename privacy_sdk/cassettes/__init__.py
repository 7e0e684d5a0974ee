"""Recordings: written while exchanges happen, redacted, replayed offline."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from privacy_sdk.accounts.base import Account, OverHttp

if TYPE_CHECKING:
    from privacy_sdk.cassettes.transport import CassetteTransport


def cassette_of(account: Account) -> CassetteTransport | None:
    """Return what records or replays what an account is asked; None where nothing does."""
    if not isinstance(account, OverHttp) or "privacy_sdk.cassettes.transport" not in sys.modules:
        return None  # and what a cassette needs is not imported only to find that there is none

    from privacy_sdk.cassettes.transport import CassetteTransport

    return account.transport if isinstance(account.transport, CassetteTransport) else None
