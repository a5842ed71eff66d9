"""The whole job against a real server: the embedded sandbox, or with ``MOLAM_SANDBOX_KEY`` Molam's own, or the one at
``MOLAM_SANDBOX_URL``."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from decimal import Decimal

import pybreaker
import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import (
    APIError,
    AuthenticationError,
    CircuitOpenError,
    ClientConfig,
    ConflictError,
    IdempotencyError,
    MolamSyncClient,
    NotFoundError,
    PaymentIntentCreate,
    PayoutCreate,
    RefundCreate,
)
from molam_sdk.config import ENVIRONMENTS
from molam_sdk.sandbox import Sandbox

KEY = os.environ.get("MOLAM_SANDBOX_KEY")
REMOTE = os.environ.get("MOLAM_SANDBOX_URL") or (ENVIRONMENTS["sandbox"] if KEY else None)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, str]]:
    """The URL and a key of a Molam that may be played with."""
    if REMOTE:
        if not KEY:
            pytest.skip("MOLAM_SANDBOX_URL is set, but MOLAM_SANDBOX_KEY is not")
        yield REMOTE, KEY
        return
    with Sandbox() as sandbox:
        yield sandbox.url, sandbox.api_key


@pytest.fixture
def client(server: tuple[str, str]) -> Iterator[MolamSyncClient]:
    url, key = server
    with MolamSyncClient(ClientConfig(api_key=key, base_url=url), registry=CollectorRegistry()) as made:
        yield made


def intent_of(amount: str = "100.50", currency: str = "USD", *, capture: bool = True) -> PaymentIntentCreate:
    return PaymentIntentCreate(amount=Decimal(amount), currency=currency, capture=capture)


def test_a_payment_is_taken_and_found_again(client: MolamSyncClient) -> None:
    created = client.create_payment_intent(intent_of())
    assert (created.status, created.amount, created.currency) == ("requires_confirmation", Decimal("100.50"), "USD")
    assert created.request_id
    assert client.confirm_payment_intent(created.id).status in ("processing", "succeeded")
    found = client.retrieve_payment_intent(created.id)
    assert (found.id, found.amount) == (created.id, Decimal("100.50"))
    assert found.created_at is not None


def test_an_authorised_payment_is_captured(client: MolamSyncClient) -> None:
    created = client.create_payment_intent(intent_of("5000", "XOF", capture=False))
    assert client.confirm_payment_intent(created.id).status == "requires_capture"
    assert client.capture_payment_intent(created.id).status == "succeeded"


def test_a_payment_is_canceled_and_then_cannot_be_confirmed(client: MolamSyncClient) -> None:
    created = client.create_payment_intent(intent_of())
    assert client.cancel_payment_intent(created.id).status == "canceled"
    with pytest.raises(ConflictError) as caught:
        client.confirm_payment_intent(created.id)
    assert caught.value.outcome == "rejected"


def test_a_payment_is_refunded_but_never_beyond_its_amount(client: MolamSyncClient) -> None:
    paid = client.create_payment_intent(intent_of("10.00"))
    client.confirm_payment_intent(paid.id)
    refund = client.create_refund(RefundCreate(payment_id=paid.id, amount=Decimal("4.00"), reason="damaged"))
    assert (refund.payment_id, refund.amount) == (paid.id, Decimal(4))
    with pytest.raises(APIError) as caught:
        client.create_refund(RefundCreate(payment_id=paid.id, amount=Decimal("6.01")))
    assert caught.value.outcome == "rejected"
    assert client.create_refund(RefundCreate(payment_id=paid.id)).amount == Decimal(6)
    assert {each.id for each in client.list_refunds(payment_id=paid.id)} >= {refund.id}
    assert client.retrieve_refund(refund.id).reason == "damaged"


def test_money_is_paid_out(client: MolamSyncClient) -> None:
    order = PayoutCreate(
        amount=Decimal(5000), currency="XOF", beneficiary="wallet_1", origin_module="shop", origin_entity="order-7"
    )
    payout = client.create_payout(order)
    assert payout.status in ("pending", "completed")
    assert client.retrieve_payout(payout.id).amount == Decimal(5000)


def test_the_same_key_takes_the_money_once(client: MolamSyncClient) -> None:
    key = f"order-{uuid.uuid4()}"
    first = client.create_payment_intent(intent_of(), idempotency_key=key)
    second = client.create_payment_intent(intent_of(), idempotency_key=key)
    assert (second.id, first.replayed, second.replayed) == (first.id, False, True)


def test_the_same_key_with_another_body_is_refused(client: MolamSyncClient) -> None:
    key = f"order-{uuid.uuid4()}"
    client.create_payment_intent(intent_of(), idempotency_key=key)
    with pytest.raises(IdempotencyError) as caught:
        client.create_payment_intent(intent_of("100.51"), idempotency_key=key)
    assert (caught.value.code, caught.value.idempotency_key) == ("idempotency_key_reused", key)


def test_what_does_not_exist_is_not_found(client: MolamSyncClient) -> None:
    with pytest.raises(NotFoundError) as caught:
        client.retrieve_payment_intent("pi_does_not_exist")
    assert caught.value.request_id


def test_lists_go_over_all_pages(client: MolamSyncClient) -> None:
    customer = f"cus_{uuid.uuid4().hex}"
    made = [
        client.create_payment_intent({"amount": 1, "currency": "USD", "customer_id": customer}).id for _ in range(5)
    ]
    listed = client.list_payment_intents(customer_id=customer, limit=2)
    assert [intent.id for intent in listed] == made[::-1]


def test_a_merchant_is_onboarded(client: MolamSyncClient) -> None:
    merchant = client.create_merchant_onboarding(
        {
            "business_name": "Boutique",
            "business_type": "company",
            "country": "SN",
            "currency": "XOF",
            "email": "owner@boutique.example",
        }
    )
    assert (merchant.business_name, merchant.country) == ("Boutique", "SN")


def test_a_webhook_endpoint_is_made_listed_and_deleted(client: MolamSyncClient) -> None:
    tenant = f"m_{uuid.uuid4().hex}"
    payload = {
        "tenant_type": "merchant",
        "tenant_id": tenant,
        "url": "https://shop.example/h",
        "events": ["payment.succeeded"],
    }
    endpoint = client.create_webhook_endpoint(payload)
    assert (endpoint.secret or "").startswith("whsec_")
    (listed,) = client.list_webhook_endpoints(tenant_type="merchant", tenant_id=tenant)
    assert (listed.id, listed.secret) == (endpoint.id, None)
    client.delete_webhook_endpoint(endpoint.id)
    assert list(client.list_webhook_endpoints(tenant_type="merchant", tenant_id=tenant)) == []


def test_a_wrong_key_is_refused(server: tuple[str, str]) -> None:
    config = ClientConfig(api_key="sk_test_wrong_key", base_url=server[0])
    with MolamSyncClient(config, registry=CollectorRegistry()) as client, pytest.raises(AuthenticationError):
        client.create_payment_intent(intent_of())


def test_an_api_that_is_down_opens_the_breaker() -> None:
    if REMOTE:
        pytest.skip("only a sandbox of our own may be broken")
    with Sandbox() as sandbox:
        config = ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url, max_retries=0)
        with MolamSyncClient(config, cb_fail_max=3, registry=CollectorRegistry()) as client:
            sandbox.faults.status(503, operation="create_payment_intent", times=3)
            for _ in range(3):
                with pytest.raises(APIError, match="503"):
                    client.create_payment_intent(intent_of())
            assert client.cb.current_state == pybreaker.STATE_OPEN
            with pytest.raises(CircuitOpenError):
                client.create_payment_intent(intent_of())


def test_an_answer_lost_after_the_money_moved_is_found_by_the_retry() -> None:
    if REMOTE:
        pytest.skip("only a sandbox of our own may be broken")
    with Sandbox() as sandbox:
        config = ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url)
        with MolamSyncClient(config, registry=CollectorRegistry()) as client:
            sandbox.faults.drop_after_commit(operation="create_payment_intent", times=1)
            intent = client.create_payment_intent(intent_of(), idempotency_key="order-7")
            assert (intent.replayed, intent.attempts) == (True, 2)
            assert sandbox.ledger.executions(idempotency_key="order-7") == 1
            assert sandbox.ledger.balanced()
