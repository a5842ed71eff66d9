"""Every operation that takes a key sends the key it was given, and names the id that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from molam_sdk import RequestValidationError
from molam_sdk._core import operations as ops
from molam_sdk._core.invocation import Invocation
from tests.core.test_operations import ENDPOINT, INTENT, MERCHANT, PAYOUT

UNDER_A_KEY: dict[str, Callable[[str], Invocation[Any]]] = {
    "create_payment_intent": lambda key: ops.create_payment_intent(INTENT, key, "USD"),
    "confirm_payment_intent": lambda key: ops.confirm_payment_intent("pi_1", None, key),
    "capture_payment_intent": lambda key: ops.capture_payment_intent("pi_1", 5, key),
    "cancel_payment_intent": lambda key: ops.cancel_payment_intent("pi_1", key),
    "create_refund": lambda key: ops.create_refund({"payment_id": "pi_1"}, key),
    "create_payout": lambda key: ops.create_payout(PAYOUT, key, "USD"),
    "create_merchant_onboarding": lambda key: ops.create_merchant_onboarding(MERCHANT, key, "USD"),
    "create_webhook_endpoint": lambda key: ops.create_webhook_endpoint(ENDPOINT, key),
    "delete_webhook_endpoint": lambda key: ops.delete_webhook_endpoint("we_1", key),
    "post": lambda key: ops.post("/v1/x", {}, key),
}


@pytest.mark.parametrize(("name", "make"), UNDER_A_KEY.items(), ids=UNDER_A_KEY)
def test_a_given_key_is_the_one_that_is_sent(name: str, make: Callable[[str], Invocation[Any]]) -> None:
    invocation = make("order-7")
    assert (invocation.idempotency_key, invocation.operation.name) == ("order-7", name)


IDS: dict[str, Callable[[], Invocation[Any]]] = {
    "retrieve_payment_intent: payment_intent_id": lambda: ops.retrieve_payment_intent(""),
    "confirm: payment_intent_id": lambda: ops.confirm_payment_intent("", None, None),
    "capture: payment_intent_id": lambda: ops.capture_payment_intent("", None, None),
    "cancel: payment_intent_id": lambda: ops.cancel_payment_intent("", None),
    "retrieve_refund: refund_id": lambda: ops.retrieve_refund(""),
    "retrieve_payout: payout_id": lambda: ops.retrieve_payout(""),
    "delete: endpoint_id": lambda: ops.delete_webhook_endpoint("", None),
}


@pytest.mark.parametrize(("row", "make"), IDS.items(), ids=IDS)
def test_an_empty_id_is_refused_by_its_name(row: str, make: Callable[[], Invocation[Any]]) -> None:
    with pytest.raises(RequestValidationError, match=f"^{row.partition(': ')[2]} must be a non-empty string") as caught:
        make()
    assert caught.value.outcome == "not_sent"


def test_an_id_is_quoted_whole() -> None:
    assert ops.retrieve_refund("a/b X?#%").path == "/v1/connect/refunds/a%2Fb%20X%3F%23%25"


def test_the_clients_currency_goes_into_payouts_and_onboardings() -> None:
    bare = {name: value for name, value in PAYOUT.items() if name != "currency"}
    assert b'"currency":"XOF"' in (ops.create_payout(bare, None, "XOF").body or b"").replace(b" ", b"")
    body = ops.create_merchant_onboarding(MERCHANT, None, "XOF").body or b""
    assert b'"currency":"XOF"' in body.replace(b" ", b"")


def test_a_capture_of_everything_names_no_amount() -> None:
    assert ops.capture_payment_intent("pi_1", None, None).body == b"{}"


@pytest.mark.parametrize(
    ("key", "why"),
    [("", r"^idempotency_key must be a string of 1 to 255 characters \("), ("x" * 256, "1 to 255"), (7, "1 to 255"),
     (" k", r"^idempotency_key must be printable ASCII, without spaces around it \("), ("ké", "printable ASCII")],
)  # fmt: skip
def test_a_key_that_is_none_is_refused_with_the_rule(key: Any, why: str) -> None:
    with pytest.raises(RequestValidationError, match=why):
        ops.create_refund({"payment_id": "pi_1"}, key)


def test_a_key_of_255_characters_is_one() -> None:
    assert ops.create_refund({"payment_id": "pi_1"}, "x" * 255).idempotency_key == "x" * 255
