"""The errors of this package, as one tree.

::

    PrivacyError                        message, hint: what to do next
    ├── InvalidInputError               refused before anything was sent (also a ValueError)
    │   ├── UnknownNameError            a category or value string that is not known
    │   ├── InvalidPairError            a value that the category does not accept
    │   ├── InvalidDurationError        not a whole number of seconds from 0 to 2³²-1
    │   ├── NoDisallowedListError       the category has no list of excepted people
    │   ├── InvalidJidError             not an address
    │   ├── InvalidContactError         not a phone number, or nobody on WhatsApp has it
    │   └── InvalidPolicyError          a policy with faults; lists all of them, each with its place
    ├── IqError                         WhatsApp refused: code, text, error_type, backoff
    │   ├── BadRequestError             400
    │   ├── NotAuthorizedError          401, 403
    │   ├── ItemNotFoundError           404
    │   ├── ConflictError               409: the list changed since its dhash was read
    │   ├── RateLimitError              429
    │   └── ServiceUnavailableError     503
    ├── NotAppliedError                 WhatsApp answered success, and did not make the change
    ├── OvertakenError                  accepted, and something else is set now: changed since
    ├── OutdatedPlanError               settings changed since the plan was made
    ├── OutcomeUnknownError             a change was sent and its answer was lost
    ├── NotConnectedError               no gateway there, or it has no connection to WhatsApp
    ├── AnswerTimeoutError              no answer came in time; nothing was being changed (also a
    │                                   TimeoutError)
    ├── NotSupportedError               this account cannot do that
    ├── GatewayError                    the gateway itself refused
    │   ├── InvalidTokenError           missing or wrong token
    │   ├── UnknownAccountError         no such account, or several and none was named
    │   ├── InvalidRequestError         a request that the gateway does not understand
    │   ├── AccountBusyError            other changes took too long; this one was not begun
    │   ├── TooManyRequestsError        more than it lets through to a live account
    │   └── TooManyWatchersError        as many watch the account as may
    ├── UnreadableAnswerError           an answer that is not what the protocol says
    ├── RecordingError                  a cassette that cannot be read or written
    │   └── NotRecordedError            the cassette holds no such exchange
    └── UsageError                      a closed client, or a wrong thread (also a RuntimeError)

    PrivacyWarning                      part of an answer was left out, for it cannot be read

Those that are caught most often are in ``privacy_sdk``, too. No error carries a token or an
unmasked phone number, and every error pickles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from privacy_sdk.errors.escapes import printable
from privacy_sdk.errors.masks import DOTS, mask_digits, mask_people, mask_start
from privacy_sdk.errors.public import set_module

__all__ = [
    "AccountBusyError",
    "AnswerTimeoutError",
    "BadRequestError",
    "ConflictError",
    "GatewayError",
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
    "NoDisallowedListError",
    "NotAppliedError",
    "NotAuthorizedError",
    "NotConnectedError",
    "NotRecordedError",
    "NotSupportedError",
    "OutcomeUnknownError",
    "OutdatedPlanError",
    "OvertakenError",
    "PrivacyError",
    "PrivacyWarning",
    "RateLimitError",
    "RecordingError",
    "ServiceUnavailableError",
    "TooManyRequestsError",
    "TooManyWatchersError",
    "UnknownAccountError",
    "UnknownNameError",
    "UnreadableAnswerError",
    "UsageError",
]


def __dir__() -> list[str]:
    return __all__


_MAX_U32 = 2**32 - 1
_LONGEST_REPR = 100

_FEW_DIGITS = re.compile(rf"\d(?:[^\d@'\",{DOTS[0]}]{{0,3}}\d){{4,}}")
"""Digits that may be a person's where a person was to be given."""
_LONGEST = 8_000
"""How much of a text an error holds; a longer one is another's doing."""
_MOST_ITEMS = 20
_SIMILAR = 0.55
_ALLOWS = re.compile(r"allow|white|only", re.IGNORECASE)
_DENIES = re.compile(
    r"black|block|deny|disallow|exce?pt|exclu|\b(no|not|non|but|without|minus)\b", re.IGNORECASE
)


