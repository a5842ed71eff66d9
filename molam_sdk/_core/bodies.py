"""From what a merchant wrote to the exact bytes of a request body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from .. import models
from .._interruption import pass_on_what_pydantic_kept
from ..exceptions import RequestValidationError

if TYPE_CHECKING:
    from ..models.payloads import RequestModel

RequestT = TypeVar("RequestT", bound="RequestModel")


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
        pass_on_what_pydantic_kept(problem)
        why = str(problem)
    raise RequestValidationError(f"{kind.__name__.lstrip('_')} has no JSON form: {why}")


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
    return models.payloads.validated(kind, values)
