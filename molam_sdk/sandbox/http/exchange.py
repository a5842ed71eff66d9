"""Exchange: one request and the answer to it, and what is known of both for the log and the audit trail."""

import json
import logging
import re
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..access.keys import NOBODY, ApiKey
from ..contract.operation import ContractOperation
from ..contract.problems import JSON, write_error
from ..domain.ids import new_id
from ..domain.refusal import RefusalError
from ..faults.met import MetFaults
from ..faults.rule import InjectedFault

REQUEST_ID = "X-Molam-Request-Id"
_TRACEPARENT = re.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_log = logging.getLogger("molam_sdk.sandbox")


@dataclass(slots=True)
class Exchange:
    """What is known so far of one request on its way through; `headers` come on its answer, whatever that is."""

    operation: ContractOperation
    request_id: str
    method: str
    path: str
    error_format: str
    key: ApiKey = NOBODY
    idempotency_key: str | None = None
    fingerprint: str | None = None
    scope: str | None = None
    trace: str | None = None
    body: Any = None
    replayed: bool = False
    object_id: str | None = None
    order_id: str | None = None
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def begin_exchange(operation: ContractOperation, request: Request, error_format: str) -> Exchange:
    """A request that has just come in, under an id of its own."""
    headers = request.headers
    return Exchange(
        operation,
        new_id("req"),
        request.method,
        request.url.path,
        headers.get("molam-error-format", error_format),
        idempotency_key=headers.get("idempotency-key") if operation.method == "POST" else None,
        scope=headers.get("molam-sandbox-scope"),
        trace=_traceparent(headers.get("traceparent")),
        object_id=request.path_params.get("id"),
    )


def _traceparent(header: str | None) -> str | None:
    """The header if it has the form of W3C Trace Context; anything else is not passed on."""
    return header if header and _TRACEPARENT.fullmatch(header) else None


def write_json(exchange: Exchange, status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    """The answer with this body; None is an answer without one."""
    content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    sent = {REQUEST_ID: exchange.request_id, **exchange.headers, **(headers or {})}
    return Response(content, status, sent, JSON if body is not None else None)


def write_refusal(error: RefusalError, request_id: str, error_format: str) -> Response:
    """A refusal in this error format."""
    body, media_type = write_error(error, request_id, error_format)
    return Response(body, error.status, {REQUEST_ID: request_id, **error.headers}, media_type)


def refuse(exchange: Exchange, error: RefusalError) -> Response:
    """A refusal in the error format that the request asked for."""
    exchange.code = error.code
    response = write_refusal(error, exchange.request_id, exchange.error_format)
    response.headers.update(exchange.headers)
    return response


def injected(exchange: Exchange, fault: InjectedFault) -> Response:
    """The answer of a status fault; one that is no error has no body, and a given body comes as from a gateway."""
    exchange.code = "injected_fault"
    if fault.body is not None:
        given = {name.lower() for name in fault.headers}
        media_type = None if "content-type" in given or not fault.body else "text/html"
        return Response(fault.body, fault.status, dict(fault.headers), media_type)
    error = RefusalError(fault.status, "injected_fault", "A fault was asked for.", headers=dict(fault.headers))
    if fault.status < 400:
        return Response(b"", fault.status, {REQUEST_ID: exchange.request_id, **error.headers})
    return refuse(exchange, error)


def write_log(exchange: Exchange, response: Response | None, met: MetFaults, seconds: float) -> None:
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
        "fault": met.names(),
        "duration_ms": round(seconds * 1000, 3),
    }
    _log.info("request", extra=facts)
