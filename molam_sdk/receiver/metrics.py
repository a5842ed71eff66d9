"""What the receiver tells the outside: its logger, and Prometheus series by event type and result."""

from __future__ import annotations

import logging
import threading
from typing import Final
from weakref import WeakKeyDictionary

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from ..webhooks import canonical_type
from ..webhooks.event import KNOWN_TYPES
from .answers import ANSWERS, BY_REFUSAL, DeliveryResult

logger: Final = logging.getLogger("molam_sdk.webhooks")

_UNVERIFIED: Final = "unverified"
_OTHER: Final = "other"
_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
# What becomes of a delivery before it is an event that is believed; anything else has the event's type.
_OF_STRANGERS: Final[frozenset[DeliveryResult]] = frozenset(
    {*BY_REFUSAL.values(), "unknown_kid", "hung_up", "full", "stopping"}
)


class WebhookMetrics:
    """The receiver's series in one registry, which takes a name once: get them with ``webhook_metrics_for``."""

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
        for event_type in (*KNOWN_TYPES, _OTHER):
            for result in ANSWERS.keys() - _OF_STRANGERS:
                self._events.labels(event_type, result)
        for result in _OF_STRANGERS:
            self._events.labels(_UNVERIFIED, result)

    def count(self, event_type: str | None, result: DeliveryResult, seconds: float) -> None:
        """One delivery that was answered; no type means that none could be believed."""
        label = _UNVERIFIED if event_type is None else canonical_type(event_type)
        if label not in KNOWN_TYPES and event_type is not None:
            label = _OTHER
        self._events.labels(label, result).inc()
        self._seconds.labels(label).observe(seconds)


_by_registry: WeakKeyDictionary[CollectorRegistry, WebhookMetrics] = WeakKeyDictionary()
_making: Final = threading.Lock()


def webhook_metrics_for(registry: CollectorRegistry | None) -> WebhookMetrics:
    """The series of a registry (the default one if None), made on first use and shared by all receivers."""
    registry = REGISTRY if registry is None else registry
    with _making:
        metrics = _by_registry.get(registry)
        if metrics is None:
            metrics = _by_registry[registry] = WebhookMetrics(registry)
        return metrics
