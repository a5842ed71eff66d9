"""The whole API on one page: a row per endpoint, and one pure function each that fills it in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..exceptions import RequestValidationError
from ..models import (
    Amount,
    Document,
    MerchantOnboarding,
    MerchantOnboardingCreate,
    Page,
    PaymentIntent,
    PaymentIntentCreate,
    Payout,
    PayoutCreate,
    Refund,
    RefundCreate,
    RequestModel,
    WebhookEndpoint,
    WebhookEndpointCreate,
)
from .answer import parse_document, parse_model, parse_model_of, parse_nothing
from .operation import Endpoint, Operation, segment
from .payload import body_of

Payload = Mapping[str, Any]
Query = Mapping[str, object | None]

_INTENTS: Final = "/v1/connect/payment_intents"
_REFUNDS: Final = "/v1/connect/refunds"
_PAYOUTS: Final = "/v1/connect/payouts"
_ENDPOINTS: Final = "/v1/webhooks/endpoints"
_LARGEST_PAGE: Final = 100

_intent, _intents = parse_model(PaymentIntent), parse_model_of(lambda: Page[PaymentIntent])
_refund, _refunds = parse_model(Refund), parse_model_of(lambda: Page[Refund])
_payout, _payouts = parse_model(Payout), parse_model_of(lambda: Page[Payout])
_endpoint, _endpoints = parse_model(WebhookEndpoint), parse_model_of(lambda: Page[WebhookEndpoint])
_onboarding = parse_model(MerchantOnboarding)

CREATE_INTENT = Endpoint("create_payment_intent", "payments", "POST", _INTENTS, _intent, "pi")
RETRIEVE_INTENT = Endpoint("retrieve_payment_intent", "payments", "GET", _INTENTS + "/{}", _intent)
LIST_INTENTS = Endpoint("list_payment_intents", "payments", "GET", _INTENTS, _intents)
CONFIRM_INTENT = Endpoint("confirm_payment_intent", "payments", "POST", _INTENTS + "/{}/confirm", _intent, "confirm")
CAPTURE_INTENT = Endpoint("capture_payment_intent", "payments", "POST", _INTENTS + "/{}/capture", _intent, "capture")
CANCEL_INTENT = Endpoint("cancel_payment_intent", "payments", "POST", _INTENTS + "/{}/cancel", _intent, "cancel")
CREATE_REFUND = Endpoint("create_refund", "refunds", "POST", _REFUNDS, _refund, "refund")
RETRIEVE_REFUND = Endpoint("retrieve_refund", "refunds", "GET", _REFUNDS + "/{}", _refund)
LIST_REFUNDS = Endpoint("list_refunds", "refunds", "GET", _REFUNDS, _refunds)
CREATE_PAYOUT = Endpoint("create_payout", "payouts", "POST", _PAYOUTS, _payout, "payout")
RETRIEVE_PAYOUT = Endpoint("retrieve_payout", "payouts", "GET", _PAYOUTS + "/{}", _payout)
LIST_PAYOUTS = Endpoint("list_payouts", "payouts", "GET", _PAYOUTS, _payouts)
ONBOARD_MERCHANT = Endpoint(
    "create_merchant_onboarding", "merchants", "POST", "/v1/connect/merchants/onboard", _onboarding, "onboard"
)
CREATE_ENDPOINT = Endpoint("create_webhook_endpoint", "webhooks", "POST", _ENDPOINTS, _endpoint, "webhook")
LIST_ENDPOINTS = Endpoint("list_webhook_endpoints", "webhooks", "GET", _ENDPOINTS, _endpoints)
DELETE_ENDPOINT = Endpoint(
    "delete_webhook_endpoint", "webhooks", "DELETE", _ENDPOINTS + "/{}", parse_nothing, "delete", absent_is_done=True
)
GET = Endpoint("get", "other", "GET", "", parse_document)
POST = Endpoint("post", "other", "POST", "", parse_document, "post")

BY_NAME: Final[Mapping[str, Endpoint[Any]]] = {
    row.name: row for row in tuple(globals().values()) if isinstance(row, Endpoint)
}
"""Every endpoint by its operation name: what metrics are labelled with, and what ``resolve`` finds again."""

GROUPS: Final = tuple(dict.fromkeys(row.group for row in BY_NAME.values()))
"""The groups that ``ClientConfig.bulkheads`` may limit."""


class _Confirm(RequestModel):
    payment_method: str | None = None


class _Capture(RequestModel):
    amount: Amount | None = None


class _AnyBody(RequestModel, extra="allow"):
    pass


def create_payment_intent(
    payload: PaymentIntentCreate | Payload, key: str | None, currency: str
) -> Operation[PaymentIntent]:
    return CREATE_INTENT.call(body=body_of(PaymentIntentCreate, payload, currency), key=key)


def retrieve_payment_intent(intent_id: str) -> Operation[PaymentIntent]:
    return RETRIEVE_INTENT.call(_path(RETRIEVE_INTENT, "payment_intent_id", intent_id))


def list_payment_intents(query: Query) -> Operation[Page[PaymentIntent]]:
    return LIST_INTENTS.call(query=_checked(query))


def confirm_payment_intent(intent_id: str, payment_method: str | None, key: str | None) -> Operation[PaymentIntent]:
    path = _path(CONFIRM_INTENT, "payment_intent_id", intent_id)
    return CONFIRM_INTENT.call(path, body=body_of(_Confirm, {"payment_method": payment_method}), key=key)


def capture_payment_intent(intent_id: str, amount: object, key: str | None) -> Operation[PaymentIntent]:
    path = _path(CAPTURE_INTENT, "payment_intent_id", intent_id)
    return CAPTURE_INTENT.call(path, body=body_of(_Capture, {"amount": amount} if amount is not None else {}), key=key)


def cancel_payment_intent(intent_id: str, key: str | None) -> Operation[PaymentIntent]:
    return CANCEL_INTENT.call(_path(CANCEL_INTENT, "payment_intent_id", intent_id), body=b"{}", key=key)


def create_refund(payload: RefundCreate | Payload, key: str | None) -> Operation[Refund]:
    return CREATE_REFUND.call(body=body_of(RefundCreate, payload), key=key)


def retrieve_refund(refund_id: str) -> Operation[Refund]:
    return RETRIEVE_REFUND.call(_path(RETRIEVE_REFUND, "refund_id", refund_id))


def list_refunds(query: Query) -> Operation[Page[Refund]]:
    return LIST_REFUNDS.call(query=_checked(query))


def create_payout(payload: PayoutCreate | Payload, key: str | None, currency: str) -> Operation[Payout]:
    return CREATE_PAYOUT.call(body=body_of(PayoutCreate, payload, currency), key=key)


def retrieve_payout(payout_id: str) -> Operation[Payout]:
    return RETRIEVE_PAYOUT.call(_path(RETRIEVE_PAYOUT, "payout_id", payout_id))


def list_payouts(query: Query) -> Operation[Page[Payout]]:
    return LIST_PAYOUTS.call(query=_checked(query))


def create_merchant_onboarding(
    payload: MerchantOnboardingCreate | Payload, key: str | None, currency: str
) -> Operation[MerchantOnboarding]:
    return ONBOARD_MERCHANT.call(body=body_of(MerchantOnboardingCreate, payload, currency), key=key)


def create_webhook_endpoint(payload: WebhookEndpointCreate | Payload, key: str | None) -> Operation[WebhookEndpoint]:
    return CREATE_ENDPOINT.call(body=body_of(WebhookEndpointCreate, payload), key=key)


def list_webhook_endpoints(query: Query) -> Operation[Page[WebhookEndpoint]]:
    return LIST_ENDPOINTS.call(query=query)


def delete_webhook_endpoint(endpoint_id: str, key: str | None) -> Operation[None]:
    return DELETE_ENDPOINT.call(_path(DELETE_ENDPOINT, "endpoint_id", endpoint_id), key=key)


def get(path: str, query: Query | None) -> Operation[Document]:
    return GET.call(_own_path(path), query=query)


def post(path: str, payload: Payload | None, key: str | None) -> Operation[Document]:
    return POST.call(_own_path(path), body=body_of(_AnyBody, payload or {}), key=key)


def _path(endpoint: Endpoint[Any], name: str, value: str) -> str:
    return endpoint.path.format(segment(name, value))


def _checked(query: Query) -> Query:
    limit = query.get("limit")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= _LARGEST_PAGE):
        raise RequestValidationError(f"limit must be a whole number from 1 to {_LARGEST_PAGE}, not {limit!r}")
    return query


def _own_path(path: str) -> str:
    """A path below the base URL: printable ASCII, and no way to another host."""
    if not isinstance(path, str) or not path.startswith("/") or path.startswith("//"):
        raise RequestValidationError(f"path must begin with one '/', not {path!r}")
    if not path.isascii() or any(c <= " " or c in "\\#\x7f" for c in path) or "/.." in path:
        raise RequestValidationError(f"path must be quoted, without '..', '#' or spaces: {path!r}")
    return path
