"""What the tests of recordings share: a server to record from, and sessions with it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2

from privacy_sdk.cassettes.transport import CassetteTransport, RecordMode

TOKEN = "not-to-be-recorded-0123"


def counting() -> httpx2.MockTransport:
    """A server whose every answer tells how many it gave."""
    count = 0

    def answer(request: httpx2.Request) -> httpx2.Response:
        nonlocal count
        count += 1
        return httpx2.Response(200, json={"duration": count})

    return httpx2.MockTransport(answer)


def answering(*responses: httpx2.Response) -> httpx2.MockTransport:
    """A server that gives these answers in turn."""
    left = list(responses)
    return httpx2.MockTransport(lambda request: left.pop(0))


def echoing(**members: Any) -> httpx2.MockTransport:
    """A server that answers with these members of a JSON object."""
    return httpx2.MockTransport(lambda request: httpx2.Response(200, json=members))


def session(transport: CassetteTransport, port: int = 9) -> httpx2.AsyncClient:
    """An HTTP client over a cassette."""
    return httpx2.AsyncClient(
        transport=transport,
        base_url=f"http://127.0.0.1:{port}",
        headers={"Authorization": f"Bearer {TOKEN}"},
    )


def recording(
    path: Path, mode: RecordMode = "once", server: Callable[[], httpx2.MockTransport] = counting
) -> httpx2.AsyncClient:
    """An HTTP client that records."""
    return session(CassetteTransport(path, records=True, record_mode=mode, inner=server()))


def replaying(path: Path) -> httpx2.AsyncClient:
    """An HTTP client that replays."""
    return session(CassetteTransport(path))
