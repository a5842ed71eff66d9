"""What stands around a payment (listeners, observers, views) and must not cost its result."""

from __future__ import annotations

from typing import Any

import pybreaker
import pytest

from molam_sdk import BulkheadFullError, ClientClosedError, ServerError
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.caller import Caller
from tests.support.http_server import INTENT, ORDER


class Broken(pybreaker.CircuitBreakerListener):
    """A listener, and an observer, whose every word fails."""

    def _fail(self, *_: Any) -> Any:
        raise RuntimeError("broken")

    before_call = success = failure = state_change = call_started = call_ended = _fail


def test_a_listener_that_raises_costs_no_payment(caller: Caller) -> None:
    client = caller.make(transport=ScriptedTransport(reply(201, INTENT), reply(503)), max_retries=0)
    client.cb.add_listener(Broken())
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"
    with pytest.raises(ServerError):
        caller.call("create_payment_intent", ORDER)


def test_an_observer_that_raises_costs_no_payment(caller: Caller) -> None:
    caller.make(transport=ScriptedTransport(reply(201, INTENT)), observers=[Broken()])
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"


def test_the_view_without_a_breaker_is_closed_with_its_client() -> None:
    caller = Caller("sync")
    client = caller.make(transport=ScriptedTransport())
    client.close()
    with pytest.raises(ClientClosedError):
        client.client.create_payment_intent(ORDER)


def test_the_view_without_a_breaker_has_no_bulkhead_of_its_own() -> None:
    caller = Caller("sync")
    found = []

    def call_again(_request: Any) -> Any:
        with pytest.raises(BulkheadFullError) as caught:
            client.client.create_payment_intent(ORDER)
        found.append(caught.value.outcome)
        return reply(201, INTENT)

    client = caller.make(transport=ScriptedTransport(call_again), bulkheads={"payments": 1})
    client.create_payment_intent(ORDER)
    assert found == ["not_sent"]
