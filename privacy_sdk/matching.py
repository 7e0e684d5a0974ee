"""Which recorded exchange answers a request: method, path, query and body decide.

Scheme, host and port do not: a recording made on one port answers on any.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit


class Key(NamedTuple):
    """What two requests must have in common to be the same."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: str

    @classmethod
    def of(cls, method: str, uri: str, body: bytes | None) -> Key:
        """The key of a request.

        Example:
            >>> Key.of("put", "http://127.0.0.1:9/v1/x?b=2&a=1", b'{"value": "all"}')
            Key(method='PUT', path='/v1/x', query=(('a', '1'), ('b', '2')), body='{"value":"all"}')
        """
        parts = urlsplit(uri)
        query = tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))
        return cls(method.upper(), unquote(parts.path) or "/", query, canonical(body))


def canonical(body: bytes | None) -> str:
    """A body as text that is the same for the same JSON, however it is spaced and ordered."""
    text = (body or b"").decode("utf-8", "backslashreplace")
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

    def __iter__(self):  # type: ignore[no-untyped-def]
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
