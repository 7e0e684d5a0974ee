"""Stand-ins for the people of a recording, and putting them in the place of the people.

Pseudonyms are numbered by first appearance, so that nothing about a person is in them. What
tells a real number again is a tag made with a key that stays on the machine that recorded.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, unquote_plus, urlsplit

from privacy_sdk.errors import RecordingError
from privacy_sdk.owner_only import SharedFileError, create_owner_only, read_owner_only
from privacy_sdk.redact import (
    DOTS,
    LONGEST,
    NAME_FIELDS,
    NOBODY,
    PERSON_FIELDS,
    PLAIN_FIELDS,
    SECRET_FIELDS,
    SEPARATORS,
    field_name,
    mask_secrets,
    plain_digits,
    replace_jids,
    replace_numbers,
)

BASE = "http://127.0.0.1:8480"
"""Scheme, host and port of every recorded request, whichever were used."""

_PSEUDONYM = re.compile(r"(?<!\d)9999(?:\d{11}|\d{8})(?!\d)")
_PERSON = re.compile(r"\bPerson \d+\b")
_BARE = re.compile(rf"\s*(?:\+|00)?[\d{SEPARATORS}]+")
_MEMBER = re.compile(r'\\*"(?P<name>[\w-]+)\\*"\s*:\s*(?P<value>\\*"[^"\\]*|\d+)')
_DIGITS = re.compile(rf"\+?\d[\d{SEPARATORS}]{{3,}}\d")
_KEY_BYTES = 32


def key_path() -> Path:
    """Where this machine's key for recognising people in its own recordings is kept."""
    import platformdirs

    return platformdirs.user_data_path("privacy-sdk") / "recording-key"


def machine_key(*, create: bool = False) -> bytes | None:
    """This machine's key; None when there is none and none is to be made.

    Raises:
        RecordingError: Others may have read the key, or it cannot be kept.
    """
    path = key_path()
    try:
        if create and not path.exists():
            create_owner_only(path, secrets.token_bytes(_KEY_BYTES))
        key = read_owner_only(path)
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

    def __len__(self) -> int:
        return len(self._stands_for)

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


