"""No error but ours leaves the public API, whatever it is given, answered or made to read."""

import inspect
import json
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from enum import EnumType
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import privacy_sdk as ps
from privacy_sdk.accounts.http import HttpAccount
from privacy_sdk.accounts.journal import entry_to_json
from privacy_sdk.errors import UnreadableAnswerError
from privacy_sdk.gateway import create_app
from privacy_sdk.model.changes import TimerChange
from privacy_sdk.model.history import HistoryEntry
from privacy_sdk.model.state import SettingsState
from privacy_sdk.policies.history import changes_of, state_at
from privacy_sdk.views import qr
from privacy_sdk.views.frames import history_frame


class Unspeakable:
    """Something of a user's own that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError


LOOP: list[Any] = []
LOOP.append(LOOP)
VALUES: list[Any] = [
    *(None, True, 0, -1, 10**400, -(10**5000), math.nan, math.inf, 1e308, 5e-324),
    *("", " ", "\0", "a\nb", "\ud800", "\x1b[2J", "x" * 100_000, "1-" * 50_000, "+" * 99, "٣٣٣"),
    *("http://[", "http://127.0.0.1:8480\n", "https://a..b", "http://127.0.0.1:1/%", "last", "//"),
    *(b"\xff", bytearray(b"x"), [], {}, (), set(), [None], [[]], {"a": None}, {None: 1}, LOOP),
    *(object(), Unspeakable(), int, len, Ellipsis, NotImplemented, 1j, range(3)),
    *(timedelta.max, timedelta.min, timedelta(microseconds=1), Path("/nowhere"), Path("/dev/null")),
    *({"last": "none", 7: 7}, {"last": ["none"]}, [("last", "none")], iter([None]), Path("/"), "~"),
]

NOT_CALLED = {
    # They wait for a phone, a browser or an interrupt, or end what the other calls need.
    *("link", "panel", "close", "aclose"),
    "from_account",  # whose argument is an account of the user's own making
}


RECORDS = {
    # What answers are read into. They hold what they are given, and check nothing.
    *("AccountInfo", "ApplyResult", "Contact", "DisallowedList", "DisallowedListUser", "Panel"),
    *("Plan", "PrivacySetting", "PrivacySettingsResponse", "SetPrivacySettingResponse"),
    *("LinkStatus", "Visibility", "DisallowedListAction", "Account", "running_gateway"),
}


def public() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function, class and method, by its name."""
    for name in sorted(set(ps.__all__) - RECORDS):
        value = getattr(ps, name)
        if inspect.isclass(value):
            if not issubclass(value, BaseException) and not getattr(value, "_is_protocol", False):
                yield name, value
        elif inspect.isfunction(value):
            yield name, value
    for module in (ps.testing, ps.policies):
        for name in module.__all__:
            value = getattr(module, name)
            if callable(value) and not isinstance(value, EnumType) and name not in RECORDS:
                yield f"{module.__name__}.{name}", value
    for name, method in inspect.getmembers(ps.Client, callable):
        if not name.startswith("_") and name not in NOT_CALLED:
            yield f"Client.{name}", method
    for name in ("parse", "phone", "lid", "other"):
        for cls in (ps.Jid, ps.PrivacyCategory, ps.PrivacyValue):
            if hasattr(cls, name):
                yield f"{cls.__name__}.{name}", getattr(cls, name)
    for name, value in vars(qr).items():
        if not name.startswith("_") and inspect.isfunction(value):
            yield f"qr.{name}", value


PUBLIC = dict(public())

GOOD: dict[str, Any] = {
    "category": "last", "value": "none", "user": "999000000000001@lid", "phone": "999115550101",
    "users": [], "people": ["+999 11 5555 0101"], "duration": 60, "seconds": 60, "dhash": "1",
    "action": "add", "jid": "999000000000001@lid", "policy": {"last": "none"}, "payload": "x",
    "update": ps.DisallowedListUpdate("1", [ps.DisallowedListUserEntry("999000000000001@lid")]),
    "recording": "tour", "settings": [], "id": "demo", "backend": "x", "text": "1@lid",
}  # fmt: skip


