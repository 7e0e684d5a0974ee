"""What is personal, and how it is hidden.

Reprs, errors, log records and recordings all ask this module. Nothing here is reversible.
"""

from __future__ import annotations

import re

DOTS = "•••"

_SERVERS = r"s\.whatsapp\.net|c\.us|lid|hosted|hosted\.lid"
_JID = re.compile(rf"(?P<user>\d{{5,}})(?P<device>[.:\d]*)@(?P<server>{_SERVERS})\b")
_BEARER = re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]+")
_WRITTEN_NUMBER = re.compile(r"(?<![\w.])(?:\+|%2[Bb])[\d][\d ().-]{5,}\d")
_BARE_NUMBER = re.compile(r"(?<![\w.-])\d{10,15}(?![\w-])")


def mask_digits(number: str) -> str:
    """Hide a phone number or LID, keeping the first and last two digits of a long one.

    Example:
        >>> mask_digits("999115550101")
        '99•••01'
        >>> mask_digits("1234")
        '•••'
    """
    digits = re.sub(r"\D", "", number)
    return f"{digits[:2]}{DOTS}{digits[-2:]}" if len(digits) >= 8 else DOTS


def mask_text(text: str) -> str:
    """Hide every bearer token, JID and phone number in a text meant for people.

    Bare runs of 10 to 15 digits count as numbers here: a message loses little by hiding
    a timestamp, and much by showing a person.

    Example:
        >>> mask_text("no such user 999115550101:3@s.whatsapp.net")
        'no such user 99•••01@s.whatsapp.net'
        >>> mask_text("Authorization: Bearer abc.def, call +999 11 5550 0101")
        'Authorization: Bearer •••, call 99•••01'
    """
    text = _BEARER.sub(rf"\1{DOTS}", text)
    text = _JID.sub(lambda m: f"{mask_digits(m['user'])}@{m['server']}", text)
    text = _WRITTEN_NUMBER.sub(
        lambda m: mask_digits(m[0].removeprefix("%2B").removeprefix("%2b")), text
    )
    return _BARE_NUMBER.sub(lambda m: mask_digits(m[0]), text)
