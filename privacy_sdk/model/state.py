"""The state of an account's settings: what plans start from and end in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from privacy_sdk.errors.public import set_module
from privacy_sdk.model import words
from privacy_sdk.model.types import (
    DisallowedList,
    PrivacyCategory,
    PrivacySetting,
    PrivacySettingsResponse,
    PrivacyValue,
)


@set_module("privacy_sdk.policies")
@dataclass(frozen=True, slots=True)
class SettingsState:
    """What was read of an account, or is expected of it; what is not there is not known.

    Attributes:
        settings: The value of each category.
        lists: The list of each category that is on ``contact_blacklist``.
        timer: The default disappearing time [s].
    """

    settings: Mapping[PrivacyCategory, PrivacyValue] = field(default_factory=dict)
    lists: Mapping[PrivacyCategory, DisallowedList] = field(default_factory=dict)
    timer: int | None = None

    @property
    def response(self) -> PrivacySettingsResponse:
        """The settings as an answer of the account would hold them."""
        return PrivacySettingsResponse(PrivacySetting(*pair) for pair in self.settings.items())

    def differences(self, now: SettingsState) -> Iterator[str]:
        """Yield a sentence for each thing known here that is another now."""
        for category, value in self.settings.items():
            found = now.settings.get(category)
            if found != value:
                what = "is not reported any more" if found is None else f"is {found.value!r} now"
                yield f"{category.value!r} was {value.value!r}, and {what}."
        for category, held in self.lists.items():
            listed = now.lists.get(category)
            if listed is not None and listed.dhash != held.dhash:
                yield (
                    f"The list of {category.value!r} was changed; it holds "
                    f"{words.people(len(listed))} now."
                )
        if self.timer is not None and now.timer not in (None, self.timer):
            yield f"The disappearing time was {self.timer} s, and is {now.timer} s now."
