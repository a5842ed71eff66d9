"""A store that is awaited under strain: a slow database, an empty pool, a database that went away and comes back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import text

from molam_sdk.store.async_sql import AsyncSqlStore
from molam_sdk.webhooks import PaymentEvent
from tests.support.webhooks.async_shop import AsyncShop, async_shop
from tests.support.webhooks.async_stores import async_engine
from tests.support.webhooks.shop import told


async def test_a_pool_that_is_empty_is_answered_with_when_to_come_again(tmp_path: Path) -> None:
    options = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.05}
    async with async_shop("asyncpg", tmp_path, **options) as shop:
        shop.receiver.on("payment.succeeded")(shop.ship)
        async with shop.sql.database.async_engine.connect():
            answer = await shop.deliver_async()
        assert told(answer) == (503, "store_full")
        assert answer.headers["Retry-After"] == "5"
        assert told(await shop.deliver_async()) == (200, "handled")
        assert await shop.shipped() == ["evt_1"]


async def test_handlers_that_ask_for_no_connection_hold_none(tmp_path: Path) -> None:
    options = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 5}
    async with async_shop("asyncpg", tmp_path, **options) as shop:
        runs, all_run = 0, asyncio.Event()

        @shop.receiver.on("payment.succeeded")
        async def mail(event: PaymentEvent) -> None:
            nonlocal runs
            runs += 1
            if runs == 4:
                all_run.set()
            await asyncio.wait_for(all_run.wait(), 30)

        answers = await asyncio.gather(*(shop.deliver_async(f"evt_{number}") for number in range(4)))
        assert {answer.result for answer in answers} == {"handled"}


class Slow:
    """Passes bytes on to PostgreSQL, its answers later by ``seconds``, on the very loop that waits for them."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.port = seconds, 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", 5432)
        self._writers |= {writer, back}
        self._tasks |= {asyncio.ensure_future(self._pass(reader, back, 0.0))}
        self._tasks |= {asyncio.ensure_future(self._pass(there, writer, self.seconds))}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await asyncio.sleep(seconds)
                writer.write(data)
        writer.close()

    def drop(self) -> None:
        """As a database that is restarted."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()


@asynccontextmanager
async def slow_postgresql(seconds: float) -> AsyncIterator[Slow]:
    proxy = Slow(seconds)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.drop()
        for task in proxy._tasks:
            task.cancel()
        await asyncio.gather(*proxy._tasks, return_exceptions=True)


async def turns(stop: asyncio.Event) -> int:
    """How often the loop came round."""
    number = 0
    while not stop.is_set():
        await asyncio.sleep(0.001)
        number += 1
    return number


DELAY = 0.5


async def test_the_loop_goes_on_while_the_database_is_slow_and_a_restart_loses_nothing(tmp_path: Path) -> None:
    async with slow_postgresql(0.0) as proxy, async_shop("asyncpg", tmp_path) as direct:
        url = direct.sql.database.async_engine.url.set(port=proxy.port)
        async with async_engine(url.render_as_string(hide_password=False), pool_pre_ping=True) as engine:
            events = direct.sql.in_steps._filled._table
            shop = AsyncShop(AsyncSqlStore(engine, table=events, clock="caller"), direct.table)
            shop.receiver.on("payment.succeeded")(shop.ship)
            assert told(await shop.deliver_async("evt_0")) == (200, "handled")
            proxy.drop()
            answer = await shop.deliver_async("evt_1")
            if answer.status != 200:
                answer = await shop.deliver_async("evt_1")
            assert told(answer) == (200, "handled")
            proxy.seconds, stop = DELAY, asyncio.Event()
            watching = asyncio.ensure_future(turns(stop))
            proxy.drop()
            began = time.monotonic()
            assert (await shop.deliver_async("evt_2")).status in (200, 500)
            assert time.monotonic() - began >= DELAY
            stop.set()
            assert await watching > 20
            proxy.seconds = 0.0
            proxy.drop()
            assert (await shop.deliver_async("evt_2")).status == 200
            assert await shop.receiver.close_async()
        async with direct.sql.database.async_engine.connect() as connection:
            found = (await connection.execute(text(f"SELECT event FROM {direct.table} ORDER BY event"))).scalars()
            assert list(found) == ["evt_0", "evt_1", "evt_2"]
