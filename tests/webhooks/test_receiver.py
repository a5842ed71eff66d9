"""The receiver: one delivery in, one answer out, and what happened between."""

from __future__ import annotations

import json
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk.contrib.webhooks import Claim, MemoryStore, WebhookAnswer, WebhookReceiver
from molam_sdk.webhooks import PaymentEvent, WebhookEvent
from tests.support.deliveries import NOW, PAYMENT, SECRETS, body_of, delivery_of
from tests.support.shop import BrokenStore, Shop, told


def test_an_event_is_handled_once_and_its_duplicates_are_welcome(shop: Shop) -> None:
    assert told(shop.deliver()) == (200, "handled")
    assert told(shop.deliver()) == (200, "duplicate")
    assert told(shop.deliver("evt_2")) == (200, "handled")
    assert shop.seen == ["evt_1", "evt_2"]


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


@pytest.mark.parametrize(
    ("headers", "body", "message"),
    [
        (delivery_of(b"{}")[0], b"", "has read or changed it"),
        ({"content-length": "9"}, b"{}", "The body has 2 bytes here, but 9 were sent"),
        (delivery_of(b"{}")[0], {"id": "evt_1"}, "was given a dict: it wants the raw body"),
        (delivery_of(b"{}")[0], None, "was given a NoneType"),
    ],
)
def test_a_body_that_something_took_is_a_500_so_that_molam_sends_it_again(
    shop: Shop, headers: Any, body: Any, message: str
) -> None:
    answer = shop.receiver.receive(headers, body)
    assert told(answer) == (500, "unreadable")
    assert message in json.loads(answer.body)["error"]


@pytest.mark.parametrize(
    "form",
    [
        lambda headers: {name.lower(): value for name, value in headers.items()},
        lambda headers: {name.upper(): [value] for name, value in headers.items()},
        lambda headers: list(headers.items()),
        lambda headers: [(name.encode(), value.encode()) for name, value in headers.items()],
        lambda headers: [("X-Other", "1"), *headers.items()],
    ],
)
def test_headers_come_in_many_forms(shop: Shop, form: Any) -> None:
    headers, body = delivery_of(body_of())
    assert told(shop.receiver.receive(form(headers), body)) == (200, "handled")


def test_pairs_on_two_header_lines_count_as_one_header(shop: Shop) -> None:
    headers, body = delivery_of(body_of())
    lines = [("Molam-Signature", "t=1,v1=00,kid=2"), ("Molam-Signature", headers["Molam-Signature"])]
    assert told(shop.receiver.receive(lines, body)) == (200, "handled")


def test_while_a_worker_has_the_event_the_others_say_when_to_come_back(shop: Shop) -> None:
    answers: list[WebhookAnswer] = []

    @shop.receiver.on("payment.failed")
    def meanwhile(event: PaymentEvent) -> None:
        shop.now += 15.5
        answers.append(shop.deliver(event_type="payment.failed"))

    assert told(shop.deliver(event_type="payment.failed")) == (200, "handled")
    assert told(answers[0]) == (409, "busy")
    assert answers[0].headers["Retry-After"] == "45"


def test_an_event_whose_worker_died_runs_after_the_lease(shop: Shop) -> None:
    shop.store.claim(Claim("evt_1", "payment.succeeded", "dead"), NOW, NOW + 60)
    assert told(shop.deliver()) == (409, "busy")
    shop.now = NOW + 60
    assert told(shop.deliver()) == (200, "handled")


def test_by_default_a_dead_workers_event_is_free_at_molams_first_retry() -> None:
    store = MemoryStore()
    receiver = WebhookReceiver(SECRETS, store, registry=CollectorRegistry(), clock=lambda: NOW)
    verdicts: list[str] = []

    @receiver.on("payment.succeeded")
    def dying(event: WebhookEvent) -> None:
        for seconds in (44, 46):
            claim = Claim(event.id, event.type, f"after {seconds}")
            verdicts.append(store.claim(claim, NOW + seconds, NOW + 100).verdict)

    receiver.receive(*delivery_of(body_of()))
    assert verdicts == ["busy", "run"]


def test_a_worker_that_lost_its_lease_does_not_end_the_delivery(shop: Shop) -> None:
    @shop.receiver.on("payout.paid")
    def slow(event: WebhookEvent) -> None:
        shop.now += 61
        shop.store.claim(Claim("evt_1", "payout.paid", "faster"), shop.now, shop.now + 60)

    assert told(shop.deliver(event_type="payout.paid")) == (409, "lost")


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_a_worker_that_is_told_to_stop_gives_the_event_back(shop: Shop, interrupt: type[BaseException]) -> None:
    stop = True

    @shop.receiver.on("payout.paid")
    def interrupted(event: WebhookEvent) -> None:
        if stop:
            raise interrupt

    with pytest.raises(interrupt):
        shop.deliver(event_type="payout.paid")
    stop = False
    assert told(shop.deliver(event_type="payout.paid")) == (200, "handled")


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


@pytest.mark.parametrize(
    ("step", "failures", "expected", "ran"),
    [
        ("claim", 0, (500, "store_error"), 0),
        ("renew", 1, (500, "failed"), 0),
        ("done", 0, (200, "handled"), 1),
        ("prune", 0, (200, "handled"), 1),
    ],
)
def test_a_store_that_goes_away_is_answered(step: str, failures: int, expected: tuple[int, str], ran: int) -> None:
    shop = Shop(BrokenStore(step))
    shop.receiver.on("payment.succeeded")(shop.fulfil)
    shop.failures, shop.now = failures, NOW + 7200
    assert told(shop.deliver()) == expected
    assert len(shop.seen) == ran


def test_old_events_are_pruned_about_once_an_hour() -> None:
    shop = Shop(retention_seconds=7200)
    shop.receiver.on("payment.succeeded")(shop.fulfil)
    shop.deliver("evt_1")
    shop.now = NOW + 7300
    shop.deliver("evt_2")
    assert told(shop.deliver("evt_1")) == (200, "handled")
    assert shop.receiver.prune() == 0
