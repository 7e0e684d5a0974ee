"""Servers in processes of their own, so that they do not share our interpreter's lock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TOKEN = "only-for-benchmarks"

BARE = """
import sys, uvicorn
from fastapi import FastAPI, Response

app = FastAPI()
PATH = "/v1/accounts/{account}/privacy"
TOKEN, BODY = sys.argv[1], sys.argv[2].encode()
config = uvicorn.Config(app, port=0, log_config=None)

if BODY:
    @app.get(PATH)
    async def answer(account: str) -> Response:
        return Response(BODY, media_type="application/json")

    log = uvicorn.config.LOGGING_CONFIG
    log["handlers"]["access"]["stream"] = "ext://sys.stderr"  # stdout says the port
    config.log_config = log
    config.configure_logging()
else:
    import asyncio
    from privacy_sdk.accounts.emulated.account import EmulatedAccount
    from privacy_sdk.accounts.wire import to_json
    from privacy_sdk.gateway.guard import RequestGuard, RequestTracker, Secret
    from privacy_sdk.gateway.log import log_to_stderr
    from privacy_sdk.gateway.schemas import SettingsBody

    asked = EmulatedAccount()

    @app.get(PATH, response_model=SettingsBody, response_model_exclude_defaults=True)
    async def answer(account: str):
        async with asyncio.timeout(25):
            return to_json(await asked.fetch_privacy_settings())

    app.add_middleware(
        RequestGuard, secret=Secret(TOKEN), allowed_hosts=(), in_flight=RequestTracker()
    )
    log_to_stderr()

class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)

Server(config).run()
"""
"""A FastAPI application that returns the same bytes always; each request is logged, as by ours.

Without bytes it has the gateway's own guard before it, and asks an emulated account as we do.
"""


@contextmanager
def gateway(*options: str, data: Path | None = None) -> Iterator[str]:
    """The address of a gateway with an emulated account ``demo``, whose token is ``TOKEN``."""
    command = [sys.executable, "-m", "privacy_sdk", "gateway", "--port", "0", "--json", *options]
    with (
        tempfile.TemporaryDirectory() as folder,
        process(command, data or Path(folder)) as first_line,
    ):
        yield json.loads(first_line)["url"]


@contextmanager
def bare(body: str) -> Iterator[str]:
    """The address of an application that does nothing else than to answer."""
    command = [sys.executable, "-c", BARE, TOKEN, body]
    with tempfile.TemporaryDirectory() as folder, process(command, Path(folder)) as first_line:
        yield f"http://127.0.0.1:{first_line.strip()}"


@contextmanager
def process(command: list[str], data: Path) -> Iterator[str]:
    """The first line of what a command writes, which keeps its data in a folder."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PRIVACY_SDK_")
    }
    with subprocess.Popen(
        command,
        env=environment | {"PRIVACY_SDK_DATA_DIR": str(data), "PRIVACY_SDK_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline()
        finally:
            process.terminate()
