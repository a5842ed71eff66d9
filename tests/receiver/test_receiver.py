"""The receiver: one delivery in, one answer out, and what happened between."""

from __future__ import annotations

import json
from typing import Any

import pytest

from molam_sdk.store import Store
from tests.support.webhooks.deliveries import NOW, PAYMENT, body_of, delivery_of
from tests.support.webhooks.shop import Shop, told


def test_an_event_is_handled_once_and_its_duplicates_are_welcome(shop: Shop) -> None:
    assert told(shop.deliver()) == (200, "handled")
    assert told(shop.deliver()) == (200, "duplicate")
    assert told(shop.deliver("evt_2")) == (200, "handled")
    assert shop.seen == ["evt_1", "evt_2"]


def test_on_every_store_a_failed_event_runs_again_and_a_handled_one_does_not(store: Store) -> None:
    shop = Shop(store)
    shop.receiver.on("payment.succeeded")(shop.fulfil)
    shop.failures = 1
    assert [shop.deliver().result for _ in range(3)] == ["failed", "handled", "duplicate"]
    assert shop.seen == ["evt_1"]
    assert shop.receiver.prune() == 0


def test_a_failed_event_is_given_back_and_runs_at_the_next_delivery(shop: Shop) -> None:
    shop.failures = 1
    assert told(shop.deliver()) == (500, "failed")
    assert told(shop.deliver()) == (200, "handled")
    assert shop.seen == ["evt_1"]


def test_what_a_handler_raised_is_not_told_to_the_sender(shop: Shop) -> None:
    shop.failures = 1
    assert b"database" not in shop.deliver().body


def test_an_event_nobody_wants_is_answered_without_touching_the_store(shop: Shop) -> None:
    assert told(shop.deliver(event_type="payment.failed")) == (200, "ignored")
    assert told(shop.deliver(event_type="brand.new")) == (200, "ignored")


@pytest.mark.parametrize(
    ("headers", "body", "message"),
    [
        ({}, b"{}", "Missing Molam-Signature header"),
        ({"Molam-Signature": "t=1"}, b"{}", "Invalid signature header format"),
        (delivery_of(b"{}", now=NOW - 301)[0], b"{}", "timestamp outside tolerance"),
        (delivery_of(b"{}")[0], b"{ ", "Signature mismatch"),
        (*delivery_of(b"no"), "Invalid JSON payload"),
        (*delivery_of(b"{}"), "no usable id and type"),
        (*delivery_of(body_of(id="")), "no usable id and type"),
        (*delivery_of(body_of(id=7)), "no usable id and type"),
        (*delivery_of(body_of(id="e" * 256)), "no usable id and type"),
        (*delivery_of(b" " * 2_000_000), "more than 1048576 bytes"),
        ({"Content-Length": "2000000"}, b"", "more than 1048576 bytes"),
    ],
)
def test_a_bad_signature_or_body_is_a_400_that_says_why(shop: Shop, headers: Any, body: bytes, message: str) -> None:
    answer = shop.receiver.receive(headers, body)
    assert told(answer) == (400, "invalid")
    assert message in json.loads(answer.body)["error"]
    assert shop.seen == []


def test_with_the_ordering_guard_what_is_older_is_skipped() -> None:
    shop = Shop(skip_older=True)
    shop.receiver.on("payment.*")(shop.fulfil)
    assert told(shop.deliver("evt_2", created=int(NOW))) == (200, "handled")
    assert told(shop.deliver("evt_1", "payment.created", created=int(NOW) - 5)) == (200, "stale")
    assert told(shop.deliver("evt_3", created=int(NOW) - 5, data={**PAYMENT, "id": "pi_2"})) == (200, "handled")
    assert told(shop.deliver("evt_4", created=None)) == (200, "handled")
    assert shop.seen == ["evt_2", "evt_3", "evt_4"]


def test_without_the_guard_order_does_not_matter(shop: Shop) -> None:
    shop.deliver("evt_2", created=int(NOW))
    assert told(shop.deliver("evt_1", created=int(NOW) - 5)) == (200, "handled")
