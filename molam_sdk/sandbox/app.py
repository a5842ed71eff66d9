"""The API as an ASGI application: from a request to the transaction that serves it, and back."""

import hashlib
import json
import logging
import time
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from molam_sdk.sandbox import magic
from molam_sdk.sandbox.clock import Clock
from molam_sdk.sandbox.delivery import Courier
from molam_sdk.sandbox.faults import Fault, Faults
from molam_sdk.sandbox.keys import ApiKey, Keys, RateLimit, authorize
from molam_sdk.sandbox.metrics import Metrics
from molam_sdk.sandbox.operations import Operation, read_page
from molam_sdk.sandbox.problems import JSON, ApiError, write_error
from molam_sdk.sandbox.recorder import new_id
from molam_sdk.sandbox.service import Answer, Call, check, serve
from molam_sdk.sandbox.store import Store, Transaction
from molam_sdk.sandbox.wire import Wires

KEY_SECONDS = 24 * 3600.0
MAX_BODY = 1_048_576
_log = logging.getLogger("molam_sdk.sandbox")


@dataclass(frozen=True, slots=True)
class Rooms:
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


@dataclass(slots=True)
class _Visit:
    """One request on its way through: what is known of it so far, for the audit trail and the log."""

    operation: Operation
    request_id: str
    path: str
    error_format: str
    key: ApiKey | None = None
    idempotency_key: str | None = None
    fingerprint: str | None = None
    body: Any = None
    replayed: bool = False


class Endpoint:
    """The ASGI application of one operation."""

    def __init__(self, operation: Operation, rooms: Rooms, in_progress: set[tuple[str, str]]) -> None:
        self._operation, self._rooms, self._in_progress = operation, rooms, in_progress

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, began = Request(scope, receive), time.perf_counter()
        rooms, name = self._rooms, self._operation.name
        visit = _visit(self._operation, request, rooms.error_format)
        fault = rooms.faults.for_request(name, visit.idempotency_key)
        try:
            response = await self._respond(request, visit, fault)
        except ClientDisconnect:
            return
        seconds = time.perf_counter() - began
        rooms.metrics.observe(name, response.status_code if response else 0, seconds)
        _write_log(visit, response, fault, seconds)
        if fault is not None and (response is None or fault.kind not in ("latency", "status")):
            await rooms.wires.inflict(fault, response, scope, receive)
        elif response is not None:
            await response(scope, receive, send)

    async def _respond(self, request: Request, visit: _Visit, fault: Fault | None) -> Response | None:
        """The response; None where a fault keeps the work from being done."""
        raw = await _read(request)
        if fault and fault.kind in ("drop_before", "reset", "status") and not fault.commit:
            return _injected(visit, fault) if fault.kind == "status" else None
        try:
            if raw is None:
                raise ApiError(413, "body_too_large", f"A body may have at most {MAX_BODY} bytes.")
            answer = await self._admit(request, visit, raw, fault)
        except ApiError as error:
            return _refused(visit, error)
        if fault and fault.kind == "status":
            return _injected(visit, fault)
        return answer

    async def _admit(self, request: Request, visit: _Visit, raw: bytes, fault: Fault | None) -> Response:
        """Everything that is asked before the operation itself: key, scope, rate, body, idempotency."""
        rooms, operation = self._rooms, self._operation
        visit.key = rooms.keys.authenticate(request.headers.get("authorization"))
        authorize(visit.key, operation.scope)
        rooms.rate.take(visit.key.id)
        if operation.method == "GET":
            page = read_page(operation, request.query_params.multi_items()) if operation.is_list else None
            await self._wait(fault, None)
            call = replace(self._call(request, visit), page=page)
            with rooms.store.transaction() as tx:
                return _write(visit, serve(tx, call))
        if operation.method == "DELETE":
            await self._wait(fault, None)
            return self._execute(visit, self._call(request, visit))
        visit.body = _parse(raw, request.headers.get("content-type", ""))
        return await self._once(request, visit, fault)

    async def _once(self, request: Request, visit: _Visit, fault: Fault | None) -> Response:
        """Serve a POST once per idempotency key: the stored answer, 409 while it runs, or the work."""
        _check_key(visit.idempotency_key)
        visit.fingerprint = _fingerprint(visit.path, visit.body)
        if (stored := self._stored(visit)) is not None:
            return stored
        assert visit.key is not None and visit.idempotency_key is not None
        claim = (visit.key.account, visit.idempotency_key)
        if claim in self._in_progress:
            raise ApiError(
                409, "idempotency_in_progress", "The first request with this key still runs; try again."
            )
        body = check(self._operation, visit.body)
        self._in_progress.add(claim)
        try:
            await self._wait(fault, body)
            return self._execute(visit, replace(self._call(request, visit), body=body))
        finally:
            self._in_progress.discard(claim)

    def _stored(self, visit: _Visit) -> Response | None:
        assert visit.key is not None and visit.idempotency_key is not None
        with self._rooms.store.transaction() as tx:
            since = self._rooms.clock.now() - KEY_SECONDS
            row = tx.stored_answer(visit.key.account, visit.idempotency_key, since)
        if row is None:
            return None
        if row["fingerprint"] != visit.fingerprint:
            raise ApiError(
                422, "idempotency_key_reused", "This idempotency key was used with another request."
            )
        visit.replayed = True
        stored = json.loads(row["answer"])
        if "refusal" in stored:
            refusal = ApiError(row["status"], **stored["refusal"], headers={"Idempotent-Replayed": "true"})
            return _refused(visit, refusal)
        return _json(visit, row["status"], stored["body"], {"Idempotent-Replayed": "true"})

    async def _wait(self, fault: Fault | None, body: dict[str, Any] | None) -> None:
        """The latency of a fault or of a magic value, in real time, while the key is in progress."""
        seconds = fault.seconds if fault and fault.kind == "latency" else 0.0
        if body:
            found = magic.find("any", body.get("metadata", {}), body.get("amount"))
            seconds += found.seconds or 0.0 if found else 0.0
        if seconds:
            await self._rooms.wires.pause(seconds)

    def _call(self, request: Request, visit: _Visit) -> Call:
        assert visit.key is not None
        document_id = request.path_params.get("id", "")
        return Call(
            self._operation, visit.key.account, self._rooms.clock.now(), document_id, visit.idempotency_key
        )

    def _execute(self, visit: _Visit, call: Call) -> Response:
        """One transaction: the work with its ledger, events and deliveries, and the answer for the key."""
        try:
            with self._rooms.store.transaction() as tx:
                answer = serve(tx, call)
                _file(tx, visit, call, answer)
        except ApiError as error:
            with self._rooms.store.transaction() as tx:
                _file(tx, visit, call, Answer(error.status, None, call.document_id or None, refusal=error))
            raise
        if tx.scheduled:
            self._rooms.courier.wake()
        if answer.refusal is not None:
            raise answer.refusal
        return _write(visit, answer)


