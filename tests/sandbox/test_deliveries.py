"""Webhooks: signatures, order, retries by the clock, breaker, dead letters, redelivery, faults."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import socket
import time

import pytest

from molam_sdk.sandbox import Sandbox
from molam_sdk.sandbox.delivery import RETRY_AFTER, verdict
from molam_sdk.sandbox.signing import sign
from tests.support.sandbox_api import ENDPOINTS, PAYOUT, PAYOUTS, REFUNDS, Api, code
from tests.support.sandbox_receiver import Arrival, Receiver

SCHEDULE = (60, 300, 900, 3600, 21600, 86400)


def expected_signature(arrival: Arrival, secret: str) -> str:
    t = arrival.signature.partition("t=")[2].partition(",")[0]
    return hmac.new(secret.encode(), t.encode() + b"." + arrival.payload, hashlib.sha256).hexdigest()


def test_the_signature_is_the_one_of_the_contract() -> None:
    header = sign(b'{"id":"evt_1"}', 1700000000000, [("v1", "whsec_a"), ("2", "whsec_b")])
    first = "25448858472b4801e6480b69020aa59d6709d456aca1e50f0d0fc3e232c05f8f"
    second = "3d229103a81d73c292e6122eec9d53212e7995e73c2b5d3ffa95d43f9f3e2186"
    assert header == f"t=1700000000000,v1={first},kid=v1,v1={second},kid=2"


@pytest.mark.parametrize(
    ("status", "attempts", "expected"),
    [
        (200, 1, ("delivered", None)),
        (299, 7, ("delivered", None)),
        (302, 1, ("failed", None)),
        (400, 1, ("failed", None)),
        (404, 1, ("failed", None)),
        (410, 1, ("failed", None)),
        *((status, 1, ("pending", 60.0)) for status in (408, 409, 425, 429, 500, 503, 599, None)),
        *((None, attempts, ("pending", pause)) for attempts, pause in enumerate(SCHEDULE, start=1)),
        (None, 7, ("dead", None)),
        (500, 7, ("dead", None)),
    ],
)
def test_an_attempt_ends_retries_or_buries_a_delivery(
    status: int | None, attempts: int, expected: tuple[str, float | None]
) -> None:
    assert verdict(status, attempts) == expected


def test_the_schedule_is_the_one_of_the_contract() -> None:
    assert RETRY_AFTER == SCHEDULE


def test_a_payment_tells_its_life_in_order(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint = api.subscribe(receiver.url)
    paid = api.paid(metadata={"order_id": "A1"})
    api.made(REFUNDS, {"payment_id": paid["id"]})
    api.made(PAYOUTS, PAYOUT)
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


def test_every_endpoint_gets_its_own_signed_copy(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    endpoints = [api.subscribe(f"{receiver.url}{n}") for n in (1, 2)]
    api.intent()
    sandbox.webhooks.wait()
    by_path = {arrival.path: arrival for arrival in receiver.arrivals}
    for n, endpoint in enumerate(endpoints, start=1):
        arrival = by_path[f"/hook{n}"]
        assert expected_signature(arrival, endpoint["secret"]) in arrival.signature
    assert len({arrival.delivery_id for arrival in receiver.arrivals}) == 2
    assert len({arrival.event["id"] for arrival in receiver.arrivals}) == 1


def test_the_secret_is_shown_once(api: Api, receiver: Receiver) -> None:
    endpoint = api.subscribe(receiver.url)
    assert endpoint["secret"].startswith("whsec_")
    listed = api.get(ENDPOINTS, tenant_type="merchant", tenant_id="1").json()["data"]
    assert [(e["id"], "secret" in e) for e in listed] == [(endpoint["id"], False)]
    assert api.get(ENDPOINTS, tenant_id="2").json()["data"] == []


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


def test_a_redirect_is_not_followed(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    receiver.statuses = [307]
    api.intent()
    sandbox.webhooks.wait()
    assert [arrival.path for arrival in receiver.arrivals] == ["/hook"]
    assert [delivery.status for delivery in sandbox.webhooks.dead_letters()] == ["failed"]


def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    old = api.subscribe(receiver.url)
    new = api.made(f"{ENDPOINTS}/{old['id']}/rotate")
    assert (old["kid"], new["kid"]) == ("v1", "v2")
    api.intent()
    sandbox.webhooks.wait()
    both = receiver.arrivals[0]
    assert f"v1={expected_signature(both, old['secret'])},kid=v1" in both.signature
    assert f"v1={expected_signature(both, new['secret'])},kid=v2" in both.signature
    sandbox.clock.advance(hours=25)
    api.intent()
    sandbox.webhooks.wait()
    assert "kid=v1" not in receiver.arrivals[1].signature
    assert expected_signature(receiver.arrivals[1], new["secret"]) in receiver.arrivals[1].signature


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


def test_no_answer_at_all_is_retried(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    receiver.close()
    api.intent()
    sandbox.webhooks.wait()
    (delivery,) = sandbox.webhooks.deliveries()
    assert delivery.status == "pending"
    assert delivery.attempts[0].status is None
    assert "Connect" in str(delivery.attempts[0].error)


def test_another_4xx_ends_a_delivery_until_it_is_sent_again(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    receiver.statuses = [410]
    api.intent()
    sandbox.clock.advance(hours=40)
    (dead,) = sandbox.webhooks.dead_letters()
    assert (dead.status, len(receiver.arrivals)) == ("failed", 1)
    sandbox.webhooks.redeliver(dead.id)
    sandbox.webhooks.wait()
    assert [arrival.delivery_id for arrival in receiver.arrivals] == [dead.id, dead.id]
    assert sandbox.webhooks.dead_letters() == []


def test_a_breaker_spares_an_endpoint_that_is_down(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    receiver.statuses = [503] * 5
    made = [api.intent()["id"] for _ in range(8)]
    sandbox.webhooks.wait()
    assert len(receiver.arrivals) == 5
    sandbox.clock.advance(seconds=61)
    spared = [arrival.event["data"]["id"] for arrival in receiver.arrivals[5:]]
    assert [intent_id for intent_id in spared if intent_id in made[5:]] == made[5:]
    assert len({arrival.delivery_id for arrival in receiver.arrivals}) == 8
    assert {delivery.status for delivery in sandbox.webhooks.deliveries()} == {"delivered"}


def test_a_breaker_tries_once_and_opens_again_where_that_fails(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    receiver.statuses = [503] * 50
    for _ in range(8):
        api.intent()
    sandbox.webhooks.wait()
    seen = [len(receiver.arrivals)]
    for _ in range(2):
        sandbox.clock.advance(seconds=61)
        seen.append(len(receiver.arrivals))
    assert seen == [5, 6, 7]


def test_a_dead_letter_sent_again_has_a_schedule_of_its_own(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    receiver.statuses = [500] * 8
    api.intent()
    sandbox.clock.advance(hours=40)
    (dead,) = sandbox.webhooks.dead_letters()
    sandbox.webhooks.redeliver(dead.id)
    sandbox.clock.advance(minutes=2)
    assert [delivery.status for delivery in sandbox.webhooks.deliveries()] == ["delivered"]
    assert len(receiver.arrivals) == 9


def test_one_endpoint_that_is_down_holds_up_no_other(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe("http://127.0.0.1:9/closed")
    api.subscribe(receiver.url)
    api.paid()
    sandbox.webhooks.wait()
    assert receiver.types == ["payment.created", "payment.succeeded"]


def test_a_duplicate_is_a_second_delivery_of_one_event(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    sandbox.faults.duplicate(event="payment.created", times=1)
    api.intent()
    sandbox.webhooks.wait()
    assert len(receiver.arrivals) == 2
    assert len({arrival.event["id"] for arrival in receiver.arrivals}) == 1
    copy = sandbox.webhooks.duplicate(receiver.arrivals[0].delivery_id)
    sandbox.webhooks.wait()
    assert receiver.arrivals[2].delivery_id == copy


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


def test_an_event_can_be_triggered_without_a_payment(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    event_id = sandbox.webhooks.trigger("dispute.created", {"id": "dp_1"})
    sandbox.webhooks.wait()
    assert [(a.event["id"], a.event["data"]) for a in receiver.arrivals] == [(event_id, {"id": "dp_1"})]
    with pytest.raises(ValueError, match=r"payment\.succeeded"):
        sandbox.webhooks.trigger("payment.exploded")


def test_events_and_deliveries_can_be_asked_for_by_type(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint = api.subscribe(receiver.url)
    api.paid()
    sandbox.webhooks.wait()
    assert [event["type"] for event in sandbox.webhooks.events("payment.succeeded")] == ["payment.succeeded"]
    wanted = sandbox.webhooks.deliveries("payment.succeeded", endpoint["id"], "delivered")
    assert [delivery.event_type for delivery in wanted] == ["payment.succeeded"]
    for act in (sandbox.webhooks.redeliver, sandbox.webhooks.duplicate):
        with pytest.raises(KeyError):
            act("dlv_nope")


def test_an_event_comes_by_itself(api: Api, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    # Let the courier find nothing to do, and sleep.
    time.sleep(0.1)
    api.intent()
    deadline = time.monotonic() + 5
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


def test_waiting_for_an_endpoint_that_hangs_ends_and_so_does_stopping(api: Api, sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api.subscribe(f"http://127.0.0.1:{silent.getsockname()[1]}/hook")
        api.intent()
        with pytest.raises(TimeoutError, match="under way"):
            sandbox.webhooks.wait(timeout=0.1)
        began = time.monotonic()
        sandbox.stop()
        assert time.monotonic() - began < 1
