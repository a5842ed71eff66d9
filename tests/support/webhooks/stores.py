"""Every dedupe store, made on the real thing, with names of its own that are cleaned up after the test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as RedisDown
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from molam_sdk.store import MemoryStore, SqliteStore, Store
from molam_sdk.store.redis import RedisStore
from molam_sdk.store.sql import SqlStore
from tests.support.absent import leave_out

REDIS_URL = os.environ.get("MOLAM_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
POSTGRES_URL = os.environ.get("MOLAM_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
MARIADB_URL = os.environ.get("MOLAM_TEST_MARIADB_URL", "mysql+pymysql://root@127.0.0.1:3306/test")

StoreMaker = Callable[[Path], AbstractContextManager[Store]]


def unique(prefix: str) -> str:
    """A name that no other test run uses."""
    return f"{prefix}_{uuid.uuid4().hex[:12]}"


@contextmanager
def redis_client() -> Iterator[Redis]:
    """A client of a running Redis, or a skip."""
    client = Redis.from_url(REDIS_URL)
    try:
        client.ping()
    except RedisDown as down:
        leave_out(f"no Redis at {REDIS_URL}: {down}")
    try:
        yield client
    finally:
        client.close()


@contextmanager
def redis_prefix(client: Redis) -> Iterator[str]:
    """A prefix whose keys are gone afterwards."""
    prefix = unique("molam_test")
    try:
        yield prefix
    finally:
        for key in client.scan_iter(f"*{prefix}*"):
            client.delete(key)


@contextmanager
def sql_engine(url: str) -> Iterator[Engine]:
    """An engine on a running database, or a skip."""
    engine = create_engine(url)
    try:
        engine.connect().close()
    except OperationalError as down:
        leave_out(f"no database at {url}: {down}")
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def sql_table(engine: Engine, prefix: str) -> Iterator[str]:
    """The name of a table that is gone afterwards."""
    name = unique(prefix)
    try:
        yield name
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"DROP TABLE IF EXISTS {name}"))


@contextmanager
def _redis(folder: Path) -> Iterator[Store]:
    with redis_client() as client, redis_prefix(client) as prefix:
        yield RedisStore(client, prefix=prefix, clock="caller")


@contextmanager
def _sqlite(folder: Path) -> Iterator[Store]:
    with closing(SqliteStore(folder / "events.sqlite3")) as store:
        yield store


def _sql(url: str) -> StoreMaker:
    @contextmanager
    def make(folder: Path) -> Iterator[Store]:
        with sql_engine(url.format(folder=folder)) as engine, sql_table(engine, "molam_test") as table:
            yield SqlStore(engine, table=table, clock="caller")

    return make


@contextmanager
def _django(folder: Path) -> Iterator[Store]:
    from tests.support.webhooks.django_project import migrated

    with migrated():
        from molam_sdk.contrib.django.store import DjangoStore

        yield DjangoStore(clock="caller")


STORES: dict[str, StoreMaker] = {
    "memory": lambda folder: nullcontext(MemoryStore()),
    "sqlite": _sqlite,
    "redis": _redis,
    "sqlalchemy-sqlite": _sql("sqlite:///{folder}/shop.sqlite3"),
    "postgresql": _sql(POSTGRES_URL),
    "mariadb": _sql(MARIADB_URL),
    "django": _django,
}
# Which look at a row first and take it then; and in which nothing expires by itself.
ROW_STORES = ["sqlalchemy-sqlite", "postgresql", "mariadb", "django"]
INBOX_STORES = ["sqlite", *ROW_STORES]
PRUNED_STORES = [name for name in STORES if name != "redis"]
TRANSACTIONAL_STORES = ["sqlite", *ROW_STORES]


def rows(engine: Engine, statement: str) -> list[Any]:
    """What a query finds, on a connection of its own."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def close_database_of_this_thread() -> None:
    """Django keeps a connection for each thread, which nobody else can close."""
    from django.conf import settings
    from django.db import connections

    if settings.configured:
        connections.close_all()
