"""From what a merchant wrote to a request model, and what he is told where it does not fit."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import PaymentIntentCreate, RequestValidationError, WebhookEndpointCreate
from molam_sdk._core.bodies import read_payload


def explained(kind: Any, payload: Any) -> str:
    with pytest.raises(RequestValidationError) as caught:
        read_payload(kind, payload)
    return caught.value.message


def test_a_model_is_taken_as_it_is() -> None:
    model = PaymentIntentCreate(amount=5, currency="XOF")
    assert read_payload(PaymentIntentCreate, model) is model
    assert read_payload(PaymentIntentCreate, model, "USD") is model


def test_the_clients_currency_stands_where_none_is_given() -> None:
    assert read_payload(PaymentIntentCreate, {"amount": 5}, "XOF").currency == "XOF"
    assert read_payload(PaymentIntentCreate, {"amount": 5, "currency": None}, "XOF").currency == "XOF"
    assert read_payload(PaymentIntentCreate, {"amount": 5, "currency": "EUR"}, "XOF").currency == "EUR"


def test_a_payload_of_another_kind_is_refused_by_name() -> None:
    message = explained(PaymentIntentCreate, ["amount", 5])
    assert message == "payload must be a PaymentIntentCreate or a mapping, not list"


def test_each_wrong_field_is_named_and_the_input_is_not_repeated() -> None:
    message = explained(PaymentIntentCreate, {"amount": 5, "currency": "USD", "capture": "4242", "kustomer": "4242"})
    assert message.startswith("PaymentIntentCreate: capture: ")
    assert "; kustomer: " in message
    assert "4242" not in message
    assert "http" not in message


def test_a_nested_field_is_named_by_its_path() -> None:
    endpoint = {"tenant_type": "merchant", "tenant_id": "m_1", "url": "https://x.example/hook", "events": [7]}
    assert "events.0: " in explained(WebhookEndpointCreate, endpoint)


def test_no_more_than_five_faults_are_told() -> None:
    typos = {f"typo_{number}": 1 for number in range(7)}
    assert len(explained(PaymentIntentCreate, {"amount": 5, "currency": "USD"} | typos).split("; ")) == 5
