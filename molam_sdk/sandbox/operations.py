"""The API on one page: what the router serves, the keys' scopes open, and the OpenAPI document describes."""

from dataclasses import dataclass, field

from .problems import ApiError

CONNECT = "/v1/connect"
PAGE = ("limit", "starting_after")
MAX_PAGE = 100
DEFAULT_PAGE = 10


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `request` and `response` name schemas, `filters` the query parameters beside the page's."""

    name: str
    method: str
    path: str
    scope: str
    response: str | None
    request: str | None = None
    status: int = 200
    filters: tuple[str, ...] = ()

    @property
    def is_list(self) -> bool:
        return self.response is not None and self.response.endswith("List")

    @property
    def queries(self) -> tuple[str, ...]:
        return (*PAGE, *self.filters) if self.is_list else ()


INTENTS, REFUNDS, PAYOUTS = f"{CONNECT}/payment_intents", f"{CONNECT}/refunds", f"{CONNECT}/payouts"
ENDPOINTS = "/v1/webhooks/endpoints"
READ_PAYMENTS, WRITE_PAYMENTS = "payments:read", "payments:write"

OPERATIONS = (
    Operation("create_payment_intent", "POST", INTENTS, WRITE_PAYMENTS, "PaymentIntent", "PaymentIntentCreate", 201),
    Operation("retrieve_payment_intent", "GET", INTENTS + "/{id}", READ_PAYMENTS, "PaymentIntent"),
    Operation(
        "list_payment_intents",
        "GET",
        INTENTS,
        READ_PAYMENTS,
        "PaymentIntentList",
        filters=("customer_id", "status"),
    ),
    Operation(
        "confirm_payment_intent",
        "POST",
        INTENTS + "/{id}/confirm",
        WRITE_PAYMENTS,
        "PaymentIntent",
        "PaymentIntentConfirm",
    ),
    Operation(
        "capture_payment_intent",
        "POST",
        INTENTS + "/{id}/capture",
        WRITE_PAYMENTS,
        "PaymentIntent",
        "PaymentIntentCapture",
    ),
    Operation("cancel_payment_intent", "POST", INTENTS + "/{id}/cancel", WRITE_PAYMENTS, "PaymentIntent", "Empty"),
    Operation("create_refund", "POST", REFUNDS, "refunds:write", "Refund", "RefundCreate", 201),
    Operation("retrieve_refund", "GET", REFUNDS + "/{id}", "refunds:read", "Refund"),
    Operation("list_refunds", "GET", REFUNDS, "refunds:read", "RefundList", filters=("payment_id",)),
    Operation("create_payout", "POST", PAYOUTS, "payouts:write", "Payout", "PayoutCreate", 201),
    Operation("retrieve_payout", "GET", PAYOUTS + "/{id}", "payouts:read", "Payout"),
    Operation("list_payouts", "GET", PAYOUTS, "payouts:read", "PayoutList", filters=("status",)),
    Operation(
        "create_merchant_onboarding",
        "POST",
        f"{CONNECT}/merchants/onboard",
        "merchants:write",
        "MerchantOnboarding",
        "MerchantOnboardingCreate",
        201,
    ),
    Operation(
        "create_webhook_endpoint",
        "POST",
        ENDPOINTS,
        "webhooks:write",
        "WebhookEndpoint",
        "WebhookEndpointCreate",
        201,
    ),
    Operation(
        "list_webhook_endpoints",
        "GET",
        ENDPOINTS,
        "webhooks:read",
        "WebhookEndpointList",
        filters=("tenant_type", "tenant_id"),
    ),
    Operation("delete_webhook_endpoint", "DELETE", ENDPOINTS + "/{id}", "webhooks:write", None, status=204),
    # Not part of Molam's contract: how a test of one's own secret rotation is set going.
    Operation(
        "rotate_webhook_secret",
        "POST",
        ENDPOINTS + "/{id}/rotate",
        "webhooks:write",
        "WebhookEndpoint",
        "Empty",
    ),
)
NAMES = tuple(operation.name for operation in OPERATIONS)
SCOPES = tuple(sorted({operation.scope for operation in OPERATIONS}))


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: how many, after which id, and the filters asked for."""

    limit: int = DEFAULT_PAGE
    starting_after: str | None = None
    filters: dict[str, str] = field(default_factory=dict)


def read_page(operation: Operation, query: list[tuple[str, str]]) -> Page:
    """The query of a list; raises ApiError 400 for an unknown, repeated or malformed parameter."""
    given: dict[str, str] = {}
    for name, value in query:
        if name not in operation.queries or name in given:
            shown = name.encode("ascii", "backslashreplace").decode()[:100]
            raise ApiError(400, "parameter_unknown", f"{shown} is not a query parameter of this list, or twice.", shown)
        given[name] = value
    limit = given.pop("limit", str(DEFAULT_PAGE))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 3 and 1 <= int(limit) <= MAX_PAGE):
        raise ApiError(400, "parameter_invalid", f"limit must be a whole number from 1 to {MAX_PAGE}", "limit")
    return Page(int(limit), given.pop("starting_after", None), given)
