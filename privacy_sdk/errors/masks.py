"""Mask people and secrets in texts.

Reprs, errors, log records and recordings all ask this module. Nothing here is reversible.
A person is a phone number or a LID in any written form; a secret is a token, a cookie, or a
code that links a device.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

DOTS = "•••"

NOBODY = "999"
"""Numbers that begin with this belong to nobody: no country has the code."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PERSON_FIELDS = _words(
    "jid pnjid lid phone phones phonenumber phonenumbers number numbers msisdn waid "
    "id account user participant sender owner"
)
"""Members whose bare digits are a person's; see :func:`field_name`."""

NAME_FIELDS = _words(
    "pushname username notify verifiedname fullname shortname displayname contactname profilename"
)
"""Members that hold what a person calls herself."""

SECRET_FIELDS = _words(
    "token accesstoken refreshtoken authorization cookie setcookie secret password apikey "
    "qr qrcode pairingcode paircode linkcode linkingcode"
)
"""Members that nobody else may know."""

PLAIN_FIELDS = _words(
    "dhash duration t timestamp code status retryafter backoff version expires expiration"
)
"""Members whose digits are never a person's."""

# Possessive quantifiers and bounded ones only: text of strangers meets these patterns, and one
# that backtracks over a long run lets a single request stop the gateway.

# Any server: an address that is cut off, run together with what follows, or an e-mail
# address made of a phone number tells of a person all the same.
_LOCAL = r"(?P<user>\d{5,20})(?P<rest>(?:[._]\d{1,3})?(?:(?::|%3A)\d{1,5})?|-\d{5,12})"
_AT = re.compile(r"(?:@|%40)(?P<server>[a-z.]*+)", re.IGNORECASE)
_BEFORE_AT = re.compile(rf"{_LOCAL}\Z", re.IGNORECASE)
_LONGEST_LOCAL = 40
_JID = re.compile(rf"{_LOCAL}(?:@|%40)[a-z.]*+", re.IGNORECASE)
_PLUS = r"(?:\+|%2B|\uff0b)"
SEPARATORS = r" \t.()/\u00a0\u2007\u2009\u2010-\u2015\u202f-"
"""What people write between the digits of a number, for a regular expression."""

_NUMBER_CHARACTERS = "0123456789+@:%_ \t.()/-\u00a0\u2007\u2009\u202f"

_GAP = (
    rf"(?:(?:[{SEPARATORS}]"
    r"|%20|%2[89D-F]|%C2%A0|%E2%80%[89A][0-9A-F]|\+(?=\d)){1,3}+)"
)
# Digits of a percent escape are no digits of a number: %2055 is a space and 55.
_START = r"(?:(?<=%[0-9A-Fa-f]{2})|(?<![\d%])(?<!%[0-9A-Fa-f]))"
_FIRST_GROUP = re.compile(
    rf"(?:(?P<prefix>{_PLUS}{_GAP}?|(?:wa\.me/|tel:|phone=)(?=\d))|{_START})(?P<digits>\d++)",
    re.IGNORECASE,
)
_NEXT_GROUP = re.compile(rf"{_GAP}(?P<digits>\d++)", re.IGNORECASE)
SHORTEST, LONGEST = 7, 15
"""How many digits a phone number has, with its country code."""

_BARE_NUMBER = re.compile(r"(?<![^\W_])(?<!\.)\d{10,15}(?![^\W_])")

_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer\s++)[\w.~+/=-]++"), rf"\1{DOTS}"),
    (re.compile(r"(?i)\b((?:set-)?cookie\s*+[:=]\s*+)[^\s\"'][^\r\n\"']*+"), rf"\1{DOTS}"),
    (
        re.compile(r"(?i)\b((?:access_|refresh_)?token|api_?key|secret|password)(=)[^\s&\"',;]++"),
        rf"\1\2{DOTS}",
    ),
    # What a phone scans to link a device: 2@ref,key,key,secret.
    (re.compile(r"\b\d@[\w+/=-]{8,}+(?:,[\w+/=-]{8,}+){2,5}+"), DOTS),
    (re.compile(r"(?i)\b(pairing code:?+ *+)[A-Z0-9]{4}-?[A-Z0-9]{4}\b"), rf"\1{DOTS}"),
)


@lru_cache(maxsize=1024)
def field_name(name: object) -> str:
    """Return a member's name as the sets of fields here spell it.

    Example:
        >>> field_name("pn_jid"), field_name("pushName")
        ('pnjid', 'pushname')
    """
    if not isinstance(name, str) or len(name) > 64:
        return ""
    return re.sub(r"[^a-z]", "", name.lower())


def plain_digits(text: str) -> str:
    """Return the digits of a text, as ASCII.

    Example:
        >>> plain_digits("+55 11 91234-5678")
        '5511912345678'
    """
    if text.isascii() and text.isdecimal():
        return text
    return "".join(str(int(character)) for character in text if character.isdecimal())


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


def mask_account(name: str | None) -> str | None:
    """Return an account's name for showing: one that may be a person's number is masked.

    Example:
        >>> mask_account("demo"), mask_account("wa-5511912345678_main")
        ('demo', '55•••78')
    """
    is_number = name is not None and sum(map(str.isdecimal, name)) >= 5
    return mask_digits(name) if name is not None and is_number else name


def mask_secrets(text: str) -> str:
    """Hide bearer tokens, cookies and the codes that link a device.

    Example:
        >>> mask_secrets("Authorization: Bearer abc.def")
        'Authorization: Bearer •••'
    """
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def is_jid(text: str) -> bool:
    """Whether a text is a WhatsApp address and nothing else."""
    return _JID.fullmatch(text) is not None


