"""A gateway on a real socket: started, found, overrun, interrupted."""

import json
import logging
import os
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from asking import PRIVACY, TIMER, GatewayProcess, connected, make_certificate, read_all

import privacy_sdk as ps
from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.errors import InvalidInputError, PrivacyError, UsageError
from privacy_sdk.gateway.server import Listening, running_gateway, serve
from privacy_sdk.support.sockets import local_sockets

# --- a process of its own


def test_it_says_where_it_listens_how_to_connect_and_where_the_token_is(
    gateway: GatewayProcess,
) -> None:
    assert 'ps.Client(account="demo")' in gateway.banner
    assert "gateway-token" in gateway.banner
    assert gateway.token
    assert gateway.token not in gateway.banner
    assert gateway.http.get("/v1/accounts").status_code == 200


def test_its_log_is_json_lines_in_which_nobody_and_no_token_is(gateway: GatewayProcess) -> None:
    gateway.http.post("/v1/accounts/demo/contacts", json={"phones": ["999115550101"]})
    gateway.http.get(f"/v1/accounts/999115550101/privacy?token={gateway.token}")
    answer = gateway.http.get(PRIVACY)
    gateway.send(signal.SIGTERM)
    status, log = gateway.end()
    assert status == 0
    requests = [line for line in log if line["event"] == "request"]
    assert [line["status"] for line in requests] == [200, 401, 200]
    assert requests[-1]["request_id"] == answer.headers["x-request-id"]
    assert "99911" not in json.dumps(log)
    assert gateway.token not in json.dumps(log)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_it_answers_a_change_in_flight_as_unknown_and_exits_well(
    gateway: GatewayProcess, number: int
) -> None:
    late = {"event": "next_answer", "fault": "slow", "seconds": 3600}
    gateway.http.post(
        "/v1/accounts/demo/emulator", json=late | {"operation": "set_privacy_setting"}
    )
    with ThreadPoolExecutor(1) as pool:
        change = pool.submit(gateway.http.put, f"{PRIVACY}/last", json={"value": "none"})
        while {"category": "last", "value": "none"} not in gateway.http.get(PRIVACY).json()[
            "settings"
        ]:
            assert not change.done()
        gateway.send(number)
        answer = change.result()
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:privacy-sdk:outcome-unknown"
    status, log = gateway.end()
    assert status == 0
    assert "Traceback" not in json.dumps(log)
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(gateway.url)


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\n"])
def test_told_to_stop_it_does_not_wait_for_requests_that_never_come(
    gateway: GatewayProcess, begun: bytes
) -> None:
    with connected(gateway.url) as connection:
        connection.sendall(begun)
        gateway.http.get("/healthz")
        gateway.send(signal.SIGTERM)
        assert gateway.end()[0] == 0
        assert read_all(connection) == b""


def test_told_to_stop_it_does_not_wait_for_a_body_that_never_ends(gateway: GatewayProcess) -> None:
    with connected(gateway.url) as connection:
        connection.sendall(
            f"PUT {TIMER} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {gateway.token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 16\r\n\r\n{".encode()
        )
        gateway.http.get("/healthz")
        gateway.send(signal.SIGTERM)
        assert gateway.end()[0] == 0
        answer = read_all(connection)
    assert b"503 Service Unavailable" in answer
    assert b"nothing was changed" in answer


def test_clients_find_it_while_it_runs_and_no_longer(gateway: GatewayProcess) -> None:
    with ps.Client() as client:
        assert client.info().id == "demo"
        gateway.send(signal.SIGTERM)
        gateway.end()
        with pytest.raises(ps.NotConnectedError, match="No gateway runs"):
            client.info()
    assert local_sockets() == []


