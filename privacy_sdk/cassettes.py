"""Record and replay: an HTTP transport over a vcrpy cassette, which patches nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx2

from privacy_sdk.cassette_file import (
    Recording,
    load_cassette,
    read_recording,
    recording_path,
)
from privacy_sdk.errors import NotRecordedError, UnknownNameError
from privacy_sdk.matching import Index, Key

if TYPE_CHECKING:
    from vcr.cassette import Cassette

__all__ = ["RECORD_MODES", "CassetteTransport", "recording_path"]

RECORD_MODES = ("none", "once", "new_episodes", "all")
"""vcrpy's record modes, with vcrpy's meaning."""


class CassetteTransport(httpx2.AsyncBaseTransport):
    """Answers requests from a cassette, or passes them on and records the answers.

    Args:
        path: The cassette.
        record_mode: ``none`` replays. ``once`` records a new cassette and replays one that
            exists. ``new_episodes`` replays what is there and records the rest. ``all``
            records everything again.
        inner: Where requests go that are recorded; a connection pool of its own by default.

    Attributes:
        path: The cassette.
        account: Name of the account in the recorded requests; None if there is none.

    Raises:
        RecordingError: The cassette is missing or cannot be read or written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        record_mode: str = "none",
        inner: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        if record_mode not in RECORD_MODES:
            raise UnknownNameError("record mode", record_mode, {mode: () for mode in RECORD_MODES})
        self.path = recording_path(path) if record_mode == "none" else Path(path)
        self._cassette: Cassette = load_cassette(read_recording(self.path))
        self._index = Index(
            [
                Key.of(request.method, request.uri, request.body)
                for request in self._cassette.requests
            ]
        )
        self.account = _account(request.path for request in self._cassette.requests)

    @property
    def is_replaying(self) -> bool:
        """Whether every answer comes from the cassette."""
        return True

    def unplayed(self) -> list[str]:
        """The exchanges that were never played, as ``"GET /v1/…"``."""
        return [
            f"{request.method} {request.path}"
            for place, request in enumerate(self._cassette.requests)
            if not self._cassette.play_counts[place]
        ]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The recorded answer."""
        body = await request.aread()
        key = Key.of(request.method, str(request.url), body)
        place = self._index.take(key)
        if place is None:
            raise NotRecordedError(f"{self.path} holds no answer to {key.method} {key.path}.")
        self._cassette.play_counts[place] += 1
        return _response(self._cassette.responses[place])

    async def aclose(self) -> None:
        """Let go of the cassette and of the connections."""


def _response(recorded: dict[str, Any]) -> httpx2.Response:
    return httpx2.Response(
        recorded["status"]["code"],
        headers=[(name, value) for name, values in recorded["headers"].items() for value in values],
        stream=httpx2.ByteStream(recorded["body"]["string"]),
    )


def _account(paths: Any) -> str | None:
    for path in paths:
        if found := re.search(r"/v1/accounts/([^/]+)", path):
            return unquote(found[1])
    return None
