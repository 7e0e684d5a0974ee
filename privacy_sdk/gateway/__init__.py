"""Accounts over HTTP: one process holds the sessions, while kernels and scripts come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from privacy_sdk.errors import PrivacyError

if TYPE_CHECKING:
    from privacy_sdk.gateway.app import create_app

__all__ = ["create_app"]


def not_installed(error: ModuleNotFoundError) -> PrivacyError:
    """Return what a user is told where the gateway's extra is missing."""
    return PrivacyError(
        f"The gateway needs {error.name}, which is not installed.",
        hint='pip install "privacy-sdk[gateway]"',
    )


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name != "create_app":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            from privacy_sdk.gateway.app import create_app
        except ModuleNotFoundError as error:
            raise not_installed(error) from None
        return create_app
