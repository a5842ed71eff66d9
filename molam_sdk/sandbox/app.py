"""The API as an ASGI application: from a request to the transaction that serves it, and back."""

import json
import logging
import time
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from . import magic
from .clock import Clock
from .delivery import Courier
from .faults import Fault, Faults
from .keys import Keys, RateLimit, authorize
from .messages import (
    MAX_BODY,
    Visit,
    begin_visit,
    checked_key,
    fingerprint,
    injected,
    parse,
    read_body,
    refuse,
    write_json,
)
from .metrics import Metrics
from .operations import Operation, Page, read_page
from .problems import ApiError
from .service import Answer, Call, check, serve
from .store import Store, Transaction
from .wire import Wires

KEY_SECONDS = 24 * 3600.0
REPLAYED = {"Idempotent-Replayed": "true"}
_log = logging.getLogger("molam_sdk.sandbox")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the parts of one running sandbox share."""

    store: Store
    clock: Clock
    keys: Keys
    rate: RateLimit
    faults: Faults
    wires: Wires
    courier: Courier
    metrics: Metrics
    error_format: str


class Endpoint:
    """The ASGI application of one operation."""

    def __init__(self, operation: Operation, parts: Parts, in_progress: dict[tuple[str, str], str]) -> None:
        self._operation, self._parts, self._in_progress = operation, parts, in_progress

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, began = Request(scope, receive), time.perf_counter()
        parts, name = self._parts, self._operation.name
        visit = begin_visit(self._operation, request, parts.error_format)
        fault = parts.faults.for_request(name, visit.idempotency_key)
        try:
            response = await self._respond(request, visit, fault)
        except ClientDisconnect:
            return
        seconds = time.perf_counter() - began
        parts.metrics.observe(name, response.status_code if response else 0, seconds)
        _write_log(visit, response, fault, seconds)
        if fault is not None and (response is None or fault.kind not in ("latency", "status")):
            await parts.wires.inflict(fault, response, scope, receive)
        elif response is not None:
            await response(scope, receive, send)

    async def _respond(self, request: Request, visit: Visit, fault: Fault | None) -> Response | None:
        """The response; None where a fault keeps the work from being done."""
        raw = await read_body(request)
        if fault and fault.kind in ("drop_before", "reset", "status") and not fault.commit:
            return injected(visit, fault) if fault.kind == "status" else None
        try:
            if raw is None:
                raise ApiError(413, "body_too_large", f"A body may have at most {MAX_BODY} bytes.")
            answer = await self._admit(request, visit, raw, fault)
        except ApiError as error:
            return refuse(visit, error)
        except Exception:  # noqa: BLE001 - the client is owed an answer whatever went wrong
            # A bug of the sandbox: rolled back, told in the documented shape, and not stored for the key.
            _log.exception("request failed", extra={"molam": {"request_id": visit.request_id}})
            return refuse(visit, ApiError(500, "internal_error", "The sandbox failed; its log says why."))
        return injected(visit, fault) if fault and fault.kind == "status" else answer

    async def _admit(self, request: Request, visit: Visit, raw: bytes, fault: Fault | None) -> Response:
        """Everything that is asked before the operation itself: key, scope, rate, body, idempotency."""
        parts, operation = self._parts, self._operation
        visit.key = parts.keys.authenticate(request.headers.get("authorization"))
        authorize(visit.key, operation.scope)
        parts.rate.take(visit.key.id)
        if operation.method == "POST":
            visit.body = parse(raw, request.headers.get("content-type", ""))
            return await self._once(request, visit, fault)
        page = read_page(operation, request.query_params.multi_items()) if operation.is_list else Page()
        await self._wait(fault)
        call = replace(self._call(request, visit), page=page)
        if operation.method == "DELETE":
            return self._execute(visit, call)
        with parts.store.transaction() as tx:
            answer = serve(tx, call)
        return write_json(visit, answer.status, answer.body)

    async def _once(self, request: Request, visit: Visit, fault: Fault | None) -> Response:
        """Serve a POST once per idempotency key: the stored answer, 409 while it runs, or the work."""
        claim = (visit.key.account, checked_key(visit.idempotency_key))
        visit.fingerprint = fingerprint(visit.path, visit.body)
        if (stored := self._stored(visit, *claim)) is not None:
            return stored
        if claim in self._in_progress:
            _same_request(self._in_progress[claim], visit)
            message = "The first request with this key still runs; try again."
            raise ApiError(409, "idempotency_in_progress", message)
        body = check(self._operation, visit.body)
        self._in_progress[claim] = visit.fingerprint
        try:
            await self._wait(fault, body)
            return self._execute(visit, replace(self._call(request, visit), body=body))
        finally:
            del self._in_progress[claim]

    def _stored(self, visit: Visit, account: str, idempotency_key: str) -> Response | None:
        with self._parts.store.transaction() as tx:
            row = tx.stored_answer(account, idempotency_key, self._parts.clock.now() - KEY_SECONDS)
        if row is None:
            return None
        _same_request(row["fingerprint"], visit)
        visit.replayed = True
        stored = json.loads(row["answer"])
        if "refusal" in stored:
            return refuse(visit, ApiError(row["status"], **stored["refusal"], headers=REPLAYED))
        return write_json(visit, row["status"], stored["body"], REPLAYED)

    async def _wait(self, fault: Fault | None, body: dict[str, Any] | None = None) -> None:
        """The latency of a fault or of a magic value, in real time, while the key is in progress."""
        seconds = fault.seconds if fault and fault.kind == "latency" else 0.0
        if body:
            found = magic.find("any", body.get("metadata", {}), body.get("amount"))
            seconds += found.seconds or 0.0 if found else 0.0
        if seconds:
            await self._parts.wires.pause(seconds)

    def _call(self, request: Request, visit: Visit) -> Call:
        document_id, now = request.path_params.get("id", ""), self._parts.clock.now()
        return Call(self._operation, visit.key.account, now, document_id, visit.idempotency_key)

    def _execute(self, visit: Visit, call: Call) -> Response:
        """One transaction: the work with its ledger, events and deliveries, and the answer for the key."""
        try:
            with self._parts.store.transaction() as tx:
                answer = serve(tx, call)
                _file(tx, visit, call, answer)
        except ApiError as error:
            with self._parts.store.transaction() as tx:
                _file(tx, visit, call, Answer(error.status, None, call.document_id or None, refusal=error))
            raise
        if tx.scheduled:
            self._parts.courier.wake()
        if answer.refusal is not None:
            raise answer.refusal
        return write_json(visit, answer.status, answer.body)


def _same_request(first: str, visit: Visit) -> None:
    if first != visit.fingerprint:
        message = "This idempotency key was used with another request."
        raise ApiError(422, "idempotency_key_reused", message)


def _file(tx: Transaction, visit: Visit, call: Call, answer: Answer) -> None:
    """The row that is audit trail, idempotency record and proof of execution at once."""
    refusal = answer.refusal
    said = {"code": refusal.code, "message": refusal.message, "param": refusal.param} if refusal else None
    tx.insert_request(
        {
            "at": call.now,
            "request_id": visit.request_id,
            "account": call.account,
            "key_id": visit.key.id,
            "operation": call.operation.name,
            "path": visit.path,
            "idempotency_key": visit.idempotency_key,
            "fingerprint": visit.fingerprint,
            "status": refusal.status if refusal else answer.status,
            "answer": json.dumps({"refusal": said} if said else {"body": answer.body}),
            "object_id": answer.object_id,
            "order_id": answer.order_id,
            "executed": answer.executed,
            "replayable": visit.idempotency_key is not None,
        }
    )


def _write_log(visit: Visit, response: Response | None, fault: Fault | None, seconds: float) -> None:
    if not _log.isEnabledFor(logging.INFO):
        return
    facts = {
        "operation": visit.operation.name,
        "status": response.status_code if response else None,
        "request_id": visit.request_id,
        "key_id": visit.key.id,
        "idempotency_key": visit.idempotency_key,
        "replayed": visit.replayed,
        "fault": fault.kind if fault else None,
        "milliseconds": round(seconds * 1000, 2),
    }
    _log.info("request", extra={"molam": facts})
