"""The forms of an event that the contract has too, on demand, and signatures that hold whatever the clock says."""

from __future__ import annotations

import pytest

from molam_sdk.exceptions import MolamError
from molam_sdk.sandbox import Sandbox
from molam_sdk.webhooks import construct_event
from tests.support.sandbox_api import Api
from tests.support.sandbox_receiver import Arrival, Receiver


def believed(arrival: Arrival, secret: str) -> str:
    """The type of an event that the SDK's own verifier lets in, by this machine's clock."""
    return str(construct_event(arrival.payload, arrival.signature, secret).type)


def test_a_webhook_is_believed_after_any_advance_of_the_clock(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    secret = api.subscribe(receiver.url)["secret"]
    receiver.statuses = [500, 500]
    api.paid(metadata={"sandbox": "disputed"})
    sandbox.clock.advance(hours=26)
    told = [believed(arrival, secret) for arrival in receiver.arrivals]
    assert {"payment.created", "dispute.created", "dispute.resolved"} <= set(told)
    assert {delivery.status for delivery in sandbox.webhooks.deliveries()} == {"delivered"}


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("no_kid", "payment.created"),
        ("iso_created", "payment.created"),
        ("long_type", "payment.intent.created"),
        ("unknown_type", "payment.seen_from_afar"),
    ],
)
def test_each_form_is_signed_as_it_is_sent_and_believed(
    api: Api, sandbox: Sandbox, receiver: Receiver, kind: str, told: str
) -> None:
    secret = api.subscribe(receiver.url)["secret"]
    sandbox.faults.add(kind=kind)
    api.intent()
    sandbox.webhooks.wait()
    (arrival,) = receiver.arrivals
    assert (believed(arrival, secret), arrival.event["type"]) == (told, told)
    assert ("kid=" in arrival.signature) == (kind != "no_kid")
    assert isinstance(arrival.event["created"], str) == (kind == "iso_created")
    (attempt,) = sandbox.webhooks.deliveries()[0].attempts
    assert (attempt.signature, attempt.body) == (arrival.signature, arrival.payload.decode())


def test_a_form_stays_over_the_tries_of_a_delivery(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    sandbox.faults.long_type(times=1)
    receiver.statuses = [500]
    api.intent()
    sandbox.clock.advance(minutes=1)
    assert receiver.types == ["payment.intent.created"] * 2


def test_a_bad_signature_is_refused_by_the_receiver(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    secret = api.subscribe(receiver.url)["secret"]
    sandbox.faults.bad_signature(times=1)
    api.paid()
    sandbox.webhooks.wait()
    bad, good = receiver.arrivals
    with pytest.raises(MolamError):
        believed(bad, secret)
    assert believed(good, secret) == "payment.succeeded"


def test_a_fault_of_deliveries_keeps_to_its_endpoint_order_and_scope(
    api: Api, sandbox: Sandbox, receiver: Receiver
) -> None:
    quiet = api.subscribe(f"{receiver.url}/quiet")
    api.subscribe(f"{receiver.url}/loud")
    sandbox.faults.long_type(endpoint=quiet["id"], order="A1")
    sandbox.faults.unknown_type(scope="test-7")
    api.intent(metadata={"order_id": "A1"})
    api.intent(metadata={"order_id": "A2"})
    headers = {"Molam-Sandbox-Scope": "test-7"}
    api.post("/v1/connect/payment_intents", {"amount": 1, "currency": "USD"}, headers=headers)
    sandbox.webhooks.wait()
    by_path: dict[str, list[str]] = {}
    for arrival in receiver.arrivals:
        by_path.setdefault(arrival.path, []).append(arrival.event["type"])
    assert by_path == {
        "/hook/quiet": ["payment.intent.created", "payment.created", "payment.seen_from_afar"],
        "/hook/loud": ["payment.created", "payment.created", "payment.seen_from_afar"],
    }
