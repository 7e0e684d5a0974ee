"""Servers in processes of their own, so that they do not share our interpreter's lock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

TOKEN = "only-for-benchmarks"

BARE = """
import socket, sys, uvicorn
from fastapi import FastAPI, Response

app = FastAPI(openapi_url=None)
body = sys.argv[1].encode()

@app.get("/v1/accounts/{account}/privacy")
async def answer(account: str) -> Response:
    return Response(body, media_type="application/json")

listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
config = uvicorn.Config(app, log_config=None, lifespan="off")
uvicorn.Server(config).run(sockets=[listener])
"""
"""A FastAPI application that returns the same bytes always."""


@contextmanager
def gateway() -> Iterator[str]:
    """The address of a gateway with an emulated account ``demo``, whose token is ``TOKEN``."""
    command = [sys.executable, "-m", "privacy_sdk", "gateway", "--port", "0", "--json"]
    with tempfile.TemporaryDirectory() as folder, _process(command, folder) as first_line:
        yield json.loads(first_line)["url"]


@contextmanager
def bare(body: str) -> Iterator[str]:
    """The address of the bare application."""
    command = [sys.executable, "-c", BARE, body]
    with tempfile.TemporaryDirectory() as folder, _process(command, folder) as first_line:
        yield f"http://127.0.0.1:{first_line.strip()}"


@contextmanager
def _process(command: list[str], folder: str) -> Iterator[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PRIVACY_SDK_")
    }
    process = subprocess.Popen(
        command,
        env=environment | {"XDG_DATA_HOME": folder, "PRIVACY_SDK_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline()
    finally:
        process.terminate()
        process.wait()
