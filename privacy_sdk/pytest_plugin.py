"""For your own tests: a client that answers from a recording of each test.

``privacy_client`` is a :class:`~privacy_sdk.Client` that replays
``cassettes/<module>/<test>.privacy.yaml`` beside the test's file, or the recording that
``@pytest.mark.privacy_cassette("tour")`` names; ``async_privacy_client`` is an ``AsyncClient``
likewise. ``module_privacy_client`` and ``session_privacy_client`` are shared by all tests of a
module or a session, in the order in which they run. With ``pytest --privacy-record``, what is
not there yet is recorded from the gateway that PRIVACY_SDK_URL, PRIVACY_SDK_TOKEN and
PRIVACY_SDK_ACCOUNT tell of; to record a test again, delete its file.

While it replays the network is blocked, and a test of its own recording that leaves an exchange
unplayed fails, for the recording is out of date: ``privacy_cassette(allow_unplayed=True)``
allows that.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import socket
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from privacy_sdk.cassettes.transport import CassetteTransport
    from privacy_sdk.client import AsyncClient
    from privacy_sdk.sync import Client

_MARK = "privacy_cassette"
_SUFFIX = ".privacy.yaml"
_LONGEST_NAME = 100
_played: pytest.StashKey[CassetteTransport] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--privacy-record``."""
    parser.getgroup("privacy_sdk", "recordings of privacy_client").addoption(
        "--privacy-record",
        action="store_true",
        help="Record from a gateway what the privacy_client of a test has no recording of.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        f"{_MARK}(recording=None, allow_unplayed=False): which recording privacy_client replays: "
        "a path from the folder of the test's file, or a bare name of one that comes with "
        "privacy_sdk; and whether the test may leave exchanges of it unplayed.",
    )


@pytest.fixture
def privacy_client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A ``privacy_sdk.Client`` that replays the recording of this test, without a network."""
    with _sync_client(request) as client:
        yield client


@pytest.fixture(scope="module")
def module_privacy_client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A ``privacy_sdk.Client`` that replays one recording for all tests of this module."""
    with _sync_client(request) as client:
        yield client


@pytest.fixture(scope="session")
def session_privacy_client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A ``privacy_sdk.Client`` that replays one recording for all tests of this session."""
    with _sync_client(request) as client:
        yield client


@pytest.fixture
def async_privacy_client(request: pytest.FixtureRequest) -> Iterator[AsyncClient]:
    """A ``privacy_sdk.AsyncClient`` that replays the recording of this test."""
    with _client(request) as client:
        yield client


@contextmanager
def _sync_client(request: pytest.FixtureRequest) -> Iterator[Client]:
    from privacy_sdk.sync import Client

    with _client(request) as client:
        yield Client._over(client)


@contextmanager
def _client(request: pytest.FixtureRequest) -> Iterator[AsyncClient]:
    """A client that records what is not there yet if that is wanted, else replays."""
    from privacy_sdk.accounts.http import HttpAccount
    from privacy_sdk.cassettes.transport import CassetteTransport
    from privacy_sdk.client import AsyncClient
    from privacy_sdk.support.loop import LOOP

    node = request.node
    _refuse_vcr(request)
    recording, _ = _recording_of(node)
    is_there = isinstance(recording, str) or recording.is_file()
    with ExitStack() as end:
        if not is_there and request.config.getoption("--privacy-record"):
            client = AsyncClient(record=recording)
            transport: Any = getattr(client.account, "transport", None)
            end.callback(LOOP.run, transport.aclose)  # whatever loop its connections are of
            end.callback(LOOP.run, client.aclose)
        elif is_there:
            end.enter_context(_no_network())
            transport = CassetteTransport(recording)
            if isinstance(node, pytest.Item):
                node.stash[_played] = transport
            account = HttpAccount(account=transport.account, transport=transport, offline=True)
            client = AsyncClient.from_account(account)
        else:
            end.enter_context(_no_network())
            missing = _missing(recording, _command(node))
            client = AsyncClient.from_account(HttpAccount(transport=missing, offline=True))
        yield client


def _missing(recording: Path | str, command: str) -> Any:
    """A transport that says how to record what is not there, once something is asked."""
    import httpx2

    from privacy_sdk.errors import RecordingError

    def fail(request: httpx2.Request) -> httpx2.Response:
        raise RecordingError(f"{recording} is not there.", hint=f"Record it: {command}")

    return httpx2.MockTransport(fail)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test that passed and left a recorded exchange unplayed."""
    result = yield
    transport = item.stash.get(_played, None)
    recording, allow_unplayed = _recording_of(item) if transport else ("", True)
    left = transport.unplayed() if transport else []
    if left and not allow_unplayed:
        lines = "".join(f"\n  {exchange}" for exchange in left[:10])
        more = f"\n  … and {len(left) - 10} more" if len(left) > 10 else ""
        if isinstance(recording, str):
            advice = f'Mark the test: @pytest.mark.{_MARK}("{recording}", allow_unplayed=True)'
        else:
            advice = f"To record it again, delete it and run: {_command(item)}"
        pytest.fail(
            f"{recording} holds exchanges that the test did not play:{lines}{more}\n{advice}",
            pytrace=False,
        )
    return result


