"""The sockets of gateways: whose they are, which live, and whose a connection is."""

import os
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from privacy_sdk.support import sockets
from privacy_sdk.support.sockets import is_ours, local_listener, local_sockets

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there are no such sockets")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's table is Linux's")


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "privacy-sdk"


def test_a_listener_is_found_in_a_folder_of_its_owner_alone_and_gone_afterwards(
    runtime: Path,
) -> None:
    with local_listener(8480):
        (path,) = local_sockets()
        assert path.parent == runtime
        assert stat.S_IMODE(runtime.stat().st_mode) == 0o700
    assert list(runtime.iterdir()) == []


def test_one_that_is_dead_is_removed_and_the_living_stay(runtime: Path) -> None:
    with local_listener(1):
        (alive,) = local_sockets()
        with socket.socket(socket.AF_UNIX) as gone:
            gone.bind(str(runtime / "2-2.sock"))
        assert local_sockets() == [alive]
        assert list(runtime.iterdir()) == [alive]


def test_else_the_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runtime: Path
) -> None:
    runtime.write_text("in the way")
    with local_listener(8480):
        assert [path.parent for path in local_sockets()] == [tmp_path / "data/privacy-sdk/run"]


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o755])
def test_a_folder_that_others_can_use_is_neither_looked_into_nor_listened_in(
    runtime: Path, mode: int
) -> None:
    with local_listener(1):
        runtime.chmod(mode)
        assert local_sockets() == []
        with local_listener(2):
            assert [path.name.split("-")[0] for path in local_sockets()] == ["2"]


def test_nowhere_to_listen_keeps_no_gateway_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    monkeypatch.setenv("XDG_DATA_HOME", str(deep))
    with local_listener(8480) as listener:
        assert listener is None
        assert local_sockets() == []


@LINUX
@pytest.mark.parametrize(
    ("host", "client"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "127.0.0.1")]
)
async def test_a_connection_to_a_process_of_ours_is_ours(
    host: str, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.create_server((host, 0), family=family, dualstack_ipv6=host == "::") as listener,
        socket.create_connection((client, listener.getsockname()[1])) as connection,
    ):
        accepted, _ = listener.accept()
        with accepted:
            assert await is_ours(connection) is True
            monkeypatch.setattr(os, "geteuid", lambda: 12_345)
            assert await is_ours(connection) is False


@LINUX
async def test_nobody_owns_a_connection_that_is_not_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets, "_ACCEPTED_WITHIN", 0.05)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as connection,
        pytest.raises(TimeoutError, match="not accepted"),
    ):
        await is_ours(connection)


async def test_where_there_is_no_table_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "_TABLES", ("/nowhere",))
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as connection,
    ):
        assert await is_ours(connection) is None


@pytest.mark.parametrize("variable", ["PRIVACY_SDK_DATA_DIR", "STATE_DIRECTORY"])
def test_a_user_without_a_home_is_told_what_to_set(variable: str, tmp_path: Path) -> None:
    script = (
        "import pwd; pwd.getpwuid = {}.__getitem__\n"
        "from privacy_sdk.support.files import data_folder; print(data_folder())"
    )
    environment = {k: v for k, v in os.environ.items() if k not in ("HOME", "XDG_DATA_HOME")}

    def ask(**more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script]
        return subprocess.run(command, env=environment | more, capture_output=True, text=True)

    assert ask(**{variable: str(tmp_path)}).stdout.strip() == str(tmp_path)
    without = ask()
    assert "no home folder" in without.stderr
    assert "PRIVACY_SDK_DATA_DIR" in without.stderr


@LINUX
@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_connection_that_has_ended_is_nobodys(is_reset: bool) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as connection,
    ):
        accepted, _ = listener.accept()
        if is_reset:
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
        with pytest.raises(ConnectionError, match="has ended"):
            await is_ours(connection)
