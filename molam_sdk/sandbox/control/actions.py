"""What the control paths of faults, clock, ledger, payments and keys do."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from ..domain.clock import iso, step_seconds
from ..store.migrations import DamagedDatabaseError
from .services import ControlServices, whole

_STREAMED = "application/x-ndjson"
_PAGE = 1000


class Control:
    """One method per control path."""

    def __init__(self, services: ControlServices) -> None:
        self._of = services

    async def list_faults(self, request: Request, query: Mapping[str, str]) -> Response:
        return JSONResponse({"data": self._of.faults.list()})

    async def add_fault(self, request: Request, body: dict[str, Any]) -> Response:
        parts = {name: value for name, value in body.items() if name != "kind"}
        added = self._of.faults.add(kind=body.get("kind", ""), **parts)
        self._of.changes.tell("faults")
        return JSONResponse(asdict(added), 201)

    async def clear_faults(self, request: Request, query: Mapping[str, str]) -> Response:
        self._of.faults.clear()
        self._of.changes.tell("faults")
        return Response(status_code=204)

    async def remove_fault(self, request: Request, query: Mapping[str, str]) -> Response:
        if not self._of.faults.remove(request.path_params["id"]):
            raise KeyError(request.path_params["id"])
        self._of.changes.tell("faults")
        return Response(status_code=204)

    async def take_snapshot(self, request: Request, query: Mapping[str, str]) -> Response:
        return JSONResponse({"snapshot": base64.b64encode(self._of.snapshots.take()).decode()})

    async def restore_snapshot(self, request: Request, body: dict[str, Any]) -> Response:
        try:
            data = base64.b64decode(str(body.get("snapshot", "")), validate=True)
            await self._of.snapshots.restore(data)
        except (ValueError, DamagedDatabaseError) as problem:
            raise ValueError(f"snapshot: {problem}") from None
        return Response(status_code=204)

    async def reset(self, request: Request, body: dict[str, Any]) -> Response:
        await self._of.snapshots.reset()
        return Response(status_code=204)

    async def read_clock(self, request: Request, query: Mapping[str, str]) -> Response:
        return JSONResponse(self._time())

    def _time(self) -> dict[str, Any]:
        clock = self._of.clock
        return {"now": iso(clock.now()), "unix_seconds": clock.now(), "offset_seconds": clock.offset}

    async def advance_clock(self, request: Request, body: dict[str, Any]) -> Response:
        """Answers when all that fell due has happened; asked for x-ndjson, tells on the way what is left."""
        seconds = step_seconds(**body)
        if _STREAMED in request.headers.get("accept", ""):
            return StreamingResponse(self._advancing(seconds), media_type=_STREAMED)
        await self._of.worker.advance(seconds)
        self._of.changes.tell("clock")
        return await self.read_clock(request, {})

    async def _advancing(self, seconds: float) -> AsyncIterator[str]:
        left: asyncio.Queue[float] = asyncio.Queue()
        work = asyncio.ensure_future(self._of.worker.advance(seconds, left.put_nowait))
        work.add_done_callback(lambda _: left.put_nowait(0.0))
        try:
            while not work.done():
                yield json.dumps({"left_seconds": await left.get()}) + "\n"
                # What came meanwhile is old: one line for all of it.
                while left.qsize() > 1:
                    left.get_nowait()
            await work
            self._of.changes.tell("clock")
            yield json.dumps(self._time()) + "\n"
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work

    async def read_ledger(self, request: Request, query: Mapping[str, str]) -> Response:
        ledger = self._of.ledger
        chosen = {name: query[name] for name in ("order", "idempotency_key") if name in query}
        after, limit = whole(query, "after", 0), whole(query, "limit", _PAGE, _PAGE)
        entries = ledger.entries(**chosen, after=after, limit=limit + 1)
        wrong = ledger.discrepancies()
        answer: dict[str, Any] = {
            "balanced": not wrong,
            "discrepancies": wrong,
            "balances": ledger.balances(),
            "entries": entries[:limit],
            "has_more": len(entries) > limit,
        }
        if chosen:
            answer["executions"] = ledger.executions(**chosen, operation=query.get("operation"))
        return JSONResponse(answer)

    async def read_audit(self, request: Request, query: Mapping[str, str]) -> Response:
        return JSONResponse({"data": self._of.ledger.audit(whole(query, "limit", 100))})

    async def list_payments(self, request: Request, query: Mapping[str, str]) -> Response:
        before, limit = whole(query, "before", 0) or None, whole(query, "limit", 50, 500)
        found = self._of.payments.page(before, limit + 1, query.get("search"), query.get("status"))
        return JSONResponse({"data": found[:limit], "has_more": len(found) > limit})

    async def read_payment(self, request: Request, query: Mapping[str, str]) -> Response:
        self._of.log.flush()
        return JSONResponse(self._of.payments.timeline(request.path_params["id"]))

    async def dispute(self, request: Request, body: dict[str, Any]) -> Response:
        opened = self._of.payments.dispute(request.path_params["id"], **body)
        self._wake()
        return JSONResponse(opened, 201)

    async def decide(self, request: Request, body: dict[str, Any]) -> Response:
        decided = self._of.payments.decide_dispute(request.path_params["id"], **body)
        self._wake()
        return JSONResponse(decided)

    async def decline(self, request: Request, body: dict[str, Any]) -> Response:
        declined = self._of.payments.decline(request.path_params["id"], **body)
        self._wake()
        return JSONResponse(declined)

    def _wake(self) -> None:
        self._of.worker.wake()
        self._of.changes.tell("payments")

    async def list_keys(self, request: Request, query: Mapping[str, str]) -> Response:
        return JSONResponse({"data": self._of.keys.list()})

    async def create_key(self, request: Request, body: dict[str, Any]) -> Response:
        scopes = body.pop("scopes", [])
        if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
            raise ValueError("scopes must be a list of strings")
        secret = self._of.keys.create(*scopes, **body)
        self._of.changes.tell("keys")
        return JSONResponse({**self._of.keys.list()[-1], "secret": secret}, 201)

    async def revoke_key(self, request: Request, query: Mapping[str, str]) -> Response:
        self._of.keys.revoke(request.path_params["id"])
        self._of.changes.tell("keys")
        return Response(status_code=204)
