"""The whole API on one page: a row per operation, and one pure function each that fills it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from .. import models
from .._shown import shown
from ..exceptions import RequestValidationError
from ..money import parse_currency
from .answer import parse_document, parse_model, parse_nothing
from .bodies import body_of
from .echo import Echo
from .invocation import Invocation, Operation, segment
from .lookup import Lookup

Payload = Mapping[str, object]
Query = Mapping[str, object | None]

_INTENTS: Final = "/v1/connect/payment_intents"
_REFUNDS: Final = "/v1/connect/refunds"
_PAYOUTS: Final = "/v1/connect/payouts"
_ENDPOINTS: Final = "/v1/webhooks/endpoints"
_LARGEST_PAGE: Final = 100

_intent, _intents = parse_model(lambda: models.PaymentIntent), parse_model(lambda: models.Page[models.PaymentIntent])
_refund, _refunds = parse_model(lambda: models.Refund), parse_model(lambda: models.Page[models.Refund])
_payout, _payouts = parse_model(lambda: models.Payout), parse_model(lambda: models.Page[models.Payout])
_endpoint, _endpoints = (
    parse_model(lambda: models.WebhookEndpoint),
    parse_model(lambda: models.Page[models.WebhookEndpoint]),
)
_onboarding = parse_model(lambda: models.MerchantOnboarding)

_THIS_INTENT, _THIS_REFUND, _THIS_PAYOUT = (Echo(id=True, prefix=prefix) for prefix in ("pi_", "re_", "po_"))
_PRICE: Final = ("amount", "currency")
_WORDS: Final = ("description", "metadata")
_INTENT_FIELDS: Final = (*_PRICE, "customer_id", "merchant_id")
_TO_CONFIRM: Final = frozenset({"requires_confirmation"})
_TO_CAPTURE: Final = _TO_CONFIRM | {"requires_capture"}
_CONFIRMED = Lookup(
    "/confirm",
    done=frozenset({"processing", "requires_capture", "succeeded"}),
    never=frozenset({"failed", "canceled"}),
)
_CAPTURED = Lookup(
    "/capture",
    done=frozenset({"succeeded"}),
    never=frozenset({"failed", "canceled"}),
    same=("amount", "amount_captured"),
)
_CANCELED = Lookup("/cancel", done=frozenset({"canceled"}), never=frozenset({"failed", "succeeded"}))

CREATE_INTENT = Operation(
    "create_payment_intent",
    "payments",
    "POST",
    _INTENTS,
    _intent,
    "pi",
    echo=Echo(prefix="pi_", fields=_INTENT_FIELDS, words=_WORDS),
)
RETRIEVE_INTENT = Operation("retrieve_payment_intent", "payments", "GET", _INTENTS + "/{}", _intent, echo=_THIS_INTENT)
LIST_INTENTS = Operation(
    "list_payment_intents", "payments", "GET", _INTENTS, _intents, echo=Echo(filters=("customer_id",))
)
CONFIRM_INTENT = Operation(
    "confirm_payment_intent",
    "payments",
    "POST",
    _INTENTS + "/{}/confirm",
    _intent,
    "confirm",
    echo=replace(_THIS_INTENT, not_yet=_TO_CONFIRM),
    lookup=_CONFIRMED,
)
CAPTURE_INTENT = Operation(
    "capture_payment_intent",
    "payments",
    "POST",
    _INTENTS + "/{}/capture",
    _intent,
    "capture",
    echo=replace(_THIS_INTENT, not_yet=_TO_CAPTURE),
    lookup=_CAPTURED,
)
CANCEL_INTENT = Operation(
    "cancel_payment_intent",
    "payments",
    "POST",
    _INTENTS + "/{}/cancel",
    _intent,
    "cancel",
    echo=replace(_THIS_INTENT, not_yet=_TO_CAPTURE),
    lookup=_CANCELED,
)
CREATE_REFUND = Operation(
    "create_refund",
    "refunds",
    "POST",
    _REFUNDS,
    _refund,
    "refund",
    echo=Echo(prefix="re_", fields=("payment_id", "amount"), words=("metadata",)),
)
RETRIEVE_REFUND = Operation("retrieve_refund", "refunds", "GET", _REFUNDS + "/{}", _refund, echo=_THIS_REFUND)
LIST_REFUNDS = Operation("list_refunds", "refunds", "GET", _REFUNDS, _refunds, echo=Echo(filters=("payment_id",)))
CREATE_PAYOUT = Operation(
    "create_payout",
    "payouts",
    "POST",
    _PAYOUTS,
    _payout,
    "payout",
    echo=Echo(prefix="po_", fields=_PRICE, words=("beneficiary", "origin_module", "origin_entity", *_WORDS)),
)
RETRIEVE_PAYOUT = Operation("retrieve_payout", "payouts", "GET", _PAYOUTS + "/{}", _payout, echo=_THIS_PAYOUT)
LIST_PAYOUTS = Operation("list_payouts", "payouts", "GET", _PAYOUTS, _payouts)
RETRIEVE_BALANCE = Operation(
    "retrieve_balance",
    "other",
    "GET",
    "/v1/connect/balance",
    parse_model(lambda: models.Balance),
    echo=Echo(filters=("currency",)),
)
ONBOARD_MERCHANT = Operation(
    "create_merchant_onboarding",
    "merchants",
    "POST",
    "/v1/connect/merchants/onboard",
    _onboarding,
    "onboard",
    echo=Echo(fields=("business_name", "country", "currency", "email")),
)
CREATE_ENDPOINT = Operation(
    "create_webhook_endpoint",
    "webhooks",
    "POST",
    _ENDPOINTS,
    _endpoint,
    "webhook",
    echo=Echo(prefix="we_", fields=("url",)),
)
LIST_ENDPOINTS = Operation("list_webhook_endpoints", "webhooks", "GET", _ENDPOINTS, _endpoints)
DELETE_ENDPOINT = Operation(
    "delete_webhook_endpoint", "webhooks", "DELETE", _ENDPOINTS + "/{}", parse_nothing, "delete", absent_is_done=True
)
GET = Operation("get", "other", "GET", "", parse_document)
POST = Operation("post", "other", "POST", "", parse_document, "post")

OPERATIONS: Final[tuple[Operation[Any], ...]] = (
    *(CREATE_INTENT, RETRIEVE_INTENT, LIST_INTENTS, CONFIRM_INTENT, CAPTURE_INTENT, CANCEL_INTENT),
    *(CREATE_REFUND, RETRIEVE_REFUND, LIST_REFUNDS),
    *(CREATE_PAYOUT, RETRIEVE_PAYOUT, LIST_PAYOUTS),
    RETRIEVE_BALANCE,
    ONBOARD_MERCHANT,
    *(CREATE_ENDPOINT, LIST_ENDPOINTS, DELETE_ENDPOINT),
    *(GET, POST),
)

BY_NAME: Final[Mapping[str, Operation[Any]]] = {operation.name: operation for operation in OPERATIONS}
"""Every operation by its name: what metrics are labelled with, and what ``resolve`` finds again."""

GROUPS: Final = tuple(dict.fromkeys(operation.group for operation in OPERATIONS))
"""The groups that ``ClientConfig.bulkheads`` may limit."""


def create_payment_intent(
    payload: models.PaymentIntentCreate | Payload, idempotency_key: str | None, currency: str | None
) -> Invocation[models.PaymentIntent]:
    return CREATE_INTENT.fill(
        body=body_of(models.PaymentIntentCreate, payload, currency), idempotency_key=idempotency_key
    )


def retrieve_payment_intent(intent_id: str) -> Invocation[models.PaymentIntent]:
    return RETRIEVE_INTENT.fill(_path(RETRIEVE_INTENT, "payment_intent_id", intent_id))


def list_payment_intents(query: Query) -> Invocation[models.Page[models.PaymentIntent]]:
    return LIST_INTENTS.fill(query=_checked(query))


def confirm_payment_intent(
    intent_id: str, payment_method: str | None, idempotency_key: str | None
) -> Invocation[models.PaymentIntent]:
    path = _path(CONFIRM_INTENT, "payment_intent_id", intent_id)
    return CONFIRM_INTENT.fill(
        path,
        body=body_of(models.payloads.ConfirmBody, {"payment_method": payment_method}),
        idempotency_key=idempotency_key,
    )


def capture_payment_intent(
    intent_id: str, amount: object, idempotency_key: str | None
) -> Invocation[models.PaymentIntent]:
    path = _path(CAPTURE_INTENT, "payment_intent_id", intent_id)
    return CAPTURE_INTENT.fill(
        path,
        body=body_of(models.payloads.CaptureBody, {"amount": amount} if amount is not None else {}),
        idempotency_key=idempotency_key,
    )


def cancel_payment_intent(intent_id: str, idempotency_key: str | None) -> Invocation[models.PaymentIntent]:
    return CANCEL_INTENT.fill(
        _path(CANCEL_INTENT, "payment_intent_id", intent_id), body=b"{}", idempotency_key=idempotency_key
    )


def create_refund(payload: models.RefundCreate | Payload, idempotency_key: str | None) -> Invocation[models.Refund]:
    return CREATE_REFUND.fill(body=body_of(models.RefundCreate, payload), idempotency_key=idempotency_key)


def retrieve_refund(refund_id: str) -> Invocation[models.Refund]:
    return RETRIEVE_REFUND.fill(_path(RETRIEVE_REFUND, "refund_id", refund_id))


def list_refunds(query: Query) -> Invocation[models.Page[models.Refund]]:
    return LIST_REFUNDS.fill(query=_checked(query))


def create_payout(
    payload: models.PayoutCreate | Payload, idempotency_key: str | None, currency: str | None
) -> Invocation[models.Payout]:
    return CREATE_PAYOUT.fill(body=body_of(models.PayoutCreate, payload, currency), idempotency_key=idempotency_key)


def retrieve_payout(payout_id: str) -> Invocation[models.Payout]:
    return RETRIEVE_PAYOUT.fill(_path(RETRIEVE_PAYOUT, "payout_id", payout_id))


def list_payouts(query: Query) -> Invocation[models.Page[models.Payout]]:
    return LIST_PAYOUTS.fill(query=_checked(query))


def retrieve_balance(currency: str | None) -> Invocation[models.Balance]:
    return RETRIEVE_BALANCE.fill(query={"currency": None if currency is None else _currency(currency)})


def create_merchant_onboarding(
    payload: models.MerchantOnboardingCreate | Payload, idempotency_key: str | None, currency: str | None
) -> Invocation[models.MerchantOnboarding]:
    return ONBOARD_MERCHANT.fill(
        body=body_of(models.MerchantOnboardingCreate, payload, currency), idempotency_key=idempotency_key
    )


def create_webhook_endpoint(
    payload: models.WebhookEndpointCreate | Payload, idempotency_key: str | None
) -> Invocation[models.WebhookEndpoint]:
    return CREATE_ENDPOINT.fill(body=body_of(models.WebhookEndpointCreate, payload), idempotency_key=idempotency_key)


def list_webhook_endpoints(query: Query) -> Invocation[models.Page[models.WebhookEndpoint]]:
    return LIST_ENDPOINTS.fill(query=_texts(query))


def delete_webhook_endpoint(endpoint_id: str, idempotency_key: str | None) -> Invocation[None]:
    return DELETE_ENDPOINT.fill(_path(DELETE_ENDPOINT, "endpoint_id", endpoint_id), idempotency_key=idempotency_key)


def get(path: str, query: Query | None) -> Invocation[models.Document]:
    if query is not None and not isinstance(query, Mapping):
        raise RequestValidationError(f"params must be a mapping, not {type(query).__name__}")
    return GET.fill(_own_path(path), query=query)


def post(path: str, payload: Payload | None, idempotency_key: str | None) -> Invocation[models.Document]:
    return POST.fill(
        _own_path(path),
        body=body_of(models.payloads.AnyBody, {} if payload is None else payload),
        idempotency_key=idempotency_key,
    )


def _path(operation: Operation[Any], name: str, value: str) -> str:
    return operation.path.format(segment(name, value))


def _checked(query: Query) -> Query:
    limit = query.get("limit")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= _LARGEST_PAGE):
        raise RequestValidationError(f"limit must be a whole number from 1 to {_LARGEST_PAGE}, not {shown(limit)}")
    return _texts(query)


def _texts(query: Query) -> Query:
    """Every filter but ``limit`` is a text."""
    for name, value in query.items():
        if name != "limit" and value is not None and not (isinstance(value, str) and value.strip()):
            raise RequestValidationError(f"{name} must be a non-empty string, not {shown(value)}")
    return query


def _currency(code: str) -> str:
    try:
        return parse_currency(code)
    except ValueError as problem:
        why = str(problem)
    raise RequestValidationError(f"currency: {why}")


def _own_path(path: str) -> str:
    """A path below the base URL: printable ASCII, and no way to another host."""
    if not isinstance(path, str) or not path.startswith("/") or path.startswith("//"):
        raise RequestValidationError(f"path must begin with one '/', such as '/v1/…', not {shown(path)}")
    if not path.isascii() or any(c <= " " or c in "\\#\x7f" for c in path) or "/.." in path:
        raise RequestValidationError("path must be quoted, without '..', '#' or spaces")
    return path
