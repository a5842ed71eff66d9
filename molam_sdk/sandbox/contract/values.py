"""The kinds of values a request may hold: what checks each, and how the OpenAPI document describes it."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from ..domain.currencies import EXPONENTS, MAX_DIGITS, decimals

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
METADATA_BYTES = 16_384
MUST_BE_HTTPS = "must be https (http only to this machine)"


class InvalidValueError(ValueError):
    """Why a value does not fit; becomes a 400 that names the parameter."""


@dataclass(frozen=True, slots=True)
class ValueKind:
    """A kind of value: what checks it, and how the OpenAPI document describes it."""

    check: Callable[[Any], Any]
    schema: Mapping[str, Any]


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidValueError("must be a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValueError("must be well-formed Unicode, without lone surrogates") from None
    return value


def text(longest: int = 500) -> ValueKind:
    """A string of 1 to `longest` characters that is not blank."""

    def check(value: Any) -> str:
        string = _string(value)
        if not string.strip() or len(string) > longest:
            raise InvalidValueError(f"must be 1 to {longest} characters, not blank")
        return string

    return ValueKind(check, {"type": "string", "minLength": 1, "maxLength": longest, "pattern": r"\S"})


def matching(pattern: str, meaning: str, **schema: Any) -> ValueKind:
    """A string of which the whole matches `pattern`."""
    compiled = re.compile(pattern)

    def check(value: Any) -> str:
        if not compiled.fullmatch(_string(value)):
            raise InvalidValueError(f"must be {meaning}")
        return str(value)

    return ValueKind(check, {"type": "string", "pattern": f"^{pattern}$", **schema})


def some_of(choices: tuple[str, ...]) -> ValueKind:
    """A list of at least one of the given words, none twice."""

    def check(value: Any) -> list[str]:
        if not isinstance(value, list) or not value or not all(item in choices for item in value):
            raise InvalidValueError(f"must be a list of one or more of {', '.join(choices)}")
        if len(set(value)) < len(value):
            raise InvalidValueError("must not name anything twice")
        return value

    items = {"type": "string", "enum": list(choices)}
    return ValueKind(check, {"type": "array", "minItems": 1, "uniqueItems": True, "items": items})


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


def _any_web_url(value: Any) -> str:
    string = _string(value)
    try:
        parts = urlsplit(string)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidValueError("must be a URL") from None
    if not host or port == 0 or len(string) > 2048 or re.search(r"[\s\x00-\x20\x7f]", string):
        raise InvalidValueError("must be an absolute http or https URL")
    if parts.scheme not in ("https", "http"):
        raise InvalidValueError("must be an absolute http or https URL")
    return string


def _web_url(value: Any) -> str:
    string = _any_web_url(value)
    if not is_private_enough(string):
        raise InvalidValueError(MUST_BE_HTTPS)
    return string


def is_private_enough(url: str, hosts: Collection[str] = ()) -> bool:
    """Whether a URL is https, or http to this machine or one of these hosts."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in LOOPBACK_HOSTS or parts.hostname in hosts


AMOUNT = ValueKind(_amount, {"type": "number", "exclusiveMinimum": 0, "maximum": 10**MAX_DIGITS - 1})
BOOLEAN = ValueKind(_boolean, {"type": "boolean"})
METADATA = ValueKind(_metadata, {"type": "object", "additionalProperties": True})
CURRENCY = ValueKind(_currency, {"type": "string", "enum": sorted(EXPONENTS)})
ANY_WEB_URL = ValueKind(_any_web_url, {"type": "string", "format": "uri", "maxLength": 2048})
WEB_URL = ValueKind(_web_url, {"type": "string", "format": "uri", "maxLength": 2048})
EMAIL = matching(r"[^@\s]{1,64}@[^@\s]{1,190}", "an e-mail address", format="email")
COUNTRY = matching("[A-Z]{2}", "an ISO 3166 code of two capitals, such as SN")
