"""The trace that a delivery belongs to, and a span in it around the handlers."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ..webhooks import WebhookEvent, canonical_type
from .headers import DeliveryHeaders

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")


def trace_id_in(headers: DeliveryHeaders) -> str | None:
    """The trace that the delivery belongs to (W3C Trace Context §3.2)."""
    found = _TRACEPARENT.fullmatch(headers.first("traceparent") or "")
    return found[1] if found else None


@contextmanager
def span(headers: DeliveryHeaders, event: WebhookEvent) -> Iterator[None]:
    """A span around the handlers that continues the delivery's trace; nothing without OpenTelemetry."""
    if not _has_opentelemetry():
        yield
        return
    from opentelemetry import propagate, trace

    # Only what a trace consists of: no other header of the delivery becomes an attribute.
    carrier = {name: headers.first(name) or "" for name in ("traceparent", "tracestate", "baggage")}
    attributes = {"molam.event_id": event.id, "molam.event_type": event.type}
    with trace.get_tracer("molam_sdk.webhooks").start_as_current_span(
        f"molam.webhook {canonical_type(event.type)}",
        context=propagate.extract(carrier),
        kind=trace.SpanKind.CONSUMER,
        attributes=attributes,
    ):
        yield


@functools.cache
def _has_opentelemetry() -> bool:
    return importlib.util.find_spec("opentelemetry") is not None
