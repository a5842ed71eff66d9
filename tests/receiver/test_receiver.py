"""The receiver: one delivery in, one answer out, and what happened between."""

from __future__ import annotations

import json
from typing import Any

import pytest

from molam_sdk.receiver import WebhookReceiver
from molam_sdk.store import MemoryStore, Store
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
        (delivery_of(b"{}")[0], b"{ ", "Signature mismatch"),
        (*delivery_of(b" " * 2_000_000), "more than 1048576 bytes"),
        ({"Content-Length": "2000000"}, b"", "more than 1048576 bytes"),
    ],
)
def test_a_bad_signature_or_body_is_a_400_that_says_why(shop: Shop, headers: Any, body: bytes, message: str) -> None:
    answer = shop.receiver.receive(headers, body)
    assert told(answer) == (400, "invalid")
    assert message in json.loads(answer.body)["error"]
    assert shop.seen == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"no", "Invalid JSON payload"),
        (b"[" * 100_000, "Invalid JSON payload"),
        (b'{"a": NaN}', "Invalid JSON payload"),
        (b"\xff\xfe{}", "Invalid JSON payload"),
        (b"[]", "an event is a JSON object"),
        (b"{}", "no usable id and type"),
        (body_of(id=""), "no usable id and type"),
        (body_of(id=7), "no usable id and type"),
        (body_of(id="e" * 256), "no usable id and type"),
        (body_of(id="evt_\0"), "no usable id and type"),
        (body_of(id="evt_\ud83d"), "no usable id and type"),
    ],
)
def test_what_molam_signed_and_is_no_event_is_sent_again(shop: Shop, body: bytes, message: str) -> None:
    answer = shop.receiver.receive(*delivery_of(body))
    assert told(answer) == (500, "malformed")
    assert message in json.loads(answer.body)["error"]
    assert shop.count("unverified", "malformed") == 1


def test_a_cut_emoji_in_a_signed_event_is_handled(shop: Shop) -> None:
    body = body_of(data={**PAYMENT, "description": "cut \ud83d"})
    assert told(shop.receiver.receive(*delivery_of(body))) == (200, "handled")


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_clock_that_is_off_costs_no_event(shop: Shop, seconds: int) -> None:
    answer = shop.receiver.receive(*delivery_of(body_of(), now=NOW + seconds))
    assert told(answer) == (503, "clock")
    assert answer.headers["Retry-After"] == "60"
    assert (
        told(
            shop.receiver.receive(
                *delivery_of(b"forged", now=NOW + seconds),
            )
        )[0]
        == 503
    )
    headers, body = delivery_of(body_of(), now=NOW + seconds)
    forged = {**headers, "Content-Length": str(len(body) + 1)}
    assert told(shop.receiver.receive(forged, body + b" ")) == (400, "invalid")


@pytest.mark.parametrize(
    ("receivers", "events", "expected"),
    [
        (True, True, (200, "handled")),
        (True, None, (200, "handled")),
        (True, False, (200, "test_mode")),
        (False, False, (200, "handled")),
        (False, None, (200, "handled")),
        (False, True, (503, "live_mode")),
        (None, True, (200, "handled")),
        (None, False, (200, "handled")),
    ],
)
def test_the_mode_is_guarded(receivers: bool | None, events: bool | None, expected: tuple[int, str]) -> None:
    shop = Shop(livemode=receivers)
    shop.receiver.on("payment.succeeded")(shop.fulfil)
    assert told(shop.deliver(livemode=events)) == expected
    assert bool(shop.seen) is (expected[1] == "handled")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tolerance_seconds", None),
        ("tolerance_seconds", float("inf")),
        ("lease_seconds", 0),
        ("lease_seconds", float("nan")),
        ("retention_seconds", -1),
        ("workers", 0),
        ("workers", 1.5),
        ("max_in_flight", True),
        ("max_bytes", "1"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name} is "):
        Shop(**{name: value})


def test_beyond_the_bound_a_delivery_is_sent_again_later() -> None:
    shop = Shop(max_in_flight=1)
    inner: list[Any] = []

    @shop.receiver.on("payment.succeeded")
    def fulfil(event: Any) -> None:
        if event.id == "evt_1":
            inner.append(shop.deliver("evt_2"))

    assert told(shop.deliver()) == (200, "handled")
    assert told(inner[0]) == (503, "full")
    assert inner[0].headers["Retry-After"] == "5"
    assert told(shop.receiver.receive({}, b"")) == (400, "invalid")
    assert told(shop.deliver("evt_2")) == (200, "handled")


def test_a_receiver_that_was_closed_has_deliveries_sent_again(shop: Shop) -> None:
    assert told(shop.deliver()) == (200, "handled")
    assert shop.receiver.close()
    assert told(shop.deliver("evt_2")) == (503, "stopping")


def test_a_receiver_says_that_a_delivery_did_not_end_in_time(shop: Shop) -> None:
    ended: list[bool] = []
    shop.receiver.on("payout.paid")(lambda event: ended.append(shop.receiver.close(0.01)))
    assert told(shop.deliver(event_type="payout.paid")) == (200, "handled")
    assert ended == [False]


@pytest.mark.parametrize(
    ("part", "given"),
    [
        *[("secrets", given) for given in (None, 3, ["whsec_c2VjcmV0"], ("whsec_c2VjcmV0",))],
        *[("store", given) for given in (None, 3, b"shop.sqlite3", object())],
        ("client", "sk_test_1"),
        *[("livemode", given) for given in ("yes", 1, "false")],
        *[("clock", given) for given in (None, 1700000000.0)],
    ],
)
def test_a_receiver_of_parts_that_cannot_work_is_not_made(part: str, given: Any) -> None:
    with pytest.raises(TypeError, match=f"{part} is a {type(given).__name__}: it must be "):
        WebhookReceiver(**{"secrets": "whsec_c2VjcmV0", "store": MemoryStore(), part: given})
