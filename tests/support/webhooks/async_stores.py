"""Every store for event loops, made on the real thing, with names of its own that are cleaned up after the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

from redis.asyncio import Redis
from sqlalchemy import AsyncAdaptedQueuePool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from molam_sdk.receiver.blocking import run_coroutine
from molam_sdk.store import AsyncStore, Store
from molam_sdk.store.async_redis import AsyncRedisStore
from molam_sdk.store.async_sql import AsyncSqlStore
from tests.support.absent import leave_out
from tests.support.webhooks.stores import (
    MARIADB_URL,
    POSTGRES_URL,
    REDIS_URL,
    StoreMaker,
    redis_client,
    redis_prefix,
    unique,
)

ASYNC_URLS: dict[str, str] = {
    "aiosqlite": "sqlite+aiosqlite:///{folder}/shop.sqlite3",
    "asyncpg": POSTGRES_URL.replace("+psycopg:", "+asyncpg:"),
    "psycopg": POSTGRES_URL,
    "asyncmy": MARIADB_URL.replace("+pymysql:", "+asyncmy:"),
}


@asynccontextmanager
async def async_engine(url: str, **options: Any) -> AsyncIterator[AsyncEngine]:
    """An engine on a running database, or a skip."""
    if url.startswith("sqlite"):  # as newer SQLAlchemy does by itself for files
        options = {"poolclass": AsyncAdaptedQueuePool, **options}
    engine = create_async_engine(url, **options)
    try:
        async with engine.connect():
            pass
    except (DBAPIError, OSError) as down:
        leave_out(f"no database at {url}: {down}")
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def async_table(engine: AsyncEngine, prefix: str) -> AsyncIterator[str]:
    """The name of a table that is gone afterwards."""
    name = unique(prefix)
    try:
        yield name
    finally:
        async with engine.begin() as connection:
            await connection.execute(text(f"DROP TABLE IF EXISTS {name}"))


@asynccontextmanager
async def async_sql_store(kind: str, folder: Path, **options: Any) -> AsyncIterator[AsyncSqlStore]:
    """The store on this driver; ``options`` are the engine's."""
    url = ASYNC_URLS[kind].format(folder=folder)
    async with async_engine(url, **options) as engine, async_table(engine, "molam_test") as table:
        yield AsyncSqlStore(engine, table=table, clock="caller")


@asynccontextmanager
async def async_redis_store(_folder: Path | None = None, **options: Any) -> AsyncIterator[AsyncRedisStore]:
    """The store in Redis."""
    with redis_client() as admin, redis_prefix(admin) as prefix:
        client = Redis.from_url(REDIS_URL)
        try:
            yield AsyncRedisStore(client, prefix=prefix, **options)
        finally:
            await client.aclose()


class Driven:
    """A store for event loops as one that blocks: each step runs on the loop that the process has for that."""

    def __init__(self, store: AsyncStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Callable[..., Any]:
        step = getattr(self._store.in_steps, name)
        return lambda *args: run_coroutine(self._store.step(step, *args))


def driven(make: Callable[[Path], AbstractAsyncContextManager[AsyncStore]]) -> StoreMaker:
    """A store for event loops, for the tests that are told of every store."""

    @contextmanager
    def made(folder: Path) -> Iterator[Store]:
        making = make(folder)
        store = run_coroutine(_entered(making))
        try:
            yield cast("Store", Driven(store))
        finally:
            run_coroutine(_left(making))

    return made


async def _entered(making: AbstractAsyncContextManager[AsyncStore]) -> AsyncStore:
    return await making.__aenter__()


async def _left(making: AbstractAsyncContextManager[AsyncStore]) -> None:
    await making.__aexit__(None, None, None)


DRIVEN_STORES: dict[str, StoreMaker] = {
    "async-redis": driven(lambda folder: async_redis_store(folder, clock="caller")),
    "aiosqlite": driven(lambda folder: async_sql_store("aiosqlite", folder)),
    "asyncpg": driven(lambda folder: async_sql_store("asyncpg", folder)),
    "asyncmy": driven(lambda folder: async_sql_store("asyncmy", folder)),
}
