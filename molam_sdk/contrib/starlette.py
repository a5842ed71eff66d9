"""The webhook receiver as a Starlette route."""

from __future__ import annotations

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ..receiver import WebhookReceiver

__all__ = ["receive_request", "webhook_route"]


def webhook_route(
    receiver: WebhookReceiver, path: str = "/webhooks/molam", *, body_timeout_seconds: float = 10.0
) -> Route:
    """A route that takes Molam's deliveries: ``Starlette(routes=[webhook_route(receiver)])``."""

    async def receive(request: Request) -> Response:
        return await receive_request(receiver, request, body_timeout_seconds)

    return Route(path, receive, methods=["POST"], name="molam_webhooks")


async def receive_request(receiver: WebhookReceiver, request: Request, body_timeout_seconds: float = 10.0) -> Response:
    """Answer one request; for a route of your own."""
    try:
        # A body that a middleware has taken never comes: without a limit the request would hang.
        with anyio.fail_after(body_timeout_seconds):
            body = await _raw_body(request, receiver.max_bytes)
    except (RuntimeError, TimeoutError, ClientDisconnect) as error:
        answer = receiver.unreadable(
            f"The body could not be read ({error!r}): an ASGI middleware has taken it before "
            "this route and does not pass it on, or the sender hung up."
        )
    else:
        answer = await receiver.receive_async(request.headers.raw, body)
    return Response(answer.body, answer.status, dict(answer.headers))


async def _raw_body(request: Request, max_bytes: int) -> bytes:
    """The body as it was sent, no more of it than says that it is too long."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > max_bytes:
            break
    return b"".join(parts)
