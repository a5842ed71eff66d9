"""The webhook receiver, and the health of the process, as Flask blueprints."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import ClientDisconnected

from ..health import Health, HealthReport
from ..receiver import WebhookAnswer, WebhookReceiver

__all__ = ["health_blueprint", "webhook_blueprint"]


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


def health_blueprint(health: Health, url: str = "/health/molam", *, name: str = "molam_health") -> Blueprint:
    """A blueprint of two pages for probes, ``…/live`` and ``…/ready``; 503 where the process should get no traffic."""
    blueprint = Blueprint(name, __name__)

    def page(look: Callable[[], HealthReport]) -> Response:
        report = look()
        response = jsonify(report.to_dict())
        response.status_code = report.http_status
        response.headers["Cache-Control"] = "no-store"
        return response

    blueprint.add_url_rule(f"{url}/live", "live", lambda: page(health.liveness))
    blueprint.add_url_rule(f"{url}/ready", "ready", lambda: page(health.readiness))
    return blueprint


def _answer(receiver: WebhookReceiver) -> WebhookAnswer:
    headers = list(request.headers.items())
    try:
        return receiver.receive(headers, _raw_body(receiver.max_bytes))
    except ClientDisconnected:
        # Whoever reads the body before Flask leaves nothing of it; a sender that hangs up has sent some.
        if request.stream.tell():
            return receiver.hung_up(headers)
        return receiver.unreadable(
            "The body ended before its Content-Length: a WSGI middleware has read wsgi.input before Flask, "
            "or the sender hung up.",
            headers,
        )


def _raw_body(max_bytes: int) -> bytes:
    """The body as it was sent, also where other code has called ``get_data`` or ``get_json`` before."""
    length = request.content_length
    if length is not None and length > max_bytes:
        return b""
    # Chunked, or a server that leaves CONTENT_LENGTH empty, which werkzeug reads as 0: one byte more than allowed says
    # that it is too long.
    return request.get_data() if length else request.stream.read(max_bytes + 1)
