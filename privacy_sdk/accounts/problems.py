"""Errors to problem documents (RFC 9457) and back, by one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from privacy_sdk import errors
from privacy_sdk.accounts.wire import Json, to_json
from privacy_sdk.errors.escapes import printable
from privacy_sdk.errors.masks import mask_start

PROBLEM_PREFIX = "urn:privacy-sdk:"
"""What every problem ``type`` begins with."""

_LONGEST = 2_000
"""How much of a problem's text is read; it may be a stranger's."""
_MOST = 100
"""How many names or sentences of a list are read."""

PROBLEMS: dict[type[errors.PrivacyError], tuple[str, int]] = {
    errors.InvalidInputError: ("invalid-input", 422),
    errors.UnknownNameError: ("unknown-name", 422),
    errors.InvalidPairError: ("invalid-pair", 422),
    errors.InvalidDurationError: ("invalid-duration", 422),
    errors.NoDisallowedListError: ("no-disallowed-list", 422),
    errors.InvalidJidError: ("invalid-jid", 422),
    errors.InvalidContactError: ("invalid-contact", 422),
    errors.InvalidPolicyError: ("invalid-policy", 422),
    errors.IqError: ("refused", 502),
    errors.BadRequestError: ("bad-request", 400),
    errors.NotAuthorizedError: ("not-authorized", 502),
    errors.ItemNotFoundError: ("item-not-found", 404),
    errors.ConflictError: ("conflict", 409),
    errors.RateLimitError: ("rate-limit", 429),
    errors.ServiceUnavailableError: ("service-unavailable", 502),
    errors.NotAppliedError: ("not-applied", 502),
    errors.OvertakenError: ("overtaken", 409),
    errors.OutdatedPlanError: ("outdated-plan", 409),
    errors.OutcomeUnknownError: ("outcome-unknown", 503),
    errors.NotConnectedError: ("not-connected", 503),
    errors.AnswerTimeoutError: ("timeout", 504),
    errors.NotSupportedError: ("not-supported", 501),
    errors.GatewayError: ("gateway", 500),
    errors.InvalidTokenError: ("invalid-token", 401),
    errors.UnknownAccountError: ("unknown-account", 404),
    errors.InvalidRequestError: ("invalid-request", 422),
    errors.AccountBusyError: ("account-busy", 503),
    errors.TooManyRequestsError: ("too-many-requests", 429),
    errors.TooManyWatchersError: ("too-many-watchers", 429),
    errors.UnreadableAnswerError: ("unreadable-answer", 502),
}
"""Which problem type (RFC 9457) and HTTP status stand for an error on the wire."""


def problem_from_error(error: errors.PrivacyError) -> tuple[int, Json]:
    """Return the HTTP status and problem document (RFC 9457) of an error.

    Example:
        >>> status, problem = problem_from_error(errors.IqError.from_code(409, "conflict"))
        >>> status, problem["type"], problem["code"], problem["source"]
        (409, 'urn:privacy-sdk:conflict', 409, 'whatsapp')
    """
    cls = next((base for base in type(error).__mro__ if base in PROBLEMS), errors.GatewayError)
    slug, status = PROBLEMS[cls]
    extra = {name: to_json(getattr(error, name)) for name in error.fields}
    document = {
        "type": PROBLEM_PREFIX + slug,
        "title": slug.replace("-", " ").capitalize(),
        "status": status,
        "detail": error.message,
        "hint": error.hint,
        "code": extra.pop("code", None),
        "error_type": extra.pop("error_type", None),
        "retry_after": extra.pop("backoff", None),
        "source": "whatsapp" if isinstance(error, errors.IqError) else "gateway",
        **extra,
    }
    return status, {name: value for name, value in document.items() if value is not None}


def error_from_problem(status: int, document: object) -> errors.PrivacyError:
    """Return the error that a problem document stands for; its ``type`` decides, not the status.

    Example:
        >>> error_from_problem(*problem_from_error(errors.IqError.from_code(409, "conflict")))
        ConflictError('WhatsApp refused: 409 conflict.')
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("type"), str):
        return errors.UnreadableAnswerError(
            f"The answer is an error {status} without a problem document."
        )
    slug = document["type"].removeprefix(PROBLEM_PREFIX)
    cls = next((cls for cls, (name, _) in PROBLEMS.items() if name == slug), None)
    if cls is None:
        cls = errors.GatewayError if status >= 500 else errors.InvalidRequestError
    error = cls.__new__(cls)
    errors.PrivacyError.__init__(
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
