"""Text of strangers, made harmless where people read it: in terminals, tracebacks and pages."""

from __future__ import annotations

import re

# What str.isprintable() lets through and nobody can see, none of it ASCII: joiners, fillers of
# Hangul and Khmer, the empty pattern of Braille, variation selectors.
_INVISIBLE = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef"
)
_IS_INVISIBLE = re.compile(f"[{_INVISIBLE}]")


def printable(text: str, keep: str = "") -> str:
    r"""Escape what steers a terminal or cannot be seen, as Python's own literals do.

    These are control characters, escape sequences, marks of direction, and characters that
    take no room or look like a space.

    Args:
        text: The text.
        keep: Characters that stay as they are, such as a line feed.

    Example:
        >>> printable("last\x1b[2J"), printable("to\u202eyou\n", keep="\n")
        ('last\\x1b[2J', 'to\\u202eyou\n')
    """
    if text.isprintable() and (text.isascii() or not _IS_INVISIBLE.search(text)):
        return text
    return "".join(
        character
        if character in keep or (character.isprintable() and not _IS_INVISIBLE.match(character))
        else ascii(character)[1:-1]
        for character in text
    )
