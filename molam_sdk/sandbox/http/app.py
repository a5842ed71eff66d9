"""OperationApp: one operation as an ASGI application, from a request to the transaction that serves it, and back."""

import json
import logging
import random
import time
from dataclasses import replace
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..access.keys import authorize
from ..contract.bodies import read_query
from ..domain import magic
from ..domain.refusal import RefusalError
from ..faults.met import MetFaults
from ..operations.served import OperationInput, OperationResult, ServedOperation, checked_body
from ..store.transaction import StoreTransaction
from .answer_forms import formed
from .exchange import Exchange, begin_exchange, injected, refuse, write_json
from .fault_target import faults_met
from .idempotency import IdempotencyClaim
from .reading import MAX_BODY, checked_idempotency_key, fingerprint, parse, read_body
from .services import ApiServices
from .telling import Told, tell

_log = logging.getLogger("molam_sdk.sandbox")


class OperationApp:
    """The ASGI application of one operation."""

    def __init__(self, operation: ServedOperation, services: ApiServices) -> None:
        self._operation, self._services = operation, services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, began = Request(scope, receive), time.perf_counter()
        services, exchange = self._services, begin_exchange(self._operation, request, self._services.error_format)
        try:
            raw = await read_body(request)
        except ClientDisconnect:
            return
        met = faults_met(services, exchange, request, raw)
        response = await self._respond(request, exchange, raw, met)
        if response is not None and (form := met.of("form")):
            response = formed(response, form.kind)
        told = Told(exchange, request, raw, response, met, time.perf_counter() - began)
        tell(services, told)
        if met.on_the_wire:
            await services.connections.answer_with(met, response, scope, receive)
        elif response is not None:
            await response(scope, receive, send)

    async def _respond(
        self, request: Request, exchange: Exchange, raw: bytes | None, met: MetFaults
    ) -> Response | None:
        """The response; None where a fault keeps the work from being done."""
        answer = met.of("answer")
        status = answer if answer is not None and answer.kind == "status" else None
        if met.keeps_from_work:
            await self._wait(met)
            return injected(exchange, status) if status else None
        try:
            if raw is None:
                raise RefusalError(413, "body_too_large", f"A body may have at most {MAX_BODY} bytes.")
            response = await self._admit(request, exchange, raw, met)
        except RefusalError as error:
            return refuse(exchange, error)
        except Exception:  # noqa: BLE001 - the client is owed an answer whatever went wrong
            # A bug of the sandbox: rolled back, told in the documented shape, and not stored for the key.
            _log.exception("request failed", extra={"request_id": exchange.request_id})
            return refuse(exchange, RefusalError(500, "internal_error", "The sandbox failed; its log says why."))
        return injected(exchange, status) if status else response

    async def _admit(self, request: Request, exchange: Exchange, raw: bytes, met: MetFaults) -> Response:
        """Everything that is asked before the operation itself: key, scope, rate, body or query, idempotency."""
        services, operation = self._services, self._operation
        exchange.key = services.keys.authenticate(request.headers.get("authorization"))
        authorize(exchange.key, operation.scope)
        exchange.headers |= services.rate.take(exchange.key)
        if operation.method == "POST":
            exchange.body = parse(raw, request.headers.get("content-type", ""))
            return await self._once(request, exchange, met)
        query = read_query(request.query_params.multi_items(), operation.query) if operation.query else {}
        await self._wait(met)
        given = replace(self._input(request, exchange), query=query)
        if operation.method == "DELETE":
            return self._execute(exchange, given)
        with services.store.transaction() as tx:
            result = operation.serve(tx, given)
        return write_json(exchange, result.status, result.body)

    async def _once(self, request: Request, exchange: Exchange, met: MetFaults) -> Response:
        """Serve a POST once per idempotency key: the stored answer, 409 while it runs, or the work."""
        keys = self._services.idempotency
        claim = IdempotencyClaim(exchange.key.account, checked_idempotency_key(exchange.idempotency_key))
        exchange.fingerprint = fingerprint(exchange.path, exchange.body)
        if (stored := keys.stored_answer(exchange, claim)) is not None:
            return stored
        keys.check_free(exchange, claim)
        body = checked_body(self._operation, exchange.body, self._services.policy)
        keys.take(exchange, claim)
        try:
            await self._wait(met, body)
            return self._execute(exchange, replace(self._input(request, exchange), body=body))
        finally:
            keys.release(claim)

    async def _wait(self, met: MetFaults, body: dict[str, Any] | None = None) -> None:
        """The latency of a fault or of a magic value, in real time, while the key is in progress."""
        wait = met.of("wait")
        seconds = wait.seconds + random.uniform(0, wait.jitter) if wait else 0.0  # noqa: S311 - no secret
        if body:
            found = magic.find("any", body.get("metadata", {}), body.get("amount"))
            seconds += found.seconds or 0.0 if found else 0.0
        if seconds:
            await self._services.connections.pause(seconds)

    def _input(self, request: Request, exchange: Exchange) -> OperationInput:
        return OperationInput(
            account=exchange.key.account,
            now=self._services.clock.now(),
            status=self._operation.status,
            document_id=request.path_params.get("id", ""),
            idempotency_key=exchange.idempotency_key,
            scope=exchange.scope,
            trace=exchange.trace,
            policy=self._services.policy,
        )

    def _execute(self, exchange: Exchange, given: OperationInput) -> Response:
        """One transaction: the work with its ledger, events and deliveries, and the answer for the key."""
        try:
            with self._services.store.transaction() as tx:
                result = self._operation.serve(tx, given)
                _store_request(tx, exchange, given, result)
        except RefusalError as error:
            with self._services.store.transaction() as tx:
                refused = OperationResult(error.status, None, given.document_id or None, refusal=error)
                _store_request(tx, exchange, given, refused)
            raise
        exchange.object_id, exchange.order_id = result.object_id or exchange.object_id, result.order_id
        if tx.scheduled:
            self._services.worker.wake()
        self._services.changes.tell("payments")
        if result.refusal is not None:
            raise result.refusal
        return write_json(exchange, result.status, result.body)


def _store_request(tx: StoreTransaction, exchange: Exchange, given: OperationInput, result: OperationResult) -> None:
    """The row that is audit trail, idempotency record and proof of execution at once."""
    refusal = result.refusal
    said = {"code": refusal.code, "message": refusal.message, "param": refusal.param} if refusal else None
    tx.insert_request(
        {
            "at": given.now,
            "request_id": exchange.request_id,
            "account": given.account,
            "key_id": exchange.key.id,
            "operation": exchange.operation.name,
            "path": exchange.path,
            "idempotency_key": exchange.idempotency_key,
            "fingerprint": exchange.fingerprint,
            "status": refusal.status if refusal else result.status,
            "answer": json.dumps({"refusal": said} if said else {"body": result.body}),
            "object_id": result.object_id,
            "order_id": result.order_id,
            "executed": result.executed,
            "replayable": exchange.idempotency_key is not None,
        }
    )
