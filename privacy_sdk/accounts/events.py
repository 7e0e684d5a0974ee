"""What a test or a demonstration can make an emulated account do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from privacy_sdk.types import DisallowedListUserEntry, PrivacyCategory, PrivacyValue


class Fault(StrEnum):
    """How an answer goes wrong."""

    REFUSED = "refused"
    """The whole request is refused."""
    REFUSED_INSIDE = "refused_inside"
    """The answer is a success that holds the refusal."""
    NOT_TAKEN = "not_taken"
    """The answer is a success, and the change is not made."""
    LOST = "lost"
    """The change is made, and the answer never arrives."""
    SLOW = "slow"
    """The answer is right, and late."""


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


@dataclass(frozen=True, slots=True)
class PhoneLists:
    """The owner changes a category's list of excepted people on the phone."""

    category: PrivacyCategory
    users: tuple[DisallowedListUserEntry, ...]


@dataclass(frozen=True, slots=True)
class NextAnswer:
    """What happens to the next answers.

    Attributes:
        fault: How they go wrong.
        code: WhatsApp's number for a refusal.
        text: Its name for it.
        error_type: Its class of error.
        backoff: How long it asks to wait [s].
        seconds: How late a slow answer is [s].
        operation: Name of the only operation that it happens to; None for any.
        times: To how many answers it happens.

    Example:
        >>> NextAnswer("refused", code=429, text="rate-overlimit", backoff=30).fault
        <Fault.REFUSED: 'refused'>
    """

    fault: Fault
    code: int = 406
    text: str = "not-acceptable"
    error_type: str = ""
    backoff: float | None = None
    seconds: float = 0.0
    operation: str | None = None
    times: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "fault", Fault(self.fault))


Event: TypeAlias = PhoneSets | PhoneLists | NextAnswer
"""Anything that can be made to happen to an emulated account."""
