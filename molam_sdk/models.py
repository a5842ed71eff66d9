"""What goes to Molam and what comes back: requests refuse what they do not know, answers keep it."""

# Annotations are no text here, as they are elsewhere: pydantic would have to read each of them at import.

import copy
import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Generic, NoReturn, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator
from typing_extensions import Self

from ._params import PaymentIntentStatus, PaymentMethod, PayoutStatus, RefundStatus, WebhookEndpointStatus
from .config import ClientConfig
from .money import check_decimals, parse_amount, parse_currency, to_json_number

__all__ = [
    "Amount",
    "Answer",
    "Balance",
    "ClientConfig",
    "Currency",
    "CurrencyBalance",
    "Document",
    "MerchantOnboarding",
    "MerchantOnboardingCreate",
    "Page",
    "PaymentIntent",
    "PaymentIntentCreate",
    "PaymentIntentStatus",
    "PaymentMethod",
    "Payout",
    "PayoutCreate",
    "PayoutStatus",
    "Refund",
    "RefundCreate",
    "RefundStatus",
    "ResponseInfo",
    "WebhookEndpoint",
    "WebhookEndpointCreate",
    "WebhookEndpointStatus",
]

Amount = Annotated[
    Decimal,
    BeforeValidator(parse_amount),
    PlainSerializer(to_json_number, return_type=int | float, when_used="json"),
]
"""A positive amount in MAJOR currency units; int, float (by its shortest repr), str and Decimal are accepted."""

Currency = Annotated[str, BeforeValidator(parse_currency)]
"""An ISO 4217 code, upper-cased."""


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


Text = Annotated[str, AfterValidator(_not_blank)]


# Held while a model is built, and across a fork: so no child is born with a model half built.
_building = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_building.acquire, after_in_parent=_building.release, after_in_child=_building.release)


class _BuiltOnFirstUse(BaseModel):
    """Its validator is built when it is first needed, not at import.

    pydantic builds by changing the class, before 2.14 without a lock: of two threads that used a model for the first
    time, one could read it with the validator of its parent, and lose every field.
    """

    model_config = ConfigDict(defer_build=True)

    @classmethod
    def model_rebuild(
        cls,
        *,
        force: bool = False,
        raise_errors: bool = True,
        _parent_namespace_depth: int = 2,
        _types_namespace: Mapping[str, Any] | None = None,
    ) -> bool | None:
        """As pydantic's, by one thread at a time. Every first use comes through here.

        Names are looked up where the class was defined. pydantic would take the caller's locals too and keep them for
        good, and at a first use those are a call's: its answer, and its request with the API key.
        """
        with _building:
            return super().model_rebuild(
                force=force, raise_errors=raise_errors, _parent_namespace_depth=0, _types_namespace=_types_namespace
            )


class RequestModel(_BuiltOnFirstUse):
    """A request body: immutable, and refusing fields it does not know, so that a typo cannot be lost.

    ``model_copy(update=…)`` is checked like the original; pydantic's own would take any value for any field.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")

    _sends_nulls: ClassVar[bool] = False

    def to_json(self) -> bytes:
        """The exact bytes that go on the wire: JSON, without the fields that were left out.

        ``ValueError`` for what JSON cannot say, such as a NaN within ``metadata``.
        """
        text = self.model_dump_json(exclude_none=not self._sends_nulls)
        if "NaN" in text or "Infinity" in text:  # as a number, or within a string
            json.loads(text, parse_constant=_refuse_constant)
        return text.encode()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with these fields changed; ``ValidationError`` if it is not right."""
        if not update:
            return super().model_copy(deep=deep)
        values = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self).model_validate((copy.deepcopy(values) if deep else values) | dict(update))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class _Priced(RequestModel):
    """A request whose amount must fit the decimals of its currency; without one the client's default counts."""

    amount: Amount
    currency: Currency | None = None

    @model_validator(mode="after")
    def _amount_fits_currency(self) -> Self:
        if self.currency is not None:
            check_decimals(self.amount, self.currency)
        return self


class PaymentIntentCreate(_Priced):
    """A payment to take. ``capture=False`` authorises only: ``capture_payment_intent`` then takes the money."""

    capture: bool = False
    customer_id: str | None = None
    merchant_id: str | None = None
    description: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    return_url: str | None = None
    cancel_url: str | None = None
    payment_methods: list[PaymentMethod] | None = None


class RefundCreate(RequestModel):
    """Money to give back: the whole payment, or ``amount`` of it."""

    payment_id: Text
    amount: Amount | None = None
    reason: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class PayoutCreate(_Priced):
    """Money to send out. ``beneficiary`` is the receiving account or wallet: an id, or its details."""

    beneficiary: Text | dict[str, Any]
    origin_module: Text
    origin_entity: Text
    description: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class MerchantOnboardingCreate(RequestModel):
    """A merchant to register. ``country`` is ISO 3166-1 alpha-2."""

    business_name: Text
    business_type: Text
    country: Text
    currency: Currency | None = None
    email: Text
    phone: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class WebhookEndpointCreate(RequestModel):
    """A URL that shall receive these event types."""

    tenant_type: Text
    tenant_id: Text
    url: Text
    events: list[Text] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class ResponseInfo:
    """How an answer came to be. ``elapsed`` is seconds for the whole call, retries and sleeps included."""

    status_code: int
    headers: Mapping[str, str]
    request_id: str | None
    idempotency_key: str | None
    replayed: bool
    attempts: int
    elapsed: float


RESPONSE_INFO: Final = "__molam_response__"
"""Where an answer's ResponseInfo stands in its ``__dict__``: beside the fields, so that it is never dumped."""

_NO_RESPONSE = ResponseInfo(0, {}, None, None, False, 0, 0.0)


class Answer(_BuiltOnFirstUse):
    """An answer of Molam: keeps fields it does not know. How it came stands in ``response``, outside the data."""

    model_config = ConfigDict(extra="allow", frozen=True)

    @property
    def response(self) -> ResponseInfo:
        """Status, headers, request id, key and attempts of the call that brought this object."""
        info: ResponseInfo = self.__dict__.get(RESPONSE_INFO, _NO_RESPONSE)
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


class CurrencyBalance(_BuiltOnFirstUse):
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


class Document(dict[str, Any]):
    """A JSON object from a path that has no model yet: a dict, with ``response`` beside it. Numbers with a
    fraction are Decimal."""

    response: ResponseInfo = _NO_RESPONSE

    @property
    def request_id(self) -> str | None:
        """Molam's id of the request."""
        return self.response.request_id
