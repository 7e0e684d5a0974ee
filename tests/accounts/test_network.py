"""Which gateway a client reaches, what it sends there, and how it says why it reaches none."""

import asyncio
import gc
import os
import re
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from asking import GatewayProcess, free_port, make_certificate
from commands import Command

import privacy_sdk as ps
from privacy_sdk.accounts import network
from privacy_sdk.errors import InvalidTokenError, UnknownAccountError
from privacy_sdk.support.tokens import gateway_token
from privacy_sdk.testing import running_gateway


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders where no gateway of another test is found."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def found(name: str):
    return running_gateway({name: ps.EmulatedAccount(name)}, token="its-own", is_found=True)


def ask(*arguments: object, **options: object) -> ps.AccountInfo:
    with ps.Client(*arguments, **options) as client:
        return client.info()


# --- on this machine


def test_without_an_address_it_is_the_gateway_that_serves_the_account() -> None:
    with found("one"), found("two"):
        for name in ("one", "two"):
            with ps.Client(account=name) as client:
                client.set_privacy_setting("last", "none")
                assert client.info().id == name
        with pytest.raises(UnknownAccountError, match="several accounts") as caught:
            ask()
        assert {"one", "two"} <= set(re.findall(r"\w+", caught.value.hint))
        with pytest.raises(ps.NotConnectedError, match="serves 'three'") as missing:
            ask(account="three")
        assert {"one", "two"} <= set(re.findall(r"\w+", missing.value.hint))


def test_an_account_that_two_serve_is_nobodys() -> None:
    with (
        found("one"),
        found("one"),
        ps.Client(account="one") as client,
        pytest.raises(UnknownAccountError, match=r"at ports \d+ and \d+\.") as caught,
    ):
        client.info()
    assert "--url" in caught.value.hint


@pytest.mark.parametrize("says", [b"no JSON", b"[]", b'{"accounts": [1]}', b""])
def test_what_is_no_gateway_is_passed_over(says: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "privacy-sdk"
    with found("one"), socket.socket(socket.AF_UNIX) as odd:
        odd.bind(str(folder / "1-1.sock"))
        odd.listen()

        def answer() -> None:
            with suppress(OSError):
                while True:
                    with odd.accept()[0] as connection:
                        if connection.recv(4096):
                            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(says)}\r\n\r\n"
                            connection.sendall(head.encode() + says)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            assert ask(account="one").id == "one"
        finally:
            odd.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_the_only_account_needs_no_name_and_is_recorded_like_any_other(tmp_path: Path) -> None:
    with found("one"):
        with ps.Client(record=tmp_path / "mine.yaml") as client:
            client.fetch_privacy_settings()
        assert client.account.id == "one"
    assert len(ps.Client.replay(tmp_path / "mine.yaml").fetch_privacy_settings()) == 9


def test_a_gateway_that_was_started_anew_is_found_again() -> None:
    with ps.Client(account="one") as client:
        for _ in range(2):
            with found("one"):
                client.set_privacy_setting("last", "none")
        with pytest.raises(ps.NotConnectedError, match="No gateway runs") as caught:
            client.info()
    assert "privacy-sdk gateway" in caught.value.hint


def test_who_waits_is_answered_by_one_that_starts_meanwhile() -> None:
    stop = threading.Event()

    def serve_later() -> None:
        stop.wait(0.5)
        with found("one"):
            stop.wait(30)

    thread = threading.Thread(target=serve_later)
    thread.start()
    try:
        with ps.Client(account="one", wait=30) as client:
            assert client.info().id == "one"
    finally:
        stop.set()
        thread.join()


# --- the token that was found


LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's table is Linux's")


@LINUX
@pytest.mark.parametrize("records", [False, True])
def test_this_machines_token_goes_to_a_process_of_ours(records: bool, tmp_path: Path) -> None:
    record = tmp_path / "mine.yaml" if records else None
    token, _ = gateway_token()
    with running_gateway({"one": ps.EmulatedAccount()}, token=token) as url:
        with ps.Client(url, account="one", record=record) as client:
            assert len(client.fetch_privacy_settings()) == 9
        if record:
            assert token not in record.read_text("utf-8")


