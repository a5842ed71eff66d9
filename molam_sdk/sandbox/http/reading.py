"""Requests as they are read: the body and its numbers, the idempotency key, and the fingerprint of both."""

import hashlib
import json
from decimal import Decimal
from typing import Any

from starlette.requests import Request

from ..contract.problems import JSON
from ..domain.refusal import RefusalError

MAX_BODY = 1_048_576


async def read_body(request: Request) -> bytes | None:
    """The body, or None where it is too large (it is read to its end, so that the answer gets through)."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= MAX_BODY:
            chunks.append(chunk)
    return b"".join(chunks) if size <= MAX_BODY else None


def _number(text: str) -> int | Decimal:
    number = Decimal(text)
    return int(number) if number.is_finite() and number.adjusted() < 30 and number == int(number) else number


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def parse(raw: bytes, content_type: str) -> Any:
    """The JSON body, numbers exact; nothing at all counts as an empty object."""
    if not raw:
        return {}
    if content_type.partition(";")[0].strip().lower() != JSON:
        raise RefusalError(415, "unsupported_media_type", f"Send the body as {JSON}.")
    try:
        return json.loads(raw.decode(), parse_float=_number, parse_constant=_no_constant)
    except (ValueError, ArithmeticError, RecursionError):
        raise RefusalError(400, "body_invalid", "The body is not valid JSON in UTF-8.") from None


def checked_idempotency_key(key: str | None) -> str:
    """The idempotency key of a POST; raises RefusalError 400 where it is missing or malformed."""
    if key is None:
        raise RefusalError(400, "idempotency_key_missing", "Send an Idempotency-Key.", "Idempotency-Key")
    if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        message = "An Idempotency-Key is 1 to 255 printable ASCII characters."
        raise RefusalError(400, "idempotency_key_invalid", message, "Idempotency-Key")
    return key


def _canonical(number: Decimal) -> list[str | int]:
    """The same for 100.5 and 100.50, unlike any string, and never longer than what came: 1e999999 stays short."""
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits))
    return [sign, text.rstrip("0"), int(exponent) + len(text) - len(text.rstrip("0"))]


def fingerprint(path: str, body: Any) -> str:
    """Equal for the same path and the same JSON, however spaced, ordered or written (100.5 and 100.50)."""
    written = json.dumps(body, sort_keys=True, default=_canonical)
    return hashlib.sha256(f"{path}\n{written}".encode()).hexdigest()
