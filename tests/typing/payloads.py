"""Payloads as dicts, as type checkers see them: what is wrong is refused before it runs. Checked, never run."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from typing_extensions import assert_type

from molam_sdk import Balance, MolamClient, PaymentIntent, PaymentIntentCreate, PlainAsyncClient
from molam_sdk.types import (
    AmountInput,
    AsyncTransport,
    CallRecord,
    CallStart,
    EventType,
    Observer,
    PaymentIntentParams,
    PaymentIntentStatus,
    Transport,
    WebhookEndpointParams,
)


def right(client: MolamClient, events: list[str], loose: dict[str, Any]) -> None:
    client.create_payment_intent({"amount": "100.50"})
    client.create_payment_intent({"amount": 1.5, "currency": None, "payment_methods": ["card", "wallet"]})
    client.create_payment_intent(PaymentIntentCreate(**loose))  # a dict whose fields nobody knows
    order: PaymentIntentParams = {"amount": Decimal(7), "metadata": {"order": 7, "nested": {"a": [1]}}}
    order["capture"] = True
    assert_type(client.create_payment_intent(order), PaymentIntent)
    endpoint: WebhookEndpointParams = {"tenant_type": "m", "tenant_id": "1", "url": "https://x", "events": [*events]}
    client.create_webhook_endpoint(endpoint)
    client.create_refund({"payment_id": "pi_1", "amount": 5})
    client.capture_payment_intent("pi_1", amount="7.50")
    client.list_payment_intents(status="requires_capture")
    client.list_payment_intents(status="a_status_of_tomorrow")


def a_wrong_name(client: MolamClient) -> None:
    client.create_payment_intent({"amount": 1, "curency": "USD"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def a_wrong_type(client: MolamClient) -> None:
    client.create_payment_intent({"amount": [1]})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.create_payment_intent({"amount": 1, "capture": "yes"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.create_payment_intent({"amount": 1, "payment_methods": ["cash"]})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.create_webhook_endpoint({"tenant_type": "m", "tenant_id": "1", "url": "https://x", "events": "payment.*"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.capture_payment_intent("pi_1", amount=[7])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def something_missing(client: MolamClient) -> None:
    client.create_payment_intent({"currency": "USD"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.create_refund({"amount": 5})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.create_payout({"amount": 5})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Watching:
    def call_started(self, start: CallStart) -> dict[str, str]:
        return {"X-Trace": start.operation}

    def call_ended(self, record: CallRecord) -> None:
        assert_type(record.elapsed, float)


async def seams(transport: Transport, awaited: AsyncTransport, amount: AmountInput) -> None:
    watching: Observer = Watching()
    status: PaymentIntentStatus = "succeeded"
    event: EventType = "payment.succeeded"
    MolamClient(transport=transport, observers=[watching]).list_payment_intents(status=status)
    client = PlainAsyncClient(transport=awaited)
    assert_type(await client.retrieve_balance(), Balance)
    await client.create_payment_intent({"amount": amount, "metadata": {"event": event}})
