"""An account on a gateway, over HTTP and JSON."""

from __future__ import annotations

import asyncio
import copy
import json
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

import httpx2

from privacy_sdk.accounts import wire
from privacy_sdk.accounts.base import AccountInfo, LinkStatus, LostAnswerError
from privacy_sdk.accounts.callers import caller_to_headers
from privacy_sdk.accounts.events import Event
from privacy_sdk.accounts.journal import entry_from_json
from privacy_sdk.accounts.network import (
    HERE,
    NO_CONNECTION,
    Network,
    UnreachableError,
    is_problem,
    unreachable,
)
from privacy_sdk.accounts.problems import error_from_problem
from privacy_sdk.accounts.retries import Retries
from privacy_sdk.errors import (
    AnswerTimeoutError,
    InvalidInputError,
    NotConnectedError,
    PrivacyError,
    UnknownAccountError,
    UnreadableAnswerError,
    UsageError,
    short_repr,
)
from privacy_sdk.errors.masks import mask_account
from privacy_sdk.errors.public import set_module
from privacy_sdk.model.types import (
    Contact,
    DisallowedList,
    DisallowedListUpdate,
    PrivacyCategory,
    PrivacySettingsResponse,
    PrivacyValue,
    SetPrivacySettingResponse,
)
from privacy_sdk.support.gateways import (
    DEFAULT_TIMEOUT,
    DEFAULT_URL,
    checked_account,
    checked_timeout,
    checked_url,
    checked_wait,
    refuse_clear_text,
)
from privacy_sdk.support.tokens import checked_token

if TYPE_CHECKING:
    from datetime import datetime

    from privacy_sdk.model.changes import Change, ExcludedChange, Report
    from privacy_sdk.model.history import HistoryEntry, HistoryStream
    from privacy_sdk.model.state import SettingsState

T = TypeVar("T")

MAX_ANSWER = 32 * 2**20
"""The longest answer that is read [bytes]; that to a plan may hold four lists of 64,000 people."""

_MOST_PAGES = 1_000
"""How many answers one history is read from; a gateway's hold a thousand changes each."""

_AT_ONCE = 8


