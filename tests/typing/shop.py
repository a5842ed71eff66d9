"""A merchant's code as type checkers see it: checked, never run."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from typing_extensions import assert_type

from molam_sdk import (
    APIError,
    ClientConfig,
    Document,
    MerchantOnboarding,
    MerchantOnboardingCreate,
    MolamAsyncClient,
    MolamClient,
    MolamError,
    MolamSyncClient,
    Page,
    Pages,
    PaymentIntent,
    PaymentIntentCreate,
    Payout,
    Refund,
    RefundCreate,
    ResponseInfo,
    WebhookEndpoint,
)


def pay(client: MolamSyncClient) -> None:
    intent = client.create_payment_intent(PaymentIntentCreate(amount=Decimal("100.50"), currency="USD"), timeout=5)
    assert_type(intent, PaymentIntent)
    assert_type(intent.id, str)
    assert_type(intent.amount, Decimal)
    assert_type(intent.currency, str)
    assert_type(intent.request_id, str | None)
    assert_type(intent.attempts, int)
    assert_type(intent.replayed, bool)
    assert_type(intent.response, ResponseInfo)
    assert_type(client.confirm_payment_intent(intent.id, idempotency_key="k"), PaymentIntent)
    assert_type(client.capture_payment_intent(intent.id, amount=7), PaymentIntent)
    assert_type(client.create_refund(RefundCreate(payment_id=intent.id)), Refund)
    assert_type(client.create_refund({"payment_id": intent.id}), Refund)
    assert_type(
        client.create_payout({"amount": 1, "beneficiary": "w_1", "origin_module": "shop", "origin_entity": "o_1"}),
        Payout,
    )
    merchant = MerchantOnboardingCreate(business_name="B", business_type="llc", country="SN", email="a@b.example")
    assert_type(client.create_merchant_onboarding(merchant), MerchantOnboarding)
    assert_type(
        client.create_webhook_endpoint({"tenant_type": "m", "tenant_id": "1", "url": "https://x", "events": ["*"]}),
        WebhookEndpoint,
    )
    assert_type(client.retrieve_balance(currency="XOF").data[0].available, Decimal)
    assert_type(intent.amount_captured, Decimal | None)
    assert_type(client.get("/v1/x"), Document)
    assert_type(client.client, MolamClient)


def pages(client: MolamClient) -> None:
    assert_type(client.list_payment_intents(limit=3), Pages[PaymentIntent])
    assert_type(client.list_refunds().page, Page[Refund])
    assert_type(client.list_payouts().pages(), Iterator[Page[Payout]])
    for intent in client.list_payment_intents():
        assert_type(intent, PaymentIntent)


def failures(client: MolamClient) -> str | None:
    try:
        client.retrieve_refund("re_1")
    except APIError as error:
        assert_type(error.status_code, int)
        assert_type(error.code, str | None)
    except MolamError as error:
        assert_type(error.outcome, Literal["not_sent", "rejected", "unknown", "accepted"])
        assert_type(error.idempotency_key, str | None)
        assert_type(error.retry_after, float | None)
        assert_type(error.money_may_have_moved, bool)
        return error.idempotency_key
    return None


def wrong(client: MolamClient) -> None:
    client.retrieve_refund(7)  # type: ignore[arg-type]  # an id is a str  # pyright: ignore[reportArgumentType]
    client.cancel_payment_intent("pi_1", idempotncy_key="k")  # type: ignore[call-arg]  # a typo  # pyright: ignore[reportCallIssue]
    ClientConfig(timeout_total="5")  # type: ignore[arg-type]  # seconds  # pyright: ignore[reportArgumentType]


async def pay_async(client: MolamAsyncClient) -> None:
    assert_type(await client.create_payment_intent({"amount": 1}), PaymentIntent)
    async for refund in client.list_refunds():
        assert_type(refund, Refund)
