"""The rarer ends of a call: an API key that does not come or is another account's, and what is raised into it."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from molam_sdk import (
    ConfigurationError,
    MolamClient,
    MolamError,
    MolamTimeoutError,
    NetworkError,
    NotFoundError,
    RedirectError,
    RequestValidationError,
)
from molam_sdk._core.call import Call
from molam_sdk._core.call_settings import CallSettings
from molam_sdk._core.operations import create_refund
from molam_sdk._core.record import CallRecord
from molam_sdk._core.retry import RetryPolicy
from molam_sdk.testing import Failure, NoReply, Reply, Request, ScriptedTransport, reply
from tests.support.script import INTENT, OK, REFUSED, RESET, client_of, error_reply, failed, pay


def test_a_key_callable_that_hangs_is_a_timeout_and_nothing_was_sent() -> None:
    over = threading.Event()
    transport = ScriptedTransport(OK)
    client = client_of(transport, api_key=lambda: str(over.wait()))
    try:
        with pytest.raises(MolamTimeoutError) as caught:
            client.get("/v1/x", timeout=0.05)
    finally:
        over.set()
    assert (caught.value.outcome, transport.requests) == ("not_sent", [])


def test_a_300_is_a_redirect_whatever_it_brings() -> None:
    with pytest.raises(RedirectError) as caught:
        pay(ScriptedTransport(reply(300, INTENT)))
    assert caught.value.outcome == "unknown"


def test_what_could_not_be_asked_again_still_tells_whose_call_it_was() -> None:
    doubt = failed(ScriptedTransport(RESET), max_retries=0, api_key="sk_live_one")
    over = threading.Event()
    client = client_of(ScriptedTransport(OK), api_key=lambda: str(over.wait()))
    try:
        with pytest.raises(MolamTimeoutError) as caught:
            client.resolve(doubt, timeout=0.05)
    finally:
        over.set()
    assert doubt.account is not None
    assert caught.value.account == doubt.account


def test_a_doubt_is_not_resolved_with_a_key_that_turns_out_to_be_another_accounts() -> None:
    doubt = failed(ScriptedTransport(RESET), max_retries=0, api_key=lambda: "sk_test_one")
    transport = ScriptedTransport(OK, OK)
    other = client_of(transport, api_key=lambda: "sk_test_other")

    with pytest.raises(RequestValidationError, match="this client's API key is of account") as caught:
        other.resolve(doubt)

    assert (caught.value.outcome, caught.value.idempotency_key, transport.requests) == ("unknown", "order-7", [])
    assert other.resolve(doubt, same_account=True).id == "pi_1"


def test_a_read_is_asked_again_however_old_it_is() -> None:
    client = client_of(ScriptedTransport(RESET, OK), max_retries=0)
    with pytest.raises(NetworkError) as caught:
        client.retrieve_payment_intent("pi_1")
    caught.value.occurred_at -= 10 * 24 * 3600
    caught.value.first_used_at = caught.value.occurred_at
    assert client.resolve(caught.value).id == "pi_1"


def test_an_error_that_the_transport_raises_is_given_the_facts_of_the_call() -> None:
    error = failed(ScriptedTransport(RESET, ConfigurationError("the certificate's file is gone")))
    assert isinstance(error, ConfigurationError)
    assert (error.outcome, error.operation, error.idempotency_key) == ("unknown", "create_payment_intent", "order-7")


def test_an_error_of_another_call_keeps_its_own_facts() -> None:
    of_another = failed(ScriptedTransport(error_reply(404)))
    assert isinstance(of_another, NotFoundError)
    with pytest.raises(NotFoundError) as caught:
        client_of(ScriptedTransport(of_another)).create_payment_intent(
            {"amount": 5, "currency": "USD"}, idempotency_key="order-8"
        )
    assert caught.value.idempotency_key == "order-7"


class Interrupting(ScriptedTransport):
    """Ctrl-C in a pause."""

    def sleep(self, seconds: float) -> None:
        raise KeyboardInterrupt


def test_an_interruption_of_a_pause_keeps_what_the_attempt_before_it_said() -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        pay(Interrupting(RESET, OK))
    cause = caught.value.__cause__
    assert isinstance(cause, MolamError)
    assert (cause.outcome, cause.attempts) == ("unknown", 1)


def test_causes_that_go_round_in_a_circle_end_the_search_for_a_place() -> None:
    one, other = KeyboardInterrupt("one"), RuntimeError("other")
    one.__cause__, other.__cause__ = other, one
    with pytest.raises(KeyboardInterrupt) as caught:
        pay(ScriptedTransport(one))
    links: list[Any] = [caught.value]
    while (below := links[-1].__cause__) is not None and len(links) < 5:
        links.append(below)
    assert [type(link) for link in links] == [KeyboardInterrupt, RuntimeError, NetworkError]


def another_ends_in_doubt(client: MolamClient) -> None:
    """Another call under the same key."""
    with pytest.raises(NetworkError) as caught:
        client.create_payment_intent({"amount": "100.50", "currency": "USD"}, idempotency_key="order-7")
    assert caught.value.outcome == "unknown"


@pytest.mark.parametrize("answer", [REFUSED, ConfigurationError("the certificate's file is gone")])
def test_what_was_not_sent_is_in_doubt_where_another_call_has_left_its_key_so_meanwhile(answer: Any) -> None:
    def meanwhile(_request: Request) -> Any:
        another_ends_in_doubt(client)
        return answer

    client = client_of(ScriptedTransport(meanwhile, RESET), max_retries=0)
    with pytest.raises(MolamError) as caught:
        client.create_payment_intent({"amount": "100.50", "currency": "USD"}, idempotency_key="order-7")
    assert caught.value.outcome == "unknown"
    assert [doubt.idempotency_key for doubt in client.in_doubt()] == ["order-7"]


class InterruptedMeanwhile(ScriptedTransport):
    """Another call ends in doubt while this one pauses, which Ctrl-C ends."""

    client: MolamClient

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.pauses) == 1:
            another_ends_in_doubt(self.client)
            raise KeyboardInterrupt


def test_an_interruption_tells_of_the_doubt_that_another_call_has_left_meanwhile() -> None:
    transport = InterruptedMeanwhile(REFUSED, RESET, RESET)
    transport.client = client_of(transport, max_retries=1)
    with pytest.raises(KeyboardInterrupt) as caught:
        transport.client.create_payment_intent({"amount": "100.50", "currency": "USD"}, idempotency_key="order-7")
    cause = caught.value.__cause__
    assert isinstance(cause, MolamError)
    assert (cause.outcome, cause.attempts) == ("unknown", 1)


@pytest.mark.parametrize("answer", [OK, error_reply(402)])
def test_a_definite_answer_settles_the_doubt_that_an_earlier_call_left(answer: Reply) -> None:
    client = client_of(ScriptedTransport(RESET, answer), max_retries=0)
    another_ends_in_doubt(client)
    assert len(client.in_doubt()) == 1
    with suppress(MolamError):
        client.create_payment_intent({"amount": "100.50", "currency": "USD"}, idempotency_key="order-7")
    assert client.in_doubt() == ()


class HeldNote:
    """A connection that writes down what becomes of it."""

    def __init__(self) -> None:
        self.fate = list[str]()

    def release(self) -> None:
        self.fate.append("released")

    def discard(self) -> None:
        self.fate.append("discarded")


STRAY = INTENT | {"id": "pi_7", "amount": 7}


@pytest.mark.parametrize(
    ("answer", "fate"),
    [
        (OK, ["released"]),
        (error_reply(402), ["released"]),
        (reply(200, STRAY, {"X-Molam-Request-Id": "req_1"}), ["discarded"]),
        (reply(200, b"<html>"), ["discarded"]),
    ],
)
def test_a_connection_is_kept_only_behind_an_answer_of_this_call(answer: Reply, fate: list[str]) -> None:
    held = HeldNote()
    with suppress(MolamError):
        pay(ScriptedTransport(replace(answer, held=held)), max_retries=0)
    assert held.fate == fate


class NotedGate:
    """A gate that refuses what it was made with, and writes down who leaves it."""

    def __init__(self, refusal: NoReply | None = None) -> None:
        self._refusal = refusal
        self.left = list[tuple[bool | None, BaseException | None]]()

    def admit(self, *, again: bool) -> NoReply | None:
        return self._refusal

    def leave(self, outage: bool | None, error: BaseException | None) -> None:
        self.left.append((outage, error))


def gated(gate: NotedGate, told: list[CallRecord], max_retries: int = 0) -> Call[Any]:
    settings = CallSettings(RetryPolicy(max_retries), None, 5, 10, lambda: 0.0)
    request = Request("POST", "https://api.test/v1/connect/refunds", {}, b"", 10.0)
    return Call(create_refund({"payment_id": "pi_1"}, "k"), request, settings, gate=gate, notify=told.append)


def play(call: Call[Any], *attempts: Any) -> None:
    """A client's loop; what is an exception is raised in the middle of its attempt."""
    with call:
        for attempt in attempts:
            if call.start_attempt():
                if isinstance(attempt, BaseException):
                    raise attempt
                call.settle(attempt)
        call.result()


