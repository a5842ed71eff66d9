"""How an answer came to be, and an answer that has no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class ResponseInfo:
    """How an answer came to be. ``elapsed`` is seconds for the whole call, retries and sleeps included."""

    status_code: int
    """The HTTP status."""
    headers: Mapping[str, str]
    """The answer's headers, by name in any case."""
    request_id: str | None
    """Molam's id of the request: quote it to support."""
    idempotency_key: str | None
    """The key it was sent under; None for reads."""
    replayed: bool
    """Whether Molam repeated the answer of an earlier request under the key."""
    attempts: int
    """How many requests the call took."""
    elapsed: float
    """Seconds for the whole call, retries and pauses included."""


RESPONSE_INFO: Final = "__molam_response__"
"""Where an answer's ResponseInfo stands in its ``__dict__``: beside the fields, so that it is never dumped."""

NO_RESPONSE: Final = ResponseInfo(0, {}, None, None, False, 0, 0.0)


class Document(dict[str, Any]):
    """A JSON object from a path that has no model yet: a dict, with ``response`` beside it. Numbers with a
    fraction are Decimal."""

    response: ResponseInfo = NO_RESPONSE

    @property
    def request_id(self) -> str | None:
        """Molam's id of the request."""
        return self.response.request_id
