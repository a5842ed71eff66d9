"""Handlers that share the transaction in which their event is marked done."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk.receiver import WebhookAnswer, WebhookReceiver
from molam_sdk.store import Claim, MemoryStore, SqliteStore
from molam_sdk.webhooks import PaymentEvent
from tests.support.webhooks.deliveries import SECRETS
from tests.support.webhooks.shop import Shop, told
from tests.support.webhooks.stores import STORES


@pytest.fixture
def sqlite_shop(tmp_path: Path) -> Shop:
    shop = Shop(SqliteStore(tmp_path / "shop.sqlite3"))
    store: Any = shop.store
    with shop.store.transaction():
        store.connection.execute("CREATE TABLE orders (id TEXT)")
    return shop


def orders(shop: Shop) -> int:
    store: Any = shop.store
    with shop.store.transaction():
        (number,) = store.connection.execute("SELECT count(*) FROM orders").fetchone()
    return int(number)


def test_what_a_handler_wrote_in_the_shared_transaction_goes_when_it_fails(sqlite_shop: Shop) -> None:
    store: Any = sqlite_shop.store
    fails = True

    @sqlite_shop.receiver.on("payment.succeeded")
    def fulfil(event: PaymentEvent) -> None:
        store.connection.execute("INSERT INTO orders VALUES (?)", (event.id,))
        if fails:
            raise RuntimeError

    assert told(sqlite_shop.deliver()) == (500, "failed")
    assert orders(sqlite_shop) == 0
    fails = False
    assert told(sqlite_shop.deliver()) == (200, "handled")
    assert orders(sqlite_shop) == 1


def test_a_worker_that_outlives_its_lease_leaves_nothing_in_the_shared_transaction(sqlite_shop: Shop) -> None:
    store: Any = sqlite_shop.store

    @sqlite_shop.receiver.on("payment.succeeded")
    def slow(event: PaymentEvent) -> None:
        sqlite_shop.now += 61
        thread = threading.Thread(target=take_over)
        thread.start()
        thread.join()
        store.connection.execute("INSERT INTO orders VALUES (?)", (event.id,))

    def take_over() -> None:
        store.claim(Claim("evt_1", "payment.succeeded", "faster"), sqlite_shop.now, sqlite_shop.now + 60)

    assert told(sqlite_shop.deliver()) == (409, "lost")
    assert orders(sqlite_shop) == 0


@pytest.mark.parametrize("kind", ["sqlite", "sqlalchemy-sqlite"])
def test_only_inside_a_handler_there_is_a_connection(kind: str, tmp_path: Path) -> None:
    with STORES[kind](tmp_path) as made:
        store: Any = made
        for inside in (False, True, False):
            with store.transaction() if inside else pytest.raises(RuntimeError, match="no transaction is open"):
                assert store.connection is store.connection


def test_a_delivery_within_a_handler_is_refused_before_it_waits_for_itself(sqlite_shop: Shop) -> None:
    inner: list[WebhookAnswer] = []

    @sqlite_shop.receiver.on("payment.succeeded")
    def fulfil(event: PaymentEvent) -> None:
        if event.id == "evt_1":
            inner.append(sqlite_shop.deliver("evt_2"))

    assert told(sqlite_shop.deliver("evt_1")) == (200, "handled")
    assert told(inner[0]) == (500, "failed")
    assert told(sqlite_shop.deliver("evt_2")) == (200, "handled")


def test_a_path_is_a_sqlite_file_and_memory_is_refused(tmp_path: Path) -> None:
    receiver = WebhookReceiver(SECRETS, tmp_path / "events.sqlite3", registry=CollectorRegistry())
    assert isinstance(receiver.store, SqliteStore)
    assert (tmp_path / "events.sqlite3").exists()
    with pytest.raises(ValueError, match="MemoryStore"):
        SqliteStore(":memory:")


class Refusing(MemoryStore):
    """A transactional store whose commit fails."""

    transactional = True

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()

    def done(self, claim: Claim, now: float) -> bool:
        raise OSError("commit failed")


def test_a_mark_that_fails_in_a_shared_transaction_is_a_failure() -> None:
    shop = Shop(Refusing())
    shop.receiver.on("payment.succeeded")(shop.fulfil)
    assert told(shop.deliver()) == (500, "failed")
