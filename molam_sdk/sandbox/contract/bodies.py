"""What each request holds: fields of a body or a query, and the check of what was sent against them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..domain.currencies import EXPONENTS, decimals, to_minor
from ..domain.refusal import RefusalError
from .values import InvalidValueError, ValueKind


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter of a body or a query."""

    name: str
    kind: ValueKind
    required: bool = False


@dataclass(frozen=True, slots=True)
class RequestBody:
    """The body of an operation, under the name it has in the OpenAPI document."""

    name: str
    fields: tuple[Field, ...] = ()

    def named(self, *names: str) -> tuple[Field, ...]:
        """Some of the fields, for answers that repeat them."""
        return tuple(field for field in self.fields if field.name in names)


EMPTY = RequestBody("Empty")


def _invalid(message: str, param: str | None, code: str = "parameter_invalid") -> RefusalError:
    return RefusalError(400, code, f"{param} {message}" if param else message, param)


def validate(body: Any, fields: tuple[Field, ...]) -> dict[str, Any]:
    """The body with checked values; an optional field given as null counts as left out. Raises RefusalError 400."""
    if not isinstance(body, dict):
        raise _invalid("The body must be a JSON object.", None, "body_invalid")
    unknown = body.keys() - {field.name for field in fields}
    if unknown:
        raise _invalid("is not a parameter of this request", _shown(min(unknown)), "parameter_unknown")
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
    """The amount in minor units; raises RefusalError 400 where it has more decimals than the currency."""
    if decimals(amount) > EXPONENTS[currency]:
        raise _invalid(f"has more decimals than {currency} allows ({EXPONENTS[currency]})", "amount")
    return to_minor(amount, currency)


def read_query(items: Sequence[tuple[str, str]], fields: tuple[Field, ...]) -> dict[str, Any]:
    """The checked query; raises RefusalError 400 for an unknown, repeated or malformed parameter."""
    kinds = {field.name: field.kind for field in fields}
    read: dict[str, Any] = {}
    for name, value in items:
        if name not in kinds or name in read:
            shown = _shown(name)
            message = f"{shown} is no query parameter of this operation, or stands there twice."
            raise RefusalError(400, "parameter_unknown", message, shown)
        try:
            read[name] = kinds[name].check(value)
        except InvalidValueError as reason:
            raise _invalid(str(reason), name) from None
    return read


def _shown(name: str) -> str:
    return name.encode("ascii", "backslashreplace").decode()[:100]
