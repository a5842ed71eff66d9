"""What a call tells when it has ended: to observers, to the merchant, and to whoever tore it apart."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from molam_sdk import (
    AuthenticationError,
    ClientConfig,
    MolamClient,
    MolamError,
    MolamTimeoutError,
    NotFoundError,
    ResponseError,
)
from molam_sdk._core.call import Call
from molam_sdk._core.call_settings import CallSettings
from molam_sdk._core.operations import delete_webhook_endpoint
from molam_sdk._core.record import CallRecord
from molam_sdk._core.retry import RetryPolicy
from molam_sdk._core.wire import NoReply, Request
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.script import CUT_YES, INTENT, OK, RESET, RETRIED_NO, TIMEOUT, client_of, error_reply, failed


class Recorder:
    def __init__(self) -> None:
        self.records: list[CallRecord] = []

    def call_started(self, start: Any) -> None:
        pass

    def call_ended(self, record: CallRecord) -> None:
        self.records.append(record)


def recorded(*script: Any, api_key: Any = "sk_live_1") -> CallRecord:
    recorder = Recorder()
    config = ClientConfig(api_key=api_key, retry_backoff_factor=0)
    client = MolamClient(config, transport=ScriptedTransport(*script), observers=[recorder])
    with suppress(MolamError):
        client.create_payment_intent({"amount": 100.5, "currency": "USD"}, idempotency_key="k")
    (record,) = recorder.records
    return record


def test_the_record_of_a_replay() -> None:
    record = recorded(TIMEOUT, reply(200, INTENT, {"Idempotent-Replayed": "TRUE", "X-Request-ID": "req_9"}))
    assert (record.replayed, record.request_id, record.code, record.retries) == (True, "req_9", "200", ("timeout",))
    assert recorded(OK).replayed is False
    assert recorded(TIMEOUT, TIMEOUT, TIMEOUT, TIMEOUT).replayed is False


def test_the_record_of_a_success_names_no_outcome_and_no_error() -> None:
    record = recorded(OK)
    assert (record.outcome, record.error, record.code, record.request_id) == (None, None, "200", "req_ok")


def test_the_record_of_an_unreadable_answer() -> None:
    record = recorded(reply(200, b"<html>"))
    assert (record.code, record.outcome, record.error) == ("invalid_response", "unknown", "ResponseError")


def test_the_record_names_the_request_id_of_the_bodys_own() -> None:
    assert recorded(reply(402, {"error_code": "x", "message": "m", "request_id": "req_b"})).request_id == "req_b"


def test_the_record_of_a_call_that_took_a_new_key() -> None:
    keys = iter(["sk_live_1", "sk_live_2"])
    assert recorded(error_reply(401), OK, api_key=lambda: next(keys)).retries == ("401",)


def test_a_new_key_is_tried_without_a_pause() -> None:
    keys = iter(["sk_live_1", "sk_live_2"])
    transport = ScriptedTransport(error_reply(401), OK)
    client_of(transport, api_key=lambda: next(keys)).create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert transport.pauses == [0.0]
    assert [sent.headers["Authorization"] for sent in transport.requests] == ["Bearer sk_live_1", "Bearer sk_live_2"]


def test_a_key_callable_that_fails_leaves_the_401_and_is_its_cause() -> None:
    problem = OSError("the vault is shut")

    def ask() -> str:
        if asked:
            raise problem
        asked.append(1)
        return "sk_live_1"

    asked: list[int] = []
    transport = ScriptedTransport(TIMEOUT, error_reply(401))
    with pytest.raises(AuthenticationError) as caught:
        client_of(transport, api_key=ask).create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert (caught.value.outcome, caught.value.__cause__) == ("unknown", problem)


def test_an_interrupted_call_can_be_resolved() -> None:
    transport = ScriptedTransport(KeyboardInterrupt(), OK)
    client = client_of(transport)
    with pytest.raises(KeyboardInterrupt) as caught:
        client.create_payment_intent({"amount": 100.5, "currency": "USD"}, idempotency_key="k")
    torn = caught.value.__cause__
    assert isinstance(torn, MolamError)
    assert (torn.outcome, torn.idempotency_key, torn.message) == ("unknown", "k", "the call was interrupted")
    assert client.resolve(torn).id == "pi_1"


def test_an_interruption_keeps_the_cause_it_has() -> None:
    torn = KeyboardInterrupt()
    torn.__cause__ = cause = ValueError("a signal")
    with pytest.raises(KeyboardInterrupt) as caught:
        client_of(ScriptedTransport(torn)).create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert caught.value.__cause__ is cause


def test_an_error_names_the_method_and_the_answer_its_headers_and_time() -> None:
    error = failed(ScriptedTransport(error_reply(402)))
    assert error.request is not None
    assert (error.request.method, error.request.operation) == ("POST", "create_payment_intent")
    transport = ScriptedTransport(reply(200, INTENT, {"X-Extra": "1"}), seconds_per_request=2.0)
    info = client_of(transport).create_payment_intent({"amount": 100.5, "currency": "USD"}).response
    assert (info.headers["X-Extra"], info.elapsed, info.replayed) == ("1", 2.0, False)


def test_an_unreadable_answer_says_what_is_wrong_with_it() -> None:
    error = failed(ScriptedTransport(reply(200, b"<html>")))
    assert isinstance(error, ResponseError)
    assert "Invalid JSON" in error.message


@pytest.mark.parametrize("doubt", [RESET, CUT_YES], ids=["unknown", "accepted"])
def test_a_404_after_a_doubtful_delete_means_deleted(doubt: NoReply) -> None:
    client_of(ScriptedTransport(doubt, error_reply(404))).delete_webhook_endpoint("we_1")


@pytest.mark.parametrize("status", [404, 410])
def test_a_404_means_deleted_only_after_a_doubt_and_nothing_else_does(status: int) -> None:
    with pytest.raises(MolamError) as caught:
        client_of(ScriptedTransport(error_reply(RETRIED_NO), error_reply(status))).delete_webhook_endpoint("we_1")
    assert isinstance(caught.value, NotFoundError) == (status == 404)
    with pytest.raises(MolamError):
        client_of(ScriptedTransport(RESET, error_reply(410))).delete_webhook_endpoint("we_1")


def test_a_call_whose_time_is_over_says_so() -> None:
    settings = CallSettings(RetryPolicy(), None, 5, 10, lambda: 100.0)
    call = Call(delete_webhook_endpoint("we_1", "k"), Request("DELETE", "u", {}, None, 100.0), settings)
    assert not call.start_attempt()
    assert (call.over, call.pause) == (True, None)
    with pytest.raises(MolamTimeoutError, match=r"^no time left to send the request \("):
        call.result()
