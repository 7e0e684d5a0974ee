"""Which recorded exchange answers a request: method, path, query and body decide.

Scheme, host and port do not: a recording made on one port answers on any.
"""

from __future__ import annotations

import heapq
import json
import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

_SHOWN = 160


class Key(NamedTuple):
    """What two requests must have in common to be the same."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: str

    def __str__(self) -> str:
        query = "?" + "&".join(f"{name}={value}" for name, value in self.query)
        return " ".join(
            filter(None, (self.method, self.path + query.rstrip("?"), _short(self.body)))
        )

    @classmethod
    def of(cls, method: str, uri: str, body: bytes | str | None) -> Key:
        """The key of a request.

        Example:
            >>> Key.of("put", "http://127.0.0.1:9/v1/x?b=2&a=1", b'{"value": "all"}')
            Key(method='PUT', path='/v1/x', query=(('a', '1'), ('b', '2')), body='{"value":"all"}')
        """
        parts = urlsplit(uri)
        query = tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))
        return cls(method.upper(), unquote(parts.path) or "/", query, canonical(body))


def canonical(body: bytes | str | None) -> str:
    """A body as text that is the same for the same JSON, however it is spaced and ordered."""
    text = body.decode("utf-8", "backslashreplace") if isinstance(body, bytes) else body or ""
    try:
        return json.dumps(
            json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
    except (ValueError, RecursionError):
        return text


class Index:
    """Looks up recorded requests; one that is repeated plays in order, then stays at the last."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._places: defaultdict[Key, list[int]] = defaultdict(list)
        for place, key in enumerate(keys):
            self._places[key].append(place)
        self._played: dict[Key, int] = {}

    def __iter__(self) -> Iterator[Key]:
        return iter(self._places)

    def take(self, key: Key, *, repeat: bool = True) -> int | None:
        """The place of the exchange whose turn it is; None when there is none.

        Args:
            key: The request.
            repeat: Whether the last one goes on answering when all were played.
        """
        places = self._places.get(key)
        if not places:
            return None
        turn = self._played.get(key, 0)
        if turn >= len(places) and not repeat:
            return None
        self._played[key] = turn + 1
        return places[min(turn, len(places) - 1)]


def nearest(key: Key, recorded: Iterable[Key], count: int = 3) -> list[str]:
    """The recorded requests that come nearest to one, and how each differs from it.

    Example:
        >>> asked = Key.of("PUT", "/v1/x", b'{"value": "none"}')
        >>> nearest(asked, [Key.of("PUT", "/v1/x", b'{"value": "all"}')])
        ['PUT /v1/x {"value":"all"}: value is "all" there and "none" here']
    """

    def likeness(other: Key) -> tuple[object, ...]:
        return (
            other.path == key.path,
            len(posixpath.commonpath([other.path, key.path])),
            other.method == key.method,
            other.query == key.query,
            other.body == key.body,
        )

    return [
        f"{other}: {', '.join(_differences(other, key))}"
        for other in heapq.nlargest(count, recorded, key=likeness)
    ]


def _differences(there: Key, here: Key) -> list[str]:
    parts = [p for p in ("method", "path", "query") if getattr(there, p) != getattr(here, p)]
    found = [f"another {' and '.join(parts)}"] if parts else []
    if there.body == here.body or "path" in parts:
        return found
    theirs, ours = _members(there.body), _members(here.body)
    if theirs is None or ours is None:
        return [*found, "another body"]
    return found + [
        f"{name} is {_told(theirs, name)} there and {_told(ours, name)} here"
        for name in sorted({*theirs, *ours})
        if _told(theirs, name) != _told(ours, name)
    ]


def _members(body: str) -> dict[str, object] | None:
    try:
        document = json.loads(body or "{}")
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _told(members: dict[str, object], name: str) -> str:
    if name not in members:
        return "absent"
    return _short(json.dumps(members[name], separators=(",", ":"), ensure_ascii=False))


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
