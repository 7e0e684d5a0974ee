"""Durations as people write them."""

from __future__ import annotations

import re
from difflib import get_close_matches

from privacy_sdk.errors import InvalidInputError
from privacy_sdk.model.arguments import as_seconds

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_HOW = "Write it as 7d, 24h, 90m, off, or seconds."


def parse_duration(text: str) -> int:
    """A duration as people write it, in seconds.

    Raises:
        InvalidInputError: None, with the one that may be meant.
        InvalidDurationError: One over 4294967295 seconds.

    Example:
        >>> parse_duration("7d"), parse_duration("off"), parse_duration("90")
        (604800, 0, 90)
    """
    written = text.strip().lower()
    if written == "off":
        return 0
    if match := re.fullmatch(r"(\d{1,10})([smhdw]?)", written, re.ASCII):
        return as_seconds(int(match[1]) * _UNITS[match[2] or "s"])
    nearest = "off" if get_close_matches(written, ["off"]) else None
    if match := re.match(r"(\d{1,10})\s*([smhdw])", written, re.ASCII):
        nearest = "".join(match.groups())
    meant = f"Did you mean {nearest!r}? " if nearest else ""
    raise InvalidInputError(f"{text!r} is not a duration.", hint=meant + _HOW)
