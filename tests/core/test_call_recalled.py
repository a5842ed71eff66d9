"""A call that is given what an earlier one under its key was answered; and what a call keeps of its own answer."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import DeclinedError, ResponseError
from molam_sdk._core.call import Call
from molam_sdk._core.call_settings import CallSettings
from molam_sdk._core.operations import create_refund, delete_webhook_endpoint
from molam_sdk._core.retry import RetryBudget, RetryPolicy
from molam_sdk._core.wire import Failure, NoReply, Request
from molam_sdk.testing import reply
from tests.support.script import error_reply

REFUND = {"id": "re_1", "payment_id": "pi_1", "amount": 5, "currency": "USD", "status": "succeeded"}
YES = reply(200, REFUND, {"X-Molam-Request-Id": "req_1", "Idempotent-Replayed": "true"})
DECLINED = error_reply(402, "card_declined")
SETTINGS = CallSettings(RetryPolicy(0, 0, 0, 0), RetryBudget(10), 5, 10, lambda: 0.0)


def call_of(invocation: Any = None) -> Call[Any]:
    invocation = invocation or create_refund({"payment_id": "pi_1"}, "order-7")
    return Call(invocation, Request("POST", "https://api.test", {}, None, 10.0), SETTINGS)


def test_a_result_is_given_again() -> None:
    call = call_of()
    call.recall(YES, "accepted")
    result = call.result()
    assert (result.id, result.replayed, result.attempts) == ("re_1", True, 0)
    assert (call.over, call.settled, call.record(None).outcome) == (True, True, None)


def test_a_refusal_is_given_again() -> None:
    call = call_of()
    call.recall(DECLINED, "rejected")
    with pytest.raises(DeclinedError) as caught:
        call.result()
    assert (caught.value.outcome, caught.value.code, caught.value.attempts) == ("rejected", "card_declined", 0)


def test_what_was_deleted_needs_no_answer() -> None:
    call = call_of(delete_webhook_endpoint("we_1", "order-7"))
    call.recall(error_reply(404), "accepted")
    assert call.result() is None


def test_an_answer_that_cannot_be_read_any_more_stays_a_yes() -> None:
    call = call_of()
    call.recall(reply(200, b"{}", {"X-Molam-Request-Id": "r"}), "accepted")
    with pytest.raises(ResponseError) as caught:
        call.result()
    assert caught.value.outcome == "accepted"
    assert not call.settled


ENDS: list[tuple[Any, bool, bool]] = [
    (YES, True, True),
    (DECLINED, True, True),
    (error_reply(429), True, False),
    (error_reply(500), True, False),
    (error_reply(402, X_Molam_Request_Id=""), True, False),
    (NoReply(Failure.TIMEOUT, "no answer"), False, False),
]


@pytest.mark.parametrize(("answer", "kept", "settled"), ENDS)
def test_a_call_keeps_its_answer_and_whether_it_is_final(answer: Any, kept: bool, settled: bool) -> None:
    call = call_of()
    assert call.start_attempt()
    call.settle(answer)
    assert call.answer is (answer if kept else None)
    assert call.settled is settled
