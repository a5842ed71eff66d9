"""What no request can hold is refused by name before anything is sent, as an error of this SDK."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from molam_sdk import PaymentIntentCreate, RefundCreate, RequestValidationError
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.caller import Caller

SURROGATE = "pi_\ud800"
ORDER = {"amount": 5, "currency": "USD"}

WRONG = [
    ("retrieve_refund", ("re_1",), {"timeout": 10**400}, "timeout must be a positive number of seconds"),
    ("retrieve_refund", ("re_1",), {"timeout": 1e10}, "timeout must be a positive number of seconds, at most 1e"),
    ("resolve", (RequestValidationError("x"),), {"timeout": 10**400}, "carries no request"),
    ("retrieve_payment_intent", (SURROGATE,), {}, "payment_intent_id holds a lone surrogate"),
    ("capture_payment_intent", (SURROGATE,), {}, "payment_intent_id holds a lone surrogate"),
    ("delete_webhook_endpoint", (SURROGATE,), {}, "endpoint_id holds a lone surrogate"),
    ("get", (f"/v1/{SURROGATE}",), {}, "path must be quoted"),
    ("get", ("/v1/x", {"a": SURROGATE}), {}, "a parameter holds a lone surrogate"),
    ("get", ("/v1/x", ["a"]), {}, "params must be a mapping, not list"),
    ("get", ("/v1/x", "a=b"), {}, "params must be a mapping, not str"),
    ("get", ("/v1/x", {"a": [1, 2]}), {}, "parameter 'a' must be a string or a number, not list"),
    ("get", ("/v1/x", {7: "a"}), {}, "the name of a parameter must be a string, not int"),
    ("resolve", (7,), {}, "resolve takes an error, a Doubt or an idempotency key, not int"),
    ("create_payment_intent", (ORDER | {"amount": 10**5000},), {}, "amount: Amount has more than 15 digits"),
    ("create_payment_intent", (ORDER | {"amount": "4242424242424242"},), {}, "digits: a number of many digits"),
    ("post", ("/v1/x", [1]), {}, "must be a .* mapping, not list"),
    ("post", ("/v1/x", {"a": float("nan")}), {}, "NaN is not JSON"),
    ("create_payment_intent", (ORDER | {"metadata": {"a": [float("inf")]}},), {}, "Infinity is not JSON"),
    ("create_payment_intent", (ORDER | {"description": SURROGATE},), {}, "no JSON form|valid string"),
    ("create_payment_intent", (ORDER | {"currency": "uſd"},), {}, "Unknown currency"),
    ("create_refund", ({"payment_id": "pi_1"},), {"idempotency_key": SURROGATE}, "printable ASCII"),
    ("retrieve_balance", (), {"currency": "uſd"}, "currency: Unknown currency"),
    ("retrieve_balance", (), {"currency": 840}, "currency: Currency must be"),
]


@pytest.mark.parametrize(("name", "arguments", "options", "says"), WRONG)
def test_it_is_refused_and_nothing_is_sent(
    caller: Caller, name: str, arguments: tuple[Any, ...], options: dict[str, Any], says: str
) -> None:
    transport = ScriptedTransport()
    caller.make(transport=transport)
    with pytest.raises(RequestValidationError, match=says) as caught:
        caller.call(name, *arguments, **options)
    assert caught.value.outcome == "not_sent"
    assert transport.requests == []


@pytest.mark.parametrize("change", [{"amount": -5}, {"amount": "0.001"}, {"amount": float("nan")}, {"curency": "USD"}])
def test_a_copy_of_a_payload_is_checked_like_the_payload(change: dict[str, Any]) -> None:
    order = PaymentIntentCreate(amount=5, currency="USD")
    for deep in (False, True):
        with pytest.raises(ValidationError, match="PaymentIntentCreate: "):
            order.model_copy(update=change, deep=deep)
    assert (
        order.model_copy(update={"amount": "7.50"}).to_json()
        == PaymentIntentCreate(amount="7.50", currency="USD").to_json()
    )
    assert order.model_copy() == order


@pytest.mark.parametrize("amount", [-5, 0, "NaN", "Infinity"])
def test_a_payload_that_was_never_checked_is_refused_when_it_is_sent(caller: Caller, amount: Any) -> None:
    transport = ScriptedTransport()
    caller.make(transport=transport)
    order = PaymentIntentCreate.model_construct(amount=Decimal(amount), currency="USD", capture=False, metadata={})
    with pytest.raises(RequestValidationError):
        caller.call("create_payment_intent", order)
    assert transport.requests == []


def test_a_refund_that_was_never_checked_is_refused_too(caller: Caller) -> None:
    caller.make(transport=ScriptedTransport())
    with pytest.raises(RequestValidationError):
        caller.call("create_refund", RefundCreate.model_construct(payment_id="pi_1", amount=Decimal(-1), metadata={}))


def test_post_sends_the_nulls_that_were_given(caller: Caller) -> None:
    transport = ScriptedTransport(reply(200, {}), reply(200, {}), reply(200, {}))
    caller.make(transport=transport)
    caller.call("post", "/v1/x", {"a": None, "b": {"c": None}})
    caller.call("post", "/v1/x", {})
    caller.call("post", "/v1/x")
    assert [request.body for request in transport.requests] == [b'{"a":null,"b":{"c":null}}', b"{}", b"{}"]


FILTERS = [
    ("list_payment_intents", {"starting_after": 7}, "starting_after must be a non-empty string, not 7"),
    ("list_payment_intents", {"customer_id": object()}, "customer_id must be .*, not a value of type object"),
    ("list_payment_intents", {"limit": "sk_live_1"}, "limit must be a whole number .*, not a text of 9 characters"),
    ("list_refunds", {"payment_id": ""}, "payment_id must be a non-empty string, not ''"),
    ("list_payouts", {"status": ["paid"]}, "status must be a non-empty string"),
    ("list_webhook_endpoints", {"tenant_id": 7}, "tenant_id must be a non-empty string, not 7"),
]


@pytest.mark.parametrize(("name", "options", "says"), FILTERS)
def test_a_filter_that_is_no_text_is_refused(caller: Caller, name: str, options: dict[str, Any], says: str) -> None:
    transport = ScriptedTransport()
    caller.make(transport=transport)
    with pytest.raises(RequestValidationError, match=says):
        caller.collect(name, **options)
    assert transport.requests == []
