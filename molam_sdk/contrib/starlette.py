"""The webhook receiver as a Starlette route."""

from __future__ import annotations

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ..receiver import WebhookAnswer, WebhookReceiver

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
    body = _Body(receiver.max_bytes)
    try:
        # A body that a middleware has taken never comes: without a limit the request would hang.
        with anyio.fail_after(body_timeout_seconds):
            await body.read(request)
    except (RuntimeError, TimeoutError, ClientDisconnect) as error:
        answer = _unreadable(receiver, request, body, error)
    else:
        answer = await receiver.receive_async(request.headers.raw, bytes(body.taken))
    return Response(answer.body, answer.status, dict(answer.headers))


class _Body:
    """The body as it was sent, no more of it than says that it is too long."""

    def __init__(self, max_bytes: int) -> None:
        self.taken = bytearray()
        self._max_bytes = max_bytes

    async def read(self, request: Request) -> None:
        async for part in request.stream():
            self.taken += part
            if len(self.taken) > self._max_bytes:
                break


def _unreadable(receiver: WebhookReceiver, request: Request, body: _Body, error: Exception) -> WebhookAnswer:
    headers = request.headers.raw
    if body.taken or isinstance(error, ClientDisconnect):
        return receiver.hung_up(headers)
    reason = f"The body could not be read ({error!r}): an ASGI middleware has taken it before this route."
    return receiver.unreadable(reason, headers)
