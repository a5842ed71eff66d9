"""What a test sees of webhooks, and how it sends them again."""

from __future__ import annotations

import json
import socket
import time

import pytest

from molam_sdk.models import PaymentIntent, Payout, Refund
from molam_sdk.sandbox import Sandbox
from molam_sdk.sandbox.domain.events import EVENT_TYPES
from molam_sdk.webhooks import parse_event
from tests.support.sandbox_api import ENDPOINTS, Api
from tests.support.sandbox_receiver import Receiver


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


def test_an_event_can_be_triggered_without_a_payment(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    event_id = sandbox.webhooks.trigger("dispute.created", {"id": "dp_1"})
    sandbox.webhooks.wait()
    assert [(a.event["id"], a.event["data"]) for a in receiver.arrivals] == [(event_id, {"id": "dp_1"})]
    with pytest.raises(ValueError, match=r"payment\.succeeded"):
        sandbox.webhooks.trigger("payment.exploded")


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_triggered_event_tells_of_an_object_as_the_client_reads_it(sandbox: Sandbox, event_type: str) -> None:
    sandbox.webhooks.trigger(event_type)
    (event,) = sandbox.webhooks.events()
    data = parse_event(json.dumps({name: value for name, value in event.items() if name != "seq"}).encode()).data
    resource = event_type.partition(".")[0]
    expected = {"payment": PaymentIntent, "refund": Refund, "payout": Payout, "dispute": dict}[resource]
    assert isinstance(data, expected)
    assert event["data"]["id"][:3] == {"payment": "pi_", "refund": "re_", "payout": "po_", "dispute": "dp_"}[resource]


def test_a_redelivery_during_an_attempt_is_not_lost(api: Api, sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as slow:
        api.subscribe(f"http://127.0.0.1:{slow.getsockname()[1]}/hook")
        api.intent()
        first, _ = slow.accept()
        (under_way,) = sandbox.webhooks.deliveries()
        sandbox.webhooks.redeliver(under_way.id)
        first.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        again, _ = slow.accept()
        again.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        sandbox.webhooks.wait()
        (done,) = sandbox.webhooks.deliveries()
        assert (done.status, len(done.attempts)) == ("delivered", 2)
        for connection in (first, again):
            connection.close()


def test_deliveries_to_a_paused_endpoint_wait_and_to_a_disabled_one_are_canceled(
    api: Api, sandbox: Sandbox, receiver: Receiver
) -> None:
    endpoint = api.subscribe(receiver.url)
    sandbox.webhooks.set_status(endpoint["id"], "paused")
    assert [one["status"] for one in api.get(ENDPOINTS).json()["data"]] == ["paused"]
    api.intent()
    sandbox.clock.advance(hours=1)
    assert receiver.arrivals == []
    sandbox.webhooks.set_status(endpoint["id"], "active")
    sandbox.webhooks.wait()
    assert receiver.types == ["payment.created"]
    sandbox.webhooks.set_status(endpoint["id"], "disabled")
    api.intent()
    sandbox.webhooks.wait()
    assert len(receiver.arrivals) == 1
    with pytest.raises(ValueError, match="active, paused, disabled"):
        sandbox.webhooks.set_status(endpoint["id"], "asleep")
    with pytest.raises(KeyError):
        sandbox.webhooks.set_status("we_nope", "active")


def test_deliveries_come_in_pages_with_their_attempts(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    for _ in range(3):
        api.intent()
    sandbox.webhooks.wait()
    first = sandbox.webhooks.deliveries(limit=2)
    assert [len(delivery.attempts) for delivery in first] == [1, 1]
    assert first + sandbox.webhooks.deliveries(after=first[-1].seq) == sandbox.webhooks.deliveries()


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


def test_waiting_for_an_endpoint_that_hangs_ends_and_so_does_stopping(api: Api, sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api.subscribe(f"http://127.0.0.1:{silent.getsockname()[1]}/hook")
        api.intent()
        with pytest.raises(TimeoutError, match="under way"):
            sandbox.webhooks.wait(timeout=0.1)
        began = time.monotonic()
        sandbox.stop()
        assert time.monotonic() - began < 1