@set_module("privacy_sdk")
class PrivacyError(Exception):
    """The root of every error that this package raises.

    Attributes:
        message: What happened, in one sentence.
        hint: What to do next; empty when there is nothing to add.

    Example:
        >>> import privacy_sdk as ps
        >>> try:
        ...     ps.Client.emulated().set_privacy_setting("online", "none")
        ... except ps.PrivacyError as error:
        ...     print(error.hint)
        Allowed for 'online': all, match_last_seen.
    """

    default_hint: ClassVar[str] = ""
    fields: ClassVar[tuple[str, ...]] = ()
    """The attributes that a problem document carries beside message and hint."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = printable(self._masked(message), keep="\n")
        self.hint = printable(self._masked(self.default_hint if hint is None else hint), keep="\n")
        super().__init__(self.message)
        if self.hint:
            self.add_note(self.hint)

    @staticmethod
    def _masked(text: str) -> str:
        return mask_start(text, _LONGEST)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows: frames that are not ours, the message and the hint."""
        from privacy_sdk.errors.tracebacks import notebook_traceback

        name = f"{type(self).__name__}: {self.message}"
        return notebook_traceback(self, [name, *([self.hint] if self.hint else [])])


def short_repr(given: object) -> str:
    """Return the repr of an argument, masked and at most 100 characters long.

    Example:
        >>> short_repr("999115550101"), short_repr(range(7)), len(short_repr("x" * 1_000_000))
        ("'99•••01'", 'range(0, 7)', 100)
    """
    try:
        is_huge = isinstance(given, int) and abs(given) >= 10**30
        text = f"<{type(given).__name__}>" if is_huge else repr(given)
    except Exception:  # a repr of the user's own making, or an int of thousands of digits
        text = f"<{type(given).__name__}>"
    return printable(mask_start(text, _LONGEST_REPR))


def short_person(given: object) -> str:
    """Return the repr of what was to be a person: even five digits may be somebody's number.

    Example:
        >>> short_person("@99912345"), short_person(9991234), short_person("9991")
        ("'@99•••45'", '•••', "'9991'")
    """
    return _FEW_DIGITS.sub(lambda digits: mask_digits(digits[0]), short_repr(given))


def _short(text: str) -> str:
    return printable(mask_start(text, 300), keep="\n")


def _rebuild(
    cls: type[PrivacyError], args: tuple[object, ...], state: dict[str, object]
) -> PrivacyError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


@set_module("privacy_sdk")
class InvalidInputError(PrivacyError, ValueError):
    """An argument was refused; nothing was sent."""


@set_module("privacy_sdk")
class UnknownNameError(InvalidInputError):
    """A string names no known category or value.

    Attributes:
        given: What was passed, as its repr.
        nearest: The known name that looks most like it, or None.
    """

    fields = ("given", "nearest")

    def __init__(
        self,
        kind: str,
        given: object,
        known: Iterable[str],
        *,
        cutoff: float = _SIMILAR,
    ) -> None:
        """Describe ``given`` by the ``known`` names; of a mapping, with words they also go by."""
        self.given = short_repr(given)
        self.nearest = _nearest(given, known, cutoff)
        what = "" if isinstance(given, str) else f" ({type(given).__name__})"
        meant = f"Did you mean {self.nearest!r}? " if self.nearest else ""
        super().__init__(
            f"{self.given}{what} is not a known {kind}.",
            hint=f"{meant}Known: {', '.join(known)}.",
        )


def _nearest(given: object, known: Iterable[str], cutoff: float) -> str | None:
    """Return the known name that was meant; none that says the opposite, however alike."""
    from difflib import get_close_matches

    if not isinstance(given, str):
        return None
    more: Mapping[str, Iterable[str]] = known if isinstance(known, Mapping) else {}
    spellings = {
        word.lower(): str(name)
        for name in known
        for word in (name, *more.get(name, ()))
        if _sense(word) == _sense(given)
    }
    matches = get_close_matches(given.lower(), spellings, n=1, cutoff=cutoff)
    return spellings[matches[0]] if matches else None


def _sense(word: str) -> tuple[bool, bool]:
    """Whether a word lets people in by name, and whether it keeps them out."""
    return bool(_ALLOWS.search(word)), bool(_DENIES.search(word))


@set_module("privacy_sdk")
class InvalidPairError(InvalidInputError):
    """The category does not accept the value.

    Attributes:
        category: The category's wire name.
        value: The value's wire name.
        allowed: The wire names that the category accepts.
    """

    fields = ("category", "value", "allowed")

    def __init__(self, category: str, value: str, allowed: Iterable[str]) -> None:
        self.category, self.value = _short(str(category)), _short(str(value))
        self.allowed = tuple(map(str, allowed))
        super().__init__(
            f"{self.category!r} cannot be set to {self.value!r}.",
            hint=f"Allowed for {self.category!r}: {', '.join(self.allowed)}.",
        )


