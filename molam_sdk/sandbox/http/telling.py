"""What is told of a request once it has its answer: figures, a line of the program's log, a row of the request log."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..faults.met import MetFaults
from ..store.request_log import BODY_KEPT
from .exchange import Exchange, write_log
from .services import ApiServices

_SECRET = (b"authorization", b"proxy-authorization", b"cookie", b"x-api-key", b"molam-sandbox-token")


@dataclass(frozen=True, slots=True)
class Told:
    """A request and its answer; `response` is None where a fault left it without one."""

    exchange: Exchange
    request: Request
    raw: bytes | None
    response: Response | None
    met: MetFaults
    seconds: float


def tell(services: ApiServices, told: Told) -> None:
    """Tell whoever keeps something of a request."""
    status = _status(told)
    services.metrics.observe(told.exchange.operation.name, status or 0, told.seconds)
    services.metrics.count(told.exchange.replayed, told.met)
    write_log(told.exchange, told.response, told.met, told.seconds)
    # When it came, so that it stands before what it brought about.
    services.log.add({"at": services.clock.now() - told.seconds, **_row(told, status)})
    services.changes.tell("requests")


def _status(told: Told) -> int | None:
    """What the other side was sent: nothing where the connection was cut."""
    answer = told.met.of("answer")
    cut = answer is not None and answer.kind in ("drop_before", "drop_after_commit", "reset", "blackhole")
    return None if cut or told.response is None else told.response.status_code


def _row(told: Told, status: int | None) -> dict[str, Any]:
    exchange, request, response = told.exchange, told.request, told.response
    query = request.url.query
    return {
        "request_id": exchange.request_id,
        "client_request_id": request.headers.get("x-request-id"),
        "trace": exchange.trace,
        "scope": exchange.scope,
        "method": exchange.method,
        "path": f"{exchange.path}?{query}" if query else exchange.path,
        "operation": exchange.operation.name,
        "account": exchange.key.account or None,
        "key_id": exchange.key.id or None,
        "idempotency_key": exchange.idempotency_key,
        "order_id": exchange.order_id,
        "object_id": exchange.object_id,
        "status": status,
        "code": exchange.code,
        "replayed": exchange.replayed,
        "faults": json.dumps(told.met.described()) if told.met else None,
        "ms": round(told.seconds * 1000, 3),
        "request_headers": _headers(request.headers.raw),
        "request_body": _text(told.raw or b""),
        "answer_headers": _headers(response.raw_headers) if response is not None else None,
        "answer_body": _text(bytes(response.body)) if response is not None else None,
    }


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> str:
    """The header fields without keys, which would outlive their revocation here."""
    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw if name not in _SECRET]
    return json.dumps(fields)


def _text(body: bytes) -> str:
    return body[:BODY_KEPT].decode("utf-8", "replace")
