"""Stand-ins for the people of a recording.

Pseudonyms are numbered by first appearance, so that nothing about a person is in them. What
tells a real number again is a tag made with a key that stays on the machine that recorded.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from privacy_sdk.errors import RecordingError
from privacy_sdk.errors.masks import DOTS, NOBODY, mask_digits
from privacy_sdk.support.files import (
    SharedFileError,
    data_folder,
    make_private_folder,
    read_private,
    write_private,
)

_PSEUDONYM = re.compile(r"(?<!\d)9999(?:\d{11}|\d{8})(?!\d)")
_PERSON = re.compile(r"\bPerson \d+\b")
_KEY_BYTES = 32


def key_path() -> Path:
    """Where this machine's key for recognising people in its own recordings is kept."""
    return data_folder() / "recording-key"


def machine_key(*, create: bool = False) -> bytes | None:
    """This machine's key; None when there is none and none is to be made.

    Raises:
        RecordingError: Others may have read the key, or it cannot be kept.
    """
    path = key_path()
    try:
        if create and not path.exists():
            make_private_folder(path.parent)
            with suppress(FileExistsError):  # another process was faster
                write_private(path, secrets.token_bytes(_KEY_BYTES), replace=False)
        key = read_private(path)
    except SharedFileError as error:
        raise RecordingError(
            f"{error}.",
            hint=f"Delete it, and a new one is made: rm {str(path)!r}. Recordings made with the "
            "old one then know people by their pseudonyms only.",
        ) from None
    except OSError as error:
        raise RecordingError(
            f"The key that recognises people in recordings cannot be kept in {path}: "
            f"{error.strerror}.",
            hint="Make that folder writable.",
        ) from None
    return key or None


class People:
    """Who stands for whom in one recording.

    Args:
        text: The recording so far; its pseudonyms are not given to anybody else.
        tags: Pseudonym to tag, from the recording.
        key: This machine's key, called when it is first needed; None makes no tags.
        may_add: Whether people who are not known get a pseudonym.

    Example:
        >>> people = People()
        >>> people.pseudonym("5511912345678"), people.pseudonym("999115550101")
        ('999900000001', '999115550101')
        >>> people.pseudonym("203948576102938", lid=True)
        '999900000000001'
    """

    def __init__(
        self,
        text: str = "",
        *,
        tags: Mapping[str, str] | None = None,
        key: Callable[[], bytes | None] | None = None,
        may_add: bool = True,
    ) -> None:
        self._taken = set(_PSEUDONYM.findall(text)) | set(_PERSON.findall(text))
        self._by_tag = {tag: pseudonym for pseudonym, tag in (tags or {}).items()}
        self._get_key = key
        self._may_add = may_add
        self._stands_for: dict[str, str] = {}
        self._counts: defaultdict[str, int] = defaultdict(int)
        self.tags: dict[str, str] = {}
        """Pseudonym to tag of the people who were added."""

    def __iter__(self) -> Iterator[str]:
        """The real numbers and names."""
        return iter(self._stands_for)

    def known(self, person: str) -> str | None:
        """The pseudonym of a number or name that was seen as a person's; None for others."""
        for spelling in (person, person.removeprefix("00")):
            if spelling in self._stands_for:
                return self._stands_for[spelling]
            if self._by_tag and (pseudonym := self._by_tag.get(self._tag(spelling))):
                self._stands_for[spelling] = pseudonym
                return pseudonym
        return None

    def pseudonym(self, digits: str, *, lid: bool = False) -> str | None:
        """The number that stands for a person's; itself when it belongs to nobody.

        Returns:
            Digits; None for somebody who is not known and may not be added.
        """
        if digits.startswith(NOBODY):
            self._taken.add(digits)
            return digits
        return self._standing_for(digits, "9999{:011d}" if lid else "9999{:08d}")

    def restored(self, text: str) -> str:
        """A text with the real numbers of those whose numbers were given here."""
        if not self._stands_for:
            return text
        real = {pseudonym: person for person, pseudonym in self._stands_for.items()}
        return _PSEUDONYM.sub(lambda found: real.get(found[0], found[0]), text)

    def name(self, name: str) -> str:
        """What stands for a person's own name."""
        if _PERSON.fullmatch(name):
            self._taken.add(name)
            return name
        return self._standing_for(name, "Person {}") or name

    def _standing_for(self, person: str, form: str) -> str | None:
        if (known := self.known(person)) is not None or not self._may_add:
            return known
        while True:
            self._counts[form] += 1
            pseudonym = form.format(self._counts[form])
            if pseudonym not in self._taken:
                break
        if tag := self._tag(person):
            self.tags[pseudonym] = tag
        self._stands_for[person] = pseudonym
        return pseudonym

    def _tag(self, person: str) -> str:
        if self._key is None:
            return ""
        return hmac.new(self._key, person.encode(), hashlib.sha256).hexdigest()[:32]

    @cached_property
    def _key(self) -> bytes | None:
        return self._get_key() if self._get_key else None


class Strangers(People):
    """People of whom nothing is to be shown: who is not known is masked.

    Example:
        >>> Strangers().pseudonym("5511912345678")
        '55•••78'
    """

    def _standing_for(self, person: str, form: str) -> str | None:
        return self.known(person) or (mask_digits(person) if person.isdecimal() else DOTS)
