"""Each operation of the wire contract, as the bytes it sends."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from molam_sdk import (
    MerchantOnboardingCreate,
    PaymentIntentCreate,
    PayoutCreate,
    RefundCreate,
    RequestValidationError,
    WebhookEndpointCreate,
)
from molam_sdk._core import operations as ops
from molam_sdk._core.invocation import Invocation, Operation

INTENT = PaymentIntentCreate(amount=Decimal("100.50"), currency="USD")
PAYOUT = {"amount": 5000, "currency": "XOF", "beneficiary": "w_1", "origin_module": "shop", "origin_entity": "o_1"}
MERCHANT = {"business_name": "B", "business_type": "llc", "country": "SN", "email": "a@b.example"}
ENDPOINT = {"tenant_type": "merchant", "tenant_id": "m_1", "url": "https://x.example/hook", "events": ["payment.*"]}
INTENTS, REFUNDS, PAYOUTS = "/v1/connect/payment_intents", "/v1/connect/refunds", "/v1/connect/payouts"
HOOKS = "/v1/webhooks/endpoints"

Row = tuple[Callable[[], Invocation[Any]], str, str, str, "dict[str, Any] | None", str]

# operation, method, path, body, prefix of the key it makes
ROWS: list[Row] = [
    (
        lambda: ops.create_payment_intent(INTENT, None, "EUR"),
        "create_payment_intent",
        "POST",
        INTENTS,
        {"amount": 100.5, "currency": "USD", "capture": False, "metadata": {}},
        "pi-",
    ),
    (lambda: ops.retrieve_payment_intent("pi_1"), "retrieve_payment_intent", "GET", f"{INTENTS}/pi_1", None, ""),
    (
        lambda: ops.list_payment_intents({"limit": 5, "customer_id": "a b", "status": None}),
        "list_payment_intents",
        "GET",
        f"{INTENTS}?limit=5&customer_id=a+b",
        None,
        "",
    ),
    (
        lambda: ops.confirm_payment_intent("pi_1", "wallet", None),
        "confirm_payment_intent",
        "POST",
        f"{INTENTS}/pi_1/confirm",
        {"payment_method": "wallet"},
        "confirm-",
    ),
    (
        lambda: ops.capture_payment_intent("pi_1", "7.50", None),
        "capture_payment_intent",
        "POST",
        f"{INTENTS}/pi_1/capture",
        {"amount": 7.5},
        "capture-",
    ),
    (
        lambda: ops.capture_payment_intent("pi_1", None, None),
        "capture_payment_intent",
        "POST",
        f"{INTENTS}/pi_1/capture",
        {},
        "capture-",
    ),
    (
        lambda: ops.cancel_payment_intent("pi_1", None),
        "cancel_payment_intent",
        "POST",
        f"{INTENTS}/pi_1/cancel",
        {},
        "cancel-",
    ),
    (
        lambda: ops.create_refund(RefundCreate(payment_id="pi_1"), None),
        "create_refund",
        "POST",
        REFUNDS,
        {"payment_id": "pi_1", "metadata": {}},
        "refund-",
    ),
    (lambda: ops.retrieve_refund("re_1"), "retrieve_refund", "GET", f"{REFUNDS}/re_1", None, ""),
    (lambda: ops.list_refunds({"payment_id": "pi_1"}), "list_refunds", "GET", f"{REFUNDS}?payment_id=pi_1", None, ""),
    (
        lambda: ops.create_payout(PAYOUT, None, "USD"),
        "create_payout",
        "POST",
        PAYOUTS,
        PAYOUT | {"metadata": {}},
        "payout-",
    ),
    (lambda: ops.retrieve_payout("po_1"), "retrieve_payout", "GET", f"{PAYOUTS}/po_1", None, ""),
    (lambda: ops.list_payouts({"status": "failed"}), "list_payouts", "GET", f"{PAYOUTS}?status=failed", None, ""),
    (lambda: ops.retrieve_balance(None), "retrieve_balance", "GET", "/v1/connect/balance", None, ""),
    (lambda: ops.retrieve_balance("xof"), "retrieve_balance", "GET", "/v1/connect/balance?currency=XOF", None, ""),
    (
        lambda: ops.create_merchant_onboarding(MERCHANT, None, "XOF"),
        "create_merchant_onboarding",
        "POST",
        "/v1/connect/merchants/onboard",
        MERCHANT | {"currency": "XOF", "metadata": {}},
        "onboard-",
    ),
    (
        lambda: ops.create_webhook_endpoint(ENDPOINT, None),
        "create_webhook_endpoint",
        "POST",
        HOOKS,
        ENDPOINT,
        "webhook-",
    ),
    (
        lambda: ops.list_webhook_endpoints({"tenant_type": "merchant", "tenant_id": None}),
        "list_webhook_endpoints",
        "GET",
        f"{HOOKS}?tenant_type=merchant",
        None,
        "",
    ),
    (
        lambda: ops.delete_webhook_endpoint("we_1", None),
        "delete_webhook_endpoint",
        "DELETE",
        f"{HOOKS}/we_1",
        None,
        "delete-",
    ),
    (lambda: ops.get("/v1/new", {"a": 1}), "get", "GET", "/v1/new?a=1", None, ""),
    (lambda: ops.post("/v1/new", {"a": [1]}, None), "post", "POST", "/v1/new", {"a": [1]}, "post-"),
]


@pytest.mark.parametrize(("make", "name", "method", "path", "body", "prefix"), ROWS)
def test_an_operation_sends_what_the_contract_says(
    make: Callable[[], Invocation[Any]], name: str, method: str, path: str, body: dict[str, Any] | None, prefix: str
) -> None:
    invocation = make()
    assert (invocation.operation.name, invocation.operation.method, invocation.path) == (name, method, path)
    assert (None if invocation.body is None else json.loads(invocation.body)) == body
    assert (invocation.idempotency_key or "").startswith(prefix)
    assert (invocation.idempotency_key is None) == (method == "GET")


def test_every_operation_stands_in_the_table_above() -> None:
    assert {row[1] for row in ROWS} == set(ops.BY_NAME), "the rows are in tests/core/test_operations.py"


def test_every_row_of_the_api_stands_in_the_list_of_operations() -> None:
    rows = [row for row in vars(ops).values() if isinstance(row, Operation)]
    assert [row.name for row in rows if row not in ops.OPERATIONS] == []
    assert len(ops.BY_NAME) == len(ops.OPERATIONS) == len(rows)


def test_a_made_key_is_new_each_time_and_hard_to_guess() -> None:
    keys = {ops.cancel_payment_intent("pi_1", None).idempotency_key for _ in range(100)}
    assert len(keys) == 100
    assert all(key is not None and len(key) == len("cancel-") + 32 for key in keys)


def test_only_reads_and_keyed_calls_are_repeatable() -> None:
    assert ops.retrieve_refund("re_1").repeatable
    assert ops.cancel_payment_intent("pi_1", "k").repeatable
    assert not Invocation(ops.CREATE_REFUND, "/", b"{}", None).repeatable


@pytest.mark.parametrize("key", ["order-7", "x" * 255, "~!{}", "a b"])
def test_a_key_of_printable_ascii_is_taken_as_it_is(key: str) -> None:
    assert ops.cancel_payment_intent("pi_1", key).idempotency_key == key


@pytest.mark.parametrize("key", ["", "x" * 256, "a\r\nX: y", "é", " a", "a ", "\x7f", 7])
def test_another_key_is_refused(key: Any) -> None:
    with pytest.raises(RequestValidationError, match="idempotency_key"):
        ops.cancel_payment_intent("pi_1", key)


@pytest.mark.parametrize(
    ("value", "path"),
    [("a/b", "a%2Fb"), ("../x", "..%2Fx"), ("a?b#c", "a%3Fb%23c"), ("a b", "a%20b"), ("é\r\n", "%C3%A9%0D%0A")],
)
def test_an_id_is_quoted_into_one_segment(value: str, path: str) -> None:
    assert ops.retrieve_payment_intent(value).path == f"{INTENTS}/{path}"


@pytest.mark.parametrize("value", ["", "  ", ".", "..", None, 7])
def test_an_id_that_is_none_is_refused_by_name(value: Any) -> None:
    with pytest.raises(RequestValidationError, match="payment_intent_id"):
        ops.retrieve_payment_intent(value)


@pytest.mark.parametrize("limit", [0, 101, -1, True, "10", 1.5])
def test_a_limit_outside_1_to_100_is_refused(limit: Any) -> None:
    with pytest.raises(RequestValidationError, match="limit must be a whole number from 1 to 100"):
        ops.list_refunds({"limit": limit})


@pytest.mark.parametrize("limit", [1, 100])
def test_a_limit_within_1_to_100_passes(limit: int) -> None:
    assert ops.list_refunds({"limit": limit}).path.endswith(f"limit={limit}")


@pytest.mark.parametrize(
    "path", ["", "v1/x", "//evil.example/x", "/v1/../x", "/a b", "/a\r\nb", "/é", "/a#b", "/a\\b", 7]
)
def test_a_path_that_could_lead_elsewhere_is_refused(path: Any) -> None:
    with pytest.raises(RequestValidationError, match="path must"):
        ops.get(path, None)


def test_the_default_currency_stands_in_where_none_is_given() -> None:
    for payload in ({"amount": 1}, {"amount": 1, "currency": None}, PaymentIntentCreate(amount=Decimal(1))):
        body = ops.create_payment_intent(payload, None, "XOF").body
        assert json.loads(body or b"")["currency"] == "XOF"


@pytest.mark.parametrize(
    "fill",
    [
        lambda currency: ops.create_payment_intent({"amount": 5000}, None, currency),
        lambda currency: ops.create_payment_intent(PaymentIntentCreate(amount=Decimal(5000)), None, currency),
        lambda currency: ops.create_payment_intent({"amount": 5000, "currency": None}, None, currency),
        lambda currency: ops.create_payout(
            {"amount": 5, "beneficiary": "b", "origin_module": "m", "origin_entity": "e"}, None, currency
        ),
        lambda currency: ops.create_merchant_onboarding(MERCHANT, None, currency),
    ],
    ids=["dict", "model", "none", "payout", "onboarding"],
)
def test_without_a_default_currency_a_missing_one_is_refused(fill: Callable[[str | None], Any]) -> None:
    with pytest.raises(RequestValidationError, match=r"currency is missing.*default_currency.*MOLAM_DEFAULT_CURRENCY"):
        fill(None)
    assert fill("XOF").body


def test_the_default_currency_is_held_to_its_decimals() -> None:
    with pytest.raises(RequestValidationError, match=r"XOF has no decimals: 1\.5"):
        ops.create_payment_intent(PaymentIntentCreate(amount=Decimal("1.5")), None, "XOF")


def test_the_default_currency_keeps_everything_else_of_a_model() -> None:
    intent = PaymentIntentCreate(amount=Decimal(1), capture=True, metadata={"a": 1})
    body = json.loads(ops.create_payment_intent(intent, None, "USD").body or b"")
    assert body == {"amount": 1, "currency": "USD", "capture": True, "metadata": {"a": 1}}


def test_a_wrong_payload_names_every_field_and_repeats_no_value() -> None:
    with pytest.raises(RequestValidationError) as caught:
        ops.create_payment_intent({"amount": -1, "emial": "someone@example.com"}, None, "USD")
    text = str(caught.value)
    assert "amount: Amount must be positive" in text
    assert "emial" in text
    assert "someone@example.com" not in text


@pytest.mark.parametrize("payload", [None, [], "x", MerchantOnboardingCreate(**MERCHANT)])  # type: ignore[arg-type]  # strings only
def test_a_payload_of_another_kind_is_refused(payload: Any) -> None:
    with pytest.raises(RequestValidationError, match="payload must be a RefundCreate or a mapping"):
        ops.create_refund(payload, None)


def test_metadata_without_a_json_form_is_refused() -> None:
    with pytest.raises(RequestValidationError, match="no JSON form"):
        ops.create_refund({"payment_id": "pi_1", "metadata": {"x": object()}}, None)


def test_models_are_taken_as_they_are() -> None:
    payout = PayoutCreate(**PAYOUT)  # type: ignore[arg-type]  # one dict for all kinds of fields
    endpoint = WebhookEndpointCreate(**ENDPOINT)  # type: ignore[arg-type]  # one dict for all kinds of fields
    assert ops.create_payout(payout, None, "USD").body == payout.to_json()
    assert ops.create_webhook_endpoint(endpoint, None).body == endpoint.to_json()


def test_the_same_payload_makes_the_same_bytes() -> None:
    assert len({ops.create_payout(dict(PAYOUT), None, "USD").body for _ in range(5)}) == 1


@pytest.mark.parametrize("params", [["a"], "a=b", 7])
def test_parameters_without_names_are_refused(params: Any) -> None:
    with pytest.raises(RequestValidationError, match="params must be a mapping"):
        ops.get("/v1/x", params)


def test_a_currency_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(RequestValidationError, match="currency: Unknown currency"):
        ops.retrieve_balance("ZZZ")


def test_a_lone_surrogate_is_refused_where_it_stands() -> None:
    with pytest.raises(RequestValidationError, match="refund_id holds a lone surrogate"):
        ops.retrieve_refund("re_\ud800")
    with pytest.raises(RequestValidationError, match=r"^a parameter holds a lone surrogate, which is no text \("):
        ops.get("/v1/x", {"a": "\ud800"})


def test_post_sends_the_nulls_that_were_given() -> None:
    assert ops.post("/v1/x", {"a": None}, None).body == b'{"a":null}'
    assert ops.post("/v1/x", None, None).body == b"{}"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ops.list_payouts({"status": ["paid"]}), "status must be a non-empty string"),
        (lambda: ops.list_refunds({"payment_id": " "}), "payment_id must be a non-empty string"),
        (lambda: ops.list_webhook_endpoints({"tenant_id": 7}), "tenant_id must be a non-empty string, not 7"),
        (lambda: ops.get("/v1/x", {7: "a"}), "the name of a parameter must be a string, not int"),
        (lambda: ops.get("/v1/x", {"a": [1]}), "parameter 'a' must be a string or a number, not list"),
    ],
)
def test_a_parameter_that_has_no_one_text_is_refused(make: Any, says: str) -> None:
    with pytest.raises(RequestValidationError, match=says):
        make()


def test_a_parameter_that_is_true_is_written_as_json_writes_it() -> None:
    assert ops.get("/v1/x", {"a": True, "b": 1.5, "c": None}).path == "/v1/x?a=true&b=1.5"
