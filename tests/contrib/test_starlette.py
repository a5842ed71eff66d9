"""The Starlette route and the FastAPI router, on the raw body and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from molam_sdk.contrib.fastapi import webhook_router
from molam_sdk.contrib.starlette import webhook_route
from tests.support.webhooks.deliveries import body_of, delivery_of
from tests.support.webhooks.shop import Shop


def fastapi_app(shop: Shop, middleware: list[Middleware]) -> ASGIApp:
    app = FastAPI(middleware=middleware)
    app.include_router(webhook_router(shop.receiver, "/hooks", body_timeout_seconds=0.05))
    return app


def starlette_app(shop: Shop, middleware: list[Middleware]) -> ASGIApp:
    return Starlette(routes=[webhook_route(shop.receiver, "/hooks", body_timeout_seconds=0.05)], middleware=middleware)


@pytest.fixture(params=[fastapi_app, starlette_app], ids=["fastapi", "starlette"])
def make_app(request: pytest.FixtureRequest) -> Any:
    return request.param


async def post(app: ASGIApp, headers: dict[str, str], body: bytes | AsyncIterator[bytes]) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        return await client.post("/hooks", headers=headers, content=body)


async def test_a_delivery_is_handled(make_app: Any, shop: Shop) -> None:
    answer = await post(make_app(shop, []), *delivery_of(body_of()))
    assert (answer.status_code, answer.json()) == (200, {"result": "handled"})
    assert answer.headers["content-type"] == "application/json"
    assert shop.seen == ["evt_1"]


async def test_a_bad_signature_is_a_400(make_app: Any, shop: Shop) -> None:
    assert (await post(make_app(shop, []), {}, b"{}")).status_code == 400


async def test_a_get_is_not_allowed(make_app: Any, shop: Shop) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make_app(shop, [])), base_url="http://shop") as client:
        assert (await client.get("/hooks")).status_code == 405


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield b" " * 65_536


async def test_a_body_without_an_end_is_read_to_the_limit(make_app: Any, shop: Shop) -> None:
    answer = await post(make_app(shop, []), {"Molam-Signature": delivery_of(b"")[0]["Molam-Signature"]}, endless())
    assert (answer.status_code, answer.json()["result"]) == (400, "invalid")
    assert "more than 1048576 bytes" in answer.json()["error"]


class ReadsBody(BaseHTTPMiddleware):
    """A middleware that reads the body as Starlette allows it."""

    async def dispatch(self, request: Any, call_next: Any) -> Any:
        await request.body()
        return await call_next(request)


async def test_a_middleware_that_reads_and_passes_on_does_no_harm(make_app: Any, shop: Shop) -> None:
    answer = await post(make_app(shop, [Middleware(ReadsBody)]), *delivery_of(body_of()))
    assert answer.status_code == 200


class TakesBody:
    """A pure ASGI middleware that reads the body and does not pass it on: ``empty`` says how it goes on."""

    def __init__(self, app: ASGIApp, empty: bool) -> None:
        self.app, self.empty = app, empty

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

        async def nothing() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        await self.app(scope, nothing if self.empty else receive, send)


@pytest.mark.parametrize("empty", [True, False], ids=["passes-nothing-on", "leaves-it-waiting"])
async def test_a_middleware_that_took_the_body_is_named(make_app: Any, shop: Shop, empty: bool) -> None:
    app = make_app(shop, [Middleware(TakesBody, empty=empty)])
    answer = await post(app, *delivery_of(body_of()))
    assert (answer.status_code, answer.json()["result"]) == (500, "unreadable")
    assert "middleware" in answer.json()["error"]
    assert shop.seen == []


async def test_a_sender_that_hung_up_or_stalled_in_mid_body_pages_nobody(make_app: Any, shop: Shop) -> None:
    headers, body = delivery_of(body_of())
    app = make_app(shop, [])
    for last in ({"type": "http.disconnect"}, None):
        told: list[Any] = []
        parts: list[Any] = [{"type": "http.request", "body": body[:-9], "more_body": True}, last]

        async def receive() -> Any:
            part = parts.pop(0)  # noqa: B023  # used up within the round
            return part if part is not None else await asyncio.sleep(3600)

        async def send(message: Any) -> None:
            told.append(message)  # noqa: B023  # used up within the round

        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST", "path": "/hooks", "headers": raw, "query_string": b""}
        await app(scope, receive, send)
        assert told[0]["status"] == 400
    assert shop.count("unverified", "hung_up") == 2


async def test_a_strangers_request_without_its_body_is_no_middlewares_fault(make_app: Any, shop: Shop) -> None:
    app = make_app(shop, [Middleware(TakesBody, empty=False)])
    answer = await post(app, {}, b"{}")
    assert (answer.status_code, answer.json()["result"]) == (400, "invalid")
