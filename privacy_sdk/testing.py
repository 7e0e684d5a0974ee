"""For tests: what can happen to an emulated account, and a gateway beside the test.

Example:
    >>> import privacy_sdk as ps
    >>> client = ps.Client.emulated()
    >>> client.account.emulate(NextAnswer("refused", code=429, text="rate-overlimit"))
    >>> client.fetch_privacy_settings()
    Traceback (most recent call last):
    privacy_sdk.errors.RateLimitError: WhatsApp refused: 429 rate-overlimit.
    Wait before trying again; many changes in a short time can get an account banned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from privacy_sdk.accounts.events import Event, Fault, NextAnswer, PhoneLists, PhoneSets

if TYPE_CHECKING:
    from privacy_sdk.gateway.server import running_gateway

__all__ = ["Event", "Fault", "NextAnswer", "PhoneLists", "PhoneSets", "running_gateway"]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name != "running_gateway":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from privacy_sdk.gateway.server import running_gateway  # it needs an extra

        return running_gateway


def __dir__() -> list[str]:
    return __all__