class _Pool:
    """The connections of one event loop, and their limit."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.loop = asyncio.get_running_loop()
        self.http = http
        self.slots = asyncio.Semaphore(_AT_ONCE)
        self.choosing = asyncio.Lock()
        self.is_closed = False
        self._limits: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def limited(self, seconds: float | None) -> AsyncGenerator[None]:
        """Limit how long something may take, which the end of the connections ends, too.

        One that is still being made is in no list of httpx2, which would leave it open.
        """
        if self.is_closed:
            raise _closed()
        async with asyncio.timeout(seconds) as limit:
            self._limits.add(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)

    async def aclose(self) -> None:
        """Close the connections."""
        self.is_closed = True
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(self.loop.time())
        await self.http.aclose()


def _closed() -> UsageError:
    return UsageError("The client is closed.", hint="Make a new one.")


@set_module("privacy_sdk")
class HttpAccount:
    """An account that a gateway serves.

    Connections belong to the event loop that made them: another loop, or the child of a
    fork, gets its own.

    Args:
        url: Address of the gateway.
        token: Its bearer token; None sends none.
        account: Name of the account there; None takes the gateway's only one.
        timeout: How long one answer may take [s].
        wait: How long to wait for the gateway and its connection to WhatsApp, as while a machine
            boots [s].
        transport: What carries the requests, such as a ``CassetteTransport``; the network by
            default.
        offline: Whether the transport reaches no network: nothing to wait for or to close.
        insecure: Whether ``http://`` may go to another machine, where whoever is in between
            reads the token.

    Attributes:
        transport: What carries the requests.
        seen: The settings as they were fetched last.

    Example:
        >>> HttpAccount("http://127.0.0.1:8480", token="secret", account="demo")
        HttpAccount('http://127.0.0.1:8480', account='demo', token=[secure])
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        token: str | None = None,
        account: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        wait: float = 0.0,
        transport: httpx2.AsyncBaseTransport | None = None,
        offline: bool = False,
        insecure: bool = False,
    ) -> None:
        self.url = checked_url(url)
        try:
            httpx2.URL(self.url)
        except httpx2.InvalidURL:
            raise InvalidInputError(f"{short_repr(url)} is not a gateway's address.") from None
        if not (insecure or offline):
            refuse_clear_text(self.url)
        self._token = None if token is None else checked_token(token, "token=…")
        self.id = checked_account(account)
        self._timeout = checked_timeout(timeout)
        # RFC 7240: a change is not begun for a client that has given up meanwhile.
        self._patience = {"Prefer": f"wait={self._timeout:g}"}
        self._wait = checked_wait(wait)
        self.transport = Network(self.url) if transport is None else transport
        self.seen: PrivacySettingsResponse | None = None
        self._offline = offline
        self._pool: _Pool | None = None
        self._lender: HttpAccount | None = None
        self._closed = False

    def __repr__(self) -> str:
        token = ", token=[secure]" if self._token else ""
        url = "" if self.url == HERE else f"{self.url!r}, "
        return f"{type(self).__name__}({url}account={mask_account(self.id)!r}{token})"

    @property
    def is_open(self) -> bool:
        """Whether connections may be open."""
        return self._pool is not None and not self._offline

    async def list_accounts(self) -> tuple[AccountInfo, ...]:
        """Return every account that the gateway serves."""
        return await self._ask("GET", "/v1/accounts", wire.accounts_from_json)

    def beside(self, account: str) -> HttpAccount:
        """Return another account of the same gateway, which borrows this one's connections.

        Closing it leaves them open.
        """
        other = copy.copy(self)
        other.id, other.seen = checked_account(account), None
        other._pool, other._lender = None, self
        return other

    async def info(self) -> AccountInfo:
        """Return who the account is, as the gateway says.

        Raises:
            UnknownAccountError: The gateway serves no account of that name; without a name, none
                or several.
        """
        if self.id is None:
            return await self._choose()
        return await self._ask("GET", await self._path(), wire.account_from_json)

    async def _choose(self) -> AccountInfo:
        """Take the gateway's only account.

        Raises:
            UnknownAccountError: It serves none, or several.
        """
        known = await self.list_accounts()
        if len(known) > 1:
            raise UnknownAccountError(
                "The gateway serves several accounts, and none was named.",
                hint="Pass account=… or set PRIVACY_SDK_ACCOUNT. "
                f"It serves: {', '.join(info.id for info in known)}.",
            )
        if not known:
            raise UnknownAccountError(
                "The gateway serves no account.", hint="Start it with --account NAME=emulated."
            )
        try:
            self.id = checked_account(known[0].id)
        except InvalidInputError as error:
            raise UnreadableAnswerError(f"The gateway's account: {error.message}") from None
        return known[0]

    async def fetch_privacy_settings(self) -> PrivacySettingsResponse:
        """Fetch all settings that the server reports."""
        path = await self._path("privacy")
        self.seen = await self._ask("GET", path, wire.settings_from_json)
        return self.seen

    async def set_privacy_setting(
        self, category: PrivacyCategory, value: PrivacyValue, *, unreported: bool = False
    ) -> SetPrivacySettingResponse:
        """Change one setting; never repeated when its answer is lost."""
        path = await self._path("privacy", category)
        body = {"value": value.value, **({"unreported": True} if unreported else {})}
        read = wire.set_response_from_json
        return await self._ask("PUT", path, read, body, changes=True, repeatable=False)

    async def change_excluded(
        self, category: PrivacyCategory, update: DisallowedListUpdate
    ) -> ExcludedChange:
        """Except people or no longer except them; never repeated when its answer is lost."""
        path = await self._path("privacy", category, "excluded")
        read, body = wire.excluded_change_from_json, {"users": wire.update_to_json(update)["users"]}
        return await self._ask("POST", path, read, body, changes=True, repeatable=False)

    async def set_privacy_disallowed_list(
        self, category: PrivacyCategory, update: DisallowedListUpdate
    ) -> SetPrivacySettingResponse:
        """Change a list; never repeated when its answer is lost."""
        path = await self._path("privacy", category, "disallowed-list")
        read, body = wire.set_response_from_json, wire.update_to_json(update)
        return await self._ask("PATCH", path, read, body, changes=True, repeatable=False)

    async def set_default_disappearing_mode(self, duration: int) -> None:
        """Set the default timer of new chats [s]."""

        def read(document: object) -> None:
            if wire.duration_from_json(document) != duration:
                raise UnreadableAnswerError("The answer names another duration.")

        path = await self._path("disappearing-mode")
        body = {"duration": duration}
        await self._ask("PUT", path, read, body, changes=True, repeatable=False)

    async def fetch_disallowed_list(self, category: PrivacyCategory) -> DisallowedList:
        """Fetch who is excepted in a category."""
        path = await self._path("privacy", category, "disallowed-list")
        return await self._ask("GET", path, wire.list_from_json)

    async def fetch_default_disappearing_mode(self) -> int:
        """Fetch the default timer of new chats [s]."""
        path = await self._path("disappearing-mode")
        return await self._ask("GET", path, wire.duration_from_json)

    async def find_contacts(self, phones: Sequence[str]) -> tuple[Contact, ...]:
        """Find the addresses of phone numbers, which travel in a body and in no URL."""
        path, body = await self._path("contacts"), {"phones": list(phones)}
        return await self._ask("POST", path, wire.contacts_from_json, body)

    async def apply_changes(self, before: SettingsState, changes: Sequence[Change]) -> Report:
        """Make the changes of a plan, in one request; never repeated when its answer is lost."""
        path = await self._path("privacy")
        body = wire.plan_to_json(before, changes)

        def read(document: object) -> Report:
            return wire.report_from_json(document, changes)

        report = await self._ask("PATCH", path, read, body, changes=True, repeatable=False)
        if report.after.settings:
            self.seen = report.after.response
        return report

    async def history(
        self, *, since: datetime | None = None, category: str | None = None
    ) -> tuple[HistoryEntry, ...]:
        """Fetch what was changed and noticed, a thousand changes at a time."""

        def read(document: object) -> list[HistoryEntry]:
            return list(map(entry_from_json, wire.member(document, "entries", list)))

        found: list[HistoryEntry] = []
        path = await self._path("history")
        given = {"since": since and since.isoformat(), "category": category}
        query = {name: value for name, value in given.items() if value is not None}
        for _ in range(_MOST_PAGES):
            asked = query | ({"last": str(found[-1].id)} if found else {})
            page = await self._ask("GET", path + (f"?{urlencode(asked)}" if asked else ""), read)
            if not page or (found and page[-1].id <= found[-1].id):
                return tuple(found)
            found += page
        raise UnreadableAnswerError(
            f"The history goes on after {len(found):,} changes.",
            hint="Ask for less of it: since=…, category=… (--since, --category).",
        )

    async def watch(self, *, after: int | None = None) -> HistoryStream:
        """Yield each change as it is made or noticed, over a connection of its own.

        Once it has begun it goes on over whatever becomes of the connection and the gateway, from
        the last change that came.

        Raises:
            TooManyWatchersError: As many watch as may.
            UnreadableAnswerError: What comes is no change.
        """
        url, now = self.url + await self._path("events"), asyncio.get_running_loop().time
        began, has_begun, pause = now(), False, _WATCH_AGAIN
        while True:
            known = {} if after is None else {"Last-Event-ID": str(after)}
            pool = self._connected()
            events = pool.http.sse(
                url,
                headers=known,
                timeout=httpx2.Timeout(None, read=_SILENT_FOR),
                max_event_size=MAX_ANSWER,
            )
            try:
                async with AsyncExitStack() as stack:
                    async with pool.limited(None):
                        source = await stack.enter_async_context(events)
                    if source.response.status_code != 200:
                        raise await _refusal(source.response, self.url)
                    async for event in source:
                        place, entry = _number(event.id), None
                        if event.data:
                            entry = entry_from_json(_document(200, event.data.encode()))
                            pause = _WATCH_AGAIN
                        after, has_begun = place, True
                        yield place, entry
            except NO_CONNECTION as error:
                failure = unreachable(error, self.url)
            except httpx2.SSEError:
                raise UnreadableAnswerError(
                    "The gateway tells no changes, or too long ones."
                ) from None
            except (TimeoutError, httpx2.TransportError):
                silent = NotConnectedError(f"The gateway at {self.url} tells nothing any more.")
                failure = UnreachableError(silent)
            except UnreachableError as error:
                failure = error
            except NotConnectedError as error:
                failure = UnreachableError(error)
            else:
                failure = UnreachableError(NotConnectedError(f"The gateway at {self.url} stops."))
            if pool.is_closed:
                raise _closed() from None
            if not has_begun and (failure.is_final or now() - began >= self._wait):
                raise failure.error from None
            await asyncio.sleep(pause * (0.5 + _RANDOM.random()))
            pause = min(2 * pause, _WATCH_AGAIN_AT_MOST)

    async def emulate(self, event: Event) -> None:
        """Make something happen to an emulated account."""
        path, body = await self._path("emulator"), wire.event_to_json(event)
        await self._ask("POST", path, _nothing, body, changes=True, repeatable=False)

    async def link_status(self) -> LinkStatus:
        """Return how far a phone is linked."""
        return await self._ask("GET", await self._path("link"), wire.link_status_from_json)

    async def link(self) -> LinkStatus:
        """Link a phone."""
        return await self._ask("POST", await self._path("link"), wire.link_status_from_json)

    async def unlink(self) -> LinkStatus:
        """Delete the keys of the linked phone."""
        path = await self._path("link")
        return await self._ask("DELETE", path, wire.link_status_from_json, changes=True)

    async def aclose(self) -> None:
        """Close the connections."""
        self._closed = True
        if self._lender is not None:
            return
        pool, self._pool = self._pool, None
        if pool is not None and pool.loop is asyncio.get_running_loop():
            await pool.aclose()
        elif pool is None:
            await self.transport.aclose()

    async def _path(self, *parts: str) -> str:
        if self.id is None:
            async with self._connected().choosing:
                if self.id is None:
                    await self._choose()
        quoted = "/".join(quote(str(part), safe="") for part in (self.id, *parts))
        return f"/v1/accounts/{quoted}"

    def _connected(self) -> _Pool:
        if self._closed:
            raise _closed()
        if self._lender is not None:
            return self._lender._connected()
        if self._pool is None or self._pool.loop is not asyncio.get_running_loop():
            http = httpx2.AsyncClient(
                headers={"Accept": "application/json", "Accept-Encoding": "identity"}
                | ({"Authorization": f"Bearer {self._token}"} if self._token else {}),
                timeout=None,
                # A gateway has no use for cookies: none is kept, hence none is sent.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
                transport=self.transport,
                trust_env=False,
            )
            self._pool = _Pool(http)
        return self._pool

    async def _ask(
        self,
        method: str,
        path: str,
        read: Callable[[object], T],
        body: wire.Json | None = None,
        *,
        changes: bool = False,
        repeatable: bool = True,
    ) -> T:
        """Ask, again as far as that is safe and of use, and return what is read from the answer."""
        retries = Retries(changes, repeatable, self._wait, self._timeout, pauses=not self._offline)
        return await retries.ask(partial(self._attempt, method, path, read, body, changes))

    async def _attempt(
        self,
        method: str,
        path: str,
        read: Callable[[object], T],
        body: wire.Json | None,
        changes: bool,
    ) -> T:
        pool = self._connected()
        async with pool.slots:
            try:
                async with (
                    pool.limited(self._timeout),
                    pool.http.stream(
                        method,
                        self.url + path,
                        json=body,
                        headers=caller_to_headers() | ((self._patience or {}) if changes else {}),
                    ) as response,
                ):
                    status, raw = response.status_code, await _read(response)
                    if status in _OF_A_PROXY and not is_problem(response):
                        raise _from_proxy(status, self.url, changes=changes)
                    return read(_document(status, raw))
            except NO_CONNECTION as error:
                raise unreachable(error, self.url) from None
            except AnswerTimeoutError:  # the gateway's own answer, and a TimeoutError too
                raise
            except (TimeoutError, httpx2.TransportError) as error:
                if pool.is_closed and not changes:
                    raise _closed() from None
                if pool.is_closed:
                    raise LostAnswerError("the client was closed before the answer") from None
                if isinstance(error, TimeoutError):
                    why = f"no answer came within {self._timeout:g} seconds"
                    raise LostAnswerError(why) from None
                raise LostAnswerError("the connection ended before the answer") from error
            except UnreadableAnswerError as error:
                if not changes:
                    raise
                raise LostAnswerError("its answer cannot be read") from error


