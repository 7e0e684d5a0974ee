"""Mask people and secrets in texts.

Reprs, errors, log records and recordings all ask this module. Nothing here is reversible.
A person is a phone number or a LID in any written form; a secret is a token, a cookie, or a
code that links a device.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

DOTS = "•••"

NOBODY = "999"
"""Numbers that begin with this belong to nobody: no country has the code."""

# Possessive quantifiers and bounded ones only: text of strangers meets these patterns, and one
# that backtracks over a long run lets a single request stop the gateway.

# Any server: an address that is cut off, run together with what follows, or an e-mail
# address made of a phone number tells of a person all the same.
_LOCAL = r"(?P<user>\d{5,20})(?P<rest>(?:[._]\d{1,3})?(?:(?::|%3A)\d{1,5})?|-\d{5,12})"
_AT = re.compile(r"(?:@|%40)(?P<server>[a-z.]*+)", re.IGNORECASE)
_BEFORE_AT = re.compile(rf"{_LOCAL}\Z", re.IGNORECASE)
_LONGEST_LOCAL = 40
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


def fold_digits(text: str) -> str:
    """Return a text whose digits are ASCII's, in whatever writing they stood.

    Example:
        >>> fold_digits("５５ ١١ ❾❶"), fold_digits("tel: ⁵⁵")
        ('55 11 91', 'tel: 55')
    """
    if text.isascii():
        return text
    values = ((sign, unicodedata.numeric(sign, -1)) for sign in unicodedata.normalize("NFKC", text))
    return "".join(f"{value:.0f}" if value in range(10) else sign for sign, value in values)


def plain_digits(text: str) -> str:
    """Return the digits of a text, as ASCII.

    Example:
        >>> plain_digits("+55 11 91234-5678")
        '5511912345678'
    """
    return re.sub(r"\D", "", fold_digits(text))


def may_name_person(text: str) -> bool:
    """Whether a name that somebody chose has so many digits that they may be a person's."""
    return len(plain_digits(text)) >= 5


def mask_digits(number: str) -> str:
    """Hide a phone number or LID, keeping the first and last two digits of a long one.

    Example:
        >>> mask_digits("999115550101")
        '99•••01'
        >>> mask_digits("1234")
        '•••'
    """
    digits = plain_digits(number)
    return f"{digits[:2]}{DOTS}{digits[-2:]}" if len(digits) >= 8 else DOTS


def mask_account(name: str | None) -> str | None:
    """Return an account's name for showing: one that may be a person's number is masked.

    Example:
        >>> mask_account("demo"), mask_account("wa-5511912345678_main")
        ('demo', '55•••78')
    """
    return mask_digits(name) if name is not None and may_name_person(name) else name


def mask_secrets(text: str) -> str:
    """Hide bearer tokens, cookies and the codes that link a device.

    Example:
        >>> mask_secrets("Authorization: Bearer abc.def")
        'Authorization: Bearer •••'
    """
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def _replace_jids(text: str, replace: Callable[[str, str, str], str]) -> str:
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
    if text.isalpha():  # a word, as what most lines of a log say: every pattern needs more
        return text
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

    def written(number: str, prefix: str, digits: str) -> str:
        return number if may_stay(digits) else f"{prefix.lstrip('+%2Bb＋')}{mask_digits(digits)}"

    def bare(match: re.Match[str]) -> str:
        return match[0] if may_stay(match[0]) else mask_digits(match[0])

    text = _replace_jids(mask_secrets(text), jid)
    return _BARE_NUMBER.sub(bare, _replace_numbers(text, written))


def _replace_numbers(text: str, replace: Callable[[str, str, str], str]) -> str:
    """Replace every phone number by ``replace(as it is written, prefix such as tel:, digits)``."""
    out, copied = [], 0
    for groups in _runs(text):
        first = 0
        while first < len(groups):
            # No number has more groups than digits: what follows is not looked at, however long.
            group, count, digits = groups[first], 0, ""
            if group.prefix:
                count, digits = _longest(groups[first : first + LONGEST])
            if count:
                end = groups[first + count - 1].end
                number = text[group.start : end]
                out += [text[copied : group.start], replace(number, group.prefix, digits)]
                copied = end
            first += count or 1
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


def _longest(groups: Sequence[_Group]) -> tuple[int, str]:
    """The longest number that begins with the first group: how many groups, and which digits.

    Less a last single digit, where it is one without: that is the next thing in a list.
    """
    found, digits = [(0, "")], ""
    for count, group in enumerate(groups, 1):
        digits += group.digits
        if len(digits) > LONGEST:
            break
        if len(digits) >= SHORTEST:
            found.append((count, digits))
    is_single = len(found) > 2 and len(groups[found[-1][0] - 1].digits) == 1
    return found[-2 if is_single else -1]
