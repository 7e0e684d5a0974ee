"""tryx's exceptions as ours: each is a ``RuntimeError``, and its text decides.

Source:
    Read from tryx 1.5.0 and tried against it; what WhatsApp itself answers was not observed.
"""

from __future__ import annotations

import re

from privacy_sdk.accounts.base import LostAnswerError
from privacy_sdk.errors import (
    InvalidInputError,
    IqError,
    NotConnectedError,
    OutcomeUnknownError,
    PrivacyError,
    UnreadableAnswerError,
)

_REFUSAL = re.compile(r"received a server error response: code=(\d+), text='(.*)'", re.DOTALL)
_NOT_RUNNING = "Client is not running"
_NOT_SENT = ("client state prevented send", "IQ request ID is already in flight")
_OFFLINE = (
    "client is not connected",  # also when the connection is lost while it waits for an answer
    "socket error",
    "encrypted send pipeline failed",
    "received disconnect node",
)
_NO_ANSWER = ("IQ request timed out", "internal channel closed unexpectedly")

NOT_CONNECTED_HINT = "The connection is made again by itself; try again in a moment."
_UNREADABLE_HINT = "A newer version may read it: pip install --upgrade 'privacy-sdk[whatsapp]'"


def error_from_tryx(error: Exception, *, changes: bool) -> PrivacyError:
    """Return the error that an exception of tryx stands for; a lost change is an unknown one.

    Example:
        >>> refusal = "received a server error response: code=409, text='conflict'"
        >>> error_from_tryx(RuntimeError(refusal), changes=True)
        ConflictError('WhatsApp refused: 409 conflict.')
        >>> error_from_tryx(RuntimeError("IQ request timed out"), changes=True)
        OutcomeUnknownError('A change was sent and no answer came.')
    """
    text = str(error)
    if isinstance(error, ValueError | TypeError | OverflowError):
        return InvalidInputError(f"tryx refused before anything was sent: {text}.")
    if refusal := _REFUSAL.fullmatch(text):
        return IqError.from_code(int(refusal[1]), refusal[2])
    if text.startswith((_NOT_RUNNING, *_NOT_SENT)):
        return NotConnectedError("There is no connection to WhatsApp yet.", hint=NOT_CONNECTED_HINT)
    if text.startswith(_OFFLINE):
        if changes:
            return OutcomeUnknownError("The connection to WhatsApp was lost during a change.")
        return NotConnectedError("There is no connection to WhatsApp.", hint=NOT_CONNECTED_HINT)
    if text in _NO_ANSWER:
        return LostAnswerError("no answer came").as_error(changes=changes)
    if changes:
        return LostAnswerError(f"its answer cannot be read: {text}").as_error(changes=True)
    return UnreadableAnswerError(
        f"WhatsApp's answer cannot be read: {text}.", hint=_UNREADABLE_HINT
    )