def _refuse_vcr(request: pytest.FixtureRequest) -> None:
    """Accept a test only if vcrpy does not record it as well, with a file of its own rules."""
    node = request.node
    has_fixture = isinstance(node, pytest.Item) and "vcr" in request.fixturenames
    # pytest-recording's fixture is there for every test, and None where it does nothing.
    is_active = has_fixture and request.getfixturevalue("vcr") is not None
    if is_active or node.get_closest_marker("vcr") is not None:
        raise pytest.UsageError(
            f"{node.nodeid}: privacy_client and vcr do not go together on one test: vcr would "
            "record the same requests, with the token in them. Leave one of them out."
        )


def _command(node: Any) -> str:
    """The command that records a test, for the folder in which pytest was called."""
    path, *names = node.nodeid.split("::")
    if not path:
        return "pytest --privacy-record"
    here = os.path.relpath(node.path, node.config.invocation_params.dir)
    return f"pytest --privacy-record {shlex.quote('::'.join([here, *names]))}"


def _recording_of(node: Any) -> tuple[Path | str, bool]:
    """Where a test's recording is, a bare name for one that comes with the package.

    Returns:
        That, and whether exchanges in it may stay unplayed.
    """
    mark = node.get_closest_marker(_MARK)
    named: Any = None
    allow_unplayed = False
    if mark is not None:
        try:
            named, allow_unplayed = _arguments(*mark.args, **mark.kwargs)
        except TypeError:
            raise pytest.UsageError(
                f"{_MARK} takes the name or path of one recording, and allow_unplayed=True."
            ) from None
    if named is None:
        return _own_recording(node), allow_unplayed
    if isinstance(named, str) and re.fullmatch(r"[\w-]+", named):
        return named, allow_unplayed
    return node.path.parent / Path(named).expanduser(), allow_unplayed


def _arguments(recording: object = None, *, allow_unplayed: bool = False) -> tuple[object, bool]:
    if recording is None and not allow_unplayed:
        raise TypeError
    if not isinstance(recording, str | Path | None) or not isinstance(allow_unplayed, bool):
        raise TypeError
    return recording, allow_unplayed


def _own_recording(node: Any) -> Path:
    """The recording of a test, module or session: safe on every file system, and its alone."""
    if isinstance(node, pytest.Session):
        return Path(node.path, "cassettes", f"session{_SUFFIX}")
    names = node.nodeid.split("::")[1:]
    name = ".".join(names) or "module"
    safe = re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("-.")
    if safe != name or len(safe) + len(_SUFFIX) > _LONGEST_NAME or not names:
        tag = hashlib.sha256(name.encode()).hexdigest()[:8]
        safe = f"{safe[: _LONGEST_NAME - len(_SUFFIX) - len(tag) - 1]}-{tag}"
    return Path(node.path.parent, "cassettes", node.path.stem, safe + _SUFFIX)


@contextmanager
def _no_network() -> Iterator[None]:
    """Let no socket connect for a while, except within this machine's own processes."""
    from privacy_sdk.errors import UsageError

    def guarded(connect: Callable[[socket.socket, Any], Any]) -> Callable[..., Any]:
        def connect_within_the_machine(sock: socket.socket, address: Any) -> Any:
            # Windows makes an event loop's pair of sockets through loopback.
            is_own = sock.family not in (socket.AF_INET, socket.AF_INET6) or (
                sys.platform == "win32" and address[0] in ("127.0.0.1", "::1")
            )
            if is_own:
                return connect(sock, address)
            raise UsageError(
                f"The network is blocked while privacy_client replays: {address[0]}.",
                hint="Connect in a test without privacy_client.",
            )

        return connect_within_the_machine

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
        yield
