"""The webhook receiver as an aiohttp route."""

from __future__ import annotations

import asyncio

from aiohttp import ClientPayloadError, web

from ..receiver import WebhookAnswer, WebhookReceiver

__all__ = ["receive_request", "webhook_route"]


def webhook_route(
    receiver: WebhookReceiver, path: str = "/webhooks/molam", *, body_timeout_seconds: float = 10.0
) -> web.RouteDef:
    """A route that takes Molam's deliveries: ``app.add_routes([webhook_route(receiver)])``."""

    async def receive(request: web.Request) -> web.StreamResponse:
        return await receive_request(receiver, request, body_timeout_seconds)

    return web.post(path, receive, name="molam_webhooks")


async def receive_request(
    receiver: WebhookReceiver, request: web.Request, body_timeout_seconds: float = 10.0
) -> web.StreamResponse:
    """Answer one request; for a route of your own."""
    answer = await _answer(receiver, request, body_timeout_seconds)
    return web.Response(body=answer.body, status=answer.status, headers=dict(answer.headers))


async def _answer(receiver: WebhookReceiver, request: web.Request, seconds: float) -> WebhookAnswer:
    headers = request.raw_headers
    try:
        # A body that a middleware has begun to read and left never ends: without a limit the request would hang.
        body = await asyncio.wait_for(request.read(), seconds)
    except web.HTTPRequestEntityTooLarge as error:
        if request.client_max_size < receiver.max_bytes:
            return receiver.unreadable(f"The app's client_max_size is too small: {error.text}", headers)
        body = bytes(receiver.max_bytes + 1)
    except (ClientPayloadError, ConnectionError):
        return receiver.hung_up(headers)
    except asyncio.TimeoutError:
        if request.content.total_bytes:
            return receiver.hung_up(headers)
        return receiver.unreadable("The body did not come: a middleware has taken it before this route.", headers)
    return await receiver.receive_async(headers, body)