_SILENT_FOR = 40.0
"""How long a gateway that is watched may say nothing [s]; it says something every 15 s."""
_WATCH_AGAIN, _WATCH_AGAIN_AT_MOST = 0.2, 5.0
"""How long after an interruption it is asked again, at first and after many times [s]."""
_RANDOM = random.Random()  # noqa: S311  # the caller's own sequence is not disturbed
_OF_A_PROXY = frozenset({502, 503, 504})


def _from_proxy(status: int, url: str, *, changes: bool) -> LostAnswerError | UnreachableError:
    """Return what a proxy's own page means: after a change, the gateway may have had it."""
    if changes:
        return LostAnswerError(f"a proxy answered {status}")
    return UnreachableError(_no_gateway_behind(status, url))


def _no_gateway_behind(status: int, url: str) -> NotConnectedError:
    return NotConnectedError(
        f"A proxy at {url} answers {status}: it reaches no gateway.",
        hint="Is the gateway behind it running?",
    )


async def _refusal(response: httpx2.Response, url: str) -> PrivacyError | UnreachableError:
    """Return why changes cannot be watched."""
    raw = await _read(response)
    if response.status_code in _OF_A_PROXY and not is_problem(response):
        return UnreachableError(_no_gateway_behind(response.status_code, url))
    try:
        _document(response.status_code, raw)
    except PrivacyError as error:
        return error
    return UnreadableAnswerError("The gateway does not tell changes.")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise UnreadableAnswerError("The gateway tells a change without its number.")
    return int(text)


async def _read(response: httpx2.Response) -> bytes:
    raw = bytearray()
    try:
        async for piece in response.aiter_bytes():
            raw += piece
            if len(raw) > MAX_ANSWER:
                raise UnreadableAnswerError(
                    f"The answer is longer than {MAX_ANSWER // 2**20} MiB and was not read further."
                )
    except httpx2.DecodingError:
        raise UnreadableAnswerError("The answer is compressed in a way that is broken.") from None
    return bytes(raw)


def _nothing(document: object) -> None:
    if document is not None:
        raise UnreadableAnswerError("The answer should be empty, and is not.")


def _document(status: int, raw: bytes) -> Any:
    if status == 204:
        return None
    try:
        document = json.loads(raw)
    except ValueError:  # also UnicodeDecodeError
        shown = "empty" if not raw else "not JSON"
        raise UnreadableAnswerError(f"The answer (status {status}) is {shown}.") from None
    except RecursionError:
        raise UnreadableAnswerError("The answer is nested too deep to be read.") from None
    if not 200 <= status < 300:
        raise error_from_problem(status, document)
    return document
