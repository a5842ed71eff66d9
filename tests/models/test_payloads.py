"""Requests refuse what they do not know, and go out as exact bytes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from molam_sdk import (
    MerchantOnboardingCreate,
    PaymentIntentCreate,
    PayoutCreate,
    RefundCreate,
    WebhookEndpointCreate,
)


def test_a_negative_amount_says_that_it_must_be_positive() -> None:
    with pytest.raises(ValidationError, match="Amount must be positive"):
        PaymentIntentCreate(amount=-10, currency="USD")  # type: ignore[arg-type]  # the wrong thing, on purpose


def test_decimals_beyond_the_currency_are_refused_by_name() -> None:
    with pytest.raises(ValidationError, match=r"XOF has no decimals: 100\.50"):
        PaymentIntentCreate(amount=Decimal("100.50"), currency="xof")


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        (PaymentIntentCreate, {"amount": 1, "curency": "USD"}, "curency"),
        (PaymentIntentCreate, {"amount": 1, "payment_methods": ["cash"]}, "mobile_money"),
        (PaymentIntentCreate, {}, "amount"),
        (RefundCreate, {"payment_id": " "}, "must not be empty"),
        (PayoutCreate, {"amount": 1, "beneficiary": "b", "origin_module": "m"}, "origin_entity"),
        (WebhookEndpointCreate, {"tenant_type": "t", "tenant_id": "1", "url": "https://x", "events": []}, "events"),
        (MerchantOnboardingCreate, {"business_name": "x", "currency": "ZZZ"}, "ISO 4217"),
    ],
)
def test_a_wrong_request_names_the_field(kind: Any, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        kind(**fields)


def test_the_wire_form_holds_exact_numbers_and_only_what_was_given() -> None:
    intent = PaymentIntentCreate(amount=Decimal("100.50"), currency="usd", metadata={"order": 7})
    assert intent.to_json() == b'{"amount":100.5,"currency":"USD","capture":false,"metadata":{"order":7}}'


def test_amounts_stay_decimals_in_python() -> None:
    assert PaymentIntentCreate(amount=Decimal("0.10")).model_dump()["amount"] == Decimal("0.10")


def test_a_request_cannot_be_changed_after_it_was_checked() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        PaymentIntentCreate(amount=Decimal(1)).amount = Decimal(-1)  # type: ignore[misc]  # on purpose


def test_a_nan_within_metadata_has_no_json_form_and_a_text_of_that_name_has() -> None:
    with pytest.raises(ValueError, match="NaN is not JSON"):
        RefundCreate(payment_id="pi_1", metadata={"a": {"b": [float("nan")]}}).to_json()
    assert b'"NaN"' in RefundCreate(payment_id="pi_1", metadata={"a": "NaN"}).to_json()
