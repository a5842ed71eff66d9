"""The inbox over a store that is awaited: stored on the loop, worked on in tasks and in threads."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from molam_sdk.store import MemoryStore
from molam_sdk.webhooks import PaymentEvent
from tests.support.webhooks.async_stores import ASYNC_URLS, async_sql_store
from tests.support.webhooks.deliveries import body_of, delivery_of
from tests.support.webhooks.shop import Shop, told


async def stored(shop: Shop, event_id: str) -> tuple[int, str]:
    return told(await shop.receiver.receive_async(*delivery_of(body_of(id=event_id), now=shop.now)))


@pytest.mark.parametrize("kind", ASYNC_URLS)
async def test_stored_events_are_run_once_by_tasks_that_stop(kind: str, tmp_path: Path) -> None:
    async with async_sql_store(kind, tmp_path) as store:
        shop = Shop(store, process="later")
        worker = shop.receiver.async_worker(tasks=3, poll_seconds=0.01)
        seen: list[str] = []

        @shop.receiver.on("payment.succeeded")
        async def ship(event: PaymentEvent) -> None:
            await (await store.connection()).exec_driver_sql("SELECT 1")
            seen.append(event.id)
            if len(seen) == 6:
                worker.stop()

        for number in range(6):
            assert await stored(shop, f"evt_{number}") == (200, "stored")
        assert await stored(shop, "evt_0") == (200, "duplicate")
        assert await worker.run() == 6
        assert sorted(seen) == [f"evt_{number}" for number in range(6)]
        assert [event.state async for event in store.inbox.list("done")] == ["done"] * 6


async def test_an_event_that_fails_is_kept_with_its_error_and_can_be_retried_or_resolved(tmp_path: Path) -> None:
    async with async_sql_store("aiosqlite", tmp_path) as store:
        shop = Shop(store, process="later")
        fails = True

        @shop.receiver.on("payment.succeeded")
        async def ship(event: PaymentEvent) -> None:
            if fails:
                raise RuntimeError("no stock")

        await stored(shop, "evt_1")
        await stored(shop, "evt_2")
        worker = shop.receiver.async_worker()
        assert await worker.run_until_empty() == 2
        assert (await store.inbox.figures(shop.now)).failed == 2
        assert "no stock" in str((await store.inbox.show("evt_1")).last_error)
        await store.inbox.resolve("evt_2", "sent by hand")
        fails = False
        assert await store.inbox.retry_failed(shop.now) == 1
        await store.inbox.retry("evt_1", shop.now)
        assert await worker.run_until_empty() == 1
        assert {event.event_id: event.state async for event in store.inbox.list("done", "resolved")} == {
            "evt_1": "done",
            "evt_2": "resolved",
        }


async def test_a_worker_that_is_cancelled_gives_its_event_back(tmp_path: Path) -> None:
    async with async_sql_store("aiosqlite", tmp_path, pool_size=1, max_overflow=0) as store:
        shop = Shop(store, process="later")
        runs = asyncio.Event()

        @shop.receiver.on("payment.succeeded")
        async def ship(event: PaymentEvent) -> None:
            runs.set()
            await asyncio.Event().wait()

        await stored(shop, "evt_1")
        running = asyncio.ensure_future(shop.receiver.async_worker(tasks=1).run())
        await runs.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        left = await store.inbox.show("evt_1")
        assert (left.state, left.lease_until) == ("failed", 0.0)


def test_threads_work_on_the_inbox_of_a_store_that_is_awaited_on_one_loop(tmp_path: Path) -> None:
    from molam_sdk.receiver.blocking import run_coroutine
    from molam_sdk.store.async_sql import AsyncSqlStore

    store = AsyncSqlStore(f"sqlite+aiosqlite:///{tmp_path}/shop.db", clock="caller")
    shop = Shop(store, process="later")
    loops: set[Any] = set()

    @shop.receiver.on("payment.succeeded")
    async def ship(event: PaymentEvent) -> None:
        await store.connection()
        loops.add(asyncio.get_running_loop())

    for number in range(4):
        assert told(shop.deliver(f"evt_{number}")) == (200, "stored")
    assert shop.receiver.worker().run_until_empty() == 4
    assert len(loops) == 1
    assert shop.receiver.prune() == 0
    run_coroutine(store.database.async_engine.dispose())


def test_a_store_that_blocks_has_no_worker_in_tasks() -> None:
    with pytest.raises(ValueError, match=r"MemoryStore blocks: use worker\(\)"):
        Shop(MemoryStore()).receiver.async_worker()
