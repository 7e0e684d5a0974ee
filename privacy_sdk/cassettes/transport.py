"""Record and replay: an HTTP transport over a vcrpy cassette, which patches nothing."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx2

from privacy_sdk.cassettes.file import (
    is_bare_name,
    load_cassette,
    read_recording,
    recording_path,
)
from privacy_sdk.cassettes.matching import Index, Key, nearest
from privacy_sdk.cassettes.pseudonyms import People, Strangers, machine_key
from privacy_sdk.cassettes.recorder import REQUEST_HEADERS, RESPONSE_HEADERS, Recorder
from privacy_sdk.cassettes.redactor import Redactor
from privacy_sdk.errors import NotRecordedError, RecordingError, UnknownNameError, UsageError
from privacy_sdk.support.files import as_path

if TYPE_CHECKING:
    from vcr.cassette import Cassette

__all__ = ["RECORD_MODES", "CassetteTransport", "recording_path"]

RECORD_MODES = ("none", "once", "new_episodes", "all")
"""vcrpy's record modes, with vcrpy's meaning."""

MAX_BODY = 16 * 2**20
"""The longest answer that is recorded [bytes]."""


class CassetteTransport(httpx2.AsyncBaseTransport):
    """Answers requests from a cassette, or passes them on and records the answers.

    Args:
        path: The cassette.
        record_mode: ``none`` replays. ``once`` records a new cassette and replays one that
            exists. ``new_episodes`` replays what is there and records the rest. ``all``
            records everything anew, in the place of what was there.
        inner: Where requests go that are recorded; connections of its own by default.
        whole_process: Whether a recording that began in this process goes on to its end,
            whoever closes a client meanwhile.

    Attributes:
        path: The cassette.
        account: Name of the account in the recorded requests; None if there is none.

    Raises:
        RecordingError: The cassette is missing or cannot be read or written.
        InvalidInputError: No path, or no such mode.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        record_mode: str = "none",
        inner: httpx2.AsyncBaseTransport | None = None,
        whole_process: bool = False,
    ) -> None:
        if record_mode not in RECORD_MODES:
            raise UnknownNameError("record mode", record_mode, {mode: () for mode in RECORD_MODES})
        self.path = recording_path(path) if record_mode == "none" else as_path(path)
        if record_mode != "none" and is_bare_name(path):
            raise RecordingError(
                f"{path!r} names a recording that comes with the package, which is not written to.",
                hint=f'Pass the path of a file, such as "{path}.yaml".',
            )
        # A person knows the name that was given, not where the package lies.
        self._name = str(path) if is_bare_name(path) else str(self.path)
        self._mode = record_mode
        self._inner = inner
        self._pools: dict[asyncio.AbstractEventLoop, httpx2.AsyncBaseTransport] = {}
        try:
            self._recorder = self._join(whole_process)
        except OSError as error:
            raise RecordingError(f"{self.path} cannot be written: {error.strerror}.") from None
        self._replays = self._recorder is None
        self._cassette: Cassette | None = None
        people: dict[str, str] = {}
        if self.is_replaying or (record_mode == "new_episodes" and self.path.exists()):
            recording = read_recording(self.path)
            self._cassette, people = load_cassette(recording), recording.people
        data = self._cassette.data if self._cassette is not None else []
        self._index = Index([Key.of(r.method, r.uri, r.body) for r, _ in data])
        self._people = People(tags=people, key=machine_key, may_add=False)
        self._masked = Strangers(tags=people, key=machine_key)
        self.account = _account(request.path for request, _ in data)

    def _join(self, whole_process: bool) -> Recorder | None:
        if self._mode == "none":
            return None
        if self._mode == "once" and self.path.exists():
            recorder = Recorder.at(self.path)
            # Until all its clients are closed, a recording that began here is not done.
            if recorder is None or not recorder.began:
                return None
        recorder = Recorder.join(self.path)
        if whole_process:
            recorder.stay_open()
        return recorder

    def __repr__(self) -> str:
        return f"CassetteTransport({str(self.path)!r}, record_mode={self._mode!r})"

    @property
    def is_replaying(self) -> bool:
        """Whether every answer comes from the cassette, and no request reaches the network."""
        return self._replays

    def requests(self) -> Iterator[Key]:
        """The recorded requests, each once."""
        return iter(self._index)

    def unplayed(self) -> list[str]:
        """The exchanges that were never played, as ``"GET /v1/…"``."""
        if self._cassette is None:
            return []
        return [
            f"{request.method} {request.path}"
            for place, (request, _) in enumerate(self._cassette.data)
            if not self._cassette.play_counts[place]
        ]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The recorded answer, or the answer, which is now recorded.

        Raises:
            NotRecordedError: The cassette has no answer, and none may be recorded.
            RecordingError: The answer cannot be recorded.
        """
        body = await request.aread()
        if (response := self._played(request, body)) is not None:
            return response
        return await self._recorded(request, body)

    def _played(self, request: httpx2.Request, body: bytes) -> httpx2.Response | None:
        if self._cassette is None:
            return None
        key = Key.of(request.method, str(request.url), body)
        place = self._index.take(key, repeat=self.is_replaying)
        if place is None:
            place = self._index.take(_key_of(request, body, self._people), repeat=self.is_replaying)
        if place is not None:
            self._cassette.play_counts[place] += 1
            return self._response(self._cassette.data[place][1])
        if self.is_replaying:
            raise self._miss(key, _key_of(request, body, self._masked))
        return None

    def _response(self, recorded: dict[str, Any]) -> httpx2.Response:
        content = recorded["body"]["string"]
        with suppress(UnicodeDecodeError):
            # Whoever asked by a real number is answered by it.
            content = self._people.restored(content.decode()).encode()
        return httpx2.Response(
            recorded["status"]["code"],
            headers=[
                (name, value) for name, values in recorded["headers"].items() for value in values
            ],
            stream=httpx2.ByteStream(content),
        )

    def _miss(self, asked: Key, masked: Key) -> NotRecordedError:
        hint = (
            f"It comes with the package; to make your own: Client(url, record='{self._name}.yaml')"
            if is_bare_name(self._name)
            else f'To record it: Client(url, record={self._name!r}, record_mode="new_episodes")'
        )
        if masked != asked:
            hint = (
                "People are in a recording under pseudonyms, +9999… and 9999…@lid: ask for them "
                f"by those. {hint}"
            )
        return NotRecordedError(
            f"{self._name} holds no answer to {masked}.",
            nearest=nearest(masked, self._index),
            hint=hint,
        )

    async def _recorded(self, request: httpx2.Request, body: bytes) -> httpx2.Response:
        recorder = self._recorder
        if recorder is None:
            raise UsageError("The client is closed.", hint="Make a new one.")
        # Compressed text hides people from whoever looks for them.
        request.headers["Accept-Encoding"] = "identity"
        token = request.headers.get("Authorization", "").rpartition(" ")[2]
        turn = recorder.turn([token])
        response = await self._network(request).handle_async_request(request)
        content = await _read(response)
        recorder.record(
            turn,
            _interaction(request, body, response, content),
            replace=self._mode == "all",
        )
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=httpx2.ByteStream(content),
            extensions={k: v for k, v in response.extensions.items() if k != "network_stream"},
        )

    def _network(self, request: httpx2.Request) -> httpx2.AsyncBaseTransport:
        """The transport that was given, or one of this event loop's own."""
        if self._inner is not None:
            return self._inner
        loop = asyncio.get_running_loop()
        if loop not in self._pools:
            # Certificates take 20 ms to load, and are of no use without TLS.
            self._pools[loop] = httpx2.AsyncHTTPTransport(verify=request.url.scheme == "https")
        return self._pools[loop]

    async def aclose(self) -> None:
        """Let go of the cassette and of the connections."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.leave()
        if self._inner is not None:
            await self._inner.aclose()
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.aclose()


async def _read(response: httpx2.Response) -> bytes:
    assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101
    content = bytearray()
    async for piece in response.stream:
        content += piece
        if len(content) > MAX_BODY:
            await response.aclose()
            raise RecordingError(
                f"An answer of more than {MAX_BODY // 2**20} MiB is not recorded.",
                hint="The exchange took place; everything before it is in the recording.",
            )
    await response.aclose()
    return bytes(content)


def _interaction(
    request: httpx2.Request, body: bytes, response: httpx2.Response, content: bytes
) -> dict[str, Any]:
    encoding = response.headers.get("Content-Encoding", "identity")
    try:
        if encoding != "identity":
            raise ValueError(f"compressed ({encoding})")
        text, asked = content.decode(), body.decode()
    except ValueError as error:
        what = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        raise RecordingError(
            f"The answer to {request.method} {request.url.path} is {what} and is not recorded: "
            "people in it could not be found.",
            hint="The exchange took place; everything before it is in the recording.",
        ) from None
    return {
        "request": {
            "method": request.method,
            "uri": str(request.url),
            "body": asked,
            "headers": _lists(request.headers, REQUEST_HEADERS),
        },
        "response": {
            "status": {
                "code": response.status_code,
                "message": httpx2.codes.get_reason_phrase(response.status_code),
            },
            "headers": _lists(response.headers, RESPONSE_HEADERS),
            "body": {"string": text},
        },
    }


def _key_of(request: httpx2.Request, body: bytes, people: People) -> Key:
    """A request's key, with what stands for people in their place."""
    redactor = Redactor(people)
    text = redactor.body(body.decode("utf-8", "replace"), _lists(request.headers, REQUEST_HEADERS))
    return Key.of(request.method, redactor.uri(str(request.url)), text)


def _lists(headers: httpx2.Headers, names: Collection[str]) -> dict[str, list[str]]:
    return {name: headers.get_list(name) for name in names if name in headers}


def _account(paths: Iterable[str]) -> str | None:
    for path in paths:
        if found := re.search(r"/v1/accounts/([^/]+)", path):
            return unquote(found[1])
    return None
