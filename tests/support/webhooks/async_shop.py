"""A shop on an event loop, which ships by a row in a table of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from molam_sdk.receiver import WebhookAnswer
from molam_sdk.store.async_sql import AsyncSqlStore
from molam_sdk.webhooks import PaymentEvent
from tests.support.webhooks.async_stores import async_sql_store, async_table
from tests.support.webhooks.deliveries import body_of, delivery_of
from tests.support.webhooks.shop import Shop


class AsyncShop(Shop):
    """A shop that ships by a row in its own table."""

    def __init__(self, store: AsyncSqlStore, table: str, **options: Any) -> None:
        super().__init__(store, **options)
        self.sql, self.table = store, table

    async def deliver_async(self, event_id: str = "evt_1", event_type: str = "payment.succeeded") -> WebhookAnswer:
        body = body_of(event_type, id=event_id)
        return await self.receiver.receive_async(*delivery_of(body, now=self.now))

    async def ship(self, event: PaymentEvent) -> None:
        connection = await self.sql.connection()
        await connection.execute(text(f"INSERT INTO {self.table} VALUES (:event)"), {"event": event.id})

    async def shipped(self) -> list[str]:
        async with self.sql.database.async_engine.connect() as connection:
            return sorted((await connection.execute(text(f"SELECT event FROM {self.table}"))).scalars())


@asynccontextmanager
async def async_shop(kind: str, folder: Path, **options: Any) -> AsyncIterator[AsyncShop]:
    """A shop on this driver; ``options`` are the engine's."""
    async with async_sql_store(kind, folder, **options) as store:
        engine = store.database.async_engine
        async with async_table(engine, "molam_test_shipments") as table:
            async with engine.begin() as connection:
                await connection.execute(text(f"CREATE TABLE {table} (event VARCHAR(40))"))
            made = AsyncShop(store, table)
            yield made
            assert await made.receiver.close_async()