def replace_jids(text: str, replace: Callable[[str, str, str], str]) -> str:
    """Replace every WhatsApp address by ``replace(user, rest, server)``."""
    out, copied = [], 0
    for at in _AT.finditer(text):
        begins = max(copied, at.start() - _LONGEST_LOCAL)
        if local := _BEFORE_AT.search(text[begins : at.start()]):
            new = replace(local["user"], local["rest"], at[0])
            out += [text[copied : begins + local.start()], new]
            copied = at.end()
    return "".join([*out, text[copied:]])


def mask_text(text: str) -> str:
    """Hide every secret, JID and phone number in a text meant for people.

    Bare runs of 10 to 15 digits count as numbers here: a message loses little by hiding
    a timestamp, and much by showing a person.

    Example:
        >>> mask_text("no such user 999115550101:3@s.whatsapp.net")
        'no such user 99•••01@s.whatsapp.net'
        >>> mask_text("Authorization: Bearer abc.def, call +999 11 5550 0101")
        'Authorization: Bearer •••, call 99•••01'
    """
    return _mask_people(text, lambda digits: False)


def mask_start(text: str, longest: int) -> str:
    """The beginning of a text, masked: what it costs does not depend on the text's length.

    Example:
        >>> mask_start("call +999 11 5550 0101 " + "and so on " * 100_000, 20)
        'call 99•••01 and so…'
    """
    if len(text) <= longest:
        return mask_text(text)
    start = text[: 2 * longest]
    if len(start) < len(text):  # a number that was cut through no longer looks like one
        start = start.rstrip(_NUMBER_CHARACTERS)
    masked = mask_text(start)
    is_all = len(start) == len(text) and len(masked) <= longest
    return masked if is_all else f"{masked[: longest - 1]}…"


def mask_people(text: str) -> str:
    """Like :func:`mask_text`, and numbers that belong to nobody stay readable.

    Example:
        >>> mask_people("+999900000001 is recorded, +55 11 91234-5678 is not")
        '+999900000001 is recorded, 55•••78 is not'
    """
    return _mask_people(text, lambda digits: digits.startswith(NOBODY))


def _mask_people(text: str, may_stay: Callable[[str], bool]) -> str:
    def jid(user: str, rest: str, server: str) -> str:
        return f"{user}{rest}{server}" if may_stay(user) else f"{mask_digits(user)}{server}"

    def written(prefix: str, digits: str) -> str | None:
        return None if may_stay(digits) else f"{prefix.lstrip('+%2Bb＋')}{mask_digits(digits)}"

    def bare(match: re.Match[str]) -> str:
        return match[0] if may_stay(match[0]) else mask_digits(match[0])

    text = replace_jids(mask_secrets(text), jid)
    return _BARE_NUMBER.sub(bare, replace_numbers(text, written))


def replace_numbers(
    text: str,
    written: Callable[[str, str], str | None],
    known: Callable[[str], str | None] | None = None,
) -> str:
    """Replace phone numbers.

    Args:
        text: Where to look.
        written: What to put for a number that is written as one, given its prefix (a plus
            sign, ``tel:``) and its digits; None leaves it.
        known: What to put for digits that are not written as a number; None leaves them.
    """
    out, copied = [], 0
    for groups in _runs(text):
        for start, end, new in _replacements(groups, written, known):
            out += [text[copied:start], new]
            copied = end
    return "".join([*out, text[copied:]])


class _Group(NamedTuple):
    digits: str
    start: int
    end: int
    prefix: str


def _runs(text: str) -> Iterator[list[_Group]]:
    """Groups of digits that stand together: one number, or several."""
    end = 0
    while first := _FIRST_GROUP.search(text, end):
        prefix = (first["prefix"] or "").strip(" (")
        start, end = first.start() if prefix else first.start("digits"), first.end()
        groups = [_Group(plain_digits(first["digits"]), start, end, prefix)]
        while after := _NEXT_GROUP.match(text, end):
            start, end = after.start("digits"), after.end()
            prefix = "+" if text[start - 1] == "+" else ""
            groups.append(_Group(plain_digits(after["digits"]), start - len(prefix), end, prefix))
        yield groups


def _replacements(
    groups: Sequence[_Group],
    written: Callable[[str, str], str | None],
    known: Callable[[str], str | None] | None,
) -> Iterator[tuple[int, int, str]]:
    """What to replace in a run: start, end, and what to put there."""
    first = 0
    while first < len(groups):
        prefix, last, new = groups[first].prefix, 0, None
        if prefix or known:
            # No number has more groups than digits: what follows is not looked at, however long.
            numbers = _numbers(groups[first : first + LONGEST])
            seen = [number for number in numbers if known and known(number[1]) is not None]
            # A number that was seen before ends where it ended then, whatever digits follow.
            if seen or (prefix and numbers):
                count, digits = (
                    seen[-1] if seen else _longest(groups[first : first + LONGEST], numbers)
                )
                last = first + count
                new = written(prefix, digits) if prefix else known(digits) if known else None
        if new is not None:
            yield groups[first].start, groups[last - 1].end, new
        first = max(last, first + 1)


def _numbers(groups: Sequence[_Group]) -> list[tuple[int, str]]:
    """The numbers that may begin with the first group: how many groups, and which digits."""
    numbers, digits = [], ""
    for count, group in enumerate(groups, 1):
        if len(digits) + len(group.digits) > LONGEST:
            break
        digits += group.digits
        if len(digits) >= SHORTEST:
            numbers.append((count, digits))
    return numbers


def _longest(groups: Sequence[_Group], numbers: Sequence[tuple[int, str]]) -> tuple[int, str]:
    """The longest of the numbers, less a last single digit: that is the next thing in a list."""
    is_single = len(numbers) > 1 and len(groups[numbers[-1][0] - 1].digits) == 1
    return numbers[-2 if is_single else -1]
