"""What the object of an entry is known by: the id in a path, and the tag in its metadata."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from molam_sdk.journal.naming import id_in, object_in, tag_in, tag_in_body, tag_of, with_tag

CREATE = "create_payment_intent"


@pytest.mark.parametrize(
    ("operation", "path", "found"),
    [
        ("capture_payment_intent", "/v1/connect/payment_intents/pi_1/capture", "pi_1"),
        ("cancel_payment_intent", "/v1/connect/payment_intents/pi%2F1/cancel", "pi/1"),
        ("delete_webhook_endpoint", "/v1/webhooks/endpoints/we_1", "we_1"),
        ("capture_payment_intent", "/v1/connect/payment_intents/pi_1/confirm", None),
        (CREATE, "/v1/connect/payment_intents", None),
        ("an operation of tomorrow", "/v1/connect/payment_intents/pi_1", None),
    ],
)
def test_the_id_in_a_path(operation: str, path: str, found: str | None) -> None:
    assert object_in(operation, path) == found


@pytest.mark.parametrize(
    "body",
    [
        '{"amount":100.50,"currency":"USD"}',
        '{"amount":0.1000,"currency":"USD","metadata":{}}',
        '{"amount":100000000000000.1,"metadata":{"a":{"metadata":{}},"b":[1,2.50]},"currency":"XOF"}',
        '{"description":"\\"metadata\\":{}","beneficiary":{"metadata":{"x":1}},"amount":5}',
        '{ "metadata" : { "a" : 1 } , "amount" : 5.00 }',
        "{}",
    ],
)
def test_a_tag_goes_into_the_metadata_and_changes_nothing_else(body: str) -> None:
    tagged = with_tag(CREATE, "order-7", body.encode())
    assert tagged is not None
    before, after = (json.loads(text, parse_float=Decimal) for text in (body, tagged))
    tag = after["metadata"].pop("molam_entry")
    assert tag == tag_of(CREATE, "order-7", body.encode()) == tag_in_body(tagged)
    assert after == before | {"metadata": before.get("metadata", {})}
    digits = body.partition('"amount":')[2].partition(",")[0].partition("}")[0]
    assert digits.encode() in tagged


def test_a_tag_is_the_same_for_the_same_request_and_for_nothing_else() -> None:
    body = b'{"amount":5}'
    tags = {
        tag_of(CREATE, "order-7", body),
        tag_of(CREATE, "order-8", body),
        tag_of(CREATE, "order-7", b'{"amount":6}'),
        tag_of("create_payout", "order-7", body),
    }
    assert len(tags) == 4
    assert with_tag(CREATE, "order-7", body) == with_tag(CREATE, "order-7", body)


@pytest.mark.parametrize(("operation", "body"), [("capture_payment_intent", b"{}"), ("post", b"{}"), (CREATE, None)])
def test_what_carries_no_metadata_is_left_alone(operation: str, body: bytes | None) -> None:
    assert with_tag(operation, "order-7", body) == body


@pytest.mark.parametrize(
    "data", [{}, {"metadata": None}, {"metadata": {"molam_entry": 5}}, {"metadata": {"molam_entry": ""}}]
)
def test_no_tag_is_none(data: dict[str, Any]) -> None:
    assert tag_in(data) is None


def test_the_id_in_an_answer() -> None:
    assert id_in(b'{"id":"pi_1"}') == "pi_1"
    assert [id_in(body) for body in (b"", b"[]", b'{"id":5}', b'{"id":""}', b"[" * 100_000)] == [None] * 5
