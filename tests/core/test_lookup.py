"""A state conflict after an answer of ours was lost: the object is looked up where that tells."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import ConflictError, InvalidRequestError, MolamError, PaymentIntent
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.script import CUT_YES, INTENT, OUTAGE, REFUSED, TIMEOUT, client_of, error_reply

CONFLICT = error_reply(409, "payment_intent_unexpected_state")
MOLAMS = {"X-Molam-Request-Id": "req_get"}


def intent(status: str, **fields: Any) -> Any:
    return reply(200, INTENT | {"status": status} | fields, MOLAMS)


def ended(transport: ScriptedTransport, action: str, *arguments: Any, **settings: Any) -> Any:
    """The object, or the outcome."""
    client = client_of(transport, **settings)
    try:
        return getattr(client, f"{action}_payment_intent")("pi_1", idempotency_key="k", **dict(arguments))
    except MolamError as error:
        return error.outcome


@pytest.mark.parametrize(
    ("action", "status", "outcome"),
    [
        ("confirm", "succeeded", "done"),
        ("confirm", "processing", "done"),
        ("confirm", "requires_capture", "done"),
        ("confirm", "failed", "rejected"),
        ("confirm", "canceled", "rejected"),
        ("confirm", "requires_confirmation", "unknown"),
        ("confirm", "a status of tomorrow", "unknown"),
        ("capture", "succeeded", "done"),
        ("capture", "canceled", "rejected"),
        ("capture", "failed", "rejected"),
        ("capture", "requires_capture", "unknown"),
        ("capture", "processing", "unknown"),
        ("cancel", "canceled", "done"),
        ("cancel", "succeeded", "rejected"),
        ("cancel", "failed", "rejected"),
        ("cancel", "requires_capture", "unknown"),
    ],
)
def test_the_status_of_the_object_tells_what_became_of_a_lost_call(action: str, status: str, outcome: str) -> None:
    transport = ScriptedTransport(TIMEOUT, CONFLICT, intent(status))
    found = ended(transport, action)
    if outcome == "done":
        assert isinstance(found, PaymentIntent)
        assert (found.status, found.attempts, found.idempotency_key, found.request_id) == (status, 3, "k", "req_get")
    else:
        assert found == outcome
    read = transport.requests[2]
    assert (read.method, read.body) == ("GET", None)
    assert read.url.endswith("/v1/connect/payment_intents/pi_1")
    assert "Idempotency-Key" not in read.headers
    assert "Content-Type" not in read.headers
    assert read.headers["Authorization"] == transport.requests[0].headers["Authorization"]
    assert read.deadline == transport.requests[0].deadline


@pytest.mark.parametrize(("captured", "outcome"), [(100.5, "done"), (60, "unknown"), (None, "done")])
def test_the_whole_that_was_asked_for_is_not_the_part_that_somebody_else_captured(
    captured: float | None, outcome: str
) -> None:
    transport = ScriptedTransport(TIMEOUT, CONFLICT, intent("succeeded", amount_captured=captured))
    found = ended(transport, "capture")
    assert (found if outcome == "unknown" else "done") == outcome


@pytest.mark.parametrize(("captured", "outcome"), [(50, "done"), (60, "unknown"), (None, "unknown")])
def test_a_part_that_was_captured_must_be_the_part_that_was_asked_for(captured: int | None, outcome: str) -> None:
    answer = intent("succeeded", amount_captured=captured)
    found = ended(ScriptedTransport(TIMEOUT, CONFLICT, answer), "capture", ("amount", 50))
    assert isinstance(found, PaymentIntent) if outcome == "done" else found == outcome


@pytest.mark.parametrize("status", [400, 422])
def test_already_done_is_looked_up_too(status: int) -> None:
    transport = ScriptedTransport(TIMEOUT, error_reply(status, "already_confirmed"), intent("succeeded"))
    assert ended(transport, "confirm").id == "pi_1"


def test_without_a_doubt_of_ours_a_conflict_is_a_no() -> None:
    transport = ScriptedTransport(REFUSED, CONFLICT)
    assert ended(transport, "confirm") == "rejected"
    assert len(transport.requests) == 2


def test_a_conflict_that_may_be_anybodys_is_not_looked_up() -> None:
    transport = ScriptedTransport(TIMEOUT, error_reply(409, "x", X_Molam_Request_Id=""))
    assert ended(transport, "confirm") == "unknown"
    assert len(transport.requests) == 2


@pytest.mark.parametrize(
    "answers",
    [
        [error_reply(404)],
        [reply(200, b"<html>")],
        [intent("succeeded", id="pi_2")],
        [TIMEOUT] * 3,
        [error_reply(OUTAGE)] * 3,
        [error_reply(401)],
    ],
    ids=["404", "a page", "another's", "timeouts", "an outage", "401"],
)
def test_what_cannot_be_looked_up_stays_unknown_and_keeps_the_conflict(answers: list[Any]) -> None:
    client = client_of(ScriptedTransport(TIMEOUT, CONFLICT, *answers))
    with pytest.raises(ConflictError) as caught:
        client.confirm_payment_intent("pi_1", idempotency_key="k")
    assert (caught.value.outcome, caught.value.code) == ("unknown", "payment_intent_unexpected_state")
    assert (caught.value.attempts, caught.value.operation) == (2 + len(answers), "confirm_payment_intent")
    assert [doubt.idempotency_key for doubt in client.in_doubt()] == ["k"]


def test_a_lookup_that_fails_is_tried_again_and_takes_nothing_from_the_budget() -> None:
    transport = ScriptedTransport(TIMEOUT, CONFLICT, TIMEOUT, error_reply(OUTAGE), intent("succeeded"))
    client = client_of(transport, max_retries=1, retry_budget=20)
    assert client.confirm_payment_intent("pi_1").attempts == 5
    assert client._state.budget.tokens == 11


def test_a_lookup_ends_at_the_deadline_of_its_call() -> None:
    transport = ScriptedTransport(TIMEOUT, CONFLICT, intent("succeeded"), seconds_per_request=1.0)
    assert ended(transport, "confirm", timeout_total=2.0) == "unknown"
    assert len(transport.requests) == 2


def test_a_doubt_of_an_earlier_call_is_looked_up_too() -> None:
    client = client_of(ScriptedTransport(TIMEOUT, CONFLICT, intent("succeeded")), max_retries=0)
    with pytest.raises(MolamError):
        client.confirm_payment_intent("pi_1", idempotency_key="k")
    assert client.confirm_payment_intent("pi_1", idempotency_key="k").status == "succeeded"
    assert client.in_doubt() == ()


def test_a_doubt_that_is_resolved_is_looked_up_too() -> None:
    client = client_of(ScriptedTransport(TIMEOUT, CONFLICT, intent("canceled")), max_retries=0)
    with pytest.raises(MolamError) as caught:
        client.confirm_payment_intent("pi_1", idempotency_key="k")
    with pytest.raises(ConflictError) as no:
        client.resolve(caught.value)
    assert no.value.outcome == "rejected"


def test_what_was_accepted_is_not_taken_back_by_a_lookup() -> None:
    assert ended(ScriptedTransport(CUT_YES, CONFLICT, intent("canceled")), "confirm") == "accepted"
    assert ended(ScriptedTransport(CUT_YES, CONFLICT, intent("succeeded")), "confirm").id == "pi_1"


@pytest.mark.parametrize("code", ["charge_already_refunded", "refund_exceeds_captured"])
def test_what_has_no_object_to_look_up_stays_unknown(code: str) -> None:
    client = client_of(ScriptedTransport(TIMEOUT, error_reply(400, code)))
    with pytest.raises(InvalidRequestError) as caught:
        client.create_refund({"payment_id": "pi_1"})
    assert caught.value.outcome == "unknown"
