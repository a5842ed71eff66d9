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
from molam_sdk.models.payloads import AnyBody


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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": {"c": 2, "d": [{"e": 3, "f": 4}]}}, {"b": {"d": [{"f": 4, "e": 3}], "c": 2}, "a": 1}),
        ({"1": 1, "2": 2}, {"2": 2, "1": 1}),
    ],
)
def test_what_is_equal_is_the_same_bytes_whatever_its_order(one: dict[str, Any], other: dict[str, Any]) -> None:
    """As its idempotency key asks for: an order that is read from a database again may name its fields in another."""
    assert list(one) != list(other)
    first, second = (RefundCreate(payment_id="pi_1", metadata=metadata).to_json() for metadata in (one, other))
    assert first == second
    assert AnyBody(**one).to_json() == AnyBody(**other).to_json()
    assert AnyBody(**one).to_json() in first


def test_a_circle_has_no_json_form() -> None:
    circle: dict[str, Any] = {"b": 1, "a": 2}
    circle["c"] = [circle]
    with pytest.raises(ValueError, match="Circular"):
        RefundCreate(payment_id="pi_1", metadata=circle).to_json()


def test_a_nan_within_metadata_has_no_json_form_and_a_text_of_that_name_has() -> None:
    with pytest.raises(ValueError, match="NaN is not JSON"):
        RefundCreate(payment_id="pi_1", metadata={"a": {"b": [float("nan")]}}).to_json()
    assert b'"NaN"' in RefundCreate(payment_id="pi_1", metadata={"a": "NaN"}).to_json()
