"""Answers keep what they do not know; how an answer came stands beside its data."""

from __future__ import annotations

import copy
import json
import pickle
from decimal import Decimal
from typing import Any

import pytest

from molam_sdk import Page, PaymentIntent, WebhookEndpoint
from molam_sdk.models.response import RESPONSE_INFO, ResponseInfo

INTENT = b'{"id":"pi_1","status":"succeeded","amount":100.50,"currency":"USD","created_at":"2026-01-02T03:04:05Z"}'


def test_an_answer_keeps_unknown_fields_and_statuses() -> None:
    intent = PaymentIntent.model_validate_json(INTENT.replace(b"succeeded", b"on_the_moon")[:-1] + b',"new":[1]}')
    assert intent.status == "on_the_moon"
    assert intent.model_dump()["new"] == [1]


def test_amounts_of_answers_are_exact() -> None:
    assert PaymentIntent.model_validate_json(INTENT).amount == Decimal("100.50")
    largest = INTENT.replace(b"100.50", b"9999999999999.99")
    assert PaymentIntent.model_validate_json(largest).amount == Decimal("9999999999999.99")


def _with_info() -> PaymentIntent:
    intent = PaymentIntent.model_validate_json(INTENT)
    intent.__dict__[RESPONSE_INFO] = ResponseInfo(200, {"X": "y"}, "req_1", "key-1", True, 2, 0.5)
    return intent


def test_how_an_answer_came_stands_beside_its_data() -> None:
    intent = _with_info()
    assert (intent.request_id, intent.idempotency_key, intent.replayed, intent.attempts) == ("req_1", "key-1", True, 2)
    assert intent.response.headers["X"] == "y"
    assert not {"request_id", "response", RESPONSE_INFO} & set(intent.model_dump())
    assert RESPONSE_INFO not in json.loads(intent.model_dump_json())
    assert "req_1" not in repr(intent)


def test_two_answers_with_the_same_data_are_equal_however_they_came() -> None:
    assert _with_info() == PaymentIntent.model_validate_json(INTENT)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda answer: pickle.loads(pickle.dumps(answer))])
def test_an_answer_is_copied_and_pickled_with_how_it_came(duplicate: Any) -> None:
    assert duplicate(_with_info()).response == _with_info().response


def test_a_field_of_the_body_does_not_take_the_place_of_the_real_request_id() -> None:
    intent = PaymentIntent.model_validate_json(INTENT[:-1] + b',"request_id":"from the body"}')
    assert intent.request_id is None
    assert intent.model_dump()["request_id"] == "from the body"


def test_an_answer_without_a_call_has_an_empty_response() -> None:
    intent = PaymentIntent.model_validate_json(INTENT)
    assert (intent.attempts, intent.replayed, intent.idempotency_key) == (0, False, None)


def test_a_secret_is_not_in_the_repr() -> None:
    assert "whsec" not in repr(WebhookEndpoint(id="we_1", url="https://x", secret="whsec_123"))


def test_a_page_without_has_more_is_the_last_one() -> None:
    page = Page[PaymentIntent].model_validate_json(b'{"data":[' + INTENT + b"]}")
    assert (len(page), page.has_more, [intent.id for intent in page.items()]) == (1, False, ["pi_1"])


def test_what_was_captured_is_an_exact_amount() -> None:
    captured = PaymentIntent.model_validate_json(INTENT[:-1] + b',"amount_captured":40.10}')
    assert captured.amount_captured == Decimal("40.10")
    assert PaymentIntent.model_validate_json(INTENT).amount_captured is None