class InvalidDurationError(InvalidInputError):
    """Not a whole number of seconds from 0 to 4294967295, or a text that says none."""

    def __init__(self, given: object, *, hint: str | None = None) -> None:
        readable = type(given) is int and abs(given) < 10**18
        super().__init__(
            f"{f'{given:_}' if readable else short_repr(given)} is not a duration.",
            hint=hint
            or f"Pass whole seconds from 0 (off) to {_MAX_U32:_}, or a timedelta: "
            "86_400 is 24 hours, 604_800 is 7 days, 7_776_000 is 90 days.",
        )


class NoDisallowedListError(InvalidInputError):
    """The category has no list of excepted people."""

    fields = ("category",)

    def __init__(self, category: str, supported: Iterable[str]) -> None:
        self.category = _short(str(category))
        super().__init__(
            f"{self.category!r} has no list of excepted people.",
            hint=f"Categories that have one: {', '.join(map(str, supported))}.",
        )


class InvalidJidError(InvalidInputError):
    """Not a WhatsApp address."""

    default_hint = "An address looks like DIGITS@lid or DIGITS@s.whatsapp.net."


class InvalidContactError(InvalidInputError):
    """Not a phone number, or a number that nobody on WhatsApp has."""


class InvalidPolicyError(InvalidInputError):
    """The policy is invalid; lists every problem, each with its place.

    Attributes:
        faults: A sentence for each fault, beginning with its place.
    """

    fields = ("faults",)

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(_short(fault) for fault in faults)
        super().__init__(f"The policy cannot be used: {itemize(self.faults, 'faults')}")


def itemize(sentences: Sequence[str], what: str) -> str:
    """Join sentences: a single one as it is; several counted, and on lines of their own.

    Example:
        >>> print(itemize(["last: no.", "online: no."], "faults"))
        2 faults.
          last: no.
          online: no.
    """
    if len(sentences) == 1:
        return sentences[0]
    more = [f"… and {len(sentences) - _MOST_ITEMS} more."] if len(sentences) > _MOST_ITEMS else []
    return "\n  ".join([f"{len(sentences)} {what}.", *sentences[:_MOST_ITEMS], *more])


@set_module("privacy_sdk")
class IqError(PrivacyError):
    """WhatsApp refused a request.

    Attributes:
        code: WhatsApp's number for the refusal.
        text: Its name for it, such as ``conflict``.
        error_type: Its class of error, such as ``wait``; empty when none was given.
        backoff: How long to wait before trying again [s], or None.

    Source:
        ``IqError`` of the specification; codes and texts from the protocol facts.

    Example:
        >>> error = IqError.from_code(409, "conflict")
        >>> type(error).__name__, error.code, error.text
        ('ConflictError', 409, 'conflict')
    """

    default_hint = "WhatsApp says no more than that; see whether the phone can do it."
    fields = ("code", "text", "error_type", "backoff")

    def __init__(
        self,
        code: int,
        text: str = "",
        *,
        error_type: str = "",
        backoff: float | None = None,
        hint: str | None = None,
    ) -> None:
        self.code, self.error_type, self.backoff = code, error_type, backoff
        self.text = _short(text)
        if hint is None and backoff is not None:
            hint = f"WhatsApp asks to wait {backoff:g} s before trying again."
        super().__init__(f"WhatsApp refused: {code} {self.text}".rstrip() + ".", hint=hint)

    @classmethod
    def from_code(
        cls, code: int, text: str = "", *, error_type: str = "", backoff: float | None = None
    ) -> IqError:
        """Return an error of the class for ``code``."""
        return _IQ_CLASSES.get(code, IqError)(code, text, error_type=error_type, backoff=backoff)


class BadRequestError(IqError):
    """400: WhatsApp does not accept the request as it is."""


class NotAuthorizedError(IqError):
    """401 or 403: the account may not do this."""

    default_hint = "Check on the phone that this device is still linked."


class ItemNotFoundError(IqError):
    """404: WhatsApp knows nothing of that name."""


@set_module("privacy_sdk")
class ConflictError(IqError):
    """409: the list changed since its dhash was read."""

    default_hint = "Read the list again for its present dhash, then repeat the change."


class RateLimitError(IqError):
    """429: too many requests."""

    default_hint = (
        "Wait before trying again; many changes in a short time can get an account banned."
    )


class ServiceUnavailableError(IqError):
    """503: WhatsApp is not able to answer at the moment."""

    default_hint = "Try again in a moment."


