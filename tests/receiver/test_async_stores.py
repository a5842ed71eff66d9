"""Coroutine handlers over a store that is awaited: what they write and the event's mark are committed together."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from molam_sdk.store import Claim
from molam_sdk.webhooks import PaymentEvent
from tests.support.cancelling import Countdown, Counted
from tests.support.webhooks.async_shop import AsyncShop, async_shop
from tests.support.webhooks.async_stores import ASYNC_URLS
from tests.support.webhooks.shop import told

pytestmark = pytest.mark.parametrize("kind", ASYNC_URLS)


@pytest.fixture
async def shop(kind: str, tmp_path: Path) -> AsyncIterator[AsyncShop]:
    async with async_shop(kind, tmp_path) as made:
        yield made


async def test_what_a_coroutine_wrote_goes_when_it_fails_and_stays_with_the_mark(shop: AsyncShop) -> None:
    fails = True

    @shop.receiver.on("payment.succeeded")
    async def fulfil(event: PaymentEvent) -> None:
        await shop.ship(event)
        if fails:
            raise RuntimeError

    assert told(await shop.deliver_async()) == (500, "failed")
    assert await shop.shipped() == []
    fails = False
    assert told(await shop.deliver_async()) == (200, "handled")
    assert told(await shop.deliver_async()) == (200, "duplicate")
    assert await shop.shipped() == ["evt_1"]


async def test_two_handlers_of_an_event_share_one_fate(shop: AsyncShop) -> None:
    fails = True
    shop.receiver.on("payment.succeeded")(shop.ship)

    @shop.receiver.on("payment.succeeded")
    def mail(event: PaymentEvent) -> None:
        if fails:
            raise RuntimeError

    assert told(await shop.deliver_async()) == (500, "failed")
    assert await shop.shipped() == []
    fails = False
    assert told(await shop.deliver_async()) == (200, "handled")
    assert await shop.shipped() == ["evt_1"]


async def test_a_coroutine_that_outlives_its_lease_leaves_nothing(shop: AsyncShop) -> None:
    @shop.receiver.on("payment.succeeded")
    async def slow(event: PaymentEvent) -> None:
        shop.now += 61
        takes = Claim("evt_1", "payment.succeeded", "faster")
        claimed = await asyncio.create_task(take_over(takes))
        assert claimed == "run"
        await shop.ship(event)

    async def take_over(claim: Claim) -> str:
        claims = shop.sql.claim(claim, shop.now, shop.now + 60)
        return (await contextvars.Context().run(asyncio.ensure_future, claims)).decision

    assert told(await shop.deliver_async()) == (409, "lost")
    assert await shop.shipped() == []


async def test_what_runs_after_the_commit_is_in_no_transaction(shop: AsyncShop) -> None:
    seen: list[str] = []
    shop.receiver.on("payment.succeeded")(shop.ship)

    @shop.receiver.on("payment.succeeded", after_commit=True)
    async def tell(event: PaymentEvent) -> None:
        with pytest.raises(RuntimeError, match="no transaction is open"):
            await shop.sql.connection()
        seen.extend(await shop.shipped())

    assert told(await shop.deliver_async()) == (200, "handled")
    assert seen == ["evt_1"]


async def test_an_orm_session_of_a_coroutine_is_written_with_the_mark_or_not_at_all(shop: AsyncShop) -> None:
    fails = True

    class Base(DeclarativeBase):
        """The shop's models."""

    class Shipment(Base):
        """What a shop writes."""

        __tablename__ = shop.table
        event: Mapped[str] = mapped_column(primary_key=True)

    @shop.receiver.on("payment.succeeded")
    async def fulfil(event: PaymentEvent) -> None:
        async with shop.sql.session() as session:
            session.add(Shipment(event=event.id))
        async with AsyncSession(await shop.sql.connection()) as session:
            assert (await session.get_one(Shipment, event.id)).event == event.id
        if fails:
            raise RuntimeError

    assert told(await shop.deliver_async()) == (500, "failed")
    assert await shop.shipped() == []
    fails = False
    assert told(await shop.deliver_async()) == (200, "handled")
    assert await shop.shipped() == ["evt_1"]


@pytest.mark.slow
async def test_a_delivery_cancelled_at_any_await_ships_once_with_the_next_one(shop: AsyncShop) -> None:
    shop.receiver.on("payment.succeeded")(shop.ship)
    assert told(await shop.deliver_async("evt_0")) == (200, "handled")
    for number in count(1):
        running: asyncio.Task[Any]
        countdown = Countdown(number, lambda: running.cancel())  # noqa: PLW0108, B023 - it is not there yet
        delivery = shop.deliver_async(f"evt_{number}")
        running = asyncio.create_task(_ended(Counted(delivery, countdown)))
        await running
        assert (await shop.deliver_async(f"evt_{number}")).status == 200
        if not countdown.reached:
            break
    assert number > 5
    assert await shop.shipped() == sorted(f"evt_{each}" for each in range(number + 1))


async def _ended(delivery: Counted) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await delivery


async def test_of_deliveries_at_once_one_ships(shop: AsyncShop) -> None:
    shop.receiver.on("payment.succeeded")(shop.ship)
    answers = await asyncio.gather(*(shop.deliver_async(f"evt_{number % 4}") for number in range(16)))
    assert sum(answer.result == "handled" for answer in answers) == 4
    assert {answer.result for answer in answers} <= {"handled", "busy", "duplicate"}
    assert await shop.shipped() == [f"evt_{number}" for number in range(4)]
