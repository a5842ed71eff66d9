"""Exchange: one request and the answer to it, and what is known of both for the log and the audit trail."""

import json
import logging
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..access.keys import NOBODY, ApiKey
from ..contract.operation import ContractOperation
from ..contract.problems import JSON, write_error
from ..domain.ids import new_id
from ..domain.refusal import RefusalError
from ..faults.rule import InjectedFault

REQUEST_ID = "X-Molam-Request-Id"
_log = logging.getLogger("molam_sdk.sandbox")


@dataclass(slots=True)
class Exchange:
    """What is known so far of one request on its way through."""

    operation: ContractOperation
    request_id: str
    path: str
    error_format: str
    key: ApiKey = NOBODY
    idempotency_key: str | None = None
    fingerprint: str | None = None
    body: Any = None
    replayed: bool = False


def begin_exchange(operation: ContractOperation, request: Request, error_format: str) -> Exchange:
    """A request that has just come in, under an id of its own."""
    wanted = request.headers.get("molam-error-format", error_format)
    key = request.headers.get("idempotency-key") if operation.method == "POST" else None
    return Exchange(operation, new_id("req"), request.url.path, wanted, idempotency_key=key)


def write_json(exchange: Exchange, status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    """The answer with this body; None is an answer without one."""
    content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    sent = {REQUEST_ID: exchange.request_id, **(headers or {})}
    return Response(content, status, sent, JSON if body is not None else None)


def write_refusal(error: RefusalError, request_id: str, error_format: str) -> Response:
    """A refusal in this error format."""
    body, media_type = write_error(error, request_id, error_format)
    return Response(body, error.status, {REQUEST_ID: request_id, **error.headers}, media_type)


def refuse(exchange: Exchange, error: RefusalError) -> Response:
    """A refusal in the error format that the request asked for."""
    return write_refusal(error, exchange.request_id, exchange.error_format)


def injected(exchange: Exchange, fault: InjectedFault) -> Response:
    """The answer of a status fault; one that is no error has no body."""
    error = RefusalError(fault.status, "injected_fault", "A fault was asked for.", headers=dict(fault.headers))
    if fault.status < 400:
        return Response(b"", fault.status, {REQUEST_ID: exchange.request_id, **error.headers})
    return refuse(exchange, error)


def write_log(exchange: Exchange, response: Response | None, fault: InjectedFault | None, seconds: float) -> None:
    """One record per request, its facts as extras."""
    if not _log.isEnabledFor(logging.INFO):
        return
    facts = {
        "operation": exchange.operation.name,
        "status": response.status_code if response else None,
        "request_id": exchange.request_id,
        "key_id": exchange.key.id,
        "idempotency_key": exchange.idempotency_key,
        "replayed": exchange.replayed,
        "fault": fault.kind if fault else None,
        "duration_ms": round(seconds * 1000, 3),
    }
    _log.info("request", extra=facts)
