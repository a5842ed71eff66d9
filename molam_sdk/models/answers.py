"""What comes back from Molam: models that keep what they do not know."""

# Annotations are no text here, as they are elsewhere: pydantic would have to read each of them at import.

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from pydantic import ConfigDict, Field

from .._params import PaymentIntentStatus, PayoutStatus, RefundStatus, WebhookEndpointStatus
from .building import BuiltOnFirstUse
from .response import NO_RESPONSE, RESPONSE_INFO, ResponseInfo

__all__: list[str] = [
    "Answer",
    "Balance",
    "CurrencyBalance",
    "MerchantOnboarding",
    "Page",
    "PaymentIntent",
    "Payout",
    "Refund",
    "WebhookEndpoint",
]


class Answer(BuiltOnFirstUse):
    """An answer of Molam: keeps fields it does not know. How it came stands in ``response``, outside the data."""

    model_config = ConfigDict(extra="allow", frozen=True)

    @property
    def response(self) -> ResponseInfo:
        """Status, headers, request id, key and attempts of the call that brought this object."""
        info: ResponseInfo = self.__dict__.get(RESPONSE_INFO, NO_RESPONSE)
        return info

    @property
    def request_id(self) -> str | None:
        """Molam's id of the request: quote it to support."""
        return self.response.request_id

    @property
    def idempotency_key(self) -> str | None:
        """The key this call was sent under; None for reads."""
        return self.response.idempotency_key

    @property
    def replayed(self) -> bool:
        """Whether Molam repeated the answer of an earlier request with the same key."""
        return self.response.replayed

    @property
    def attempts(self) -> int:
        """How many requests the call took."""
        return self.response.attempts


class PaymentIntent(Answer):
    """A payment and where it stands."""

    id: str
    """Molam's id of the payment, `pi_…`."""
    status: PaymentIntentStatus
    """Where it stands; a status that this version does not know passes."""
    amount: Decimal
    """What is asked for, in MAJOR units of the currency."""
    currency: str
    """ISO 4217 code."""
    capture: bool = False
    """Whether confirming takes the money; if not, it is only authorised."""
    amount_captured: Decimal | None = None
    """What was taken so far, in MAJOR units."""
    customer_id: str | None = None
    """Your customer, as you named them."""
    merchant_id: str | None = None
    """The merchant it is taken for, on a marketplace."""
    description: str | None = None
    """What the customer reads."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """What you attached, as you sent it."""
    created_at: datetime | None = None
    """When it was made, by Molam's clock."""
    updated_at: datetime | None = None
    """When it last changed, by Molam's clock."""
    redirect_url: str | None = None
    """Where to send the customer to agree, for mobile money and bank pages."""


class Refund(Answer):
    """Money given back, or on its way."""

    id: str
    """Molam's id of the refund, `re_…`."""
    payment_id: str
    """The payment it is a refund of."""
    amount: Decimal
    """What is given back, in MAJOR units."""
    currency: str
    """ISO 4217 code."""
    status: RefundStatus
    """`pending`, `succeeded` or `failed`."""
    reason: str | None = None
    """Why, as you said it."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """What you attached, as you sent it."""
    created_at: datetime | None = None
    """When it was made, by Molam's clock."""


class Payout(Answer):
    """Money sent out, or on its way."""

    id: str
    """Molam's id of the payout, `po_…`."""
    amount: Decimal
    """What is sent, in MAJOR units."""
    currency: str
    """ISO 4217 code."""
    status: PayoutStatus
    """`pending`, `completed` or `failed`."""
    beneficiary: str | dict[str, Any] | None = None
    """Who receives it: an id, or their details."""
    origin_module: str | None = None
    """The part of your system that asked for it."""
    origin_entity: str | None = None
    """The account in that part it is paid for."""
    description: str | None = None
    """What the beneficiary reads."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """What you attached, as you sent it."""
    created_at: datetime | None = None
    """When it was made, by Molam's clock."""
    completed_at: datetime | None = None
    """When it arrived."""


class CurrencyBalance(BuiltOnFirstUse):
    """The money held in one currency, in MAJOR units: ``available`` can be paid out now, ``pending`` later."""

    model_config = ConfigDict(extra="allow", frozen=True)

    currency: str
    """ISO 4217 code."""
    available: Decimal
    """What can be paid out now, in MAJOR units; may be negative."""
    pending: Decimal
    """What is on its way in, in MAJOR units."""


class Balance(Answer):
    """The money at hand, one entry per currency."""

    data: list[CurrencyBalance]
    """One entry per currency."""


class MerchantOnboarding(Answer):
    """A merchant's registration and how far it is."""

    id: str
    """Molam's id of the merchant."""
    status: str
    """How far the registration is."""
    business_name: str | None = None
    """The name it does business under."""
    country: str | None = None
    """ISO 3166-1 alpha-2 code."""
    currency: str | None = None
    """The currency it is paid in, ISO 4217."""
    email: str | None = None
    """Where Molam writes to."""
    kyc_status: str | None = None
    """How far the check of who they are is."""
    created_at: datetime | None = None
    """When it was made, by Molam's clock."""
    onboarding_url: str | None = None
    """Where the merchant goes on; send them there."""


class WebhookEndpoint(Answer):
    """A registered webhook URL. ``secret`` stands only in the answer that made it: store it then."""

    id: str
    """Molam's id of the endpoint, `we_…`."""
    url: str
    """Where events are sent to."""
    events: list[str] = Field(default_factory=list)
    """The event types it receives; `*` is all."""
    status: WebhookEndpointStatus = "active"
    """`active`, `paused` or `disabled`."""
    kid: str | None = None
    """Which secret signs, as named in the signature."""
    secret: str | None = Field(default=None, repr=False)
    """What signs, `whsec_…`: in the answer that made it, and never again."""
    created_at: datetime | None = None
    """When it was made, by Molam's clock."""


Item = TypeVar("Item", bound=Answer)


class Page(Answer, Generic[Item]):
    """One page of a list, newest first."""

    data: list[Item]
    """The objects of this page."""
    has_more: bool = False
    """Whether another page follows."""

    def __len__(self) -> int:
        return len(self.data)

    def items(self) -> Iterator[Item]:
        """The objects of this page only."""
        return iter(self.data)
