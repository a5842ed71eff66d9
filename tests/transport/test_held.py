"""A connection carries another request only when its answer is known to be no stray: behind one comes what was due."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from molam_sdk import ClientConfig, MolamAsyncClient, MolamSyncClient, ResponseError
from molam_sdk._transport.awaited.transport import AsyncioTransport
from molam_sdk._transport.blocking.transport import RequestsTransport
from molam_sdk._transport.held import HeldConnection
from molam_sdk._transport.origin import clock
from molam_sdk.testing import NoReply, Reply, Request
from tests.support.http_server import INTENT, MOLAMS, ORDER, HostileServer, Serve, Turn, answer, created

pytestmark = pytest.mark.usefixtures("no_environment")

STRAY = answer(201, INTENT | {"id": "pi_stray", "amount": 9}, [MOLAMS])


def config(server: HostileServer) -> ClientConfig:
    return ClientConfig(api_key="sk_test_x", base_url=server.url, max_retries=0, retry_backoff_factor=0.0)


class _Pausing(RequestsTransport):
    """Does something else between the answer and its verdict, as another thread may."""

    def __init__(self, config: ClientConfig, meanwhile: Callable[[], object]) -> None:
        super().__init__(config)
        self.meanwhile = meanwhile

    def send(self, request: Request) -> Reply | NoReply:
        reply = super().send(request)
        self.meanwhile()
        return reply


class _AsyncPausing(AsyncioTransport):
    """Does something else between the answer and its verdict, as a transport of the merchant's may."""

    def __init__(self, config: ClientConfig, meanwhile: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self.meanwhile = meanwhile

    async def send(self, request: Request) -> Reply | NoReply:
        reply = await super().send(request)
        await self.meanwhile()
        return reply


def once(second: list[str]) -> bool:
    """True the first time."""
    second.append("asked")
    return len(second) == 1


def test_a_connection_is_not_handed_on_before_the_verdict_blocking(serve: Serve) -> None:
    server, second = serve(STRAY, created()), list[str]()

    def meanwhile() -> None:
        if once(second):
            second.append(client.create_payment_intent(ORDER).id)

    client = MolamSyncClient(config(server), transport=_Pausing(config(server), meanwhile))
    with client, pytest.raises(ResponseError, match="another request"):
        client.create_payment_intent(ORDER)
    assert second[-1] == "pi_1"
    assert [request.connection for request in server.requests] == [1, 2]


async def test_a_connection_is_not_handed_on_before_the_verdict_asyncio(serve: Serve) -> None:
    server, second = serve(STRAY, created()), list[str]()

    async def meanwhile() -> None:
        if once(second):
            second.append((await client.create_payment_intent(ORDER)).id)

    settings = config(server)
    async with MolamAsyncClient(settings, transport=_AsyncPausing(settings, meanwhile)) as client:
        with pytest.raises(ResponseError, match="another request"):
            await client.create_payment_intent(ORDER)
    assert second[-1] == "pi_1"
    assert [request.connection for request in server.requests] == [1, 2]


@pytest.mark.parametrize("turn", [STRAY, answer(201, {"id": "re_1"}, [MOLAMS])], ids=["a stray", "of another kind"])
async def test_a_connection_that_brought_something_else_carries_nothing_more(serve: Serve, turn: Turn) -> None:
    server = serve(turn, turn)
    with MolamSyncClient(config(server)) as client, pytest.raises(ResponseError):
        client.create_payment_intent(ORDER)
    async with MolamAsyncClient(config(server)) as client_async:
        for _ in range(2):
            with suppress(ResponseError):
                await client_async.create_payment_intent(ORDER)
    assert [request.connection for request in server.requests] == [1, 2, 3]


class _Pool:
    """Tells what became of its connections."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def release(self, connection: str) -> None:
        self.told.append(f"released {connection}")

    def discard(self, connection: str) -> None:
        self.told.append(f"discarded {connection}")


def test_a_held_connection_goes_one_way_once() -> None:
    pool = _Pool()
    released, discarded = HeldConnection(pool, "one"), HeldConnection(pool, "two")
    released.release()
    released.discard()
    discarded.discard()
    discarded.release()
    del released, discarded
    assert pool.told == ["released one", "discarded two"]


async def test_a_connection_whose_answer_nobody_settled_carries_nothing_more(serve: Serve) -> None:
    server = serve()
    request = Request("GET", server.url + "/v1/x", {}, None, clock() + 30)
    blocking, awaited = RequestsTransport(config(server)), AsyncioTransport(config(server))
    for _ in range(2):
        assert isinstance(blocking.send(request), Reply)
        assert isinstance(await awaited.send(request), Reply)
    blocking.close()
    await awaited.close()
    assert [seen.connection for seen in server.requests] == [1, 2, 3, 4]
