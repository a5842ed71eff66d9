"""No payment and no password in what goes wrong with a database: the journal's, and that of the inbox."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from molam_sdk import ClientConfig, ConfigurationError, MolamClient, MolamError, MolamSyncClient
from molam_sdk.receiver import WebhookReceiver
from molam_sdk.store.opening import opened_database, opened_store
from molam_sdk.store.sql import SqlStore
from molam_sdk.testing import ScriptedTransport
from molam_sdk.webhooks import sign
from tests.security.canaries import CARD, LIVE_KEY, MISPLACED, PAYMENT, PERSON, WEBHOOK_SECRET, found_in
from tests.security.conftest import Outlets
from tests.security.trackers import TRACKERS
from tests.support.webhooks.deliveries import body_of

Provoke = Callable[[Callable[[], object]], BaseException]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """The merchant's own, as SQLAlchemy makes it by default."""
    made = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    yield made
    made.dispose()


def _lose_tables(engine: Engine) -> None:
    with engine.begin() as connection:
        for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all():
            connection.execute(text(f'ALTER TABLE "{name}" RENAME TO "{name}_gone"'))


def _found(error: BaseException | None, outlets: Outlets) -> dict[str, list[str]]:
    ways = {} if error is None else {name: track(error) for name, track in TRACKERS.items()}
    return {name: found_in(text) for name, text in (ways | outlets.written()).items() if found_in(text)}


def test_a_journal_that_cannot_be_written_quotes_no_payment(engine: Engine, provoke: Provoke, outlets: Outlets) -> None:
    config = ClientConfig(api_key=LIVE_KEY, max_retries=0)
    with MolamSyncClient(config, transport=ScriptedTransport(), registry=outlets.registry, journal=engine) as client:
        _lose_tables(engine)
        error = provoke(partial(client.create_payment_intent, PAYMENT, idempotency_key="order-7"))
    assert isinstance(error, MolamError)
    assert "no such table" in "".join(error.causes)
    assert _found(error, outlets) == {}


def test_an_inbox_that_cannot_be_written_quotes_no_event(engine: Engine, outlets: Outlets) -> None:
    receiver = WebhookReceiver(
        {"v1": WEBHOOK_SECRET}, SqlStore(engine, create_table=True), process="later", registry=outlets.registry
    )
    receiver.on("payment.succeeded")(lambda _event: None)
    _lose_tables(engine)
    body = body_of(data={"id": "pi_1", "metadata": {"card": CARD, **PERSON}})
    answer = receiver.receive({"Molam-Signature": sign(body, WEBHOOK_SECRET)}, body)
    assert answer.status >= 500
    assert _found(None, outlets) == {}
    assert "no such table" in json.dumps(outlets.written())


BROKEN_URLS = [
    "postgres//shop:CANARY@db.test/shop",
    "postgresql:/shop:CANARY@db.test/shop",
    "postgresql+psycopg:shop:CANARY@db.test",
    "postgresql://shop:CANARY:more@db.test:port/shop",
    "no_such_database://shop:CANARY@db.test/shop",
    "://shop:CANARY@db.test",
    MISPLACED,
]


@pytest.mark.parametrize("where", BROKEN_URLS)
def test_an_address_that_is_none_is_refused_without_being_repeated(
    where: str, provoke: Provoke, outlets: Outlets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def opened(how: Any) -> None:
        with how(where):
            raise AssertionError("it was opened")

    client = partial(MolamClient, ClientConfig(api_key=LIVE_KEY, journal=where), transport=ScriptedTransport())
    error = provoke(client)
    assert isinstance(error, ConfigurationError)
    assert _found(error, outlets) == {}
    for how in (opened_store, partial(opened_store, table="events"), partial(opened_store, create_table=True)):
        refused = provoke(partial(opened, how))
        assert (type(refused), found_in(str(refused))) == (ValueError, [])
    assert found_in(str(provoke(partial(opened, opened_database)))) == []
    assert list(tmp_path.iterdir()) == []
