"""What answers in Molam's place: gateways' JSON, firewalls' and maintenance pages, captive portals, nothing at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

_PATH = "/v1/connect/payment_intents"
_HTML = "text/html; charset=utf-8"
_JSON = "application/json"
_NAMES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict",
          413: "Payload Too Large", 429: "Too Many Requests"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stranger:
    """An answer that is not Molam's."""

    name: str
    status: int
    kind: str
    body: bytes
    request_id: bool

    def render(self) -> bytes:
        """Its bytes on the wire."""
        fields = [f"HTTP/1.1 {self.status} X"]
        fields += [f"Content-Type: {self.kind}"] if self.body else []
        fields += ["X-Request-ID: 5f0c1b9e-gateway"] if self.request_id else []
        fields += ["Location: http://127.0.0.1:9/login"] if self.status == 302 else []
        fields += [] if self.status == 204 else [f"Content-Length: {len(self.body)}"]
        return "\r\n".join(fields).encode() + b"\r\n\r\n" + self.body


def stranger(detail: float) -> Stranger:
    """One of them, by a number from 0 to 1."""
    return STRANGERS[int(detail * len(STRANGERS))]


def _spring(status: int) -> object:
    return {"timestamp": "2026-11-21T09:00:00.000+00:00", "status": status, "error": _NAMES[status], "path": _PATH}


def _problem(status: int) -> object:
    return {"type": "https://tools.ietf.org/html/rfc9110", "title": _NAMES[status], "status": status, "traceId": "00-1"}


def _oathkeeper(status: int) -> object:
    return {"error": {"code": status, "status": _NAMES[status], "message": "Requested url does not match any rules"}}


def _fastify(status: int) -> object:
    return {"message": f"Route POST:{_PATH} not found", "error": _NAMES[status], "statusCode": status}


def _all() -> Iterator[tuple[str, int, str, bytes]]:
    for status in (400, 404):
        for said in (_spring, _problem, _oathkeeper, _fastify):
            yield said.__name__.strip("_"), status, _JSON, json.dumps(said(status)).encode()
    yield "problem", 413, "application/problem+json", json.dumps(_problem(413)).encode()
    yield "oathkeeper", 403, _JSON, json.dumps(_oathkeeper(403)).encode()
    for status in (400, 403, 404, 409):
        yield "page", status, _HTML, f"<html><h1>{status} {_NAMES[status]}</h1></html>".encode()
    for status in (400, 401, 403, 404, 409, 413, 429):
        yield "empty", status, _HTML, b""
    yield "maintenance", 200, _HTML, b"<html><title>Maintenance</title>We will be back soon.</html>"
    yield "portal", 200, _HTML, b'<html><form action="/login">Welcome to our hotel</form></html>'
    yield "portal", 302, _HTML, b""
    yield "empty", 200, _JSON, b""
    yield "empty", 204, _JSON, b""
    yield "error", 200, _JSON, b'{"error": {"code": "upstream_failed", "message": "no answer from upstream"}}'
    yield "error", 200, _JSON, b'{"status": "error", "message": "service unavailable"}'


STRANGERS = tuple(Stranger(*said, request_id) for said in _all() for request_id in (False, True))