@pytest.mark.parametrize("before", [[], [RESET]], ids=["the first attempt", "after an outage"])
def test_an_attempt_that_is_torn_is_in_doubt_for_observers_and_no_outage_for_the_gate(before: list[NoReply]) -> None:
    gate, told, torn = NotedGate(), list[CallRecord](), KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        play(gated(gate, told, len(before)), *before, torn)
    assert gate.left == [(None, torn)]
    assert [(record.outcome, record.error) for record in told] == [("unknown", "KeyboardInterrupt")]


@pytest.mark.parametrize(("answer", "outage"), [(RESET, True), (error_reply(402), False)])
def test_the_gate_is_left_once_with_what_the_last_attempt_says_of_an_outage(answer: Any, outage: bool) -> None:
    gate, told = NotedGate(), list[CallRecord]()
    with pytest.raises(MolamError) as caught:
        play(gated(gate, told), answer)
    assert gate.left == [(outage, caught.value)]
    assert [record.outcome for record in told] == [caught.value.outcome]


def test_a_gate_that_let_nothing_through_is_not_left() -> None:
    gate, told = NotedGate(NoReply(Failure.CIRCUIT_OPEN, "open")), list[CallRecord]()
    with pytest.raises(MolamError) as caught:
        play(gated(gate, told), OK)
    assert (gate.left, caught.value.outcome) == ([], "not_sent")
    assert [record.error for record in told] == [type(caught.value).__name__]
