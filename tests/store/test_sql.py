"""What only the SQLAlchemy store does: connections that broke or belong to a parent, tables that others make."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, create_engine
from sqlalchemy.exc import OperationalError

from molam_sdk.store import Claim
from molam_sdk.store.sql import SqlStore, events_table
from tests.support.webhooks.stores import POSTGRES_URL, rows, sql_engine, sql_table, unique

NOW = 1_800_000_000.0
ONE = Claim("evt_1", "payment.succeeded", "token-a")


@contextmanager
def store_of(url: str, **options: Any) -> Iterator[SqlStore]:
    """A store that makes its engine itself; nothing is left open."""
    store = SqlStore(url, **options)
    try:
        yield store
    finally:
        store._engine.dispose()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_does_not_use_its_parents_connections(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/shop.sqlite3")
    store = SqlStore(engine)
    pool = engine.pool
    child = os.fork()
    if child == 0:
        os._exit(0 if engine.pool is not pool and store.prune(0.0) == 0 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert engine.pool is pool
    engine.dispose()


def test_a_connection_that_the_database_closed_costs_no_delivery() -> None:
    name = unique("molam_test")
    url = f"{POSTGRES_URL}?application_name={name}"
    killed = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"
    with sql_engine(POSTGRES_URL) as admin, sql_table(admin, name) as table, store_of(url, table=table) as store:
        store.claim(ONE, NOW, NOW + 60)
        assert rows(admin, killed) == [(True,)]
        assert store.done(ONE, NOW)


def test_workers_that_start_together_all_find_the_table(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.sqlite3"
    start = threading.Barrier(4)

    def begin(worker: int) -> str:
        start.wait()
        with store_of(url) as store:
            return store.claim(replace(ONE, event_id=f"evt_{worker}"), NOW, NOW + 60).decision

    with ThreadPoolExecutor(4) as workers:
        assert list(workers.map(begin, range(4))) == ["run"] * 4


def test_a_table_that_cannot_be_made_is_an_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OperationalError):
        SqlStore(f"sqlite:///{tmp_path}/no-such-folder/shop.sqlite3")


def test_the_table_is_what_migrations_of_shops_were_made_from() -> None:
    table = events_table(MetaData())
    assert table.name == "molam_webhook_events"
    assert [column.name for column in table.primary_key] == ["key"]
    columns = [f"{column.name} {column.type} {'null' if column.nullable else 'not null'}" for column in table.columns]
    assert columns == [
        "key VARCHAR(64) not null",
        "event_id VARCHAR(255) not null",
        "event_type VARCHAR(255) not null",
        "object_key VARCHAR(64) null",
        "created DOUBLE not null",
        "token VARCHAR(32) not null",
        "lease_until DOUBLE not null",
        "done BOOLEAN not null",
        "finished TEXT not null",
        "touched DOUBLE not null",
        "ahead DOUBLE null",
        "state VARCHAR(32) null",
        "object_id VARCHAR(255) null",
        "headers TEXT null",
        "body BLOB null",
        "first_seen DOUBLE null",
        "attempts BIGINT null",
        "due DOUBLE null",
        "last_error TEXT null",
        "note TEXT null",
        "occurrence VARCHAR(64) null",
    ]
    indexes = {str(index.name): [column.name for column in index.columns] for index in table.indexes}
    assert indexes == {
        "molam_webhook_events_object": ["object_key", "created"],
        "molam_webhook_events_touched": ["touched"],
        "molam_webhook_events_occurrence": ["occurrence"],
        "molam_webhook_events_due": ["due"],
        "molam_webhook_events_state": ["state", "first_seen"],
    }
