"""From what a merchant wrote to the exact bytes of a request body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from ..exceptions import RequestValidationError
from ..models import RequestModel

RequestT = TypeVar("RequestT", bound=RequestModel)


def body_of(kind: type[RequestT], payload: RequestT | Mapping[str, Any], default_currency: str | None = None) -> bytes:
    """The JSON bytes of a payload, with the client's currency where none is given.

    ``RequestValidationError`` names each wrong field and what is allowed.
    """
    model = read_payload(kind, payload, default_currency)
    if getattr(model, "currency", "") is None:
        raise RequestValidationError(
            f"{kind.__name__}: currency is missing: name one, such as 'XOF', or give the client a default_currency "
            "(MOLAM_DEFAULT_CURRENCY)"
        )
    try:
        return model.to_json()
    except ValueError as problem:
        raise RequestValidationError(f"{kind.__name__} has no JSON form: {problem}") from None


def read_payload(
    kind: type[RequestT], payload: RequestT | Mapping[str, Any], default_currency: str | None = None
) -> RequestT:
    """The request model of a payload; see ``body_of``."""
    if isinstance(payload, kind):
        if default_currency is None or getattr(payload, "currency", None) is not None:
            return payload
        payload = {name: getattr(payload, name) for name in payload.model_fields_set}
    if not isinstance(payload, Mapping):
        raise RequestValidationError(f"payload must be a {kind.__name__} or a mapping, not {type(payload).__name__}")
    values = dict(payload)
    if default_currency is not None and values.get("currency") is None:
        values["currency"] = default_currency
    try:
        return kind.model_validate(values)
    except ValidationError as problem:
        raise RequestValidationError(f"{kind.__name__}: {explain(problem)}") from None


def explain(problem: ValidationError) -> str:
    """Field by field what is wrong, without the input: it may be personal data, or a server's rubbish."""
    errors = problem.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(_line(error["loc"], error["msg"]) for error in errors[:5])


def _line(where: tuple[int | str, ...], message: str) -> str:
    field = ".".join(map(str, where))
    message = message.removeprefix("Value error, ")
    return f"{field}: {message}" if field else message
