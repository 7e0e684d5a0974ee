"""Too much, too slow, too many, no HTTP at all: others are served meanwhile."""

import asyncio
import gc
import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx2
import pytest
from asking import (
    PRIVACY,
    TIMER,
    GatewayProcess,
    client_of,
    connected,
    make_certificate,
    problem,
    read_all,
)

from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.errors.escapes import printable
from privacy_sdk.gateway import connections as protocol
from privacy_sdk.gateway.server import _server
from privacy_sdk.testing import running_gateway


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return make_certificate(tmp_path)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "REQUEST_DUE", 0.2)


ONE_PIECE = [
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n",
    b"G",
    b"PUT /v1/accounts/demo/disappearing-mode HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
]


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("piece", ONE_PIECE)
def test_a_request_that_does_not_arrive_in_time_is_408_while_others_are_served(
    piece: bytes,
) -> None:
    with running_gateway({"demo": EmulatedAccount()}) as url, connected(url) as slow:
        slow.sendall(piece)
        assert httpx2.get(f"{url}/healthz").status_code == 200
        answer = read_all(slow)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer
    assert b"urn:privacy-sdk:invalid-request" in answer


@pytest.mark.usefixtures("hurried")
def test_a_request_that_begins_with_the_one_before_must_arrive_in_time_too() -> None:
    with running_gateway({}) as url, connected(url) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HT")
        answers = read_all(slow)
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"408"]


@pytest.mark.usefixtures("hurried")
def test_a_connection_that_never_says_anything_is_closed_without_a_word() -> None:
    with running_gateway({}) as url, connected(url) as silent:
        assert read_all(silent) == b""


@pytest.mark.usefixtures("hurried")
def test_a_request_that_drips_is_cut_off_all_the_same() -> None:
    with running_gateway({}) as url, connected(url) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        slow.settimeout(0.02)
        answer = b""
        while not answer:
            slow.sendall(b"X: y\r\n")
            try:
                answer = slow.recv(4096)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.usefixtures("hurried")
def test_a_body_that_drips_after_its_refusal_is_cut_off_too() -> None:
    with running_gateway({}, token="x") as url, connected(url) as slow:
        slow.sendall(
            b"PUT /v1/accounts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n"
        )
        assert slow.recv(4096).startswith(b"HTTP/1.1 401 ")
        with suppress(BrokenPipeError, ConnectionResetError):
            while True:
                slow.sendall(b" ")


@pytest.mark.usefixtures("hurried")
def test_an_answer_that_takes_its_time_is_not_cut_off() -> None:
    account = EmulatedAccount(latency=0.6)
    with running_gateway({"demo": account}) as url:
        assert httpx2.get(f"{url}{TIMER}", timeout=30).json() == {"duration": 0}


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"HELLO\r\n\r\n",
    ],
    ids=["no host", "two hosts", "bad length", "tls", "no http"],
)
def test_what_is_no_request_is_400_as_a_problem_document(request_: bytes) -> None:
    with running_gateway({}) as url, connected(url) as connection:
        connection.sendall(request_)
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer


@pytest.mark.parametrize("headers", [b"X: y\r\n" * 101, b"X-Some: header\r\n" * 10_000])
def test_too_many_headers_are_refused_and_others_served(headers: bytes) -> None:
    with running_gateway({}) as url, connected(url) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n")
        try:
            answer = connection.recv(4096)
        except ConnectionResetError:  # by what was not read yet
            answer = b""
        assert not answer or answer.split(b" ")[1] in {b"400", b"431"}
        assert httpx2.get(f"{url}/healthz").status_code == 200


def test_a_long_body_is_413_announced_or_not_and_the_connection_survives() -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(256):
            yield b" " * 2**16

    with running_gateway({"demo": EmulatedAccount()}) as url, httpx2.Client(base_url=url) as http:
        for content in (b" " * 2**24, pieces()):
            answer = http.put(TIMER, content=content, headers={"content-type": "application/json"})
            assert answer.status_code == 413
            assert answer.json()["type"] == "urn:privacy-sdk:invalid-request"
            assert http.get(TIMER).json() == {"duration": 0}


