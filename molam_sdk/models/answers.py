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
    status: PaymentIntentStatus
    amount: Decimal
    currency: str
    capture: bool = False
    amount_captured: Decimal | None = None
    customer_id: str | None = None
    merchant_id: str | None = None
    description: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    redirect_url: str | None = None


class Refund(Answer):
    """Money given back, or on its way."""

    id: str
    payment_id: str
    amount: Decimal
    currency: str
    status: RefundStatus
    reason: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    created_at: datetime | None = None


class Payout(Answer):
    """Money sent out, or on its way."""

    id: str
    amount: Decimal
    currency: str
    status: PayoutStatus
    beneficiary: str | dict[str, Any] | None = None
    origin_module: str | None = None
    origin_entity: str | None = None
    description: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    created_at: datetime | None = None
    completed_at: datetime | None = None


class CurrencyBalance(BuiltOnFirstUse):
    """The money held in one currency, in MAJOR units: ``available`` can be paid out now, ``pending`` later."""

    model_config = ConfigDict(extra="allow", frozen=True)

    currency: str
    available: Decimal
    pending: Decimal


class Balance(Answer):
    """The money at hand, one entry per currency."""

    data: list[CurrencyBalance]


class MerchantOnboarding(Answer):
    """A merchant's registration and how far it is."""

    id: str
    status: str
    business_name: str | None = None
    country: str | None = None
    currency: str | None = None
    email: str | None = None
    kyc_status: str | None = None
    created_at: datetime | None = None
    onboarding_url: str | None = None


class WebhookEndpoint(Answer):
    """A registered webhook URL. ``secret`` stands only in the answer that made it: store it then."""

    id: str
    url: str
    events: list[str] = Field(default_factory=list)
    status: WebhookEndpointStatus = "active"
    kid: str | None = None
    secret: str | None = Field(default=None, repr=False)
    created_at: datetime | None = None


Item = TypeVar("Item", bound=Answer)


class Page(Answer, Generic[Item]):
    """One page of a list, newest first."""

    data: list[Item]
    has_more: bool = False

    def __len__(self) -> int:
        return len(self.data)

    def items(self) -> Iterator[Item]:
        """The objects of this page only."""
        return iter(self.data)
