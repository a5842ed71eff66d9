"""What every first call shows: an answer with its facts, an error with its outcome, a list across its pages."""

from __future__ import annotations

import pytest

from molam_sdk import DeclinedError, MolamTimeoutError
from molam_sdk.testing import Failure, NoReply, ScriptedTransport, reply
from tests.support.caller import Caller

INTENT = {"id": "pi_1", "status": "requires_confirmation", "amount": 5, "currency": "USD", "capture": False,
          "metadata": {}, "created_at": "2026-01-01T00:00:00Z"}  # fmt: skip
ORDER = {"amount": 5, "currency": "USD"}


def test_an_intent_comes_back_with_the_facts_of_its_answer(caller: Caller) -> None:
    transport = ScriptedTransport(reply(201, INTENT, {"X-Molam-Request-Id": "req_1"}))
    caller.make(transport=transport)
    intent = caller.call("create_payment_intent", ORDER, idempotency_key="order-7")
    assert (intent.id, intent.request_id, intent.idempotency_key) == ("pi_1", "req_1", "order-7")
    assert transport.requests[0].headers["Idempotency-Key"] == "order-7"


def test_a_retry_sends_the_same_bytes_under_the_same_key(caller: Caller) -> None:
    transport = ScriptedTransport(NoReply(Failure.RESET, "gone"), reply(503), reply(201, INTENT))
    caller.make(transport=transport)
    assert caller.call("create_payment_intent", ORDER).attempts == 3
    sent = [(request.body, request.headers["Idempotency-Key"]) for request in transport.requests]
    assert len(sent) == 3
    assert len(set(sent)) == 1


def test_a_decline_is_definite_and_is_not_tried_again(caller: Caller) -> None:
    caller.make(transport=ScriptedTransport(reply(402, {"error": {"code": "card_declined", "message": "no"}})))
    with pytest.raises(DeclinedError) as caught:
        caller.call("confirm_payment_intent", "pi_1", idempotency_key="c-1")
    assert (caught.value.outcome, caught.value.code, caught.value.attempts) == ("rejected", "card_declined", 1)


def test_a_timeout_is_unknown_and_resolve_asks_again_under_its_key(caller: Caller) -> None:
    transport = ScriptedTransport(NoReply(Failure.TIMEOUT, "late"), reply(201, INTENT))
    caller.make(transport=transport, max_retries=0)
    with pytest.raises(MolamTimeoutError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert caught.value.outcome == "unknown"
    assert caller.call("resolve", caught.value).id == "pi_1"
    assert transport.requests[1].headers["Idempotency-Key"] == caught.value.idempotency_key


def test_a_list_goes_on_over_its_pages(caller: Caller) -> None:
    first = reply(200, {"data": [INTENT, INTENT | {"id": "pi_2"}], "has_more": True})
    last = reply(200, {"data": [INTENT | {"id": "pi_3"}], "has_more": False})
    transport = ScriptedTransport(first, reply(429), last)
    caller.make(transport=transport)
    assert [intent.id for intent in caller.collect("list_payment_intents", limit=2)] == ["pi_1", "pi_2", "pi_3"]
    assert transport.requests[-1].url.endswith("?limit=2&starting_after=pi_2")


def test_calls_made_together_keep_their_own_answers(caller: Caller) -> None:
    answers = [reply(201, INTENT | {"id": f"pi_{n}"}) for n in range(20)]
    caller.make(transport=ScriptedTransport(*answers))
    results = caller.together([("create_payment_intent", (ORDER,), {})] * 20)
    assert {intent.id for intent in results} == {f"pi_{n}" for n in range(20)}
