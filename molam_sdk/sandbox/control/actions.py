"""Control: what each control path does."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..deliveries.webhooks import Webhooks
from ..deliveries.worker import DeliveryWorker
from ..domain.clock import SandboxClock, iso, step_seconds
from ..faults.faults import Faults
from ..store.ledger import Ledger


def _whole(query: Mapping[str, str], name: str, otherwise: int) -> int:
    return int(query.get(name, otherwise))


class Control:
    """One method per control path."""

    def __init__(
        self, faults: Faults, clock: SandboxClock, worker: DeliveryWorker, ledger: Ledger, webhooks: Webhooks
    ) -> None:
        self._faults, self._clock, self._worker = faults, clock, worker
        self._ledger, self._webhooks = ledger, webhooks

    async def list_faults(self, request: Request, query: Mapping[str, str]) -> Response:
        return JSONResponse({"data": self._faults.list()})

    async def add_fault(self, request: Request, body: dict[str, Any]) -> Response:
        parts = {name: value for name, value in body.items() if name != "kind"}
        return JSONResponse(asdict(self._faults.add(kind=body.get("kind", ""), **parts)), 201)

    async def clear_faults(self, request: Request, query: Mapping[str, str]) -> Response:
        self._faults.clear()
        return Response(status_code=204)

    async def remove_fault(self, request: Request, query: Mapping[str, str]) -> Response:
        if not self._faults.remove(request.path_params["id"]):
            raise KeyError(request.path_params["id"])
        return Response(status_code=204)

    async def read_clock(self, request: Request, query: Mapping[str, str]) -> Response:
        clock = self._clock
        return JSONResponse({"now": iso(clock.now()), "unix_seconds": clock.now(), "offset_seconds": clock.offset})

    async def advance_clock(self, request: Request, body: dict[str, Any]) -> Response:
        await self._worker.advance(step_seconds(**body))
        return await self.read_clock(request, {})

    async def read_ledger(self, request: Request, query: Mapping[str, str]) -> Response:
        chosen = {name: query[name] for name in ("order", "idempotency_key") if name in query}
        answer: dict[str, Any] = {
            "balanced": self._ledger.balanced(),
            "discrepancies": self._ledger.discrepancies(),
            "balances": self._ledger.balances(),
            "entries": self._ledger.entries(**chosen),
        }
        if chosen:
            answer["executions"] = self._ledger.executions(**chosen, operation=query.get("operation"))
        return JSONResponse(answer)

    async def read_audit(self, request: Request, query: Mapping[str, str]) -> Response:
        return JSONResponse({"data": self._ledger.audit(_whole(query, "limit", 100))})

    async def list_events(self, request: Request, query: Mapping[str, str]) -> Response:
        after, limit = _whole(query, "after", 0), _whole(query, "limit", 100)
        found = self._webhooks.events(query.get("type"), after, limit)
        return JSONResponse({"data": found, "latest": self._webhooks.latest()})

    async def trigger(self, request: Request, body: dict[str, Any]) -> Response:
        data = body.get("data")
        if data is not None and not isinstance(data, dict):
            raise ValueError("data must be an object")
        event_id = self._webhooks.trigger(str(body.get("type")), data)
        return JSONResponse({"id": event_id}, 201)

    async def list_deliveries(self, request: Request, query: Mapping[str, str]) -> Response:
        found = self._webhooks.deliveries(query.get("type"), query.get("endpoint_id"), query.get("status"))
        return JSONResponse({"data": [asdict(delivery) for delivery in found]})

    async def redeliver(self, request: Request, body: dict[str, Any]) -> Response:
        self._webhooks.redeliver(request.path_params["id"])
        return Response(status_code=202)

    async def duplicate(self, request: Request, body: dict[str, Any]) -> Response:
        return JSONResponse({"id": self._webhooks.duplicate(request.path_params["id"])}, 202)

    async def wait(self, request: Request, body: dict[str, Any]) -> Response:
        await asyncio.wait_for(self._worker.settle(), 30)
        return Response(status_code=204)
