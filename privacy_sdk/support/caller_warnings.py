"""Warnings that point at the caller's line, wherever in the package they arise.

``warnings.warn`` counts frames, and between a caller and what is worth a warning lie coroutines,
tasks and, for a blocking call, another thread. So the frame is looked for, and a blocking call
holds its warnings until it is back on its caller's thread.
"""

from __future__ import annotations

import sys
import warnings
from contextvars import ContextVar

from privacy_sdk.errors import PrivacyWarning

_MACHINERY = {
    __name__.partition(".")[0],
    "anyio",
    "asyncio",
    "concurrent",
    "contextlib",
    "threading",
}
"""Packages whose frames are nobody's who calls this one."""


class HeldWarnings:
    """The warnings of one blocking call, issued once its caller's frame is on the stack."""

    def __init__(self) -> None:
        self._messages: list[str] | None = []

    def hold(self, message: str) -> bool:
        """Keep a warning; False when the call is over, and somebody else must issue it."""
        if self._messages is not None:
            self._messages.append(message)
        return self._messages is not None

    def issue(self) -> None:
        """Issue what was held, and hold nothing more."""
        messages, self._messages = self._messages or (), None
        for message in messages:
            _warn(message)


held_warnings: ContextVar[HeldWarnings | None] = ContextVar("held_warnings", default=None)
"""What holds the warnings in this context; None issues them at once."""


def warn_caller(message: str) -> None:
    """Issue a :class:`~privacy_sdk.PrivacyWarning` at the line that called the package.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     warn_caller("Something was left out.")
        >>> caught[0].message
        PrivacyWarning('Something was left out.')
    """
    held = held_warnings.get()
    if held is None or not held.hold(message):
        _warn(message)


def _warn(message: str) -> None:
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_machinery(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, PrivacyWarning, stacklevel=level)


def _is_machinery(module: str) -> bool:
    return module.partition(".")[0] in _MACHINERY
