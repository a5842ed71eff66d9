"""The events of one object, kept in order: one at a time, older ones first, and none is ever dropped."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from molam_sdk.receiver import WebhookAnswer
from molam_sdk.store import Claim, SqliteStore
from molam_sdk.store.claims import PATIENCE_SECONDS
from molam_sdk.webhooks import PaymentEvent
from tests.support.webhooks.deliveries import NOW, PAYMENT, body_of, delivery_of
from tests.support.webhooks.shop import Shop, told


class OrderedShop(Shop):
    """Notes what ran, and which of it came late."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given, in_order=True)
        self.ran: list[tuple[str, bool]] = []
        self.receiver.on("payment.*")(self.note)

    def note(self, event: PaymentEvent) -> None:
        self.fulfil(event)
        self.ran.append((event.id, event.late))

    def at(self, event_id: str, created: object, **fields: Any) -> WebhookAnswer:
        return self.deliver(event_id, created=created, **fields)


@pytest.fixture
def ordered() -> OrderedShop:
    return OrderedShop()


def test_an_event_that_failed_runs_again_although_a_newer_one_came(ordered: OrderedShop) -> None:
    ordered.failures = 1
    assert told(ordered.at("evt_paid", NOW)) == (500, "failed")
    assert told(ordered.at("evt_refunded", NOW + 5)) == (409, "busy")
    assert told(ordered.at("evt_paid", NOW)) == (200, "handled")
    assert told(ordered.at("evt_refunded", NOW + 5)) == (200, "handled")
    assert ordered.ran == [("evt_paid", False), ("evt_refunded", False)]


def test_an_event_that_goes_on_failing_holds_a_newer_one_up_for_a_while_and_runs_late(ordered: OrderedShop) -> None:
    ordered.failures = 1
    assert told(ordered.at("evt_paid", NOW)) == (500, "failed")
    ordered.now += PATIENCE_SECONDS
    assert told(ordered.at("evt_refunded", NOW + 5)) == (200, "handled")
    assert told(ordered.at("evt_paid", NOW)) == (200, "handled")
    assert ordered.ran == [("evt_refunded", False), ("evt_paid", True)]


def test_an_event_that_was_overtaken_on_its_way_runs_and_is_late(ordered: OrderedShop) -> None:
    assert told(ordered.at("evt_paid", NOW)) == (200, "handled")
    assert told(ordered.at("evt_created", NOW - 5)) == (200, "handled")
    assert told(ordered.at("evt_created", NOW - 5)) == (200, "duplicate")
    assert ordered.ran == [("evt_paid", False), ("evt_created", True)]


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        (NOW, NOW - 1),
        (NOW * 1000 + 2, NOW * 1000 + 1),
        (int(NOW * 1000) + 2, int(NOW * 1000) + 1),
        (int(NOW * 1_000_000) + 2, int(NOW * 1_000_000) + 1),
        (int(NOW * 1000), int(NOW) - 1),
        ("2027-01-15T08:00:00.002Z", "2027-01-15T08:00:00.001Z"),
    ],
)
def test_the_order_goes_by_created_however_fine_it_is(ordered: OrderedShop, newer: object, older: object) -> None:
    ordered.at("evt_newer", newer)
    ordered.at("evt_older", older)
    assert ordered.ran == [("evt_newer", False), ("evt_older", True)]


def test_events_of_other_objects_and_those_that_say_no_time_wait_for_nobody(ordered: OrderedShop) -> None:
    ordered.failures = 1
    assert told(ordered.at("evt_1", NOW)) == (500, "failed")
    assert told(ordered.at("evt_2", NOW + 5, data={**PAYMENT, "id": "pi_2"})) == (200, "handled")
    assert told(ordered.at("evt_3", None)) == (200, "handled")


def test_without_the_order_nothing_waits(shop: Shop) -> None:
    shop.failures = 1
    assert told(shop.deliver("evt_paid", created=NOW)) == (500, "failed")
    assert told(shop.deliver("evt_refunded", created=NOW + 5)) == (200, "handled")


async def test_of_two_in_flight_one_runs_and_the_other_comes_again() -> None:
    ordered = OrderedShop()
    begun, go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    @ordered.receiver.on("payment.succeeded")
    def slow(event: PaymentEvent) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert go.wait(20)

    def deliver(event_id: str, created: float) -> Any:
        return ordered.receiver.receive_async(*delivery_of(body_of(id=event_id, created=created)))

    older = asyncio.ensure_future(deliver("evt_1", NOW))
    await begun.wait()
    assert told(await deliver("evt_2", NOW + 5)) == (409, "busy")
    go.set()
    assert told(await older) == (200, "handled")
    assert told(await deliver("evt_2", NOW + 5)) == (200, "handled")


def test_what_an_event_wrote_that_was_overtaken_meanwhile_is_undone_and_written_as_late(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "shop.sqlite3")
    ordered = OrderedShop(store)
    with store.transaction():
        store.connection.execute("CREATE TABLE states (event TEXT, late INTEGER)")

    @ordered.receiver.on("payment.succeeded")
    def slow(event: PaymentEvent) -> None:
        if not event.late:
            ordered.now += PATIENCE_SECONDS
            newer = threading.Thread(target=run_newer)
            newer.start()
            newer.join()
        store.connection.execute("INSERT INTO states VALUES (?, ?)", (event.id, event.late))

    def run_newer() -> None:
        claim = Claim("evt_newer", "payment.canceled", "b", "pi_1", NOW + 5)
        assert store.claim(claim, ordered.now, ordered.now + 60).decision == "run"
        assert store.done(claim, ordered.now)

    assert told(ordered.at("evt_paid", NOW)) == (409, "lost")
    assert told(ordered.at("evt_paid", NOW)) == (200, "handled")
    with store.transaction():
        assert store.connection.execute("SELECT event, late FROM states").fetchall() == [("evt_paid", 1)]


def test_skip_older_counts_as_the_order_that_drops_nothing() -> None:
    with pytest.warns(DeprecationWarning, match="skip_older dropped events whose work was never done"):
        shop = Shop(skip_older=True)
    shop.receiver.on("payment.*")(shop.fulfil)
    assert told(shop.deliver("evt_paid", created=NOW)) == (200, "handled")
    assert told(shop.deliver("evt_created", created=NOW - 5)) == (200, "handled")
