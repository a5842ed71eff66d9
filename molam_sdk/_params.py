"""What requests are made of, for type checkers and editors: known values, and the dict form of every payload.

The dicts have the fields of the request models of ``models.py``, which a test holds; the models check, these only
describe. Where a value is an open enum, the known ones are completed and one that Molam adds tomorrow still passes.
"""

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from typing_extensions import NotRequired, TypedDict

from .money import AmountInput

PaymentMethod: TypeAlias = Literal["wallet", "card", "mobile_money", "bank"]

PaymentEventType: TypeAlias = Literal[
    "payment.created",
    "payment.succeeded",
    "payment.failed",
    "payment.canceled",
    "payment.requires_capture",
    "payment.intent.created",
    "payment.intent.succeeded",
    "payment.intent.failed",
    "payment.intent.canceled",
    "payment.intent.requires_capture",
]
RefundEventType: TypeAlias = Literal[
    "refund.created",
    "refund.succeeded",
    "refund.failed",
    "payment.refund.created",
    "payment.refund.succeeded",
    "payment.refund.failed",
]
PayoutEventType: TypeAlias = Literal["payout.created", "payout.paid", "payout.failed"]
DisputeEventType: TypeAlias = Literal["dispute.created", "dispute.resolved"]

if TYPE_CHECKING:
    PaymentIntentStatus: TypeAlias = (
        Literal["requires_confirmation", "processing", "requires_capture", "succeeded", "canceled", "failed"] | str
    )
    RefundStatus: TypeAlias = Literal["pending", "succeeded", "failed"] | str
    PayoutStatus: TypeAlias = Literal["pending", "completed", "failed"] | str
    WebhookEndpointStatus: TypeAlias = Literal["active", "paused", "disabled"] | str
    EventType: TypeAlias = PaymentEventType | RefundEventType | PayoutEventType | DisputeEventType | str
else:
    PaymentIntentStatus = RefundStatus = PayoutStatus = WebhookEndpointStatus = EventType = str


class PaymentIntentParams(TypedDict):
    """``PaymentIntentCreate`` as a dict. ``amount`` is in MAJOR currency units."""

    amount: AmountInput
    currency: NotRequired[str | None]
    capture: NotRequired[bool]
    customer_id: NotRequired[str | None]
    merchant_id: NotRequired[str | None]
    description: NotRequired[str | None]
    metadata: NotRequired[dict[str, Any]]
    return_url: NotRequired[str | None]
    cancel_url: NotRequired[str | None]
    payment_methods: NotRequired[list[PaymentMethod] | None]


class RefundParams(TypedDict):
    """``RefundCreate`` as a dict. ``amount`` is in MAJOR currency units; without one everything is given back."""

    payment_id: str
    amount: NotRequired[AmountInput | None]
    reason: NotRequired[str | None]
    metadata: NotRequired[dict[str, Any]]


class PayoutParams(TypedDict):
    """``PayoutCreate`` as a dict. ``amount`` is in MAJOR currency units."""

    amount: AmountInput
    currency: NotRequired[str | None]
    beneficiary: str | dict[str, Any]
    origin_module: str
    origin_entity: str
    description: NotRequired[str | None]
    metadata: NotRequired[dict[str, Any]]


class MerchantOnboardingParams(TypedDict):
    """``MerchantOnboardingCreate`` as a dict."""

    business_name: str
    business_type: str
    country: str
    currency: NotRequired[str | None]
    email: str
    phone: NotRequired[str | None]
    metadata: NotRequired[dict[str, Any]]


class WebhookEndpointParams(TypedDict):
    """``WebhookEndpointCreate`` as a dict. ``events`` may hold families too: ``payment.*``."""

    tenant_type: str
    tenant_id: str
    url: str
    events: list[EventType]
