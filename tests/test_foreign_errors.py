"""No error but ours leaves the public API, whatever it is given, answered or made to read."""

import inspect
import json
import math
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from enum import EnumType
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import privacy_sdk as ps
from privacy_sdk.accounts.http import HttpAccount
from privacy_sdk.model.changes import TimerChange
from privacy_sdk.model.state import SettingsState
from privacy_sdk.views import qr


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
OPERATIONS: dict[str, Callable[[HttpAccount], Any]] = {
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
