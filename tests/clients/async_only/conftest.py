"""What the tests of asyncio alone share: a client, and a server on the same event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from molam_sdk import ClientConfig, MolamAsyncClient
from tests.clients.async_only.echo import EchoServer


@pytest.fixture
async def echo() -> AsyncIterator[EchoServer]:
    """A server that answers at once."""
    async with EchoServer() as server:
        yield server


@pytest.fixture
async def client(echo: EchoServer) -> AsyncIterator[MolamAsyncClient]:
    """A client of that server."""
    config = ClientConfig(api_key="sk_test_async", base_url=echo.url, retry_backoff_factor=0.0)
    async with MolamAsyncClient(config) as made:
        yield made