def _visit(operation: Operation, request: Request, error_format: str) -> _Visit:
    wanted = request.headers.get("molam-error-format", error_format)
    key = request.headers.get("idempotency-key") if operation.method == "POST" else None
    return _Visit(operation, new_id("req"), request.url.path, wanted, idempotency_key=key)


async def _read(request: Request) -> bytes | None:
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


def _parse(raw: bytes, content_type: str) -> Any:
    """The JSON body, numbers exact; nothing at all counts as an empty object."""
    if not raw:
        return {}
    if content_type.partition(";")[0].strip().lower() != JSON:
        raise ApiError(415, "unsupported_media_type", f"Send the body as {JSON}.")
    try:
        return json.loads(raw.decode(), parse_float=_number, parse_constant=_no_constant)
    except (ValueError, ArithmeticError, RecursionError):
        raise ApiError(400, "body_invalid", "The body is not valid JSON in UTF-8.") from None


def _check_key(key: str | None) -> None:
    if key is None:
        raise ApiError(400, "idempotency_key_missing", "Send an Idempotency-Key.", "Idempotency-Key")
    if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        message = "An Idempotency-Key is 1 to 255 printable ASCII characters."
        raise ApiError(400, "idempotency_key_invalid", message, "Idempotency-Key")


def _fingerprint(path: str, body: Any) -> str:
    written = json.dumps(body, sort_keys=True, default=lambda number: f"{number.normalize():f}"[:100])
    return hashlib.sha256(f"{path}\n{written}".encode()).hexdigest()


def _file(tx: Transaction, visit: _Visit, call: Call, answer: Answer) -> None:
    """The row that is audit trail, idempotency record and proof of execution at once."""
    assert visit.key is not None
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


def _json(visit: _Visit, status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    sent = {"X-Molam-Request-Id": visit.request_id, **(headers or {})}
    return Response(content, status, sent, JSON if body is not None else None)


def _write(visit: _Visit, answer: Answer) -> Response:
    return _json(visit, answer.status, answer.body)


def _refused(visit: _Visit, error: ApiError) -> Response:
    body, media_type = write_error(error, visit.request_id, visit.error_format)
    return Response(body, error.status, {"X-Molam-Request-Id": visit.request_id, **error.headers}, media_type)


def _injected(visit: _Visit, fault: Fault) -> Response:
    return _refused(
        visit, ApiError(fault.status, "injected_fault", "A fault was asked for.", headers=dict(fault.headers))
    )


def _write_log(visit: _Visit, response: Response | None, fault: Fault | None, seconds: float) -> None:
    facts = {
        "operation": visit.operation.name,
        "status": response.status_code if response else None,
        "request_id": visit.request_id,
        "key_id": visit.key.id if visit.key else None,
        "idempotency_key": visit.idempotency_key,
        "replayed": visit.replayed,
        "fault": fault.kind if fault else None,
        "milliseconds": round(seconds * 1000, 2),
    }
    if _log.isEnabledFor(logging.INFO):
        _log.info("request", extra={"molam": facts})
