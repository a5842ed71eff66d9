"""The webhook receiver, and the health of the process, as FastAPI routers."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from ..health import Health, HealthReport
from ..receiver import WebhookReceiver
from .starlette import receive_request

__all__ = ["health_router", "webhook_router"]


def webhook_router(
    receiver: WebhookReceiver,
    path: str = "/webhooks/molam",
    *,
    body_timeout_seconds: float = 10.0,
    include_in_schema: bool = False,
) -> APIRouter:
    """A router that takes Molam's deliveries: ``app.include_router(webhook_router(receiver))``."""
    router = APIRouter()

    async def receive(request: Request) -> Response:
        return await receive_request(receiver, request, body_timeout_seconds)

    router.add_api_route(
        path,
        receive,
        methods=["POST"],
        name="molam_webhooks",
        response_class=Response,
        include_in_schema=include_in_schema,
    )
    return router


def health_router(health: Health, path: str = "/health/molam", *, include_in_schema: bool = False) -> APIRouter:
    """A router of two pages for probes, ``…/live`` and ``…/ready``; 503 where the process should get no traffic."""
    router = APIRouter()

    def live() -> Response:
        return _page(health.liveness())

    def ready() -> Response:  # no coroutine: a database may be waited for
        return _page(health.readiness())

    for name, view in (("live", live), ("ready", ready)):
        router.add_api_route(
            f"{path}/{name}", view, name=f"molam_{name}", response_class=Response, include_in_schema=include_in_schema
        )
    return router


def _page(report: HealthReport) -> Response:
    return JSONResponse(report.to_dict(), report.http_status, {"Cache-Control": "no-store"})
