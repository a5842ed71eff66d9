"""The control paths under /_sandbox: faults, clock, ledger and webhooks over HTTP, for tests in other processes."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .app import Parts
from .bodies import LOOPBACK_HOSTS
from .clock import iso, step_seconds
from .ledger import Ledger
from .webhooks import Webhooks

PREFIX = "/_sandbox"
_Action = Callable[[Request, Any], Awaitable[Response]]


class _RefusedError(Exception):
    """Why a control request is not served: status and sentence."""


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": {"code": "control_refused", "message": message}}, status)


def _admit(request: Request) -> None:
    """A web page in the developer's browser must not reach in: no foreign Host, no form post, no other machine."""
    host = request.url.hostname or ""
    peer = request.client.host if request.client else ""
    if host not in LOOPBACK_HOSTS or peer not in ("127.0.0.1", "::1"):
        raise _RefusedError(403, "The control paths are for this machine alone.")
    if request.method == "POST" and not request.headers.get("content-type", "").startswith("application/json"):
        raise _RefusedError(415, "Send application/json.")


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError):
        raise _RefusedError(400, "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise _RefusedError(400, "The body must be a JSON object.")
    return body


def _served(action: _Action) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            _admit(request)
            return await action(request, await _body(request) if request.method == "POST" else request.query_params)
        except _RefusedError as refused:
            return _error(*refused.args)
        except (ValueError, TypeError, OverflowError) as error:
            return _error(400, str(error))
        except KeyError as error:
            return _error(404, f"There is no {error}.")

    return endpoint


def _whole(query: Mapping[str, str], name: str, otherwise: int) -> int:
    return int(query.get(name, otherwise))


class _Control:
    """One method per control path."""

    def __init__(self, parts: Parts, ledger: Ledger, webhooks: Webhooks) -> None:
        self._parts, self._ledger, self._webhooks = parts, ledger, webhooks

    async def list_faults(self, request: Request, query: Mapping[str, str]) -> Response:
        return JSONResponse({"data": self._parts.faults.list()})

    async def add_fault(self, request: Request, body: dict[str, Any]) -> Response:
        parts = {name: value for name, value in body.items() if name != "kind"}
        return JSONResponse(asdict(self._parts.faults.add(kind=body.get("kind", ""), **parts)), 201)

    async def clear_faults(self, request: Request, query: Mapping[str, str]) -> Response:
        self._parts.faults.clear()
        return Response(status_code=204)

    async def remove_fault(self, request: Request, query: Mapping[str, str]) -> Response:
        if not self._parts.faults.remove(request.path_params["id"]):
            raise KeyError(request.path_params["id"])
        return Response(status_code=204)

    async def read_clock(self, request: Request, query: Mapping[str, str]) -> Response:
        clock = self._parts.clock
        return JSONResponse({"now": iso(clock.now()), "unix_seconds": clock.now(), "offset_seconds": clock.offset})

    async def advance_clock(self, request: Request, body: dict[str, Any]) -> Response:
        await self._parts.courier.advance(step_seconds(**body))
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
        await asyncio.wait_for(self._parts.courier.settle(), 30)
        return Response(status_code=204)


def control_routes(parts: Parts, ledger: Ledger, webhooks: Webhooks) -> list[Route]:
    """The control paths of one running sandbox."""
    control = _Control(parts, ledger, webhooks)
    table: tuple[tuple[str, str, _Action], ...] = (
        ("GET", "/faults", control.list_faults),
        ("POST", "/faults", control.add_fault),
        ("DELETE", "/faults", control.clear_faults),
        ("DELETE", "/faults/{id}", control.remove_fault),
        ("GET", "/clock", control.read_clock),
        ("POST", "/clock/advance", control.advance_clock),
        ("GET", "/ledger", control.read_ledger),
        ("GET", "/audit", control.read_audit),
        ("GET", "/events", control.list_events),
        ("POST", "/events", control.trigger),
        ("GET", "/deliveries", control.list_deliveries),
        ("POST", "/deliveries/{id}/redeliver", control.redeliver),
        ("POST", "/deliveries/{id}/duplicate", control.duplicate),
        ("POST", "/webhooks/wait", control.wait),
    )
    return [Route(PREFIX + path, _served(action), methods=[method]) for method, path, action in table]
