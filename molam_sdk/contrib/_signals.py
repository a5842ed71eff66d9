"""What the receiver tells the outside: Prometheus series, one log line per delivery, the delivery's trace."""

from __future__ import annotations

import functools
import importlib.util
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal, get_args
from weakref import WeakKeyDictionary

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from ..webhooks import WebhookEvent, canonical_type
from ..webhooks.event import DisputeEventType, PaymentEventType, PayoutEventType, RefundEventType
from ._headers import RequestHeaders

logger: Final = logging.getLogger("molam_sdk.webhooks")

Result = Literal[
    "handled", "duplicate", "stale", "ignored", "busy", "lost", "failed", "store_error", "invalid", "unreadable"
]
"""What became of a delivery; the label ``result``."""

KNOWN_TYPES: Final = frozenset(
    canonical_type(name)
    for names in (PaymentEventType, RefundEventType, PayoutEventType, DisputeEventType)
    for name in get_args(names)
)
UNVERIFIED: Final = "unverified"
OTHER: Final = "other"
_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_FROM_START: Final[tuple[Result, ...]] = ("handled", "duplicate", "failed")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")


class WebhookMetrics:
    """The receiver's series in one registry: get them with ``metrics_for``, since a registry takes a name once."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._events = Counter(
            "molam_sdk_webhook_events_total",
            "Deliveries of webhooks by event type and what became of them.",
            ("type", "result"),
            registry=registry,
        )
        self._seconds = Histogram(
            "molam_sdk_webhook_seconds",
            "Seconds from a delivery's body to its answer, handlers included.",
            ("type",),
            buckets=_BUCKETS,
            registry=registry,
        )
        for event_type in KNOWN_TYPES:
            for result in _FROM_START:
                self._events.labels(event_type, result)
        self._events.labels(UNVERIFIED, "invalid")

    def count(self, event_type: str | None, result: Result, seconds: float) -> None:
        """One delivery that was answered; no type means that none could be believed."""
        label = UNVERIFIED if event_type is None else canonical_type(event_type)
        if label not in KNOWN_TYPES and event_type is not None:
            label = OTHER
        self._events.labels(label, result).inc()
        self._seconds.labels(label).observe(seconds)


_by_registry: WeakKeyDictionary[CollectorRegistry, WebhookMetrics] = WeakKeyDictionary()
_making: Final = threading.Lock()


def metrics_for(registry: CollectorRegistry | None) -> WebhookMetrics:
    """The series of a registry (the default one if None), made on first use and shared by all receivers."""
    registry = REGISTRY if registry is None else registry
    with _making:
        metrics = _by_registry.get(registry)
        if metrics is None:
            metrics = _by_registry[registry] = WebhookMetrics(registry)
        return metrics


def trace_id(headers: RequestHeaders) -> str | None:
    """The trace that the delivery belongs to (W3C Trace Context §3.2)."""
    found = _TRACEPARENT.fullmatch(headers.first("traceparent") or "")
    return found[1] if found else None


@contextmanager
def span(headers: RequestHeaders, event: WebhookEvent) -> Iterator[None]:
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