def test_requests_sent_in_one_go_are_answered_in_order() -> None:
    one = b"GET %s HTTP/1.1\r\nHost: localhost\r\n"
    with running_gateway({}) as url, connected(url) as connection:
        connection.sendall(
            one % b"/healthz" + b"\r\n" + one % b"/nowhere" + b"Connection: close\r\n\r\n"
        )
        answer = read_all(connection)
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"404"]


def test_when_there_are_too_many_connections_the_quietest_give_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", 10)
    with running_gateway({}) as url, ExitStack() as stack:
        idle = [stack.enter_context(connected(url)) for _ in range(30)]
        assert httpx2.get(f"{url}/healthz").status_code == 200
        for connection in idle[:20]:
            assert read_all(connection) == b""
        idle[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle[-1].recv(4096).startswith(b"HTTP/1.1 200 ")


def authorized(path: bytes = b"/v1/accounts", token: bytes = b"good") -> bytes:
    return b"GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n" % (path, token)


def ask(connection: socket.socket, request: bytes) -> bytes:
    """The status of the answer, which is read whole."""
    connection.settimeout(30)
    connection.sendall(request)
    answer = b""
    while not answer.endswith(b"}") and (piece := connection.recv(4096)):
        answer += piece
    return answer.split(b" ")[1] if answer else b""


def is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return bool(connection.recv(1))
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


def until_closed(connections: Sequence[socket.socket], count: int) -> list[bool]:
    """Which are still open, once ``count`` of them are closed."""
    for _ in range(200):
        found = [is_open(connection) for connection in connections]
        if found.count(False) >= count:
            break
        time.sleep(0.02)
    return found


@pytest.mark.parametrize("wrong", [b"/v1/accounts", b"/healthz"])
def test_who_was_never_let_in_gives_way_first_and_a_newcomer_never(
    monkeypatch: pytest.MonkeyPatch, wrong: bytes
) -> None:
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", 10)
    with running_gateway({}, token="good") as url, ExitStack() as stack:
        let_in = [stack.enter_context(connected(url)) for _ in range(5)]
        assert {ask(connection, authorized()) for connection in let_in} == {b"200"}
        strangers = [stack.enter_context(connected(url)) for _ in range(5)]
        answers = {ask(each, authorized(wrong, b"bad")) for each in strangers}
        assert answers <= {b"200", b"401"}
        newcomers = [stack.enter_context(connected(url)) for _ in range(5)]
        everybody = [*strangers, *newcomers, *let_in]
        assert until_closed(everybody, 5) == [False] * 5 + [True] * 10
        assert {ask(each, authorized()) for each in (*newcomers, *let_in)} == {b"200"}


def test_a_newcomer_is_served_though_strangers_fill_every_place_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", 10)
    enough = threading.Event()

    def stranger(url: str) -> None:
        while not enough.is_set():
            with suppress(OSError), connected(url) as connection:
                while not enough.wait(0.02):
                    if not ask(connection, authorized(token=b"bad")):
                        break

    with running_gateway({}, token="good") as url, ThreadPoolExecutor(10) as pool:
        try:
            for _ in range(10):
                pool.submit(stranger, url)
            for _ in range(10):
                with connected(url) as connection:
                    time.sleep(0.005)  # a client takes a moment to speak
                    assert ask(connection, authorized()) == b"200"
        finally:
            enough.set()


def test_silent_tls_connections_are_counted_cut_off_and_one_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    certificate: tuple[Path, Path],
) -> None:
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", 20)
    monkeypatch.setattr(protocol, "HANDSHAKE_DUE", 0.5)
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    listener = socket.create_server(("127.0.0.1", 0))
    server = _server(
        {}, token="good", on_ready=lambda: None,
        ssl_certfile=certificate[0], ssl_keyfile=certificate[1],
    )  # fmt: skip
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with ExitStack() as stack, caplog.at_level(logging.INFO):
            silent = [stack.enter_context(connected(url)) for _ in range(60)]
            assert until_closed(silent, 40).count(True) <= 20
            secure = url.replace("http", "https")
            assert httpx2.get(f"{secure}/healthz", verify=trusting).status_code == 200
            assert not any(until_closed(silent, 60))
    finally:
        server.should_exit = True
        thread.join()
    events = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert events == ["connections gave way to others"]


