"""The shop of the run: handlers that write, fail, and outlive their lease, in a worker process that may be killed.

``payment.succeeded`` goes to a plain handler, one after the commit and a coroutine, ``payment.failed`` to a plain one
alone, ``refund.succeeded`` to a coroutine alone.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import redis
from prometheus_client import CollectorRegistry
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from molam_sdk.receiver import WebhookReceiver
from molam_sdk.receiver.inbox import attempts
from molam_sdk.store import SqliteStore
from molam_sdk.store.async_sql import AsyncSqlStore
from molam_sdk.store.redis import RedisStore
from molam_sdk.store.sql import SqlStore
from molam_sdk.webhooks import WebhookEvent
from tests.receiver.chaos.django_shop import PREFIX
from tests.support.webhooks.deliveries import SECRETS

LEASE_SECONDS: Final = 3.0
TYPES: Final = ("payment.succeeded", "payment.failed", "refund.succeeded")
QUEUE: Final = "queued"


@dataclass(frozen=True)
class Settings:
    """One worker process. ``kind``: threads, asyncio or gevent. ``effects`` is the shop's database, where that is not
    the store's; ``skew`` is seconds by which the worker's clock is wrong."""

    kind: str
    mode: str
    store: str
    effects: str
    broker: str
    port: int
    skew: float


def store_of(url: str) -> Any:
    """The store at a URL."""
    if url.startswith(PREFIX):
        from molam_sdk.contrib.django.store import DjangoStore

        return DjangoStore()
    if "+asyncpg:" in url:
        return AsyncSqlStore(create_async_engine(url, pool_pre_ping=True))
    if url.startswith("redis:"):
        return RedisStore(redis.Redis.from_url(url, socket_timeout=20))
    if url.startswith("sqlite:///"):
        return SqliteStore(url.removeprefix("sqlite:///"))
    return SqlStore(create_engine(url))


def close_store(store: Any) -> None:
    """Close the connections that it keeps."""
    if isinstance(store, RedisStore):
        store._client.close()
    elif isinstance(store, SqliteStore):
        store.close()
    else:
        store.database.engine.dispose()


def prepare(url: str) -> None:
    """The shop's tables: nothing keeps a second shipment out but the receiver, unless the store has no transactions."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE shipments (event VARCHAR(60))"))
        connection.execute(text("CREATE TABLE keyed (event VARCHAR(60) PRIMARY KEY)"))
    engine.dispose()


def receiver_of(settings: Settings) -> WebhookReceiver:
    """The receiver with its handlers."""
    attempts._FIRST_PAUSE = 0.05  # type: ignore[misc]  # the run has no minutes to wait
    attempts._LONGEST_PAUSE = 2.0  # type: ignore[misc]
    store = store_of(settings.store)
    process: Any = settings.mode
    receiver = WebhookReceiver(
        SECRETS,
        store,
        process=process,
        lease_seconds=LEASE_SECONDS,
        max_attempts=100_000,
        registry=CollectorRegistry(),
        clock=lambda: time.time() + settings.skew,
    )
    keyed = _writer_under_a_key(settings.effects)
    broker = redis.Redis.from_url(settings.broker, socket_timeout=5)

    async def ship_awaited(event: WebhookEvent) -> None:
        await (await store.connection()).execute(text("INSERT INTO shipments VALUES (:event)"), {"event": event.id})
        await asyncio.to_thread(stumble)

    def ship(event: WebhookEvent) -> None:
        if store.transactional:
            store.database.execute("INSERT INTO shipments VALUES (:event)", {"event": event.id})
        else:
            keyed(f"ship {event.id}")
        stumble()

    def queue(event: WebhookEvent) -> None:
        broker.rpush(QUEUE, event.id)

    async def tell(event: WebhookEvent) -> None:
        await asyncio.to_thread(keyed, f"tell {event.id}")
        if random.random() < 0.05:
            raise RuntimeError("the mail server is away")

    receiver.on("payment.succeeded", "payment.failed")(ship_awaited if isinstance(store, AsyncSqlStore) else ship)
    receiver.on("payment.succeeded", after_commit=True)(queue)
    receiver.on("payment.succeeded", "refund.succeeded")(tell)
    return receiver


def stumble() -> None:
    """Fail one time in ten, outlive the lease one time in two hundred."""
    chance = random.random()
    if chance < 0.1:
        raise RuntimeError("the shop's database is away")
    if chance < 0.105:
        time.sleep(LEASE_SECONDS * 1.2)


def _writer_under_a_key(url: str) -> Callable[[str], None]:
    """Writes each text once: for what runs outside of the store's transaction."""
    engine = create_engine(url)

    def write(what: str) -> None:
        try:
            with engine.begin() as connection:
                connection.execute(text("INSERT INTO keyed VALUES (:what)"), {"what": what})
        except IntegrityError:
            return

    return write
