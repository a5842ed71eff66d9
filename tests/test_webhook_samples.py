"""Webhooks for merchants' own tests: of every type, with objects that read as Molam's do, and from a sandbox."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import ClientConfig, MolamClient
from molam_sdk._webhook_samples import SAMPLE_SECRET, SandboxWebhooks
from molam_sdk.receiver import WebhookReceiver
from molam_sdk.sandbox import Sandbox
from molam_sdk.store import MemoryStore
from molam_sdk.testing import signed_event
from molam_sdk.webhooks import DisputeEvent, PaymentEvent, UnknownEvent
from molam_sdk.webhooks.event import KNOWN_TYPES
from tests.support.webhooks.posted_shop import PostedReceiver


def receiver_of(secrets: object) -> WebhookReceiver:
    return WebhookReceiver(secrets, MemoryStore(), registry=CollectorRegistry())  # type: ignore[arg-type]


@pytest.mark.parametrize("event_type", [*sorted(KNOWN_TYPES), "payment.intent.succeeded", "payment.refund.failed"])
def test_a_sample_of_each_type_is_verified_and_has_the_object_of_its_type(event_type: str) -> None:
    seen = []
    receiver = receiver_of({"v1": SAMPLE_SECRET})
    receiver.on(event_type)(seen.append)
    sample = signed_event(event_type)
    assert receiver.receive(sample.headers, sample.body).result == "handled"
    (event,) = seen
    assert event == sample.event
    if not isinstance(event, DisputeEvent):
        assert event.data.id == event.object_id
        assert event.data.model_extra == {}
        assert json.dumps(event["data"], sort_keys=True)
    assert event["data"]["status"] in {
        *("requires_confirmation", "requires_capture", "succeeded", "failed", "canceled"),
        *("pending", "completed", "open", "resolved"),
    }


def test_fields_are_the_callers() -> None:
    sample = signed_event(
        "payment.succeeded",
        event_id="evt_7",
        now=1_800_000_000,
        livemode=True,
        amount=Decimal("12.50"),
        currency="USD",
        metadata={"order": "7"},
        data={"now": "a field of this name"},
    )
    event = sample.event
    assert isinstance(event, PaymentEvent)
    assert (event.id, event["created"], event.livemode, event["data"]["now"]) == (
        "evt_7",
        1_800_000_000,
        True,
        "a field of this name",
    )
    assert (event.data.amount, event.data.currency, event.data.metadata) == (Decimal("12.5"), "USD", {"order": "7"})


def test_two_samples_are_two_events_of_two_objects() -> None:
    one, two = signed_event("refund.created"), signed_event("refund.created")
    assert one.event.id != two.event.id
    assert one.event.object_id != two.event.object_id
    assert one.headers["Idempotency-Key"] != two.headers["Idempotency-Key"]


def test_a_type_that_nobody_knows_has_what_it_is_given() -> None:
    sample = signed_event("brand.new", secret=b"other", kid="2", livemode=None, colour="red")
    assert isinstance(sample.event, UnknownEvent)
    assert sample.event["data"] == {"colour": "red"}
    assert "livemode" not in sample.event
    receiver = receiver_of({"2": b"other"})
    receiver.on("brand.new", unknown_types=True)(lambda event: None)
    assert receiver.receive(sample.headers, sample.body).result == "handled"


def test_a_sandbox_sends_to_an_endpoint_whose_secret_the_receiver_has(
    molam_sandbox: Sandbox, molam_webhooks: SandboxWebhooks
) -> None:
    receiver, seen = receiver_of(molam_webhooks.secrets), []

    @receiver.on("payment.succeeded")
    def ship(event: PaymentEvent) -> None:
        seen.append(event.data.id)

    with PostedReceiver(receiver) as posted:
        molam_webhooks.subscribe(posted.url, "payment.*")
        config = ClientConfig(api_key=molam_sandbox.api_key, base_url=molam_sandbox.url)
        with MolamClient(config) as client:
            intent = client.create_payment_intent({"amount": 5000, "currency": "XOF", "capture": True})
            client.confirm_payment_intent(intent.id)
        molam_sandbox.webhooks.wait(20)
    assert seen == [intent.id]
    assert {delivery.status for delivery in molam_sandbox.webhooks.deliveries()} == {"delivered"}