_IQ_CLASSES: dict[int, type[IqError]] = {
    400: BadRequestError,
    401: NotAuthorizedError,
    403: NotAuthorizedError,
    404: ItemNotFoundError,
    409: ConflictError,
    429: RateLimitError,
    503: ServiceUnavailableError,
}


@set_module("privacy_sdk")
class NotAppliedError(PrivacyError):
    """WhatsApp answered success to a change, and reading back shows that it was not made."""

    default_hint = "WhatsApp did not make the change; look at the setting on the phone."


class OvertakenError(PrivacyError):
    """A change was accepted, and something else is set now: it was changed since, or not made."""

    default_hint = "Somebody else changes the same setting; look at what is set now."


class OutdatedPlanError(PrivacyError):
    """Settings changed since the plan was made; nothing was changed by it.

    Attributes:
        changed: A sentence for each thing that is not as it was.
    """

    fields = ("changed",)
    default_hint = "Make the plan again, from what is set now."

    def __init__(self, changed: Iterable[str]) -> None:
        self.changed = tuple(_short(each) for each in changed)
        super().__init__(
            f"The plan no longer fits, and nothing was changed: {itemize(self.changed, 'changes')}"
        )


@set_module("privacy_sdk")
class OutcomeUnknownError(PrivacyError):
    """A change was sent and its answer was lost: it may have been made, or may still be."""

    default_hint = "Fetch the settings again before repeating the change."


@set_module("privacy_sdk")
class NotConnectedError(PrivacyError):
    """There is no gateway at that address, or it has no connection to WhatsApp."""

    default_hint = "Start a gateway with: privacy-sdk gateway"


class AnswerTimeoutError(PrivacyError, TimeoutError):
    """No answer came in time; nothing was being changed."""

    default_hint = "Try again, or pass a longer timeout."


@set_module("privacy_sdk")
class NotSupportedError(PrivacyError):
    """The account behind the client cannot do this."""


class GatewayError(PrivacyError):
    """The gateway itself refused; WhatsApp was not asked."""


class InvalidTokenError(GatewayError):
    """The gateway's token is missing or wrong."""

    default_hint = (
        "Pass it as token or set PRIVACY_SDK_TOKEN; the gateway prints at its start where it is."
    )


class UnknownAccountError(GatewayError):
    """The gateway has no such account, or several and none was named."""


class InvalidRequestError(GatewayError):
    """The gateway does not understand the request."""

    default_hint = "Client and gateway may be of different versions: compare privacy-sdk --version."


class AccountBusyError(GatewayError):
    """Other changes of the account took too long; this one was not begun."""

    default_hint = "Nothing was changed by it: try again in a moment."

    def __init__(self, waited: float) -> None:
        super().__init__(
            f"Other changes of the account were under way for {max(0.0, waited):.3g} s; this one "
            "was not made."
        )


class TooManyRequestsError(GatewayError):
    """The gateway holds a request back, so that the account is not banned for haste.

    Attributes:
        backoff: How long until it lets the next one through [s].
    """

    fields = ("backoff",)

    def __init__(self, backoff: float) -> None:
        self.backoff = round(backoff, 3)
        super().__init__(
            "The account was asked too often; this request did not reach WhatsApp.",
            hint=f"The gateway lets the next one through in {self.backoff:g} s.",
        )


class TooManyWatchersError(GatewayError):
    """As many watch the account as may at once."""

    default_hint = "End one of them, or read client.history() from time to time."


class UnreadableAnswerError(PrivacyError):
    """An answer is not what the protocol says."""

    default_hint = "Is a privacy-sdk gateway listening at that address, or something else?"


@set_module("privacy_sdk")
class RecordingError(PrivacyError):
    """A cassette cannot be read or written."""


@set_module("privacy_sdk")
class NotRecordedError(RecordingError):
    """The cassette holds no answer to this request where the replay stands.

    Attributes:
        nearest: What it holds of that kind, in words.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, nearest: Iterable[str] = ()
    ) -> None:
        self.nearest = tuple(map(mask_people, nearest))
        super().__init__(message, hint=hint)

    @staticmethod
    def _masked(text: str) -> str:
        return mask_people(text[:_LONGEST])  # pseudonyms have to be readable to be used


class UsageError(PrivacyError, RuntimeError):
    """A call in the wrong place: on a closed client, or from a thread that must not block."""


@set_module("privacy_sdk")
class PrivacyWarning(UserWarning):
    """A part of an answer was left out because it cannot be read; the rest is good."""
