"""What was changed, when and by whom: one record per change."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from privacy_sdk.errors.public import set_module
from privacy_sdk.model.types import DisallowedListUser, DisallowedListUserEntry, PrivacyCategory

ELSEWHERE = "phone or elsewhere"
"""Who made a change that was noticed."""

NOTICED = "noticed"
"""The outcome of a change that nobody here made."""


@set_module("privacy_sdk.policies")
@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A change of an account's settings, made here or noticed.

    Attributes:
        id: Its place in the journal; later entries have higher ones.
        at: When it was made, or noticed (UTC).
        change: ``setting``, ``exceptions``, ``timer``; ``start`` of an emulated account.
        category: Which setting; None for the timer.
        before: The value, number of people or seconds before, as last read; None if not known.
        after: The same after it.
        by: The client's name; "phone or elsewhere".
        outcome: An :class:`~privacy_sdk.policies.Outcome`, or ``noticed``.
        reason: Why it was not applied; what is not known of it.
        operation: The same for all changes of one call.
        undoes: The operation that it takes back.
        since: Of what was noticed, when it was last seen to be otherwise.
        people: Whom it added to a list or removed.
        lost: Who was on the list that its category left.
    """

    id: int
    at: datetime
    change: str
    category: PrivacyCategory | None = None
    before: str | None = None
    after: str | None = None
    by: str = ELSEWHERE
    outcome: str = NOTICED
    reason: str = ""
    operation: str = ""
    undoes: str = ""
    since: datetime | None = None
    people: tuple[DisallowedListUserEntry, ...] = ()
    lost: tuple[DisallowedListUser, ...] | None = None


HistoryStream: TypeAlias = AsyncGenerator[tuple[int, HistoryEntry | None], None]
"""Changes as they are made or noticed, each with its id; without a change, the id of a place from
which on nothing is missed."""
