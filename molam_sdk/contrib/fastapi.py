"""The webhook receiver as a FastAPI router."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from ..receiver import WebhookReceiver
from .starlette import receive_request

__all__ = ["webhook_router"]


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
