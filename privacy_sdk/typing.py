"""What arguments may be: names for your own annotations."""

from privacy_sdk.model.arguments import (
    CategoryLike,
    DurationLike,
    ListCategoryLike,
    ValueLike,
)
from privacy_sdk.model.people import PeopleLike, PersonLike
from privacy_sdk.policies.policy import ExceptionsLike, PolicyLike
from privacy_sdk.support.names import NamesLike

__all__ = [
    "CategoryLike",
    "DurationLike",
    "ExceptionsLike",
    "ListCategoryLike",
    "NamesLike",
    "PeopleLike",
    "PersonLike",
    "PolicyLike",
    "ValueLike",
]


def __dir__() -> list[str]:
    return __all__
