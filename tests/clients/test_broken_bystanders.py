"""Whatever an observer, a log handler or a breaker's listener raises, the merchant gets the result or the error."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pybreaker
import pytest

from molam_sdk import DeclinedError, NetworkError
from molam_sdk.testing import Failure, NoReply, ScriptedTransport, reply
from molam_sdk.types import CallRecord, CallStart
from tests.support.caller import Caller

INTENT = {"id": "pi_1", "status": "succeeded", "amount": 1, "currency": "USD"}
ORDER = {"amount": 1, "currency": "USD"}
OK = reply(201, INTENT)
DECLINED = reply(402, {"error": {"code": "card_declined", "message": "no"}}, {"X-Molam-Request-Id": "req_1"})


class BrokenHandler(logging.Handler):
    def handle(self, record: logging.LogRecord) -> bool:
        raise RuntimeError("the log is broken")


class BrokenObserver:
    def call_started(self, start: CallStart) -> Any:
        raise RuntimeError("broken at the start")

    def call_ended(self, record: CallRecord) -> None:
        raise RuntimeError("broken at the end")


class BrokenListener(pybreaker.CircuitBreakerListener):
    def success(self, cb: Any) -> None:
        raise RuntimeError("broken listener")

    def failure(self, cb: Any, exc: BaseException) -> None:
        raise RuntimeError("broken listener")

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:
        raise RuntimeError("broken listener")


@pytest.fixture(autouse=True)
def broken_log() -> Iterator[None]:
    """Every record of the SDK's meets a handler that raises, as a filter of the merchant's may."""
    logger, handler = logging.getLogger("molam_sdk"), BrokenHandler()
    logger.addHandler(handler)
    level, propagate = logger.level, logger.propagate
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield
    logger.setLevel(level)
    logger.propagate = propagate
    logger.removeHandler(handler)


@pytest.mark.parametrize("debug", [False, True])
def test_a_success_stays_one(caller: Caller, debug: bool) -> None:
    client = caller.make(transport=ScriptedTransport(OK), observers=[BrokenObserver()], debug=debug)
    client.cb.add_listener(BrokenListener())
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"


@pytest.mark.parametrize("debug", [False, True])
def test_a_decline_stays_one(caller: Caller, debug: bool) -> None:
    client = caller.make(transport=ScriptedTransport(DECLINED), observers=[BrokenObserver()], debug=debug)
    client.cb.add_listener(BrokenListener())
    with pytest.raises(DeclinedError) as caught:
        caller.call("create_payment_intent", ORDER, idempotency_key="order-7")
    assert (caught.value.outcome, caught.value.idempotency_key) == ("rejected", "order-7")


def test_a_doubt_stays_one_and_the_breaker_opens_all_the_same(caller: Caller) -> None:
    lost = NoReply(Failure.RESET, "cut")
    client = caller.make(transport=ScriptedTransport(lost, lost), max_retries=0, cb_fail_max=2)
    for _ in range(2):
        with pytest.raises(NetworkError) as caught:
            caller.call("create_payment_intent", ORDER)
        assert caught.value.outcome == "unknown"
    assert client.cb.current_state == "open"


def test_a_header_that_an_observer_may_not_set_is_left_out_though_nobody_can_be_told(caller: Caller) -> None:
    class Setting(BrokenObserver):
        def call_started(self, start: CallStart) -> Any:
            return {"Host": "evil.test", "traceparent": "00-1"}

    transport = ScriptedTransport(OK)
    caller.make(transport=transport, observers=[Setting()])
    caller.call("create_payment_intent", ORDER)
    assert (transport.requests[0].headers.get("Host"), transport.requests[0].headers["traceparent"]) == (None, "00-1")