def calls(function: Callable[..., Any]) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Calls in which one argument after the other is each of the values."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:
        return
    if isinstance(function, EnumType):
        del parameters[1:]  # the others make a new enumeration
    given: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.name in ("self", "cls"):
            given[parameter.name] = ps.Client.emulated()
        elif parameter.default is parameter.empty and parameter.kind in (
            parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY,
        ):  # fmt: skip
            given[parameter.name] = GOOD.get(parameter.name)
    for parameter in parameters:
        if parameter.name in ("self", "cls"):
            continue
        for value in VALUES:
            if isinstance(value, int | Unspeakable) and isinstance(function, EnumType):
                continue  # Python's own enum shows it in full before it asks us
            positional: list[Any] = []
            keywords = {}
            for other in parameters:
                if other is parameter:
                    this = value
                elif other.name in given:
                    this = given[other.name]
                else:
                    continue
                if other.kind is other.KEYWORD_ONLY:
                    keywords[other.name] = this
                elif other.kind is other.VAR_POSITIONAL:
                    positional.append(this)
                elif other.kind is other.VAR_KEYWORD:
                    keywords["anything"] = this
                elif len(positional) == parameters.index(other):
                    positional.append(this)
                else:
                    keywords[other.name] = this
            yield positional, keywords


@pytest.mark.parametrize("name", PUBLIC)
def test_any_argument_is_taken_or_refused_by_an_error_of_ours(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for positional, keywords in calls(PUBLIC[name]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                result = PUBLIC[name](*positional, **keywords)
            except ps.PrivacyError:
                continue
            except Exception as error:
                shown = [type(each).__name__ for each in (*positional, *keywords.values())]
                pytest.fail(f"{name}{shown}: {error!r:.200}")
            finally:
                if isinstance(locals().get("result"), ps.Client):
                    result.close()


# --- answers

ENTRY = ps.DisallowedListUserEntry("999000000000001@lid")
LISTED = ps.DisallowedListUserEntry("999000000000002@lid", "999115550102@s.whatsapp.net")


async def first_change(account: HttpAccount) -> object:
    async with aclosing(account.watch()) as changes:
        return await anext(changes)


OPERATIONS: dict[str, Callable[[HttpAccount], Any]] = {
    "watch": first_change,
    "info": lambda it: it.info(),
    "history": lambda it: it.history(),
    "list_accounts": lambda it: it.list_accounts(),
    "fetch_privacy_settings": lambda it: it.fetch_privacy_settings(),
    "set_privacy_setting": lambda it: it.set_privacy_setting(
        ps.PrivacyCategory.LAST, ps.PrivacyValue.NONE
    ),
    "fetch_disallowed_list": lambda it: it.fetch_disallowed_list(ps.PrivacyCategory.LAST),
    "set_privacy_disallowed_list": lambda it: it.set_privacy_disallowed_list(
        ps.PrivacyCategory.LAST, ps.DisallowedListUpdate("1", [ENTRY])
    ),
    "change_excluded": lambda it: it.change_excluded(
        ps.PrivacyCategory.LAST, ps.DisallowedListUpdate(None, [ENTRY])
    ),
    "fetch_default_disappearing_mode": lambda it: it.fetch_default_disappearing_mode(),
    "set_default_disappearing_mode": lambda it: it.set_default_disappearing_mode(60),
    "find_contacts": lambda it: it.find_contacts(["999115550101"]),
    "apply_changes": lambda it: it.apply_changes(SettingsState(), [TimerChange(0, 60)]),
    "emulate": lambda it: it.emulate(ps.testing.NextAnswer("lost")),
    "link_status": lambda it: it.link_status(),
    "link": lambda it: it.link(),
    "unlink": lambda it: it.unlink(),
}
MEMBERS = [
    *("settings", "category", "value", "dhash", "users", "jid", "pn_jid", "duration", "contacts"),
    *("phone", "outcomes", "found", "outcome", "reason", "missed", "lists", "accounts", "id"),
    *("backend", "state", "hint", "capabilities", "qr", "expires_in", "linked_as", "type"),
    *("detail", "code", "retry_after", "allowed", "faults", "nearest", "unreadable", "status"),
    *("entries", "number", "at", "change", "before", "after", "by", "operation", "undoes", "since"),
    *("people", "lost", "action", "username"),
]
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
    | st.sampled_from(["last", "1@lid", "urn:privacy-sdk:conflict", "\x1b[2J", "9" * 5_000, 10**19])
)  # fmt: skip
documents = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=8)
    ),
    max_leaves=25,
)
bodies = (
    documents.map(lambda document: json.dumps(document).encode())
    | st.binary(max_size=20)
    | st.sampled_from([b"", b"null", b"{}", b"[" * 50_000, b"1" * 5_000, b"NaN", b'"\\ud800"'])
)


def test_every_operation_is_met_here() -> None:
    methods = {name for name in vars(HttpAccount) if not name.startswith("_")}
    assert methods - {"aclose", "is_open", "beside"} == OPERATIONS.keys()


