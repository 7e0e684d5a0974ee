"""Record and replay: an HTTP transport over a vcrpy cassette, which patches nothing."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from email.utils import formatdate, parsedate_to_datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal

import httpx2

from privacy_sdk.accounts.http import MAX_ANSWER, HttpAccount
from privacy_sdk.cassettes.file import (
    is_bare_name,
    read_recording,
    recording_path,
)
from privacy_sdk.cassettes.members import MEMBERS, Kind
from privacy_sdk.cassettes.requests import Request, address_of
from privacy_sdk.cassettes.timeline import Exchange, NotThereError, Timeline
from privacy_sdk.errors import (
    NotRecordedError,
    NotSupportedError,
    RecordingError,
    UnknownNameError,
    UsageError,
)
from privacy_sdk.support.caller_warnings import warn_caller
from privacy_sdk.support.files import as_path

if TYPE_CHECKING:
    from pathlib import Path

    from privacy_sdk.cassettes.people import Bindings
    from privacy_sdk.cassettes.recorder import Recorder

__all__ = ["RECORD_MODES", "CassetteTransport", "RecordMode", "recording_path"]

RecordMode = Literal["once", "all"] | None
RECORD_MODES = ("once", "all")
"""The record modes beside None."""

_LONGEST_MISS = 400


class CassetteTransport(httpx2.AsyncBaseTransport):
    """Answers requests from a cassette, or passes them on and records the answers.

    Args:
        path: The cassette.
        records: Whether to record; else it replays.
        record_mode: What becomes of a cassette that exists: None refuses it, ``once`` replays
            it, ``all`` records anew in its place. A recording that began in this process goes
            on, whichever it is.
        inner: Where requests go that are recorded; connections of its own by default.
        whole_process: Whether all clients of this process are one session: a recording goes
            on to the process's end, and a replay where the client before it was.

    Attributes:
        path: The cassette.
        name: What the user called it.
        recorded_at: When the last answer of a replay was recorded; None where that is not known.

    Raises:
        RecordingError: The cassette is missing, exists, or cannot be read or written.
        InvalidInputError: No path, or no such mode.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        records: bool = False,
        record_mode: RecordMode = None,
        inner: httpx2.AsyncBaseTransport | None = None,
        whole_process: bool = False,
    ) -> None:
        if record_mode is not None and record_mode not in RECORD_MODES:
            raise UnknownNameError("record mode", record_mode, RECORD_MODES)
        self.path = as_path(path) if records else recording_path(path)
        if records and is_bare_name(path):
            raise RecordingError(
                f"{path!r} names a recording that comes with the package, which is not written to.",
                hint=f'Pass the path of a file, such as "{path}.yaml".',
            )
        # A person knows the name that was given, not where the package lies.
        self.name = os.fspath(path)
        self.recorded_at: datetime | None = None
        self._is_ours = is_bare_name(path)
        self._inner = inner
        self._pools: dict[asyncio.AbstractEventLoop, httpx2.AsyncBaseTransport] = {}
        self._looks = False
        self._recorder = self._join(record_mode, whole_process) if records else None
        self._replays = self._recorder is None
        self._warns = records
        self._timeline = Timeline(())
        if self._replays:
            self._timeline = _timeline(self.path, shared=whole_process)

    def _join(self, mode: RecordMode, whole_process: bool) -> Recorder | None:
        from privacy_sdk.cassettes.recorder import Recorder, refuse_another_process

        try:
            if Recorder.begun(self.path) is None and self.path.exists() and mode != "all":
                refuse_another_process(self.path)
                if mode == "once":
                    return None
                raise RecordingError(
                    f"{self.name} exists.",
                    hint=f'To replay it: Client.replay({self.name!r}). record_mode="once" '
                    'records, or replays what is there; "all" records anew.',
                )
            recorder = Recorder.join(self.path, replace=mode == "all")
        except OSError as error:
            raise RecordingError(f"{self.path} cannot be written: {error.strerror}.") from None
        if whole_process:
            recorder.stay_open()
        return recorder

    def __repr__(self) -> str:
        what = "replays" if self._replays else "records"
        return f"<{type(self).__name__} {what} {self.name!r}>"

    @property
    def is_replaying(self) -> bool:
        """Whether every answer comes from the cassette, and no request reaches the network."""
        return self._replays

    @property
    def account(self) -> str | None:
        """Name of the account in the recorded requests; None if there is none, or it was chosen.

        A client that chose the gateway's only account asked which there are, and so must one
        that replays it.
        """
        requests = list(self.requests())
        if any(request.route.template == "/v1/accounts" for request in requests):
            return None
        return next(filter(None, (request.route.account for request in requests)), None)

    def replayed(self, account: str | None = None) -> HttpAccount:
        """The account that the recording answers for, or another one of it."""
        named = self.account if account is None else account
        return HttpAccount(account=named, transport=self, offline=True)

    def requests(self) -> Iterator[Request]:
        """The recorded requests, in the order in which they were asked."""
        return (exchange.request for exchange in self._timeline.exchanges)

    def unplayed(self) -> list[str]:
        """The exchanges that were never played, in words."""
        return [str(e.request) for e in self._timeline.exchanges if not e.is_played]

    def looking(self) -> CassetteTransport:
        """A transport that answers what this one would, and leaves no trace of it."""
        other = CassetteTransport.__new__(CassetteTransport)
        other.__dict__.update(self.__dict__, _looks=True)
        return other

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The recorded answer, or the answer, which is now recorded.

        Raises:
            NotRecordedError: The cassette has no answer that holds here.
            RecordingError: The answer cannot be recorded.
        """
        if request.url.path.endswith("/events"):
            if not self._replays:
                return await self._network(request).handle_async_request(request)
            raise NotRecordedError(
                f"The recording {_short(self.name, 80)!r} has no events: what happens is not "
                "recorded, only what is asked.",
                hint="An account that tells changes: ps.Client.emulated().",
            )
        body = await request.aread()
        asked = Request.of(request.method, str(request.url), body)
        return self._played(asked) if self._replays else await self._recorded(request, asked, body)

    def _played(self, request: Request) -> httpx2.Response:
        timeline = self._timeline
        try:
            exchange = timeline.answer(request, looks=self._looks)
        except NotThereError as miss:
            raise self._miss(request, miss) from None
        if request.reads is None:
            self._say_where(request, timeline.has_jumped)
        date = exchange.headers.get("date")
        self.recorded_at = parsedate_to_datetime(date[0]) if date else None
        return httpx2.Response(
            exchange.status,
            headers=[(name, value) for name, each in exchange.headers.items() for value in each],
            stream=httpx2.ByteStream(_in_person(exchange, timeline.bindings)),
        )

    def _say_where(self, request: Request, has_jumped: bool) -> None:
        if self._warns:
            self._warns = False
            warn_caller(
                f"{self.name} exists and is replayed: {request} was answered from it, and nothing "
                "was sent."
            )
        elif has_jumped:
            warn_caller(
                f"The recording {self.name!r} goes on from where it holds {request}: everything "
                "else now stands as it stood there."
            )

    def _miss(self, request: Request, miss: NotThereError) -> NotRecordedError:
        is_change = request.reads is None
        has = dict.fromkeys(str(r) for r in self.requests() if (r.reads is None) is is_change)
        first = "a plan" if request.is_plan else str(request).split(" ")[0]
        near = sorted(has, key=lambda each: not each.startswith(first))  # of the same thing first
        is_plain = not is_change or request.is_plan
        what = _short(str(request) if is_plain else f"the change of {request}", 90)
        if miss.is_somebodys:
            only = "for another person" if _names_people(request) else "of another version"
            message = f"has {what} only {only}"
        elif miss.is_elsewhere:
            message = f"has {what} only where other changes were made"
        else:
            message = f"does not have {what}"
        message = f"The recording {_short(self.name, 80)!r} {message}."
        hint = "An account that answers anything: ps.Client.emulated()."
        if not self._is_ours:
            anew = f'ps.Client(record={_short(self.name, 60)!r}, record_mode="all")'
            hint += f" To record anew: {anew}."
        left = _LONGEST_MISS - len(message) - len(hint) - len(" It has: , ….")
        lengths = accumulate(len(each) + len(", ") for each in near)
        fitting = [each for each, length in zip(near, lengths, strict=True) if length <= left]
        if fitting:
            more = ", …" if len(fitting) < len(near) else ""
            message += f" It has: {', '.join(fitting)}{more}."
        return NotRecordedError(message, hint=hint, nearest=near[:3])

    async def _recorded(
        self, request: httpx2.Request, asked: Request, body: bytes
    ) -> httpx2.Response:
        recorder = self._recorder
        if recorder is None:
            raise UsageError("The client is closed.", hint="Make a new one.")
        # Compressed text hides people from whoever looks for them.
        request.headers["Accept-Encoding"] = "identity"
        token = request.headers.get("Authorization", "").rpartition(" ")[2]
        port = f":{request.url.port}" if request.url.port else ""
        gateway = f"{request.url.scheme}://{request.url.host}{port}"
        turn = recorder.turn(gateway, is_change=asked.reads is None, secrets=[token])
        try:
            response = await self._network(request).handle_async_request(request)
            content = await _read(response)
        except BaseException:
            recorder.lost(turn)
            raise
        recorder.record(turn, _interaction(request, body, response, content))
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
            # Certificates take 20 ms to load, and are of no use without TLS. No connection is kept,
            # for its loop may end before anybody closes it.
            self._pools[loop] = httpx2.AsyncHTTPTransport(
                verify=request.url.scheme == "https",
                limits=httpx2.Limits(max_keepalive_connections=0),
            )
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


class ApplicationTransport(httpx2.ASGITransport):
    """Asks an application in this process, whose answers have a date as a server's have."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The application's answer.

        Raises:
            NotSupportedError: It would never end.
        """
        if request.url.path.endswith("/events"):
            raise NotSupportedError(
                "An emulated account tells nothing while it is recorded in this process.",
                hint="Watch one that is not recorded, or one on a gateway.",
            )
        response = await super().handle_async_request(request)
        response.headers["Date"] = formatdate(usegmt=True)
        return response


_shared: dict[Path, Timeline] = {}


def _timeline(path: Path, *, shared: bool) -> Timeline:
    """The timeline of a cassette, the one of this process if it is shared."""
    if shared and path.resolve() in _shared:
        return _shared[path.resolve()]
    recording = read_recording(path)
    if recording.torn is not None:
        warn_caller(f"{path}, line {recording.torn}: The last exchange was torn and is left out.")
    exchanges: list[Exchange] = []
    date: list[str] = []
    for interaction, overlaps, after_loss in zip(
        recording.interactions, recording.overlaps, recording.losses, strict=True
    ):
        request, response = interaction["request"], interaction["response"]
        headers = {name.lower(): values for name, values in response["headers"].items()}
        date = headers.get("date") or date  # which is written once, until it is another
        exchanges.append(
            Exchange(
                Request.of(request["method"], request["uri"], request["body"]),
                response["status"]["code"],
                {k: v for k, v in headers.items() if k in ("content-type", "retry-after")}
                | ({"date": date} if date else {}),
                response["body"]["string"],
                overlaps=overlaps,
                after_loss=after_loss,
            )
        )
    timeline = Timeline(exchanges)
    if shared:
        _shared[path.resolve()] = timeline
    return timeline


def _in_person(exchange: Exchange, bindings: Bindings) -> bytes:
    """The answer, with those whom the client asked for by their real addresses."""
    if not bindings.has_people or not isinstance(exchange.document, dict):
        return exchange.body
    return json.dumps(_named("", exchange.document, bindings)).encode()


def _named(name: str, value: Any, bindings: Bindings) -> Any:
    if isinstance(value, dict):
        return {key: _named(key, item, bindings) for key, item in value.items()}
    if isinstance(value, list):
        return [_named(name, item, bindings) for item in value]
    kind = MEMBERS.get(name)
    if kind is Kind.ACCOUNT and isinstance(value, str):
        return bindings.real(value)
    if kind is Kind.PERSON and isinstance(value, str):
        digits = address_of(value)[0]
        return value.replace(digits, bindings.real(digits), 1)
    return value


def _names_people(request: Request) -> bool:
    return bool(request.people[1:] if request.route.account else request.people)


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


async def _read(response: httpx2.Response) -> bytes:
    assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101
    content = bytearray()
    async for piece in response.stream:
        content += piece
        if len(content) > MAX_ANSWER:
            await response.aclose()
            raise RecordingError(
                f"An answer of more than {MAX_ANSWER // 2**20} MiB is not recorded.",
                hint="The exchange took place; everything before it is in the recording.",
            )
    await response.aclose()
    return bytes(content)


def _interaction(
    request: httpx2.Request, body: bytes, response: httpx2.Response, content: bytes
) -> dict[str, Any]:
    encoding = response.headers.get("Content-Encoding", "identity")
    text = "?"  # compressed or no text: no JSON, so that it is left out
    if encoding == "identity":
        with suppress(UnicodeDecodeError):
            text = content.decode()
    return {
        "request": {
            "method": request.method,
            "uri": str(request.url),
            "body": body.decode("utf-8", "replace"),
            "headers": {name: request.headers.get_list(name) for name in request.headers},
        },
        "response": {
            "status": {"code": response.status_code},
            "headers": {name: response.headers.get_list(name) for name in response.headers},
            "body": {"string": text},
        },
    }