class Redactor:
    """Puts pseudonyms in the place of people, and dots in the place of secrets.

    Applied to what it made itself it changes nothing.

    Args:
        people: Who stands for whom.
        secrets: Texts that are secret wherever they stand, such as the token that was sent.
    """

    def __init__(self, people: People, secrets: Iterable[str] = ()) -> None:
        self.people = people
        self.secrets = {secret for secret in secrets if secret}

    def interaction(self, interaction: dict[str, Any]) -> dict[str, Any]:
        """An interaction in vcrpy's shape, with bodies as text, without people and secrets."""
        known = len(self.people)
        redacted = self._interaction(interaction)
        if len(self.people) != known:  # somebody may stand bare before the place that told
            redacted = self._interaction(interaction)
        return redacted

    def _interaction(self, interaction: dict[str, Any]) -> dict[str, Any]:
        request, response = interaction["request"], interaction["response"]
        return {
            "request": {
                **request,
                "uri": self.uri(request["uri"]),
                "body": self.body(request["body"], request["headers"]),
                "headers": self._headers(request["headers"]),
            },
            "response": {
                **response,
                "headers": self._headers(response["headers"]),
                "body": {"string": self.body(response["body"]["string"], response["headers"])},
            },
        }

    def uri(self, uri: str) -> str:
        """The address of a request, at :data:`BASE`."""
        parts = urlsplit(uri)
        segments = parts.path.split("/")
        path = "/".join(
            self._segment(segment, segments[index - 1] if index else "")
            for index, segment in enumerate(segments)
        )
        return f"{BASE}{path}" + (f"?{self._query(parts.query)}" if parts.query else "")

    def body(self, body: str | None, headers: Mapping[str, list[str]]) -> str | None:
        """A body, as JSON where it is that; unchanged to the letter where nothing is hidden."""
        if not body:
            return body
        if (new := self._json_text(body)) is not None:
            return new
        kinds = [
            value
            for name, values in headers.items()
            for value in values
            if name.lower() == "content-type"
        ]
        if any("x-www-form-urlencoded" in kind for kind in kinds):
            return self._query(body)
        if body.lstrip()[:1] in ("{", "["):
            return self._broken_json(body)
        return self.text(body)

    def text(self, text: str) -> str:
        """A text that may name people."""
        for secret in self.secrets:
            text = text.replace(secret, DOTS)
        return replace_numbers(
            replace_jids(mask_secrets(text), self._jid), self._written, self.people.known
        )

    def _headers(self, headers: Mapping[str, list[str]]) -> dict[str, list[str]]:
        return {name: [self.text(value) for value in values] for name, values in headers.items()}

    def _segment(self, segment: str, before: str) -> str:
        decoded = unquote(segment)
        new = self._string(decoded, "account" if before == "accounts" else "")
        return segment if new == decoded else quote(new, safe="")

    def _query(self, query: str) -> str:
        return "&".join(self._pair(pair) for pair in query.split("&"))

    def _pair(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        # A plus sign that nobody escaped is a space to the letter, and a plus sign to people.
        decoded = unquote(value) if re.match(r"\+\d", value) else unquote_plus(value)
        new = self._string(decoded, field_name(unquote_plus(name)))
        shown = unquote_plus(name)
        new_name = self.text(shown)
        return (
            (name if new_name == shown else quote(new_name, safe=""))
            + equals
            + (value if new == decoded else quote(new, safe=""))
        )

    def _json_text(self, text: str) -> str | None:
        try:
            document = json.loads(text)
            new = self._json(document, "")
            if new == document:
                return text
            compact = json.dumps(new, separators=(",", ":"), ensure_ascii=False)
            compact.encode()
        except UnicodeEncodeError:  # half of a surrogate pair
            return json.dumps(new, separators=(",", ":"))
        except (ValueError, RecursionError):
            return None
        return compact

    def _json(self, value: Any, field: str) -> Any:
        if isinstance(value, dict):
            return {
                self._string(name, field if field in PERSON_FIELDS else ""): self._json(
                    item, field_name(name)
                )
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self._json(item, field) for item in value]
        if isinstance(value, str):
            return self._string(value, field)
        if isinstance(value, int) and not isinstance(value, bool):
            new = self._string(str(value), field)
            return value if new == str(value) else int(new) if new.isdecimal() else new
        return value

    def _string(self, value: str, field: str) -> str:
        if field in PLAIN_FIELDS or not value:
            return value
        if field in SECRET_FIELDS:
            return DOTS
        if field in NAME_FIELDS:
            return self.people.name(value)
        if field in PERSON_FIELDS and _BARE.fullmatch(value):
            return self._bare(value, field)
        if value[0] in "{[" and (nested := self._json_text(value)) is not None:
            return nested
        return self.text(value)

    def _bare(self, value: str, field: str) -> str:
        digits = plain_digits(value).removeprefix("00")
        shortest = 10 if field in ("id", "account", "user") else 5
        if not shortest <= len(digits) <= LONGEST:
            return value
        new = self.people.pseudonym(digits, lid=field == "lid")
        plus = "+" if value.strip().startswith("+") else ""
        return value if new is None or new == digits else plus + new

    def _broken_json(self, text: str) -> str:
        """What begins like JSON and is not, such as an answer that was cut off.

        Which member a number belongs to is not known for sure, so most pass for a person's.
        """
        out, at = [], 0
        for member in _MEMBER.finditer(text):
            field, value = field_name(member["name"]), member["value"]
            out.append(self._all_numbers(text[at : member.start("value")]))
            if field in SECRET_FIELDS or field in NAME_FIELDS:
                out.append(f'"{DOTS}')
            else:
                out.append(value if field in PLAIN_FIELDS else self._all_numbers(value))
            at = member.end()
        return "".join([*out, self._all_numbers(text[at:])])

    def _all_numbers(self, text: str) -> str:
        return _DIGITS.sub(lambda found: self._bare(found[0], "phone"), self.text(text))

    def _jid(self, user: str, rest: str, server: str) -> str:
        new = self.people.pseudonym(user, lid="lid" in server.lower())
        return f"{user if new is None else new}{rest}{server}"

    def _written(self, prefix: str, digits: str) -> str | None:
        new = self.people.pseudonym(digits)
        return None if new is None or new == digits else prefix + new