@pytest.mark.parametrize("operation", OPERATIONS)
@given(status=st.sampled_from([200, 200, 204, 302, 400, 409, 429, 500, 502, 599]), body=bodies)
@settings(max_examples=40)
async def test_any_answer_is_read_or_is_an_error_of_ours(
    operation: str, status: int, body: bytes
) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, content=body))
    account = HttpAccount(account="demo", transport=transport, offline=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ps.PrivacyWarning)
        try:
            repr(await OPERATIONS[operation](account))
        except ps.PrivacyError:
            return


# --- answers that are good but for one member

LEAVES = [
    *(None, True, -1, 0, 2**63, 10**400, 1e308, "", "x", "\x1b[2J", "\ud800", "9" * 5_000, [], {}),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-24", "1@lid", [None]),
]
LINK_STATUS = {"state": "waiting", "hint": "", "qr": "2@a", "expires_in": 9, "linked_as": "me"}


async def good_answer(operation: str) -> tuple[int, Any]:
    """What a gateway answers to an operation; to one, that the list has another version."""
    if "link" in operation:
        return 200, LINK_STATUS
    answers = []
    asgi = httpx2.ASGITransport(create_app({"demo": ps.EmulatedAccount()}, token=None))

    class Noting(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            response = await asgi.handle_async_request(request)
            answers.append((response.status_code, json.loads(await response.aread() or b"null")))
            return response

    account = HttpAccount(account="demo", transport=Noting())
    await account.set_default_disappearing_mode(60)
    await account.set_privacy_setting(ps.PrivacyCategory.LAST, ps.PrivacyValue.CONTACT_BLACKLIST)
    await account.change_excluded(ps.PrivacyCategory.LAST, ps.DisallowedListUpdate(None, [LISTED]))
    answers.clear()
    with suppress(ps.ConflictError):
        await OPERATIONS[operation](account)
    return answers[0]


def spoilt(document: Any) -> Iterator[Any]:
    """A document with one part after the other replaced by each of the leaves, or left out."""
    yield from LEAVES
    if isinstance(document, dict | list):
        members = document.items() if isinstance(document, dict) else enumerate(document)
        for place, part in members:
            for other in spoilt(part):
                changed = document.copy()
                changed[place] = other
                yield changed
            changed = document.copy()
            del changed[place]
            yield changed


def use_history(entries: tuple[HistoryEntry, ...]) -> None:
    history_frame(entries)
    for entry in entries:
        entry.at.astimezone(timezone(timedelta(hours=14)))
        changes_of([entry])
        with suppress(ps.PrivacyError):
            state_at([entry], SettingsState(), datetime(1970, 1, 1, tzinfo=UTC))


async def test_a_history_that_never_ends_is_refused() -> None:
    entry = HistoryEntry(1, datetime.now(UTC), "timer")

    def page(request: httpx2.Request) -> httpx2.Response:
        number = int(request.url.params.get("last", 0)) + 1
        return httpx2.Response(200, json={"entries": [entry_to_json(replace(entry, id=number))]})

    transport = httpx2.MockTransport(page)
    account = HttpAccount(account="demo", transport=transport, offline=True)
    with pytest.raises(UnreadableAnswerError, match="goes on after 1,000 changes"):
        await account.history()


async def test_a_change_that_is_told_may_have_anything_in_place_of_any_part() -> None:
    _, history = await good_answer("history")
    for entry, number in [*((each, "1") for each in spoilt(history["entries"][-1])), ({}, "x")]:
        body = f"id: {number}\ndata: {json.dumps(entry)}\n\n"
        answer = httpx2.Response(200, text=body, headers={"Content-Type": "text/event-stream"})
        transport = httpx2.MockTransport(lambda _, answer=answer: answer)
        account = HttpAccount(account="demo", transport=transport, offline=True)
        with suppress(ps.PrivacyError):
            repr(await first_change(account))


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each != "watch"])
@pytest.mark.filterwarnings("ignore::privacy_sdk.PrivacyWarning")
async def test_a_good_answer_may_have_anything_in_place_of_any_part(operation: str) -> None:
    status, good = await good_answer(operation)
    for answer in spoilt(good):
        body = json.dumps(answer)
        transport = httpx2.MockTransport(lambda _, b=body: httpx2.Response(status, content=b))
        account = HttpAccount(account="demo", transport=transport, offline=True)
        try:
            read = await OPERATIONS[operation](account)
            repr(read)
            if operation == "history":
                use_history(read)
        except ps.PrivacyError:
            continue
        except Exception as error:
            pytest.fail(f"{body[:300]}: {error!r:.200}")
