"""What does not fit a body is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.sandbox_api import ENDPOINTS, INTENTS, MERCHANT, ONBOARD, PAYOUT, PAYOUTS, REFUNDS, Api, code

GOOD = {"amount": 1, "currency": "USD"}


HOOK = {"tenant_type": "m", "tenant_id": "1", "url": "http://127.0.0.1:1/h", "events": ["*"]}


INVALID: list[tuple[str, dict[str, Any], str, Any, str]] = [
    (INTENTS, GOOD, "amount", None, "parameter_missing"),
    (INTENTS, GOOD, "amount", "1", "parameter_invalid"),
    (INTENTS, GOOD, "amount", True, "parameter_invalid"),
    (INTENTS, GOOD, "amount", 0, "parameter_invalid"),
    (INTENTS, GOOD, "amount", -1, "parameter_invalid"),
    (INTENTS, GOOD, "amount", 1.001, "parameter_invalid"),
    (INTENTS, GOOD, "amount", 10**15, "parameter_invalid"),
    (INTENTS, GOOD, "amount", 12345678901234.56, "parameter_invalid"),
    (INTENTS, {**GOOD, "currency": "XOF"}, "amount", 1.5, "parameter_invalid"),
    (INTENTS, GOOD, "currency", "usd", "parameter_invalid"),
    (INTENTS, GOOD, "currency", "XXX", "parameter_invalid"),
    (INTENTS, GOOD, "currency", ["USD"], "parameter_invalid"),
    (INTENTS, GOOD, "capture", "yes", "parameter_invalid"),
    (INTENTS, GOOD, "customer_id", "", "parameter_invalid"),
    (INTENTS, GOOD, "description", "x" * 1001, "parameter_invalid"),
    (INTENTS, GOOD, "metadata", [], "parameter_invalid"),
    (INTENTS, GOOD, "metadata", {"k": "x" * 20_000}, "parameter_invalid"),
    (INTENTS, GOOD, "metadata", {"sandbox": "card_declind"}, "parameter_invalid"),
    (INTENTS, GOOD, "metadata", {"sandbox": {}}, "parameter_invalid"),
    (INTENTS, GOOD, "return_url", "javascript:alert(1)", "parameter_invalid"),
    (INTENTS, GOOD, "return_url", "http://shop.example/", "parameter_invalid"),
    (INTENTS, GOOD, "payment_methods", ["cash"], "parameter_invalid"),
    (INTENTS, GOOD, "payment_methods", ["card", "card"], "parameter_invalid"),
    (INTENTS, GOOD, "amout", 1, "parameter_unknown"),
    (REFUNDS, {"payment_id": "pi_1"}, "payment_id", None, "parameter_missing"),
    (PAYOUTS, PAYOUT, "beneficiary", " ", "parameter_invalid"),
    (PAYOUTS, PAYOUT, "origin_module", None, "parameter_missing"),
    (ONBOARD, MERCHANT, "email", "awa", "parameter_invalid"),
    (ONBOARD, MERCHANT, "country", "Senegal", "parameter_invalid"),
    (ENDPOINTS, HOOK, "url", "http://shop.example/hook", "parameter_invalid"),
    (ENDPOINTS, HOOK, "url", "https://[broken/", "parameter_invalid"),
    (ENDPOINTS, HOOK, "events", [], "parameter_invalid"),
    (ENDPOINTS, HOOK, "events", ["payment.exploded"], "parameter_invalid"),
]


@pytest.mark.parametrize(("path", "good", "param", "value", "reason"), INVALID)
def test_a_validation_error_names_the_parameter(
    shared: Api, path: str, good: dict[str, Any], param: str, value: Any, reason: str
) -> None:
    answer = shared.post(path, {**good, param: value})
    assert (code(answer), answer.json()["error"]["param"]) == ((400, reason), param)
