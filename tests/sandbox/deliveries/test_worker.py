"""Deliveries on their way: order, retries by the clock, endpoints that go, faults."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import time

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import ENDPOINTS, PAYOUT, PAYOUTS, REFUNDS, Api, code
from tests.support.sandbox_receiver import Arrival, Receiver

SCHEDULE = (60, 300, 900, 3600, 21600, 86400)


def expected_signature(arrival: Arrival, secret: str) -> str:
    t = arrival.signature.partition("t=")[2].partition(",")[0]
    return hmac.new(secret.encode(), t.encode() + b"." + arrival.payload, hashlib.sha256).hexdigest()


def test_a_payment_tells_its_life_in_order(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint = api.subscribe(receiver.url)
    paid = api.paid(metadata={"order_id": "A1"})
    api.made(REFUNDS, {"payment_id": paid["id"], "amount": 20})
    api.made(PAYOUTS, {**PAYOUT, "currency": "USD"})
    sandbox.webhooks.wait()
    sandbox.clock.advance(minutes=1)
    assert receiver.types == [
        "payment.created",
        "payment.succeeded",
        "refund.created",
        "refund.succeeded",
        "payout.created",
        "payout.paid",
    ]
    assert receiver.arrivals[1].event["data"] == paid | {"updated_at": receiver.arrivals[1].event["data"]["updated_at"]}
    assert receiver.arrivals[2].event["data"]["status"] == "pending"
    for arrival in receiver.arrivals:
        assert f"v1={expected_signature(arrival, endpoint['secret'])},kid=v1" in arrival.signature


def test_an_endpoint_gets_the_types_it_asked_for(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url, "payment.succeeded", "payout.paid")
    api.paid()
    sandbox.webhooks.wait()
    assert receiver.types == ["payment.succeeded"]


def test_a_deleted_endpoint_gets_nothing_more(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint = api.subscribe(receiver.url)
    assert api.delete(f"{ENDPOINTS}/{endpoint['id']}").status_code == 204
    assert code(api.delete(f"{ENDPOINTS}/{endpoint['id']}")) == (404, "resource_missing")
    api.intent()
    sandbox.webhooks.wait()
    assert receiver.arrivals == []


def test_a_deleted_endpoint_gets_no_retry_either(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint = api.subscribe(receiver.url)
    receiver.statuses = [500]
    api.intent()
    sandbox.webhooks.wait()
    api.delete(f"{ENDPOINTS}/{endpoint['id']}")
    sandbox.clock.advance(hours=1)
    assert len(receiver.arrivals) == 1
    assert [delivery.status for delivery in sandbox.webhooks.deliveries()] == ["canceled"]


def test_a_delivery_is_retried_by_the_clock_under_one_id(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    receiver.statuses = [500, 429]
    api.intent()
    sandbox.webhooks.wait()
    seen = [len(receiver.arrivals)]
    for minutes in (1, 5):
        sandbox.clock.advance(minutes=minutes)
        seen.append(len(receiver.arrivals))
    assert seen == [1, 2, 3]
    assert len({arrival.delivery_id for arrival in receiver.arrivals}) == 1
    assert len({arrival.signature for arrival in receiver.arrivals}) == 3
    (delivery,) = sandbox.webhooks.deliveries()
    assert (delivery.status, [attempt.status for attempt in delivery.attempts]) == ("delivered", [500, 429, 200])


def test_retries_keep_the_schedule_with_a_jitter_that_only_shortens(
    api: Api, sandbox: Sandbox, receiver: Receiver
) -> None:
    api.subscribe(receiver.url)
    receiver.statuses = [500] * 7
    api.intent()
    sandbox.clock.advance(hours=40)
    (delivery,) = sandbox.webhooks.dead_letters()
    moments = [attempt.at for attempt in delivery.attempts]
    pauses = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert delivery.status == "dead"
    assert len(pauses) == len(SCHEDULE)
    for pause, most in zip(pauses, SCHEDULE, strict=True):
        assert 0.9 * most - 1 <= pause <= most + 1


def test_a_reordered_event_comes_after_a_later_one(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    sandbox.faults.reorder(event="payment.created", times=1)
    api.paid()
    sandbox.webhooks.wait()
    assert receiver.types == ["payment.succeeded", "payment.created"]


def test_a_reordered_event_without_a_later_one_still_comes(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    sandbox.faults.reorder(times=1)
    api.intent()
    sandbox.webhooks.wait()
    assert receiver.types == []
    sandbox.clock.advance(seconds=5)
    assert receiver.types == ["payment.created"]


def test_a_late_event_comes_by_the_clock(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    sandbox.faults.late(seconds=3600, times=1)
    api.intent()
    sandbox.clock.advance(minutes=59)
    assert receiver.types == []
    sandbox.clock.advance(minutes=2)
    assert receiver.types == ["payment.created"]


def test_an_event_comes_by_itself(api: Api, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    # Let the courier find nothing to do, and sleep.
    time.sleep(0.1)
    api.intent()
    deadline = time.monotonic() + 30
    while not receiver.arrivals and time.monotonic() < deadline:
        time.sleep(0.002)
    assert receiver.types == ["payment.created"]


def test_a_live_clock_retries_too(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    receiver.statuses = [500]
    api.intent()
    sandbox.webhooks.wait()
    due = sandbox.webhooks.deliveries()[0].due_at
    sandbox.clock.shift(due - sandbox.clock.now() + 0.001)
    api.intent()
    sandbox.webhooks.wait()
    assert len(receiver.arrivals) == 3
