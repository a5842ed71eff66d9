"""A worker killed at every point leaves either all of its work or none, and the next one does the rest once."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from molam_sdk.store import Claim
from molam_sdk.store.sql import SqlStore
from molam_sdk.webhooks import PaymentEvent
from tests.support.webhooks.deliveries import NOW
from tests.support.webhooks.shop import Shop
from tests.support.webhooks.stores import MARIADB_URL, POSTGRES_URL, rows, sql_engine, sql_table

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
URLS = {"sqlite": "sqlite:///{folder}/shop.sqlite3", "postgresql": POSTGRES_URL, "mariadb": MARIADB_URL}


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
@pytest.mark.parametrize(
    ("point", "left", "at_once", "later"),
    [
        ("handler", 0, "busy", "handled"),
        ("mark", 0, "busy", "handled"),
        ("after", 1, "duplicate", "duplicate"),
    ],
)
def test_a_killed_worker_leaves_all_or_nothing(
    url: str, point: str, left: int, at_once: str, later: str, tmp_path: Path
) -> None:
    url = url.format(folder=tmp_path)
    with sql_engine(url) as engine, sql_table(engine, "molam_test") as events, sql_table(engine, "orders") as orders:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE TABLE {orders} (id VARCHAR(20))"))
        doomed = [sys.executable, "-m", "tests.support.webhooks.doomed", url, events, orders, point]
        assert subprocess.run(doomed, cwd=ROOT).returncode == -signal.SIGKILL
        count = f"SELECT count(*) FROM {orders}"
        assert rows(engine, count) == [(left,)]

        store = SqlStore(engine, table=events, clock="caller")
        shop = Shop(store)

        @shop.receiver.on("payment.succeeded")
        def fulfil(event: PaymentEvent) -> None:
            store.connection.execute(text(f"INSERT INTO {orders} VALUES ('{event.id}')"))

        assert shop.deliver().result == at_once
        shop.now = NOW + 60
        assert shop.deliver().result == later
        assert rows(engine, count) == [(1,)]


@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
def test_a_worker_that_outlives_its_lease_is_rolled_back(url: str, tmp_path: Path) -> None:
    url = url.format(folder=tmp_path)
    with sql_engine(url) as engine, sql_table(engine, "molam_test") as events, sql_table(engine, "orders") as orders:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE TABLE {orders} (id VARCHAR(20))"))
        store = SqlStore(engine, table=events, clock="caller")
        shop = Shop(store)

        @shop.receiver.on("payment.succeeded")
        def slow(event: PaymentEvent) -> None:
            shop.now += 61
            faster = threading.Thread(
                target=store.claim, args=(Claim(event.id, event.type, "b"), shop.now, shop.now + 60)
            )
            faster.start()
            faster.join()
            store.connection.execute(text(f"INSERT INTO {orders} VALUES ('{event.id}')"))

        assert shop.deliver().result == "lost"
        assert rows(engine, f"SELECT count(*) FROM {orders}") == [(0,)]
        assert shop.deliver().result == "busy"
