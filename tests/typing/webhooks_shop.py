"""A merchant's webhook code as type checkers see it: checked, never run."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from typing_extensions import assert_type

from molam_sdk import PaymentIntent, Payout, Refund
from molam_sdk.receiver import WebhookAnswer, WebhookReceiver
from molam_sdk.store import MemoryStore, Store
from molam_sdk.webhooks import (
    PaymentEvent,
    PayoutEvent,
    RefundEvent,
    UnknownEvent,
    WebhookEvent,
    construct_event,
    verify_molam_signature,
)

store: Store = MemoryStore()
receiver = WebhookReceiver({"v1": ["old", b"new"]}, store)


@receiver.on("payment.succeeded", "payment.intent.failed")
def paid(event: PaymentEvent) -> None:
    assert_type(event.data, PaymentIntent)
    assert_type(event.data.amount, Decimal)
    assert_type(event["data"], Any)


@receiver.on("refund.succeeded")
async def refunded(event: RefundEvent) -> None:
    assert_type(event.data, Refund)


@receiver.on("payment.*", "brand.new")
def anything(event: WebhookEvent) -> int:
    return len(event.type)


@receiver.on("payment.succeeded")  # type: ignore[type-var]  # a refund  # pyright: ignore[reportArgumentType, reportUntypedFunctionDecorator]
def wrong(event: RefundEvent) -> None: ...


def by_class(body: bytes, header: str | None) -> Decimal | None:
    event = construct_event(body, header, lambda kid: None)
    if isinstance(event, PaymentEvent):
        assert_type(event.data, PaymentIntent)
        return event.data.amount
    match event:
        case PayoutEvent():
            assert_type(event.data, Payout)
            return event.data.amount
        case RefundEvent():
            assert_type(event.data, Refund)
            return event.data.amount
        case UnknownEvent():
            assert_type(event.type, str)
        case _:
            pass
    return None


def answers(body: bytes, header: list[str]) -> WebhookAnswer:
    assert_type(verify_molam_signature(header, body, {"v1": "s"}), bool)
    assert_type(anything(PaymentEvent({})), int)
    return receiver.receive({"Molam-Signature": header}, body)
