"""How many people a setting lets in: the figure by which settings are compared."""

from __future__ import annotations

from privacy_sdk.model.types import PrivacyCategory, PrivacyValue

_EXPOSURE = {
    PrivacyValue.ALL: 4,
    PrivacyValue.KNOWN: 3,
    PrivacyValue.CONTACTS: 2,
    PrivacyValue.CONTACT_BLACKLIST: 1,
    PrivacyValue.NONE: 0,
}


def exposure(
    category: PrivacyCategory, value: PrivacyValue, last: PrivacyValue | None = None
) -> int | None:
    """How many people a setting lets in, from 4 (all) to 0 (none); None where that has no sense.

    Args:
        category: Which setting.
        value: What it is set to.
        last: What last seen is set to, which ``match_last_seen`` follows.

    Example:
        >>> exposure(PrivacyCategory.LAST, PrivacyValue.CONTACTS)
        2
    """
    if category is PrivacyCategory.DEFENSE_MODE or not category.is_known:
        return None
    if value is PrivacyValue.MATCH_LAST_SEEN:
        return None if last is None else _EXPOSURE.get(last)
    return _EXPOSURE.get(value)
