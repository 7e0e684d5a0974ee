"""For your own tests: a client that answers from a recording of each test.

``privacy_client`` is a :class:`~privacy_sdk.Client` that replays
``cassettes/<module>/<test>.yaml`` beside the test's file, or the recording that
``@pytest.mark.privacy_cassette("tour")`` names. With ``pytest --privacy-record``, what is not
there yet is recorded from the gateway that PRIVACY_SDK_URL, PRIVACY_SDK_TOKEN and
PRIVACY_SDK_ACCOUNT tell of; to record a test again, delete its file.

While it replays the network is blocked, and a test that leaves a recorded exchange unplayed
fails: its recording is out of date.
"""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from privacy_sdk.cassettes.transport import CassetteTransport
    from privacy_sdk.sync import Client

_MARK = "privacy_cassette"
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
        f"{_MARK}(recording): which recording privacy_client replays: a path from the folder "
        "of the test's file, or a bare name of one that comes with privacy_sdk.",
    )


@pytest.fixture
def privacy_client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A ``privacy_sdk.Client`` that replays the recording of this test, without a network."""
    recording = _recording_of(request.node)
    is_new = isinstance(recording, Path) and not recording.exists()
    if is_new and request.config.getoption("--privacy-record"):
        from privacy_sdk.sync import Client

        with Client(record=recording) as client:
            yield client
    else:
        with _replaying(request.node, recording) as client, _no_network():
            yield client


@contextmanager
def _replaying(test: pytest.Item, recording: Path | str) -> Iterator[Client]:
    from privacy_sdk.accounts.http import HttpAccount
    from privacy_sdk.cassettes.transport import CassetteTransport
    from privacy_sdk.sync import Client

    if isinstance(recording, Path) and not recording.is_file():
        pytest.fail(
            f"{recording} is not there. Record it: pytest --privacy-record {test.nodeid!r}",
            pytrace=False,
        )
    transport = CassetteTransport(recording)
    test.stash[_played] = transport
    account = HttpAccount(account=transport.account, transport=transport, offline=True)
    with Client.from_account(account) as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test that passed and left a recorded exchange unplayed."""
    result = yield
    transport = item.stash.get(_played, None)
    unplayed = transport.unplayed() if transport else []
    # While it was recorded the client may have asked which accounts there are; now it knows.
    unplayed = [exchange for exchange in unplayed if exchange != "GET /v1/accounts"]
    if transport is not None and unplayed:
        lines = "".join(f"\n  {exchange}" for exchange in unplayed)
        pytest.fail(
            f"{transport.path} holds exchanges that the test did not play:{lines}\n"
            "To record it again, delete it and run pytest --privacy-record.",
            pytrace=False,
        )
    return result


def _recording_of(test: pytest.Item) -> Path | str:
    """Where a test's recording is; a bare name for one that comes with the package."""
    mark = test.get_closest_marker(_MARK)
    if mark is None:
        group = getattr(test, "cls", None)
        name = f"{group.__name__}.{test.name}" if group else test.name
        # The same file as pytest-recording's for the same test.
        name = re.sub(r'[<>?%*:|"\'/\\]', "-", name)
        return test.path.parent / "cassettes" / test.path.stem / f"{name}.yaml"
    if len(mark.args) != 1 or mark.kwargs or not isinstance(mark.args[0], (str, Path)):
        raise pytest.UsageError(f"{_MARK} takes the name or path of one recording.")
    named = mark.args[0]
    if isinstance(named, str) and re.fullmatch(r"[\w-]+", named):
        return named
    return test.path.parent / named


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
