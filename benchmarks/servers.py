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
from privacy_sdk.gateway.guard import RequestGuard, RequestTracker, Secret
from privacy_sdk.gateway.log import log_to_stderr

body, token = sys.argv[1].encode(), sys.argv[2]
app = FastAPI()

@app.get("/v1/accounts/{account}/privacy")
async def answer(account: str) -> Response:
    return Response(body, media_type="application/json")

class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)

config = uvicorn.Config(app, port=0, log_config=None)
if token:
    app.add_middleware(
        RequestGuard, secret=Secret(token), allowed_hosts=(), in_flight=RequestTracker()
    )
    log_to_stderr()
else:
    log = uvicorn.config.LOGGING_CONFIG
    log["handlers"]["access"]["stream"] = "ext://sys.stderr"  # stdout says the port
    config.log_config = log
    config.configure_logging()
Server(config).run()
"""
"""A FastAPI application that returns the same bytes always; each request is logged, as by ours.

With a token it has the gateway's own guard before it: host, token, size, log, bounds.
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
def bare(body: str, *, guarded: bool = False) -> Iterator[str]:
    """The address of an application that does nothing else than to answer."""
    command = [sys.executable, "-c", BARE, body, TOKEN if guarded else ""]
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
