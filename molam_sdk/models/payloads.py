"""What goes to Molam: models that refuse what they do not know."""

# Annotations are no text here, as they are elsewhere: pydantic would have to read each of them at import.

import copy
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, NoReturn, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)
from pydantic_core import to_json
from typing_extensions import Self

from .._frames import without_values
from .._params import PaymentMethod
from .._payload_error import payload_error
from ..money import check_decimals, parse_amount, parse_currency, to_json_number
from .building import BuiltOnFirstUse

__all__: list[str] = [
    "Amount",
    "Currency",
    "MerchantOnboardingCreate",
    "PaymentIntentCreate",
    "PayoutCreate",
    "RefundCreate",
    "WebhookEndpointCreate",
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

_OURS: Final = "molam_sdk."


class RequestModel(BuiltOnFirstUse):
    """A request body: immutable, and refusing fields it does not know, so that a typo cannot be lost.

    What is wrong raises ``RequestValidationError``, which is pydantic's ``ValidationError`` too.
    ``model_copy(update=…)`` is checked like the original; pydantic's own would take any value for any field.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")

    _sends_nulls: ClassVar[bool] = False

    if not TYPE_CHECKING:  # to which they are pydantic's own

        def __init__(self, /, **data: Any) -> None:
            try:
                super().__init__(**data)
            except ValidationError as problem:
                error = payload_error(problem)
            else:
                return
            del self, data
            raise error

        __init__.__pydantic_base_init__ = True  # pydantic need not call it for every payload that it validates

        @classmethod
        @without_values
        def model_validate(cls, *payload: Any, **options: Any) -> Self:
            """As pydantic's."""
            return _refusing(super().model_validate, payload, options)

        @classmethod
        @without_values
        def model_validate_json(cls, *payload: Any, **options: Any) -> Self:
            """As pydantic's."""
            return _refusing(super().model_validate_json, payload, options)

    def to_json(self) -> bytes:
        """The exact bytes that go on the wire: JSON, without the fields that were left out.

        ``ValueError`` for what JSON cannot say, such as a NaN within ``metadata``.
        """
        text = self._dumped()
        if "NaN" in text or "Infinity" in text:  # as a number, or within a string
            json.loads(text, parse_constant=_refuse_constant)
        return text.encode()

    def _dumped(self) -> str:
        """As ``model_dump_json``, but the amount is made a number here: of what a signal handler raises in a serializer
        pydantic keeps only the words."""
        without_nulls = not self._sends_nulls
        if not type(self).__module__.startswith(_OURS):  # a merchant's subclass, which may serialize as it likes
            return self.model_dump_json(exclude_none=without_nulls)
        extra = self.__pydantic_extra__
        values = vars(self) | ({name: extra[name] for name in sorted(extra)} if extra else {})
        for name, value in values.items():
            if value and type(value) in _NESTED:
                values[name] = _in_order(value)
        amount = vars(self).get("amount")
        if amount is not None:
            values["amount"] = to_json_number(amount)
        if without_nulls:
            values = {name: value for name, value in values.items() if value is not None}
        return to_json(values, exclude_none=without_nulls).decode()

    @without_values
    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with these fields changed; ``ValidationError`` if it is not right."""
        if not update:
            return super().model_copy(deep=deep)
        values = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self).model_validate((copy.deepcopy(values) if deep else values) | dict(update))


_NESTED: Final = frozenset({dict, list})


def _in_order(value: Any) -> Any:
    """The same under sorted names: a body that is equal is the same bytes, as its idempotency key asks for."""
    with suppress(RecursionError):  # a circle, or something as deep: pydantic says so
        return _sorted(value)
    return value


def _sorted(value: Any) -> Any:
    if type(value) is dict:
        return {name: _sorted(value[name]) for name in sorted(value, key=str)}
    return [_sorted(item) for item in value] if type(value) is list else value


RequestT = TypeVar("RequestT", bound=RequestModel)


def validated(kind: type[RequestT], values: Mapping[str, Any]) -> RequestT:
    """The model of these values; ``RequestValidationError`` names each wrong field and what is allowed."""
    try:
        model: RequestT = kind.__pydantic_validator__.validate_python(values)
    except ValidationError as problem:
        error = payload_error(problem)
    else:
        return model
    raise error


def _refusing(validate: Callable[..., Any], payload: tuple[Any, ...], options: dict[str, Any]) -> Any:
    try:
        return validate(*payload, **options)
    except ValidationError as problem:
        error = payload_error(problem)
    raise error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class _Priced(RequestModel):
    """A request whose amount must fit the decimals of its currency; without one the client's default counts."""

    amount: Amount
    """In MAJOR units: `Decimal`, `int`, `str`, or `float`; no more decimals than the currency has."""
    currency: Currency | None = None
    """ISO 4217 code; the client's `default_currency` where it is left out."""

    @model_validator(mode="after")
    def _amount_fits_currency(self) -> Self:
        if self.currency is not None:
            check_decimals(self.amount, self.currency)
        return self


class PaymentIntentCreate(_Priced):
    """A payment to take. ``capture=False`` authorises only: ``capture_payment_intent`` then takes the money."""

    capture: bool = False
    """True takes the money when it is confirmed; False authorises only."""
    customer_id: str | None = None
    """Your customer, as you name them; `list_payment_intents` finds by it."""
    merchant_id: str | None = None
    """The merchant it is taken for, on a marketplace."""
    description: str | None = None
    """What the customer reads."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """Anything JSON, given back as it is. `order_id` is a good idea."""
    return_url: str | None = None
    """Where the customer comes back to after agreeing."""
    cancel_url: str | None = None
    """Where the customer comes back to after giving up."""
    payment_methods: list[PaymentMethod] | None = None
    """What may be used: `wallet`, `card`, `mobile_money`, …; all if left out."""


class RefundCreate(RequestModel):
    """Money to give back: the whole payment, or ``amount`` of it."""

    payment_id: Text
    """The payment to give money back of."""
    amount: Amount | None = None
    """In MAJOR units; all that is left if it is left out."""
    reason: str | None = None
    """Why; kept with the refund."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """Anything JSON, given back as it is."""


class PayoutCreate(_Priced):
    """Money to send out. ``beneficiary`` is the receiving account or wallet: an id, or its details."""

    beneficiary: Text | dict[str, Any]
    """Who receives it: the id of an account or wallet, or its details."""
    origin_module: Text
    """The part of your system that asks for it."""
    origin_entity: Text
    """The account in that part it is paid for."""
    description: str | None = None
    """What the beneficiary reads."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """Anything JSON, given back as it is."""


class MerchantOnboardingCreate(RequestModel):
    """A merchant to register. ``country`` is ISO 3166-1 alpha-2."""

    business_name: Text
    """The name it does business under."""
    business_type: Text
    """`company`, `individual`, …"""
    country: Text
    """ISO 3166-1 alpha-2 code."""
    currency: Currency | None = None
    """The currency to be paid in, ISO 4217."""
    email: Text
    """Where Molam writes to."""
    phone: str | None = None
    """In the international form, `+221…`."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """Anything JSON, given back as it is."""


class WebhookEndpointCreate(RequestModel):
    """A URL that shall receive these event types."""

    tenant_type: Text
    """Whose events: `merchant`, …"""
    tenant_id: Text
    """Which of them."""
    url: Text
    """Where events are sent to, https."""
    events: list[Text] = Field(min_length=1)
    """The event types to receive, at least one; `*` is all."""


class ConfirmBody(RequestModel):
    """The body of a confirmation."""

    payment_method: str | None = None


class CaptureBody(RequestModel):
    """The body of a capture."""

    amount: Amount | None = None


class AnyBody(RequestModel, extra="allow"):
    """Any JSON object, sent as it is: what a null means there, the merchant knows."""

    _sends_nulls = True
