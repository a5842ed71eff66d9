"""What the control paths do that are there to look: the state, the request log, changes as they come."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from ..domain.clock import iso
from ..domain.events import EVENT_TYPES
from ..faults.rule import KINDS, TRAITS
from .services import ControlServices, whole

_FILTERS = ("idempotency_key", "operation", "scope", "object_id", "order_id", "account", "method", "status")
_TOGETHER = 0.1
_BEAT = 15.0


class Looking:
    """One method per control path."""

    def __init__(self, services: ControlServices) -> None:
        self._of = services

    async def status(self, request: Request, query: Mapping[str, str]) -> Response:
        """What the console's bar shows: where, with which key, the clock, what is due, what is wrong."""
        of = self._of
        deliveries = of.webhooks.counts()
        wrong = of.ledger.discrepancies()
        due = of.worker.next_due()
        return JSONResponse(
            {
                "url": of.url,
                "api_key": of.keys.main,
                "clock": {"now": iso(of.clock.now()), "offset_seconds": of.clock.offset},
                "next_due": None if due is None else {"at": iso(due), "in_seconds": due - of.clock.now()},
                "balanced": not wrong,
                "discrepancies": wrong[:20],
                "faults": len(of.faults.list()),
                "deliveries": deliveries,
                "dead_letters": deliveries.get("dead", 0) + deliveries.get("failed", 0),
                "payments": of.payments.count(),
            }
        )

    async def fault_kinds(self, request: Request, query: Mapping[str, str]) -> Response:
        """What a form for a fault is made from."""
        choices = {"operation": self._of.faults.operations, "event": EVENT_TYPES, "method": ("GET", "POST", "DELETE")}
        kinds = [
            {"name": name, **kind._asdict(), "traits": TRAITS[kind.family], "choices": choices}
            for name, kind in KINDS.items()
        ]
        return JSONResponse({"data": kinds})

    async def accounts(self, request: Request, query: Mapping[str, str]) -> Response:
        """The ledger's accounts with their two sides, by currency."""
        wrong = self._of.ledger.discrepancies()
        told = {"balanced": not wrong, "discrepancies": wrong[:20], "currencies": self._of.ledger.accounts()}
        return JSONResponse(told)

    async def list_requests(self, request: Request, query: Mapping[str, str]) -> Response:
        """A page, newest first; `format=ndjson` is all of them, oldest first, with headers and bodies."""
        if query.get("format") == "ndjson":
            lines = self._of.log.export()
            headers = {"Content-Disposition": 'attachment; filename="molam-requests.ndjson"'}
            return StreamingResponse(lines, media_type="application/x-ndjson", headers=headers)
        before, limit = whole(query, "before", 0) or None, whole(query, "limit", 50, 500)
        equal = {name: query.get(name) for name in _FILTERS}
        found = self._of.log.page(before=before, limit=limit + 1, search=query.get("search"), **equal)
        return JSONResponse({"data": found[:limit], "has_more": len(found) > limit})

    async def read_request(self, request: Request, query: Mapping[str, str]) -> Response:
        return JSONResponse(self._of.log.entry(request.path_params["id"]))

    async def clear_requests(self, request: Request, query: Mapping[str, str]) -> Response:
        self._of.log.clear()
        self._of.changes.tell("requests")
        return Response(status_code=204)

    async def stream(self, request: Request, query: Mapping[str, str]) -> Response:
        """Server-sent events: each names what has changed since the one before."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._changes(), media_type="text/event-stream", headers=headers)

    async def _changes(self) -> AsyncIterator[str]:
        subscription = self._of.changes.subscribe()
        waiting = [asyncio.ensure_future(event.wait()) for event in (self._of.stopping, subscription.some)]
        try:
            yield _event(["everything"])
            while not self._of.stopping.is_set():
                await asyncio.wait(waiting, timeout=_BEAT, return_when=asyncio.FIRST_COMPLETED)
                changed = subscription.take()
                yield _event(changed) if changed else ": still here\n\n"
                # A thousand requests a second are ten lines a second to who looks at them.
                await asyncio.sleep(_TOGETHER)
                if waiting[1].done():
                    waiting[1] = asyncio.ensure_future(subscription.some.wait())
        finally:
            for task in waiting:
                task.cancel()
            self._of.changes.unsubscribe(subscription)


def _event(topics: list[str]) -> str:
    return f"event: changed\ndata: {json.dumps(topics)}\n\n"
