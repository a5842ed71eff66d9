"""What the control paths of events, deliveries and webhook endpoints do."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .admission import ControlRefusedError
from .services import ControlServices, whole

_PAGE = 1000
_WAIT_SECONDS = 30.0


class WebhookControl:
    """One method per control path."""

    def __init__(self, services: ControlServices) -> None:
        self._of = services

    async def list_events(self, request: Request, query: Mapping[str, str]) -> Response:
        after, limit = whole(query, "after", 0), whole(query, "limit", 100)
        found = self._of.webhooks.events(query.get("type"), after, limit)
        return JSONResponse({"data": found, "latest": self._of.webhooks.latest()})

    async def trigger(self, request: Request, body: dict[str, Any]) -> Response:
        data = body.get("data")
        if data is not None and not isinstance(data, dict):
            raise ValueError("data must be an object")
        event_id = self._of.webhooks.trigger(str(body.get("type")), data)
        return JSONResponse({"id": event_id}, 201)

    async def list_deliveries(self, request: Request, query: Mapping[str, str]) -> Response:
        after, limit = whole(query, "after", 0), whole(query, "limit", _PAGE, _PAGE)
        wanted = (query.get("type"), query.get("endpoint_id"), query.get("status"))
        found = self._of.webhooks.deliveries(*wanted, after=after, limit=limit + 1)
        shown = [asdict(delivery) for delivery in found[:limit]]
        return JSONResponse({"data": shown, "has_more": len(found) > limit})

    async def inbox(self, request: Request, query: Mapping[str, str]) -> Response:
        """Deliveries newest first, each on one line."""
        before, limit = whole(query, "before", 0) or None, whole(query, "limit", 50, 500)
        found = self._of.inbox.page(before, limit + 1, query.get("search"))
        return JSONResponse({"data": found[:limit], "has_more": len(found) > limit})

    async def read_delivery(self, request: Request, query: Mapping[str, str]) -> Response:
        told = self._of.inbox.delivery(request.path_params["id"])
        health = self._of.worker.health.get(told["endpoint"]["id"])
        spared = max(0.0, health.open_until - self._of.clock.now()) if health else 0.0
        told["endpoint"]["spared_seconds"] = spared
        return JSONResponse(told)

    async def explain(self, request: Request, body: dict[str, Any]) -> Response:
        return JSONResponse({"findings": self._of.inbox.explain(request.path_params["id"], **body)})

    async def redeliver(self, request: Request, body: dict[str, Any]) -> Response:
        self._of.webhooks.redeliver(request.path_params["id"])
        return Response(status_code=202)

    async def duplicate(self, request: Request, body: dict[str, Any]) -> Response:
        return JSONResponse({"id": self._of.webhooks.duplicate(request.path_params["id"])}, 202)

    async def set_status(self, request: Request, body: dict[str, Any]) -> Response:
        self._of.webhooks.set_status(request.path_params["id"], str(body.get("status")))
        return Response(status_code=204)

    async def wait(self, request: Request, body: dict[str, Any]) -> Response:
        seconds = body.get("timeout", _WAIT_SECONDS)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 3600:
            raise ValueError("timeout must be seconds, more than 0 and at most 3600")
        try:
            await self._of.worker.settle_within(seconds)
        except asyncio.TimeoutError:
            raise ControlRefusedError(504, f"Deliveries are still under way after {seconds} s.") from None
        return Response(status_code=204)