@pytest.mark.parametrize("part", ["path", "query", "header", "headers"])
def test_a_head_over_32_kib_is_refused_even_if_it_arrives_in_one_piece(part: str) -> None:
    sent = {
        "path": b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"1-" * 20_000),
        "query": b"GET /?%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"1-" * 20_000),
        "header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n" % (b"1-" * 20_000),
        "headers": b"GET / HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
        % (b"X: %s\r\n" % (b"y" * 999) * 50),
    }[part]
    with running_gateway({}) as url, connected(url) as connection:
        connection.sendall(sent)
        assert connection.recv(4096).split(b" ")[1] in {b"400", b"431"}


async def test_a_head_over_32_kib_is_refused_whatever_server_took_it() -> None:
    async with client_of(token=None) as client:
        answer = await client.get(PRIVACY, headers={"X": "1-" * 20_000})
        problem(answer, 431, "invalid-request")
        assert (await client.get(PRIVACY, headers={"X": "y" * 30_000})).status_code == 200


async def test_a_line_of_the_log_is_short_and_steers_no_terminal_whatever_was_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "privacy_sdk.gateway"):
        async with client_of(token="good") as client:
            await client.get("/" + "1-" * 30_000)
            await client.get("/v1/%1B[2J%C2%9B%E2%80%AE" + "x" * 5000)
            await client.request("X" * 5000, "/")
    for record in caplog.records:
        assert len(repr(record.fields)) < 500
        assert printable(record.fields["path"]) == record.fields["path"]


@pytest.mark.slow
def test_overrun_on_all_sides_it_serves_others_and_its_memory_is_bounded(
    gateway: GatewayProcess,
) -> None:
    psutil = pytest.importorskip("psutil")
    memory = psutil.Process(gateway.pid).memory_info
    gateway.http.get(PRIVACY)
    before = memory().rss
    with ExitStack() as stack:
        for _ in range(1000):
            stack.enter_context(connected(gateway.url))
        for _ in range(100):
            slow = stack.enter_context(connected(gateway.url))
            slow.sendall(ONE_PIECE[2])
        for _ in range(20):
            connection = stack.enter_context(connected(gateway.url))
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(b"X-Some: header\r\n" * 10_000)
        for _ in range(20):
            assert gateway.http.put(TIMER, content=b" " * 2**24).status_code == 413
        answers = {gateway.http.get(PRIVACY).status_code for _ in range(100)}
        grown = memory().rss - before
    print(f"memory grew by {grown / 2**20:.1f} MiB from {before / 2**20:.1f}")
    assert answers == {200}
    assert grown < 64 * 2**20


@pytest.mark.parametrize("turns", range(6))
async def test_a_connection_that_comes_while_the_gateway_stops_is_closed(turns):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        acceptor = protocol.Acceptor(listener, lambda held, lost: asyncio.Protocol(), None)
        await asyncio.sleep(0.01)
        with socket.create_connection(listener.getsockname()) as connection:
            for _ in range(turns):
                await asyncio.sleep(0)
            await acceptor.aclose()
            listener.close()
            connection.setblocking(False)
            for _ in range(3):
                await asyncio.sleep(0)
            del acceptor
            gc.collect()  # an unclosed socket would warn
