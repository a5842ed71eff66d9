"""What each request body may hold: one table of fields, read by the validation and by the OpenAPI document."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from .currencies import EXPONENTS, MAX_DIGITS, decimals, to_minor
from .problems import ApiError

EVENT_TYPES = (
    "payment.created",
    "payment.succeeded",
    "payment.failed",
    "payment.canceled",
    "payment.requires_capture",
    "refund.created",
    "refund.succeeded",
    "refund.failed",
    "payout.created",
    "payout.paid",
    "payout.failed",
    "dispute.created",
    "dispute.resolved",
)
PAYMENT_METHODS = ("wallet", "card", "mobile_money", "bank")
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
METADATA_BYTES = 16_384


class InvalidValueError(ValueError):
    """Why a value does not fit; becomes a 400 that names the parameter."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: what checks it, and how the OpenAPI document describes it."""

    check: Callable[[Any], Any]
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter of a body."""

    name: str
    kind: Kind
    required: bool = False


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidValueError("must be a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValueError("must be well-formed Unicode, without lone surrogates") from None
    return value


def text(longest: int = 500) -> Kind:
    """A string of 1 to `longest` characters that is not blank."""

    def check(value: Any) -> str:
        string = _string(value)
        if not string.strip() or len(string) > longest:
            raise InvalidValueError(f"must be 1 to {longest} characters, not blank")
        return string

    return Kind(check, {"type": "string", "minLength": 1, "maxLength": longest, "pattern": r"\S"})


def matching(pattern: str, meaning: str, **schema: Any) -> Kind:
    """A string of which the whole matches `pattern`."""
    compiled = re.compile(pattern)

    def check(value: Any) -> str:
        if not compiled.fullmatch(_string(value)):
            raise InvalidValueError(f"must be {meaning}")
        return str(value)

    return Kind(check, {"type": "string", "pattern": f"^{pattern}$", **schema})


def one_of(choices: tuple[str, ...]) -> Kind:
    """One of the given words."""

    def check(value: Any) -> str:
        if value not in choices:
            raise InvalidValueError(f"must be one of {', '.join(choices)}")
        return str(value)

    return Kind(check, {"type": "string", "enum": list(choices)})


def some_of(choices: tuple[str, ...]) -> Kind:
    """A list of at least one of the given words, none twice."""

    def check(value: Any) -> list[str]:
        if not isinstance(value, list) or not value or not all(item in choices for item in value):
            raise InvalidValueError(f"must be a list of one or more of {', '.join(choices)}")
        if len(set(value)) < len(value):
            raise InvalidValueError("must not name anything twice")
        return value

    items = {"type": "string", "enum": list(choices)}
    return Kind(check, {"type": "array", "minItems": 1, "uniqueItems": True, "items": items})


def _amount(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise InvalidValueError("must be a JSON number in major units, not a string")
    amount = Decimal(value)
    if not amount.is_finite() or amount <= 0:
        raise InvalidValueError("must be greater than zero")
    # Asked before anything expands the number: 1e999999999 is ten bytes on the wire.
    if amount.adjusted() + 1 + decimals(amount) > MAX_DIGITS or amount.adjusted() >= MAX_DIGITS:
        raise InvalidValueError(f"must have at most {MAX_DIGITS} digits")
    return amount


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidValueError("must be true or false")
    return value


def _metadata(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidValueError("must be an object")
    try:
        written = json.dumps(value, default=float, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, OverflowError, UnicodeEncodeError, RecursionError):
        raise InvalidValueError("must be JSON with finite numbers and well-formed Unicode") from None
    if len(written) > METADATA_BYTES:
        raise InvalidValueError(f"must be at most {METADATA_BYTES} bytes")
    return value if not value else dict(json.loads(written))


def _currency(value: Any) -> str:
    if not isinstance(value, str) or value not in EXPONENTS:
        raise InvalidValueError("must be an ISO 4217 code in capitals, such as XOF")
    return value


def _web_url(value: Any) -> str:
    string = _string(value)
    try:
        parts = urlsplit(string)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidValueError("must be a URL") from None
    if not host or port == 0 or len(string) > 2048 or re.search(r"[\s\x00-\x20\x7f]", string):
        raise InvalidValueError("must be an absolute http or https URL")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK_HOSTS):
        raise InvalidValueError("must be https (http only to this machine)")
    return string


AMOUNT = Kind(_amount, {"type": "number", "exclusiveMinimum": 0, "maximum": 10**MAX_DIGITS - 1})
BOOLEAN = Kind(_boolean, {"type": "boolean"})
METADATA = Kind(_metadata, {"type": "object", "additionalProperties": True})
CURRENCY = Kind(_currency, {"type": "string", "enum": sorted(EXPONENTS)})
WEB_URL = Kind(_web_url, {"type": "string", "format": "uri", "maxLength": 2048})
EMAIL = matching(r"[^@\s]{1,64}@[^@\s]{1,190}", "an e-mail address", format="email")
COUNTRY = matching("[A-Z]{2}", "an ISO 3166 code of two capitals, such as SN")

BODIES: dict[str, tuple[Field, ...]] = {
    "PaymentIntentCreate": (
        Field("amount", AMOUNT, required=True),
        Field("currency", CURRENCY, required=True),
        Field("capture", BOOLEAN),
        Field("customer_id", text(255)),
        Field("merchant_id", text(255)),
        Field("description", text(1000)),
        Field("metadata", METADATA),
        Field("return_url", WEB_URL),
        Field("cancel_url", WEB_URL),
        Field("payment_methods", some_of(PAYMENT_METHODS)),
    ),
    "PaymentIntentConfirm": (Field("payment_method", text(255)),),
    "PaymentIntentCapture": (Field("amount", AMOUNT),),
    "Empty": (),
    "RefundCreate": (
        Field("payment_id", text(255), required=True),
        Field("amount", AMOUNT),
        Field("reason", text(500)),
        Field("metadata", METADATA),
    ),
    "PayoutCreate": (
        Field("amount", AMOUNT, required=True),
        Field("currency", CURRENCY, required=True),
        Field("beneficiary", text(255), required=True),
        Field("origin_module", text(255), required=True),
        Field("origin_entity", text(255), required=True),
        Field("description", text(1000)),
        Field("metadata", METADATA),
    ),
    "MerchantOnboardingCreate": (
        Field("business_name", text(255), required=True),
        Field("business_type", text(255), required=True),
        Field("country", COUNTRY, required=True),
        Field("currency", CURRENCY, required=True),
        Field("email", EMAIL, required=True),
        Field("phone", text(64)),
        Field("metadata", METADATA),
    ),
    "WebhookEndpointCreate": (
        Field("tenant_type", text(64), required=True),
        Field("tenant_id", text(255), required=True),
        Field("url", WEB_URL, required=True),
        Field("events", some_of((*EVENT_TYPES, "*")), required=True),
    ),
}


def _invalid(message: str, param: str | None, code: str = "parameter_invalid") -> ApiError:
    return ApiError(400, code, f"{param} {message}" if param else message, param)


def validate(schema: str, body: Any) -> dict[str, Any]:
    """The body with checked values; an optional field given as null counts as left out. Raises ApiError 400."""
    if not isinstance(body, dict):
        raise _invalid("The body must be a JSON object.", None, "body_invalid")
    fields = BODIES[schema]
    unknown = body.keys() - {field.name for field in fields}
    if unknown:
        name = min(unknown).encode("ascii", "backslashreplace").decode()[:100]
        raise _invalid("is not a parameter of this request", name, "parameter_unknown")
    checked = {}
    for field in fields:
        value = body.get(field.name)
        if value is None:
            if field.required:
                raise _invalid("is required", field.name, "parameter_missing")
            continue
        try:
            checked[field.name] = field.kind.check(value)
        except InvalidValueError as reason:
            raise _invalid(str(reason), field.name) from None
    return checked


def minor_units(amount: Decimal, currency: str) -> int:
    """The amount in minor units; raises ApiError 400 where it has more decimals than the currency."""
    if decimals(amount) > EXPONENTS[currency]:
        raise _invalid(f"has more decimals than {currency} allows ({EXPONENTS[currency]})", "amount")
    return to_minor(amount, currency)
