"""What the tests of asyncio alone share: a client, and a server on the same event loop."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator

import pytest
import trustme

from molam_sdk import ClientConfig, MolamAsyncClient
from tests.support.echo import EchoServer


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


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """The context of a TLS server on loopback, and the file of the CA to trust."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca_file = tmp_path_factory.mktemp("tls") / "ca.pem"
    ca.cert_pem.write_to_path(str(ca_file))
    return context, str(ca_file)
