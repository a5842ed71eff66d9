"""Requests as they are read and answers as they are written: bodies, keys, fingerprints, headers."""

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .faults import Fault
from .keys import NOBODY, ApiKey
from .operations import Operation
from .problems import JSON, ApiError, write_error
from .recorder import new_id

MAX_BODY = 1_048_576


@dataclass(slots=True)
class Visit:
    """One request on its way through: what is known of it so far, for the audit trail and the log."""

    operation: Operation
    request_id: str
    path: str
    error_format: str
    key: ApiKey = NOBODY
    idempotency_key: str | None = None
    fingerprint: str | None = None
    body: Any = None
    replayed: bool = False


def begin_visit(operation: Operation, request: Request, error_format: str) -> Visit:
    wanted = request.headers.get("molam-error-format", error_format)
    key = request.headers.get("idempotency-key") if operation.method == "POST" else None
    return Visit(operation, new_id("req"), request.url.path, wanted, idempotency_key=key)


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
        raise ApiError(415, "unsupported_media_type", f"Send the body as {JSON}.")
    try:
        return json.loads(raw.decode(), parse_float=_number, parse_constant=_no_constant)
    except (ValueError, ArithmeticError, RecursionError):
        raise ApiError(400, "body_invalid", "The body is not valid JSON in UTF-8.") from None


def checked_key(key: str | None) -> str:
    """The idempotency key of a POST; raises ApiError 400 where it is missing or malformed."""
    if key is None:
        raise ApiError(400, "idempotency_key_missing", "Send an Idempotency-Key.", "Idempotency-Key")
    if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        message = "An Idempotency-Key is 1 to 255 printable ASCII characters."
        raise ApiError(400, "idempotency_key_invalid", message, "Idempotency-Key")
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


def write_json(visit: Visit, status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    sent = {"X-Molam-Request-Id": visit.request_id, **(headers or {})}
    return Response(content, status, sent, JSON if body is not None else None)


def refuse(visit: Visit, error: ApiError) -> Response:
    body, media_type = write_error(error, visit.request_id, visit.error_format)
    return Response(body, error.status, {"X-Molam-Request-Id": visit.request_id, **error.headers}, media_type)


def injected(visit: Visit, fault: Fault) -> Response:
    """The answer of a status fault; one that is no error has no body."""
    error = ApiError(fault.status, "injected_fault", "A fault was asked for.", headers=dict(fault.headers))
    if fault.status < 400:
        return Response(b"", fault.status, {"X-Molam-Request-Id": visit.request_id, **error.headers})
    return refuse(visit, error)
