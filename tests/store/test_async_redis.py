"""What only the Redis store for event loops does; test_stores tells what it does as every other."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest
from redis.asyncio import Redis as AsyncRedis

from molam_sdk.store import Claim
from molam_sdk.store.async_redis import AsyncRedisStore
from molam_sdk.store.redis import RedisStore
from molam_sdk.webhooks import PaymentEvent
from tests.support.webhooks.async_stores import async_redis_store
from tests.support.webhooks.deliveries import body_of, delivery_of
from tests.support.webhooks.shop import Shop, told
from tests.support.webhooks.stores import redis_client

ONE = Claim("evt_1", "payment.succeeded", "token-a")


async def test_leases_go_by_the_servers_clock() -> None:
    async with async_redis_store() as store:
        skewed = time.time() - 3600
        assert (await store.claim(ONE, skewed, skewed + 60)).decision == "run"
        later = await store.claim(Claim("evt_1", "payment.succeeded", "token-b"), time.time(), time.time() + 60)
        assert later.decision == "busy"
        assert 50 < later.retry_after <= 60


async def test_coroutines_run_over_it_in_the_order_of_registration() -> None:
    async with async_redis_store(clock="caller") as store:
        shop, seen = Shop(store), list[str]()

        @shop.receiver.on("payment.succeeded")
        async def first(event: PaymentEvent) -> None:
            seen.append("first")

        @shop.receiver.on("payment.succeeded")
        def second(event: PaymentEvent) -> None:
            seen.append("second")
            if len(seen) == 2:
                raise RuntimeError

        delivery = delivery_of(body_of(id="evt_1"), now=shop.now)
        assert told(await shop.receiver.receive_async(*delivery)) == (500, "failed")
        assert told(await shop.receiver.receive_async(*delivery)) == (200, "handled")
        assert told(await shop.receiver.receive_async(*delivery)) == (200, "duplicate")
        assert seen == ["first", "second", "second"]


async def test_a_server_that_can_forget_is_warned_of_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def told_to_forget(self: Any, name: str) -> dict[str, str]:
        return {name: {"appendonly": "no", "save": ""}.get(name, "0")}

    monkeypatch.setattr(AsyncRedis, "config_get", told_to_forget)
    async with async_redis_store() as store:
        with caplog.at_level(logging.WARNING, "molam_sdk.webhooks"):
            await store.claim(ONE, 0.0, 60.0)
            await store.claim(ONE, 0.0, 60.0)
    assert [record.getMessage() for record in caplog.records] == [
        "this Redis can forget webhook events: it writes nothing to disk: a restart forgets handled events, which then "
        "run again. Set appendonly yes."
    ]


async def test_the_wrong_kind_of_client_is_refused_with_the_store_for_it() -> None:
    client = AsyncRedis()
    with pytest.raises(TypeError, match="AsyncRedisStore"):
        RedisStore(client)  # type: ignore[arg-type]  # what a shop may give
    with redis_client() as blocking, pytest.raises(TypeError, match=r"is for RedisStore"):
        AsyncRedisStore(blocking)  # type: ignore[arg-type]  # what a shop may give
    await client.aclose()
