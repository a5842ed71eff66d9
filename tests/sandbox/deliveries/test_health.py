"""An endpoint that is down is left alone for a while."""

from __future__ import annotations

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import Api
from tests.support.sandbox_receiver import Receiver


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


def test_a_breaker_tries_once_and_opens_for_twice_as_long_where_that_fails(
    api: Api, sandbox: Sandbox, receiver: Receiver
) -> None:
    api.subscribe(receiver.url)
    receiver.statuses = [503] * 50
    for _ in range(8):
        api.intent()
    sandbox.webhooks.wait()
    seen = [len(receiver.arrivals)]
    for seconds in (61, 61, 61):
        sandbox.clock.advance(seconds=seconds)
        seen.append(len(receiver.arrivals))
    assert seen == [5, 6, 6, 7]


def test_days_with_a_dead_endpoint_cost_a_try_an_hour_whatever_waits_for_it(api: Api, sandbox: Sandbox) -> None:
    api.subscribe("http://127.0.0.1:9/closed")
    for _ in range(200):
        sandbox.webhooks.trigger("payment.succeeded")
    sandbox.clock.advance(hours=25)
    attempts = [attempt for delivery in sandbox.webhooks.deliveries() for attempt in delivery.attempts]
    assert 5 + 6 + 22 <= len(attempts) <= 5 + 8 + 25


def test_one_endpoint_that_is_down_holds_up_no_other(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe("http://127.0.0.1:9/closed")
    api.subscribe(receiver.url)
    api.paid()
    sandbox.webhooks.wait()
    assert receiver.types == ["payment.created", "payment.succeeded"]
