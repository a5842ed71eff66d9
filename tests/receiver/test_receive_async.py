"""The receiver on an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk.receiver import WebhookAnswer, WebhookReceiver
from molam_sdk.store import Claim, MemoryStore
from molam_sdk.webhooks import WebhookEvent
from tests.support.webhooks.async_stores import async_sql_store
from tests.support.webhooks.deliveries import NOW, body_of, delivery_of
from tests.support.webhooks.shop import Shop, told


async def deliver_async(shop: Shop, event_id: str = "evt_1", event_type: str = "payment.succeeded") -> WebhookAnswer:
    return await shop.receiver.receive_async(*delivery_of(body_of(event_type, id=event_id), now=shop.now))


async def test_plain_functions_run_in_a_thread_beside_the_loop(shop: Shop) -> None:
    threads: list[int] = []

    @shop.receiver.on("payout.paid")
    def where(event: WebhookEvent) -> None:
        threads.append(threading.get_ident())

    assert told(await deliver_async(shop, event_type="payout.paid")) == (200, "handled")
    assert threads != [threading.get_ident()]


async def test_coroutine_functions_are_awaited_on_the_loop_among_plain_ones(shop: Shop) -> None:
    ran: list[tuple[str, bool]] = []
    failures = [RuntimeError()]
    here = threading.get_ident()

    @shop.receiver.on("payout.paid")
    def plain(event: WebhookEvent) -> None:
        ran.append(("plain", threading.get_ident() == here))

    @shop.receiver.on("payout.paid")
    async def awaited(event: WebhookEvent) -> None:
        await asyncio.sleep(0)
        ran.append(("awaited", threading.get_ident() == here))
        if failures:
            raise failures.pop()

    assert told(await deliver_async(shop, event_type="payout.paid")) == (500, "failed")
    assert told(await deliver_async(shop, event_type="payout.paid")) == (200, "handled")
    assert told(await deliver_async(shop, event_type="payout.paid")) == (200, "duplicate")
    assert ran == [("plain", False), ("awaited", True), ("awaited", True)]


async def test_a_cancelled_delivery_gives_the_event_back(shop: Shop) -> None:
    started = asyncio.Event()

    @shop.receiver.on("payout.paid")
    async def endless(event: WebhookEvent) -> None:
        started.set()
        await asyncio.sleep(3600)

    delivery = asyncio.ensure_future(deliver_async(shop, event_type="payout.paid"))
    await started.wait()
    delivery.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivery
    assert shop.store.claim(Claim("evt_1", "payout.paid", "next"), NOW, NOW + 60).decision == "run"


async def test_async_bad_deliveries_are_answered_too(shop: Shop) -> None:
    assert told(await shop.receiver.receive_async({}, b"")) == (400, "invalid")


def test_a_coroutine_function_runs_without_a_loop_too(shop: Shop) -> None:
    ran: list[str] = []

    @shop.receiver.on("payout.paid")
    async def awaited(event: WebhookEvent) -> None:
        await asyncio.sleep(0)
        ran.append(event.id)

    assert told(shop.deliver(event_type="payout.paid")) == (200, "handled")
    assert ran == ["evt_1"]


@pytest.mark.parametrize("is_async_store", [False, True])
async def test_a_handler_whose_next_finds_nothing_is_answered_and_leaves_no_place_taken(
    tmp_path: Path, is_async_store: bool
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        options: dict[str, Any] = {}
        if is_async_store:
            options["store"] = await stack.enter_async_context(async_sql_store("aiosqlite", tmp_path))
        shop = Shop(**options, max_in_flight=1)
        items = iter([()])

        @shop.receiver.on("payout.paid")
        def first_item(event: WebhookEvent) -> None:
            next(iter(next(items, (1,))))

        for expected in ((500, "failed"), (200, "handled")):
            assert told(await asyncio.wait_for(deliver_async(shop, event_type="payout.paid"), 30)) == expected
        assert await shop.receiver.close_async()


async def test_a_source_of_secrets_whose_next_finds_nothing_is_answered() -> None:
    def nothing(kid: str) -> str:
        return next(iter(()))

    receiver = WebhookReceiver(nothing, MemoryStore(), clock=lambda: NOW, registry=CollectorRegistry())
    answering = receiver.receive_async(*delivery_of(body_of("payout.paid"), now=NOW))
    assert told(await asyncio.wait_for(answering, 30)) == (503, "lookup_failed")
    assert receiver.close()
