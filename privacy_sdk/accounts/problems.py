"""Errors to problem documents (RFC 9457) and back, by one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from privacy_sdk.accounts.wire import Json
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
    NotSupportedError,
    OutcomeUnknownError,
    OutdatedPlanError,
    PrivacyError,
    RateLimitError,
    ServiceUnavailableError,
    TooManyRequestsError,
    UnknownAccountError,
    UnknownNameError,
    UnreadableAnswerError,
)
from privacy_sdk.errors.escapes import printable
from privacy_sdk.errors.masks import mask_start

PROBLEM_PREFIX = "urn:privacy-sdk:"
"""What every problem ``type`` begins with."""

_LONGEST = 2_000
"""How much of a problem's text is read; it may be a stranger's."""
_MOST = 100
"""How many names or sentences of a list are read."""

PROBLEMS: dict[type[PrivacyError], tuple[str, int]] = {
    InvalidInputError: ("invalid-input", 422),
    UnknownNameError: ("unknown-name", 422),
    InvalidPairError: ("invalid-pair", 422),
    InvalidDurationError: ("invalid-duration", 422),
    NoDisallowedListError: ("no-disallowed-list", 422),
    InvalidJidError: ("invalid-jid", 422),
    InvalidContactError: ("invalid-contact", 422),
    InvalidPolicyError: ("invalid-policy", 422),
    IqError: ("refused", 502),
    BadRequestError: ("bad-request", 400),
    NotAuthorizedError: ("not-authorized", 502),
    ItemNotFoundError: ("item-not-found", 404),
    ConflictError: ("conflict", 409),
    RateLimitError: ("rate-limit", 429),
    ServiceUnavailableError: ("service-unavailable", 502),
    NotAppliedError: ("not-taken", 502),
    OutdatedPlanError: ("outdated-plan", 409),
    OutcomeUnknownError: ("outcome-unknown", 503),
    NotConnectedError: ("not-connected", 503),
    AnswerTimeoutError: ("timeout", 504),
    NotSupportedError: ("not-supported", 501),
    GatewayError: ("gateway", 500),
    InvalidTokenError: ("invalid-token", 401),
    UnknownAccountError: ("unknown-account", 404),
    InvalidRequestError: ("invalid-request", 422),
    TooManyRequestsError: ("too-many-requests", 429),
    UnreadableAnswerError: ("unreadable-answer", 502),
}
"""Which problem type (RFC 9457) and HTTP status stand for an error on the wire."""


def problem_from_error(error: PrivacyError) -> tuple[int, Json]:
    """Return the HTTP status and problem document (RFC 9457) of an error.

    Example:
        >>> status, problem = problem_from_error(IqError.from_code(409, "conflict"))
        >>> status, problem["type"], problem["code"], problem["source"]
        (409, 'urn:privacy-sdk:conflict', 409, 'whatsapp')
    """
    cls = next((base for base in type(error).__mro__ if base in PROBLEMS), GatewayError)
    slug, status = PROBLEMS[cls]
    extra = {name: getattr(error, name) for name in error.fields}
    document = {
        "type": PROBLEM_PREFIX + slug,
        "title": slug.replace("-", " ").capitalize(),
        "status": status,
        "detail": error.message,
        "hint": error.hint,
        "code": extra.pop("code", None),
        "error_type": extra.pop("error_type", None),
        "retry_after": extra.pop("backoff", None),
        "source": "whatsapp" if isinstance(error, IqError) else "gateway",
        **extra,
    }
    return status, {name: value for name, value in document.items() if value is not None}


def error_from_problem(status: int, document: object) -> PrivacyError:
    """Return the error that a problem document stands for; its ``type`` decides, not the status.

    Example:
        >>> error_from_problem(*problem_from_error(IqError.from_code(409, "conflict")))
        ConflictError('WhatsApp refused: 409 conflict.')
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("type"), str):
        return UnreadableAnswerError(f"The answer is an error {status} without a problem document.")
    slug = document["type"].removeprefix(PROBLEM_PREFIX)
    cls = next((cls for cls, (name, _) in PROBLEMS.items() if name == slug), None)
    if cls is None:
        cls = GatewayError if status >= 500 else InvalidRequestError
    error = cls.__new__(cls)
    PrivacyError.__init__(
        error,
        _text(document.get("detail")) or slug,
        hint=_text(document.get("hint"), cls.default_hint),
    )
    for name in cls.fields:
        read, wire_name = _FIELDS.get(name, (_text, name))
        setattr(error, name, read(document.get(wire_name)))
    return error


def _text(value: object, default: str = "") -> str:
    return printable(mask_start(value, _LONGEST), keep="\n") if isinstance(value, str) else default


def _optional_text(value: object) -> str | None:
    return _text(value) or None


def _code(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31:
        return value
    return 0


def _wait(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < 2**32 else None


def _names(value: object) -> tuple[str, ...]:
    names = value if isinstance(value, list) else []
    return tuple(_text(name) for name in names[:_MOST] if isinstance(name, str))


_FIELDS: dict[str, tuple[Callable[[object], object], str]] = {
    "code": (_code, "code"),
    "backoff": (_wait, "retry_after"),
    "nearest": (_optional_text, "nearest"),
    "allowed": (_names, "allowed"),
    "faults": (_names, "faults"),
    "changed": (_names, "changed"),
}
"""How members of a problem that are not texts are read, and what they are called there."""
