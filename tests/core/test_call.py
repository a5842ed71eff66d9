"""A whole call, played against a script: attempts, pauses, outcomes, and what the merchant gets."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import (
    AuthenticationError,
    MolamError,
    MolamTimeoutError,
    NetworkError,
    NotFoundError,
    ResponseError,
    ServerError,
)
from molam_sdk._core.call import Call
from molam_sdk._core.call_settings import CallSettings
from molam_sdk._core.operations import create_refund
from molam_sdk._core.retry import RetryBudget, RetryPolicy
from molam_sdk._core.rules import Rule
from molam_sdk._core.wire import Failure, NoReply, Request
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.script import (
    CUT_YES,
    ENDS,
    INTENT,
    OK,
    OUTAGE,
    REFUSED,
    RESET,
    RETRIED_NO,
    TIMEOUT,
    attempts_under,
    client_of,
    error_reply,
    failed,
    pay,
)


def test_a_success_carries_how_it_came() -> None:
    transport = ScriptedTransport(TIMEOUT, reply(200, INTENT, {"X-Request-ID": "req_2", "Idempotent-Replayed": "true"}))
    intent = pay(transport)
    assert (intent.request_id, intent.replayed, intent.attempts, intent.idempotency_key) == (
        "req_2",
        True,
        2,
        "order-7",
    )
    assert intent.response.status_code == 200


def test_every_attempt_sends_the_same_bytes_under_the_same_key() -> None:
    transport = ScriptedTransport(TIMEOUT, RESET, error_reply(OUTAGE), OK)
    pay(transport)
    assert len({(r.method, r.url, r.body, str(r.headers), r.deadline) for r in transport.requests}) == 1
    assert transport.requests[0].headers["Idempotency-Key"] == "order-7"
    assert len(transport.requests) == 4


def test_the_headers_are_those_of_the_contract() -> None:
    transport = ScriptedTransport(OK, OK)
    client = client_of(transport, default_locale="fr")
    client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    client.retrieve_payment_intent("pi_1")
    sent, read = (request.headers for request in transport.requests)
    assert sent["Authorization"] == "Bearer sk_live_1"
    assert sent["Content-Type"] == sent["Accept"] == "application/json"
    assert sent["User-Agent"].startswith("molam-python-sdk/")
    assert sent["Accept-Language"] == "fr"
    assert sent["Idempotency-Key"].startswith("pi-")
    assert "Content-Type" not in read
    assert "Idempotency-Key" not in read


@pytest.mark.parametrize(("answer", "rule"), ENDS.values(), ids=ENDS)
def test_a_call_ends_as_its_rule_says(answer: Any, rule: Rule) -> None:
    transport = ScriptedTransport(*[answer] * 4)
    error = failed(transport)
    assert type(error) is rule.error
    assert (error.outcome, error.attempts) == (rule.outcome, attempts_under(rule))
    assert len(transport.requests) == max(error.attempts, 1)
    assert (error.idempotency_key, error.operation) == ("order-7", "create_payment_intent")
    assert error.request is not None
    assert error.request.body == transport.requests[0].body


@pytest.mark.parametrize(("status", "outcome"), [(200, "accepted"), (402, "rejected"), (409, "unknown")])
def test_a_status_whose_body_was_lost_still_counts(status: int, outcome: str) -> None:
    broken = NoReply(Failure.TOO_LARGE, "x", None, status, OK.headers)
    error = failed(ScriptedTransport(broken))
    assert (type(error), error.outcome) == (ResponseError, outcome)


# What a doubt leaves behind when something else follows it (wire contract, "Errors").
@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ((TIMEOUT, error_reply(401)), "unknown"),
        ((TIMEOUT, error_reply(403)), "unknown"),
        ((TIMEOUT, error_reply(402)), "rejected"),
        ((TIMEOUT, error_reply(404)), "rejected"),
        ((TIMEOUT, reply(404, b"<html>proxy")), "unknown"),
        ((TIMEOUT, *[REFUSED] * 3), "unknown"),
        ((TIMEOUT, *[error_reply(RETRIED_NO)] * 3), "unknown"),
        ((REFUSED, error_reply(401)), "rejected"),
        ((REFUSED, REFUSED, REFUSED, TIMEOUT), "unknown"),
        ((error_reply(OUTAGE), error_reply(402)), "rejected"),
        ((CUT_YES, error_reply(401)), "accepted"),
        ((CUT_YES, error_reply(402)), "rejected"),
        ((CUT_YES, error_reply(402, X_Molam_Request_Id="")), "accepted"),
        ((TIMEOUT, error_reply(402, X_Molam_Request_Id="")), "unknown"),
        ((TIMEOUT, error_reply(409)), "unknown"),
        ((REFUSED, error_reply(409)), "rejected"),
        ((CUT_YES, *[REFUSED] * 3), "accepted"),
        ((NoReply(RESET.failure, "x", None, 402, OK.headers), *[REFUSED] * 3), "rejected"),
        ((NoReply(RESET.failure, "x", None, 200), *[REFUSED] * 3), "unknown"),
    ],
)
def test_the_outcome_is_that_of_all_attempts_together(script: tuple[Any, ...], outcome: str) -> None:
    assert failed(ScriptedTransport(*script)).outcome == outcome


def test_a_lost_answer_is_fetched_by_asking_again() -> None:
    assert pay(ScriptedTransport(CUT_YES, OK)).id == "pi_1"


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_max_retries_counts_what_follows_the_first_attempt(retries: int) -> None:
    transport = ScriptedTransport(*[REFUSED] * (retries + 1))
    assert failed(transport, max_retries=retries).attempts == retries + 1


def test_pauses_are_taken_from_the_policy() -> None:
    transport = ScriptedTransport(error_reply(OUTAGE), error_reply(OUTAGE), error_reply(OUTAGE), OK)
    pay(transport, retry_backoff_factor=1.0)
    assert [0 <= pause <= ceiling for pause, ceiling in zip(transport.pauses, (1, 2, 4), strict=True)] == [True] * 3


def test_a_stale_connection_is_asked_again_at_once() -> None:
    transport = ScriptedTransport(NoReply(Failure.STALE, "closed"), OK)
    pay(transport, retry_backoff_factor=8.0)
    assert transport.pauses == [0.0]


def test_retry_after_is_waited_for() -> None:
    transport = ScriptedTransport(error_reply(OUTAGE, Retry_After="7"), OK)
    pay(transport)
    assert transport.pauses == [7.0]


@pytest.mark.parametrize(("retry_after", "total"), [("31", 600), ("10", 9), ("99999999999", 30)])
def test_a_wait_that_does_not_fit_is_not_begun(retry_after: str, total: float) -> None:
    transport = ScriptedTransport(error_reply(OUTAGE, Retry_After=retry_after))
    error = failed(transport, timeout_total=total)
    assert transport.pauses == []
    assert isinstance(error, ServerError)
    assert error.retry_after == float(retry_after)


def test_no_attempt_begins_after_the_deadline() -> None:
    transport = ScriptedTransport(error_reply(OUTAGE), error_reply(OUTAGE), seconds_per_request=1.0)
    error = failed(transport, timeout_total=1.5, retry_backoff_factor=0)
    assert (error.attempts, error.elapsed) == (2, 2.0)


def test_a_call_without_any_time_is_not_sent() -> None:
    transport = ScriptedTransport()
    invocation = create_refund({"payment_id": "pi_1"}, "k")
    settings = CallSettings(RetryPolicy(), None, 5, 10, transport.clock)
    call = Call(invocation, Request("POST", "u", {}, b"", transport.now), settings)
    assert not call.start_attempt()
    assert call.over
    with pytest.raises(MolamTimeoutError) as caught:
        call.result()
    assert (caught.value.outcome, caught.value.attempts) == ("not_sent", 0)


def test_a_timeout_of_one_call_is_its_total() -> None:
    transport = ScriptedTransport(OK)
    client_of(transport).create_payment_intent({"amount": 100.5, "currency": "USD"}, timeout=2.5)
    assert transport.requests[0].deadline == transport.now + 2.5


@pytest.mark.parametrize("timeout", [0, -1, "5", True, float("inf"), float("nan")])
def test_a_timeout_that_is_none_is_refused(timeout: Any) -> None:
    with pytest.raises(MolamError, match="timeout must be a positive number"):
        client_of(ScriptedTransport()).retrieve_refund("re_1", timeout=timeout)


def test_the_retry_budget_is_shared_and_ends_retrying() -> None:
    transport = ScriptedTransport(*[REFUSED] * 6)
    client = client_of(transport, retry_budget=11)
    for attempts in (3, 1, 1):
        with pytest.raises(NetworkError) as caught:
            client.retrieve_refund("re_1")
        assert caught.value.attempts == attempts


def test_a_retry_after_a_timeout_costs_twice() -> None:
    assert failed(ScriptedTransport(*[TIMEOUT] * 4), retry_budget=20).attempts == 3
    assert failed(ScriptedTransport(*[REFUSED] * 4), retry_budget=10).attempts == 3


def test_a_success_gives_the_budget_back() -> None:
    transport = ScriptedTransport(REFUSED, OK, REFUSED, OK)
    client = client_of(transport, retry_budget=6)
    client.retrieve_payment_intent("pi_1")
    assert client._state.budget.tokens == 2
    with pytest.raises(NetworkError):
        client.retrieve_payment_intent("pi_1")


def test_a_callable_key_is_asked_again_once_after_a_401() -> None:
    keys = iter(["sk_live_old", "sk_live_new"])
    transport = ScriptedTransport(error_reply(401), OK, OK)
    client = client_of(transport, api_key=lambda: next(keys))
    assert client.create_payment_intent({"amount": 100.5, "currency": "USD"}).attempts == 2
    client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    sent = [request.headers["Authorization"] for request in transport.requests]
    assert sent == ["Bearer sk_live_old", "Bearer sk_live_new", "Bearer sk_live_new"]
    assert len({request.headers["Idempotency-Key"] for request in transport.requests[:2]}) == 1


def test_a_second_401_is_an_error() -> None:
    keys = iter(["sk_live_1", "sk_live_2", "sk_live_3"])
    transport = ScriptedTransport(error_reply(401), error_reply(401))
    assert isinstance(failed(transport, api_key=lambda: next(keys)), AuthenticationError)
    assert next(keys) == "sk_live_3"


def test_a_callable_that_gives_the_same_key_again_is_not_retried() -> None:
    assert failed(ScriptedTransport(error_reply(401)), api_key=lambda: "sk_live_1").attempts == 1


def test_a_401_without_a_callable_is_not_retried() -> None:
    assert failed(ScriptedTransport(error_reply(401))).attempts == 1


def test_a_delete_that_finds_nothing_after_a_lost_answer_was_done() -> None:
    client_of(ScriptedTransport(RESET, error_reply(404))).delete_webhook_endpoint("we_1")
    with pytest.raises(NotFoundError):
        client_of(ScriptedTransport(error_reply(404))).delete_webhook_endpoint("we_1")


def test_the_request_id_of_a_body_counts_where_no_header_has_one() -> None:
    body = {"error_code": "E", "message": "m", "request_id": "req_b"}
    assert failed(ScriptedTransport(reply(400, body))).request_id == "req_b"
    assert failed(ScriptedTransport(reply(400, body, {"X-Request-ID": "req_h"}))).request_id == "req_h"


def test_nothing_without_a_key_is_sent_twice() -> None:
    transport = ScriptedTransport()
    keyless = create_refund({"payment_id": "pi_1"}, "k")
    object.__setattr__(keyless, "idempotency_key", None)
    settings = CallSettings(RetryPolicy(), RetryBudget(), 5, 10, transport.clock)
    call = Call(keyless, Request("POST", "u", {}, b"", transport.now + 9), settings)
    call.settle(TIMEOUT)
    assert call.over


def test_debug_traces_each_attempt(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "molam_sdk")
    pay(ScriptedTransport(TIMEOUT, OK), debug=True)
    traced = [(r.__dict__["endpoint"], r.__dict__["attempt"], r.__dict__["code"]) for r in caplog.records]
    assert traced == [("create_payment_intent", 1, "timeout"), ("create_payment_intent", 2, "200")]
