"""How the tests ask a gateway: in this process by ASGI, or in one of its own by sockets."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2

from privacy_sdk.accounts.base import Account, AccountInfo
from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.gateway import create_app
from privacy_sdk.gateway.schemas import ProblemBody
from privacy_sdk.support.tokens import stored_token

TOKEN = "only-for-tests"
PRIVACY = "/v1/accounts/demo/privacy"
LAST_LIST = f"{PRIVACY}/last/disallowed-list"
TIMER = "/v1/accounts/demo/disappearing-mode"
CONTACTS = "/v1/accounts/demo/contacts"
EMULATOR = "/v1/accounts/demo/emulator"
SOMEBODY = {"jid": "999000000000001@lid", "pn_jid": "999115550101@s.whatsapp.net"}


class Live(EmulatedAccount):
    """A wrapper of a live account: it has every method, and says that it is not emulated."""

    async def info(self) -> AccountInfo:
        return replace(await super().info(), capabilities=frozenset())


@asynccontextmanager
async def client_of(
    accounts: Mapping[str, Account] | None = None, **options: Any
) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app({"demo": EmulatedAccount()} if accounts is None else accounts, **options)
    token = options["token"]
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app),
        base_url="http://127.0.0.1",
        headers={"Authorization": f"Bearer {token}"} if token else {},
    ) as client:
        client.app = app
        yield client


def problem(answer: httpx2.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    ProblemBody.model_validate(document)
    assert document["type"] == f"urn:privacy-sdk:{kind}"
    assert document["status"] == status
    return document


SERVE = """
import signal
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which is ignored where the tests run under nohup
from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.gateway.server import serve
serve({{{account!r}: EmulatedAccount()}}, **{{"port": 0}} | {options})
"""


class GatewayProcess:
    """A gateway in a process of its own."""

    def __init__(self, *, account: str = "demo", **options: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVE.format(account=account, options=options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.banner = "".join(self._process.stdout.readline() for _ in range(4))
        self.url = re.search(r"https?://\S+", self.banner)[0]
        self.token = stored_token()
        self.http = httpx2.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=30
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> tuple[int, list[dict[str, object]]]:
        """Its exit status and its log."""
        _, log = self._process.communicate(timeout=30)
        return self._process.returncode, [json.loads(line) for line in log.splitlines()]

    def close(self) -> None:
        self.http.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


@contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    host, _, port = url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        yield connection


def read_all(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    pieces = []
    try:
        while piece := connection.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def make_certificate(folder: Path, host: str = "localhost") -> tuple[Path, Path]:
    """A certificate of a host that signs itself, and its private key."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = (
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-days", "2", "-subj", f"/CN={host}"),
        *("-addext", f"subjectAltName=DNS:{host},IP:127.0.0.1"),
        *("-keyout", key, "-out", certificate),
    )
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key
