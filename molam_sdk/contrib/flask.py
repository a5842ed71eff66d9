"""The webhook receiver as a Flask blueprint."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import ClientDisconnected

from ..receiver import WebhookAnswer, WebhookReceiver

__all__ = ["webhook_blueprint"]


def webhook_blueprint(
    receiver: WebhookReceiver, url: str = "/webhooks/molam", *, name: str = "molam_webhooks"
) -> Blueprint:
    """A blueprint that takes Molam's deliveries: ``app.register_blueprint(webhook_blueprint(receiver))``.

    With Flask-WTF, exempt it: ``csrf.exempt(blueprint)``; the signature says who sent the request.
    """
    blueprint = Blueprint(name, __name__)

    @blueprint.post(url)
    def receive() -> Response:
        answer = _answer(receiver)
        return Response(answer.body, status=answer.status, headers=dict(answer.headers))

    return blueprint


def _answer(receiver: WebhookReceiver) -> WebhookAnswer:
    try:
        return receiver.receive(list(request.headers.items()), _raw_body(receiver.max_bytes))
    except ClientDisconnected:
        return receiver.unreadable(
            "The body ended before its Content-Length: a WSGI middleware has read wsgi.input before Flask, "
            "or the sender hung up."
        )


def _raw_body(max_bytes: int) -> bytes:
    """The body as it was sent, also where other code has called ``get_data`` or ``get_json`` before."""
    length = request.content_length
    if length is not None and length > max_bytes:
        return b""
    # Chunked, or a server that leaves CONTENT_LENGTH empty, which werkzeug reads as 0: one byte more than allowed says
    # that it is too long.
    return request.get_data() if length else request.stream.read(max_bytes + 1)
