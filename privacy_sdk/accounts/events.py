"""Events of an emulated account: changes made on the phone, and answers that go wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from privacy_sdk.errors import InvalidInputError, UnknownNameError, short_repr
from privacy_sdk.errors.public import set_module
from privacy_sdk.model.arguments import as_list_category
from privacy_sdk.model.types import (
    DisallowedListUpdate,
    DisallowedListUserEntry,
    Names,
    PrivacyCategory,
    PrivacyValue,
)

READS = (
    "fetch_privacy_settings",
    "fetch_disallowed_list",
    "fetch_default_disappearing_mode",
    "find_contacts",
)
"""The operations of an account that change nothing."""

CHANGES = (
    "set_privacy_setting",
    "set_privacy_disallowed_list",
    "set_default_disappearing_mode",
)
"""The operations of an account that change something."""


@set_module("privacy_sdk.testing")
class Fault(Names):
    """How an answer goes wrong."""

    REFUSED = "refused"
    """The whole request is refused."""
    REFUSED_INSIDE = "refused_inside"
    """The answer is a success that holds the refusal; in a fetch, one row is an error."""
    NOT_APPLIED = "not_applied"
    """The answer to a change is a success, and the change is not made."""
    LOST = "lost"
    """The answer never arrives. A change is made all the same and its caller gets an
    ``OutcomeUnknownError``; the caller of a read gets an ``AnswerTimeoutError``."""
    SLOW = "slow"
    """The answer is right, and late."""


@set_module("privacy_sdk.testing")
@dataclass(frozen=True, slots=True)
class PhoneSets:
    """The owner changes a setting on the phone; unknown names are welcome.

    Example:
        >>> PhoneSets("last", "all").category
        <PrivacyCategory.LAST: 'last'>
    """

    category: PrivacyCategory
    value: PrivacyValue

    def __init__(self, category: PrivacyCategory | str, value: PrivacyValue | str) -> None:
        object.__setattr__(self, "category", PrivacyCategory.other(category))
        object.__setattr__(self, "value", PrivacyValue.other(value))


@set_module("privacy_sdk.testing")
@dataclass(frozen=True, slots=True)
class PhoneLists:
    """The owner changes a category's list of excepted people on the phone.

    Example:
        >>> PhoneLists("last", [DisallowedListUserEntry("999000000000001@lid")]).users[0].action
        <DisallowedListAction.ADD: 'add'>
    """

    category: PrivacyCategory
    users: tuple[DisallowedListUserEntry, ...]

    def __init__(
        self, category: PrivacyCategory | str, users: Iterable[DisallowedListUserEntry]
    ) -> None:
        users = DisallowedListUpdate(None, users).users
        if not all(entry.jid.is_lid for entry in users):
            raise InvalidInputError("The phone lists people by their LIDs.")
        object.__setattr__(self, "category", as_list_category(category))
        object.__setattr__(self, "users", users)


@set_module("privacy_sdk.testing")
@dataclass(frozen=True, slots=True)
class NextAnswer:
    """The next answers that fit go wrong; faults wait in the order they were asked for.

    Attributes:
        fault: How they go wrong. ``NOT_APPLIED`` fits changes only.
        code: WhatsApp's number for a refusal.
        text: Its name for it.
        error_type: Its class of error.
        backoff: How long it asks to wait [s].
        seconds: How late the answer is [s].
        operation: Name of the only operation that it happens to; None for any.
        category: The only category that it happens to; None for any. For a fetch: the row
            that is an error, None for the first.
        times: To how many answers it happens.

    Example:
        >>> NextAnswer("refused", code=429, text="rate-overlimit", backoff=30).fault
        <Fault.REFUSED: 'refused'>
    """

    fault: Fault | str
    code: int = 406
    text: str = "not-acceptable"
    error_type: str = ""
    backoff: float | None = None
    seconds: float = 0.0
    operation: str | None = None
    category: PrivacyCategory | str | None = None
    times: int = 1

    def __post_init__(self) -> None:
        if self.fault not in tuple(Fault):
            raise UnknownNameError("fault", self.fault, Fault)
        object.__setattr__(self, "fault", Fault(self.fault))
        if self.operation not in (None, *READS, *CHANGES):
            raise UnknownNameError("operation", self.operation, READS + CHANGES)
        if self.category is not None:
            object.__setattr__(self, "category", PrivacyCategory.other(self.category))
        for name, kind in (("text", str), ("error_type", str), ("code", int), ("times", int)):
            value = getattr(self, name)
            if not isinstance(value, kind) or isinstance(value, bool):
                raise InvalidInputError(f"{name}={value!r} is no {kind.__name__}.")
        if self.backoff is not None:
            check_seconds("backoff", self.backoff)
        check_seconds("seconds", self.seconds)
        if self.times < 1:
            raise InvalidInputError(f"times={self.times} is not at least 1.")


def check_seconds(name: str, value: object) -> None:
    """Check a time to wait.

    Raises:
        InvalidInputError: Not a number, negative, infinite or NaN.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInputError(f"{name}={short_repr(value)} is no number of seconds.")
    if not 0 <= value <= 2**32:  # NaN is neither
        raise InvalidInputError(
            f"{name}={short_repr(value)} is no time to wait.", hint="Pass 0 or more."
        )


Event: TypeAlias = PhoneSets | PhoneLists | NextAnswer
"""Anything that can be made to happen to an emulated account."""