def test_sighup_has_it_read_its_token_file_again_and_never_ends_it(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    gateway = GatewayProcess(token_file=str(file))

    def status(token: str) -> int:
        return gateway.http.get(PRIVACY, headers={"Authorization": f"Bearer {token}"}).status_code

    try:
        assert (status("first"), status("second")) == (200, 401)
        file.write_text("second\n")
        gateway.send(signal.SIGHUP)
        while status("second") != 200:
            time.sleep(0.05)  # its log fills a pipe that nobody reads yet
        assert status("first") == 401
        file.write_text("two words\n")
        gateway.send(signal.SIGHUP)
        assert status("second") == 200
        gateway.send(signal.SIGTERM)
        code, log = gateway.end()
    finally:
        gateway.close()
    assert code == 0
    events = [line["event"] for line in log]
    assert "the token was read again" in events
    assert any("not read again" in str(event) for event in events)
    assert "two words" not in json.dumps(log)


def test_it_is_ready_when_its_accounts_are_connected(
    gateway: GatewayProcess, phone_gateway: str
) -> None:
    assert httpx2.get(f"{gateway.url}/readyz").status_code == 200
    answer = httpx2.get(f"{phone_gateway}/readyz")
    assert answer.status_code == 503
    assert "1 cannot be asked" in answer.json()["detail"]


# --- where it listens


def test_a_port_that_is_taken_is_one_clear_error() -> None:
    with running_gateway({}) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(PrivacyError, match=f"port {port}") as caught:
            serve({}, port=port, token="x")
        assert "another port" in caught.value.hint
        with pytest.raises(PrivacyError, match=f"port {port}"), running_gateway({}, port=port):
            pass


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_it_refuses_to_listen_beyond_this_machine_without_tls(host: str) -> None:
    with pytest.raises(InvalidInputError, match="beyond this machine") as caught:
        serve({}, host=host, port=0, token="x")
    assert "--insecure-remote" in caught.value.hint


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_an_error(port: int) -> None:
    with pytest.raises(PrivacyError, match=f"{port} is not a port"):
        serve({}, port=port, token="x")


@pytest.mark.parametrize("token", ["", "two words", "line\n"])
def test_a_token_that_no_header_can_carry_is_refused(token: str) -> None:
    with pytest.raises(InvalidInputError):
        serve({}, port=0, token=token)


def test_it_needs_the_main_thread_for_its_signals() -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(UsageError, match="main thread"):
        pool.submit(serve, {}, port=0, token="x").result()


def test_without_its_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(PrivacyError, match="uvicorn") as caught, running_gateway({}):
        pass
    assert caught.value.hint == 'pip install "privacy-sdk[gateway]"'


def serve_until(ready: Callable[[Listening], None], **options: object) -> None:
    """Serve in this thread; ``ready`` runs in another one, and the gateway stops after it."""
    failures: list[BaseException] = []

    def then_stop(listening: Listening) -> None:
        try:
            ready(listening)
        except BaseException as error:
            failures.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    logging_before = logging_state()
    serve(
        {"demo": EmulatedAccount()},
        port=0,
        on_ready=lambda it: threading.Thread(target=then_stop, args=(it,)).start(),
        **options,
    )
    logging_before()
    if failures:
        raise failures[0]


@pytest.mark.parametrize("before", [signal.SIG_IGN, signal.default_int_handler])
def test_sigint_stops_it_unless_it_is_ignored_and_is_then_as_it_was(
    before: signal.Handlers | Callable[..., object],
) -> None:
    found: list[object] = []
    outer = signal.signal(signal.SIGINT, before)
    try:
        serve_until(lambda _: found.append(signal.getsignal(signal.SIGINT)))
        assert (found[0] is signal.SIG_IGN) is (before is signal.SIG_IGN)
        assert signal.getsignal(signal.SIGINT) is before
    finally:
        signal.signal(signal.SIGINT, outer)


def logging_state() -> Callable[[], None]:
    """What puts the logging of this process back as it is now."""
    root, ours = logging.getLogger(), logging.getLogger("privacy_sdk")
    handlers, levels = root.handlers[:], (root.level, ours.level)

    def restore() -> None:
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        ours.setLevel(levels[1])
        logging.captureWarnings(False)

    return restore


def test_with_a_certificate_it_speaks_tls_and_nothing_else(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)

    def ask(listening: Listening) -> None:
        assert listening.url.startswith("https://localhost:")
        trusting = ssl.create_default_context(cafile=str(certificate))
        assert httpx2.get(f"{listening.url}/healthz", verify=trusting).json() == {"status": "ok"}
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"{listening.url}/healthz".replace("https", "http"))

    serve_until(ask, host="localhost", token="x", certfile=certificate, keyfile=key)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_that_cannot_be_used_is_an_error(tmp_path: Path, content: str | None) -> None:
    certificate = tmp_path / "cert.pem"
    if content:
        certificate.write_text(content)
    with pytest.raises(PrivacyError, match="certificate cannot be used"):
        serve({}, port=0, token="x", certfile=certificate)
    with pytest.raises(InvalidInputError, match="without its certificate"):
        serve({}, port=0, token="x", keyfile=certificate)


def test_beyond_this_machine_it_answers_by_the_names_that_were_allowed() -> None:
    def ask(listening: Listening) -> None:
        url = listening.url.replace("0.0.0.0", "127.0.0.1")
        for host, status in (("127.0.0.1", 200), ("gw.example:80", 200), ("x.example", 421)):
            assert httpx2.get(f"{url}/healthz", headers={"Host": host}).status_code == status

    serve_until(ask, host="0.0.0.0", token="x", insecure_remote=True, allowed_hosts=["gw.example"])


def test_one_account_or_several_the_banner_names_what_a_client_must_be_told() -> None:
    found = str(Listening("http://127.0.0.1:8480", ("demo", "me"), "/a/file"))
    told = str(Listening("http://127.0.0.1:1", ("demo",), "/a/file", is_found=False))
    assert 'ps.Client(account="demo")' in found
    assert 'ps.Client("http://127.0.0.1:1", token="…", account="demo")' in told


# --- in a thread


def test_in_a_thread_it_stops_at_the_end_of_the_block_also_after_an_error() -> None:
    with suppress(ZeroDivisionError), running_gateway({}) as url:
        assert httpx2.get(f"{url}/healthz").status_code == 200
        raise ZeroDivisionError
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{url}/healthz")
    assert "privacy_sdk gateway" not in {thread.name for thread in threading.enumerate()}


def test_in_a_thread_it_leaves_the_logging_of_the_process_alone() -> None:
    def state() -> list[object]:
        loggers = map(logging.getLogger, ("", "uvicorn", "uvicorn.access", "privacy_sdk"))
        return [(each.handlers[:], each.level, each.propagate) for each in loggers]

    before = state()
    with running_gateway({}) as url:
        httpx2.get(f"{url}/healthz")
        assert state() == before
    assert state() == before
