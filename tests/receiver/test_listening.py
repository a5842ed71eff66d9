"""A journal hears of events: what names an open entry's object closes it, in the transaction that marks the event."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from molam_sdk import ConfigurationError
from molam_sdk.journal import MemoryJournal
from molam_sdk.journal.naming import tag_of
from molam_sdk.receiver import WebhookReceiver
from molam_sdk.store import MemoryStore, SqliteStore
from molam_sdk.store.sql import SqlStore
from tests.support.journals import DONE, OPEN, Bench, a_database, bench_of
from tests.support.webhooks.deliveries import body_of, delivery_of
from tests.support.webhooks.shop import Shop
from tests.support.webhooks.stores import POSTGRES_URL

CAPTURE: dict[str, Any] = {
    "operation": "capture_payment_intent",
    "path": "/v1/connect/payment_intents/pi_1/capture",
    "body": b"{}",
}
PAYMENT = {"id": "pi_1", "status": "succeeded", "amount": 100.5, "amount_captured": 100.5, "currency": "USD"}


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Shop, Bench]]:
    """A shop, and a journal in the database of its store: named once for both."""
    if request.param == "sqlite":
        file = SqliteStore(tmp_path / "shop.db")
        shop = Shop(file)
        yield shop, bench_of(file.database)
        shop.receiver.close()
        file.close()
        return
    with a_database(POSTGRES_URL) as url:
        store = SqlStore(url)
        shop = Shop(store)
        yield shop, bench_of(store.database)
        shop.receiver.close()
        store.database.engine.dispose()


def wanting(shop: Shop) -> Shop:
    shop.receiver.on("payment.*")(shop.fulfil)
    return shop


def awaited(shop: Shop, **fields: Any) -> Any:
    delivery = delivery_of(body_of(**fields), now=shop.now)
    return asyncio.run(shop.receiver.receive_async(*delivery))


def test_an_event_closes_the_open_entry_about_its_object(place: tuple[Shop, Bench]) -> None:
    shop, bench = place
    bench.left(OPEN, "capture", **CAPTURE)
    assert wanting(shop).deliver(data=PAYMENT).result == "handled"
    entry = bench.entry("capture")
    assert (entry.state, entry.code, entry.result.amount_captured) == ("done", "event", 100.5)


def test_an_event_that_nobody_wants_closes_it_too(place: tuple[Shop, Bench]) -> None:
    shop, bench = place
    for key, deliver in (("first", shop.deliver), ("second", lambda **fields: awaited(shop, **fields))):
        bench.left(OPEN, key, **CAPTURE)
        assert deliver(data=PAYMENT).result == "ignored"
        assert bench.entry(key).state == "done"


def test_an_event_that_is_awaited_closes_it_too(place: tuple[Shop, Bench]) -> None:
    shop, bench = place
    seen = []

    async def fulfil(event: Any) -> None:
        seen.append(event.id)

    shop.receiver.on("payment.*")(fulfil)
    bench.left(OPEN, "capture", **CAPTURE)
    assert awaited(shop, data=PAYMENT).result == "handled"
    assert (seen, bench.entry("capture").state) == (["evt_1"], "done")


def test_an_event_for_later_closes_it_when_it_is_stored(place: tuple[Shop, Bench]) -> None:
    shop, bench = place
    later = wanting(Shop(shop.store, process="later"))
    bench.left(OPEN, "capture", **CAPTURE)
    assert later.deliver(data=PAYMENT).result == "stored"
    assert (later.seen, bench.entry("capture").state) == ([], "done")
    later.receiver.worker().run_until_empty()
    assert later.seen == ["evt_1"]


def test_a_handler_that_fails_leaves_it_open_until_the_event_is_done(place: tuple[Shop, Bench]) -> None:
    shop, bench = place
    wanting(shop).failures = 1
    bench.left(OPEN, "capture", **CAPTURE)
    assert shop.deliver(data=PAYMENT).result == "failed"
    assert bench.entry("capture").state == "open"
    assert shop.deliver(data=PAYMENT).result == "handled"
    assert bench.entry("capture").state == "done"


def test_a_mark_that_is_lost_undoes_what_was_closed(place: tuple[Shop, Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    shop, bench = place
    bench.left(OPEN, "capture", **CAPTURE)
    monkeypatch.setattr(type(shop.store), "done", lambda *_: False)
    assert wanting(shop).deliver(data=PAYMENT).result == "lost"
    assert bench.entry("capture").state == "open"


def test_an_object_is_named_by_its_tag(place: tuple[Shop, Bench]) -> None:
    shop, bench = place
    body = b'{"amount":100.5,"currency":"USD","metadata":{"molam_entry":"%s"}}'
    create = {"operation": "create_payment_intent", "path": "/v1/connect/payment_intents"}
    tags = {key: tag_of("create_payment_intent", key, b"{}") for key in ("order-7", "order-8")}
    for key, tag in tags.items():
        bench.left(OPEN, key, body=body % tag.encode(), **create)
    shop.deliver(data=PAYMENT | {"metadata": {"molam_entry": tags["order-7"]}})
    assert [bench.entry(key).state for key in tags] == ["done", "open"]
    assert bench.entry("order-7").object_id == "pi_1"


@pytest.mark.parametrize(
    "data",
    [
        PAYMENT | {"id": "pi_2"},  # another object
        PAYMENT | {"status": "requires_capture"},  # nothing is settled yet
        PAYMENT | {"amount_captured": 50},  # another capture's
        {"id": "pi_1", "status": "succeeded"},  # no payment
        {"id": "pi_1"},
        ["pi_1"],
    ],
)
def test_what_is_not_certain_closes_nothing(place: tuple[Shop, Bench], data: Any) -> None:
    shop, bench = place
    bench.left(OPEN, "capture", **CAPTURE | {"body": b'{"amount":100.5}'})
    shop.deliver(data=data)
    assert bench.entry("capture").state == "open"


def test_a_tag_that_was_copied_to_another_kind_or_price_closes_nothing(place: tuple[Shop, Bench]) -> None:
    shop, bench = place
    body = b'{"amount":100.5,"currency":"USD","metadata":{"molam_entry":"abc"}}'
    bench.left(OPEN, "order-7", operation="create_payment_intent", path="/v1/connect/payment_intents", body=body)
    tagged = {"metadata": {"molam_entry": "abc"}}
    shop.deliver(data=PAYMENT | tagged | {"id": "re_1", "payment_id": "pi_1"})
    shop.deliver(data=PAYMENT | tagged | {"amount": 5})
    assert bench.entry("order-7").state == "open"


def test_a_refusal_is_told_by_the_objects_state(place: tuple[Shop, Bench]) -> None:
    shop, bench = place
    bench.left(OPEN, "capture", **CAPTURE)
    shop.deliver(event_type="payment.canceled", data=PAYMENT | {"status": "canceled"})
    entry = bench.entry("capture")
    assert (entry.state, entry.outcome) == ("refused", "rejected")
    assert entry.note == "payment.canceled evt_1: Molam's object is canceled"


def test_a_journal_elsewhere_is_told_before_the_handlers_run(tmp_path: Path) -> None:
    file = SqliteStore(tmp_path / "journal.db")
    bench = bench_of(file.database)
    for number, store in enumerate((MemoryStore(), SqliteStore(tmp_path / "events.db"))):
        shop = wanting(Shop(store, journal=file))
        bench.left(OPEN, f"capture-{number}", **CAPTURE)
        assert shop.deliver(data=PAYMENT).result == "handled"
        assert bench.entry(f"capture-{number}").state == "done"


def test_a_journal_in_the_very_file_may_be_named_a_second_time(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "shop.db")
    bench = bench_of(store.database)
    shop = wanting(Shop(store, journal=str(tmp_path / "shop.db")))
    bench.left(OPEN, "capture", **CAPTURE)
    assert shop.deliver(data=PAYMENT).result == "handled"
    assert bench.entry("capture").state == "done"


def test_a_journal_that_is_away_has_the_event_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = MemoryJournal()
    shop = wanting(Shop(journal=journal))

    def away(*_: Any) -> int:
        raise OSError("away")

    with monkeypatch.context() as broken:
        broken.setattr(journal, "hear", away)
        assert shop.deliver(data=PAYMENT).result == "store_error"
        assert shop.deliver(event_type="refund.created", data=PAYMENT).result == "store_error"
    assert shop.seen == []
    assert shop.deliver(data=PAYMENT).result == "handled"


def test_a_store_without_a_journal_is_no_hindrance(tmp_path: Path) -> None:
    shop = wanting(Shop(SqliteStore(tmp_path / "shop.db")))
    assert shop.deliver(data=PAYMENT).result == "handled"
    assert shop.deliver(event_type="refund.created", data=PAYMENT).result == "ignored"


def test_a_journals_store_that_cannot_hear_is_refused() -> None:
    class Own:
        begin = end = find = page = prune = lambda *_: None

    with pytest.raises(ConfigurationError, match="the inbox: Own lacks hear, heard_at"):
        WebhookReceiver("whsec_x", MemoryStore(), journal=Own())  # type: ignore[arg-type]


def test_what_has_ended_is_left_as_it_is(place: tuple[Shop, Bench]) -> None:
    shop, bench = place
    before = bench.left(DONE, "capture", **CAPTURE)
    shop.deliver(data=PAYMENT)
    assert bench.entry("capture").answer == before.answer
    assert bench.store.heard_at("pi_1") is not None
