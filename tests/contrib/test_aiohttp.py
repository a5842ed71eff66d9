"""The aiohttp route under a real server, on the raw body and nothing else."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, web

from molam_sdk.contrib.aiohttp import webhook_route
from tests.support.webhooks.deliveries import body_of, delivery_of
from tests.support.webhooks.shop import Shop

Told = tuple[int, Any]


@asynccontextmanager
async def serving(shop: Shop, *middlewares: Any, **options: Any) -> AsyncIterator[int]:
    """The port of an app with the route."""
    app = web.Application(middlewares=middlewares, **options)
    app.add_routes([webhook_route(shop.receiver, "/hooks", body_timeout_seconds=0.2)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def post(port: int, headers: dict[str, str], body: Any) -> Told:
    async with (
        ClientSession() as session,
        session.post(f"http://127.0.0.1:{port}/hooks", data=body, headers=headers) as answer,
    ):
        return answer.status, await answer.json()


async def test_a_delivery_is_handled(shop: Shop) -> None:
    async with serving(shop) as port:
        assert await post(port, *delivery_of(body_of())) == (200, {"result": "handled"})
        assert await post(port, *delivery_of(body_of())) == (200, {"result": "duplicate"})
    assert shop.seen == ["evt_1"]


async def test_a_bad_signature_is_a_400_and_a_get_is_not_allowed(shop: Shop) -> None:
    async with serving(shop) as port:
        assert (await post(port, {}, b"{}"))[0] == 400
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}/hooks") as answer:
            assert answer.status == 405


async def endless() -> AsyncIterator[bytes]:
    for _ in range(64):
        yield b" " * 65_536


@pytest.mark.parametrize("body", [lambda: io.BytesIO(b" " * 2_000_000), endless])
async def test_a_body_beyond_the_limit_is_refused(shop: Shop, body: Callable[[], Any]) -> None:
    headers = {"Molam-Signature": delivery_of(b"")[0]["Molam-Signature"]}
    async with serving(shop) as port:
        status, told = await post(port, headers, body())
    assert (status, told["result"]) == (400, "invalid")


async def test_an_app_that_allows_less_than_was_sent_is_told(shop: Shop) -> None:
    async with serving(shop, client_max_size=10) as port:
        status, told = await post(port, *delivery_of(body_of()))
    assert (status, told["result"]) == (500, "unreadable")
    assert "client_max_size" in told["error"]


@web.middleware
async def reads(request: web.Request, handler: Any) -> Any:
    await request.json()
    return await handler(request)


@web.middleware
async def takes(request: web.Request, handler: Any) -> Any:
    async for _ in request.content.iter_any():
        pass
    return await handler(request)


async def test_a_middleware_that_reads_and_keeps_does_no_harm(shop: Shop) -> None:
    async with serving(shop, reads) as port:
        assert (await post(port, *delivery_of(body_of())))[0] == 200


async def test_a_middleware_that_took_the_body_is_named(shop: Shop) -> None:
    async with serving(shop, takes) as port:
        status, told = await post(port, *delivery_of(body_of()))
    assert (status, told["result"]) == (500, "unreadable")
    assert "middleware" in told["error"]


@pytest.mark.parametrize("how", ["hangs up", "stops sending"])
async def test_a_sender_that_breaks_off_in_mid_body_pages_nobody(shop: Shop, how: str) -> None:
    headers, body = delivery_of(body_of())
    async with serving(shop) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"POST /hooks HTTP/1.1\r\nHost: shop\r\n{lines}\r\n".encode() + body[:-9])
        await writer.drain()
        if how == "hangs up":
            writer.close()
        else:
            head, told = await _answer(reader)
            assert head.startswith(b"HTTP/1.1 400")
            assert json.loads(told)["result"] == "hung_up"
            writer.close()
        await writer.wait_closed()
        for _ in range(2_000):
            if shop.count("unverified", "hung_up"):
                break
            await asyncio.sleep(0.005)
    assert shop.count("unverified", "hung_up") == 1
    assert shop.count("unverified", "unreadable") == 0


async def _answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    return head, await reader.readexactly(length)
