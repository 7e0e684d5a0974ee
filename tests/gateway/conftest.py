"""Clients of a gateway: in this process, or in one of its own."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from asking import TOKEN, GatewayProcess, client_of


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(token=TOKEN) as client:
        yield client


@pytest.fixture
def gateway() -> Iterator[GatewayProcess]:
    process = GatewayProcess()
    yield process
    process.close()
