"""Putting pseudonyms in the place of people in HTTP exchanges, and dots in the place of secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote, unquote_plus, urlsplit

from privacy_sdk.cassettes.pseudonyms import People
from privacy_sdk.errors.masks import (
    DOTS,
    LONGEST,
    NAME_FIELDS,
    PERSON_FIELDS,
    PLAIN_FIELDS,
    SECRET_FIELDS,
    SEPARATORS,
    field_name,
    is_jid,
    mask_secrets,
    plain_digits,
    replace_jids,
    replace_numbers,
)

BASE = "http://127.0.0.1:8480"
"""Scheme, host and port of every recorded request, whichever were used."""

_BARE = re.compile(rf"\s*(?:\+|00)?[\d{SEPARATORS}]+")
_MEMBER = re.compile(r'\\*"(?P<name>[\w-]+)\\*"\s*:\s*(?P<value>\\*"[^"\\]*|\d+)')
_DIGITS = re.compile(rf"\+?\d[\d{SEPARATORS}]{{3,}}\d")
_WORDS = re.compile(r"[a-z_ ]*")


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
        self._unsure: set[str] = set()
        """Digits that were passed over; a person's, should a later place say so."""

    def interaction(self, interaction: dict[str, Any]) -> dict[str, Any]:
        """An interaction in vcrpy's shape, with bodies as text, without people and secrets."""
        self._unsure.clear()
        redacted = self._interaction(interaction)
        if any(self.people.known(digits) for digits in self._unsure):
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
        if _WORDS.fullmatch(text):
            return text
        text = replace_jids(text, self._jid)
        if is_jid(text):
            return text
        return replace_numbers(mask_secrets(text), self._written, self._known)

    def _known(self, digits: str) -> str | None:
        pseudonym = self.people.known(digits)
        if pseudonym is None:
            self._unsure.add(digits)
        return pseudonym

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
            document = json.loads(text, object_pairs_hook=_unambiguous)
            new = self._json(document, "")
            if new == document:
                return text
            compact = json.dumps(new, separators=(",", ":"), ensure_ascii=False)
        except (ValueError, RecursionError):
            return None
        try:
            compact.encode()
        except UnicodeEncodeError:  # half of a surrogate pair
            return json.dumps(new, separators=(",", ":"))
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
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            digits = f"{value:.0f}" if isinstance(value, float) else str(value)
            new = self._string(digits, field)
            return value if new == digits else int(new) if new.isdecimal() else new
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


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; one that names a member twice would hide the first."""
    if len(document := dict(pairs)) != len(pairs):
        raise ValueError
    return document