@pytest.mark.parametrize(("answer", "why"), [(False, "another user's"), (None, "cannot be seen")])
@pytest.mark.parametrize("records", [False, True])
def test_it_goes_to_no_other_process(
    answer: bool | None, why: str, records: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_ours(connection: object) -> bool | None:
        return answer

    record = tmp_path / "mine.yaml" if records else None
    gateway_token()
    with running_gateway({"one": ps.EmulatedAccount()}) as url:
        monkeypatch.setattr(network, "is_ours", is_ours)
        with (
            ps.Client(url, account="one", record=record) as client,
            pytest.raises(InvalidTokenError, match=why) as caught,
        ):
            client.set_privacy_setting("last", "none")
        assert "PRIVACY_SDK_TOKEN" in caught.value.hint
        assert ask(url, account="one", token="x").id == "one"


def test_it_goes_to_no_other_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "stored_token", lambda: pytest.fail("the token was looked for"))
    for url in ("https://gateway.invalid", "https://127.0.0.1.gateway.invalid"):
        with pytest.raises(ps.NotConnectedError, match="no machine named"):
            ask(url, account="one")


LISTENER = """
import os, socket
os.setuid(65534)
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    connection, _ = listener.accept()
    connection.settimeout(5)
    print(connection.recv(65536), flush=True)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0, reason="needs root to be another user"
)
def test_another_users_process_on_a_port_that_became_free_sees_nothing() -> None:
    token, _ = gateway_token()
    with subprocess.Popen(
        [sys.executable, "-c", LISTENER], stdout=subprocess.PIPE, text=True
    ) as process:
        url = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        with pytest.raises(InvalidTokenError, match="another user's"):
            ask(url, account="one")
        assert process.stdout.readline() == "b''\n"
    assert token


# --- why there is no connection


@pytest.fixture(scope="module")
def gateways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("tls")
    cert, key = make_certificate(folder)
    process = GatewayProcess(certfile=str(cert), keyfile=str(key), token="x")
    port = process.url.rpartition(":")[2]
    with running_gateway({"demo": ps.EmulatedAccount()}, token="x") as plain:
        yield {
            "tls": f"https://localhost:{port}",
            "http instead": process.url.replace("https:", "http:"),
            "https instead": plain.replace("http:", "https:"),
            "nobody": f"https://localhost:{free_port()}",
            "no name": "https://gateway.invalid",
            "cert": str(cert),
        }
    process.close()


@pytest.mark.parametrize("records", [False, True])
@pytest.mark.parametrize("way", ["ca", "PRIVACY_SDK_CA", "SSL_CERT_FILE"])
def test_a_certificate_is_trusted_by_argument_or_environment(
    gateways: dict[str, str], way: str, records: bool, tmp_path: Path, monkeypatch
) -> None:
    options = {"record": tmp_path / "mine.yaml"} if records else {}
    if way == "ca":
        options["ca"] = gateways["cert"]
    else:
        monkeypatch.setenv(way, gateways["cert"])
    with ps.Client(gateways["tls"], token="x", account="demo", **options) as client:
        assert client.info().id == "demo"


REASONS = {
    "tls": "is not trusted: self",
    "no name": "There is no machine named 'gateway.invalid'.",
    "nobody": "No gateway answers at https://localhost:",
    "http instead": "speaks TLS, not plain http. If it is a gateway: https:// there.",
    "https instead": "speaks no TLS. If it is a gateway: http:// there.",
}


@pytest.mark.parametrize("records", [False, True])
@pytest.mark.parametrize("where", REASONS)
def test_every_reason_has_words_of_its_own(
    gateways: dict[str, str], where: str, records: bool, tmp_path: Path
) -> None:
    record = tmp_path / "mine.yaml" if records else None
    with ps.Client(gateways[where], token="x", account="demo", record=record) as client:
        for ask in (client.info, lambda: client.set_privacy_setting("last", "none")):
            with pytest.raises(ps.NotConnectedError) as caught:
                ask()
            assert REASONS[where] in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("where", ["tls", "http instead", "https instead"])
def test_what_no_waiting_mends_is_said_at_once(gateways: dict[str, str], where: str) -> None:
    with (
        ps.Client(gateways[where], token="x", account="demo", wait=3_600) as client,
        pytest.raises(ps.NotConnectedError, match=REASONS[where].partition(".")[0]),
    ):
        client.info()


@pytest.mark.parametrize("where", REASONS)
def test_the_command_says_each_reason_too(
    gateways: dict[str, str], where: str, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("PRIVACY_SDK_TOKEN", "x")
    code, said = Command(capsys).error("show", "--url", gateways[where], "--account", "demo")
    assert code == 4
    assert REASONS[where] in said


def test_what_hangs_up_and_speaks_no_tls_is_asked_once() -> None:
    begun = []

    def hang_up(listener: socket.socket) -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                connection, _ = listener.accept()
                begun.append(connection.recv(65536)[:1])
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=hang_up, args=(listener,))
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with ps.Client(url, token="x", account="demo") as client:
            with pytest.raises(ps.errors.AnswerTimeoutError):
                client.info()
            with pytest.raises(ps.OutcomeUnknownError):
                client.set_privacy_setting("last", "none")
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    assert begun.count(b"\x16") == 1  # a TLS handshake


@pytest.mark.parametrize("records", [False, True])
@pytest.mark.parametrize("value", ["nonsense://x:1", "http://x:port", "socks5://127.0.0.1:1"])
def test_a_broken_proxy_setting_is_an_error_of_ours(
    value: str, records: bool, tmp_path: Path, monkeypatch
) -> None:
    record = tmp_path / "mine.yaml" if records else None
    monkeypatch.setenv("HTTPS_PROXY", value)
    with (
        ps.Client("https://gateway.invalid", token="x", account="demo", record=record) as client,
        pytest.raises(ps.InvalidInputError, match="proxy settings"),
    ):
        client.info()


@pytest.mark.parametrize("records", [False, True])
def test_proxies_are_honoured_except_on_this_machine(
    records: bool, tmp_path: Path, monkeypatch
) -> None:
    record = tmp_path / "mine.yaml" if records else None
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with (
        ps.Client("https://gateway.invalid", token="x", account="demo", record=record) as client,
        pytest.raises(ps.NotConnectedError, match="No gateway answers"),  # not: no machine named
    ):
        client.info()
    with running_gateway({"demo": ps.EmulatedAccount()}) as url:
        assert ask(url, account="demo").id == "demo"


def test_certificates_that_cannot_be_read_are_bad_input(tmp_path: Path) -> None:
    for ca in (tmp_path / "none.pem", Path(__file__)):
        with pytest.raises(ps.InvalidInputError, match="certificates to trust"):
            ps.Client("https://gateway.invalid", ca=ca)


# --- what is given up


@pytest.mark.parametrize(("scheme", "finds_token"), [("http", True), ("https", False)])
async def test_a_connection_that_is_given_up_before_it_stands_is_closed(
    scheme: str, finds_token: bool
) -> None:
    """While it is looked whose process is to accept it, and in its TLS handshake."""
    gateway_token()  # this machine's, which is there to be found
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
        transport = network.Network(url, finds_token=finds_token)
        request = httpx2.Request("GET", f"{url}/healthz")
        asked = asyncio.ensure_future(transport.handle_async_request(request))
        await asyncio.to_thread(select.select, [silent], [], [])
        await asyncio.sleep(0.01)
        asked.cancel()
        await asyncio.wait([asked])
        await transport.aclose()
        del transport, asked
        gc.collect()  # a socket that is open would warn, and warnings are errors
