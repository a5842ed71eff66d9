"""What the inbox tells: how long events waited, how many are where, and how old the oldest is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final
from weakref import WeakKeyDictionary, ref

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, Metric

from ..._cached_answer import CachedAnswer, ask_store
from ..._journal_metrics import LOOK_EVERY, stepped_answer
from ...store.events import EventClaims
from ...store.inbox import InboxFigures

_BUCKETS: Final = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0)
_STATES: Final = ("received", "failed", "dead", "in_flight")
_ENDS: Final = ("handled", "failed", "dead", "lost")


class InboxMetrics:
    """The inbox's series in one registry, which takes a name once: get them with ``inbox_metrics_for``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._attempts = Counter(
            "molam_sdk_inbox_attempts_total",
            "Tries of events of the webhook inbox, by their end.",
            ("result",),
            registry=registry,
        )
        self._lag = Histogram(
            "molam_sdk_inbox_lag_seconds",
            "Seconds from an event's creation at Molam to its handling.",
            buckets=_BUCKETS,
            registry=registry,
        )
        self._events = Gauge(
            "molam_sdk_inbox_events",
            "Events of the webhook inbox that are not done, by state.",
            ("state",),
            registry=None,
            multiprocess_mode="livemostrecent",
        )
        self._oldest = Gauge(
            "molam_sdk_inbox_oldest_seconds",
            "How long the oldest event that is not done has been in the webhook inbox.",
            registry=None,
            multiprocess_mode="livemostrecent",
        )
        self._waiting = Gauge(
            "molam_sdk_inbox_waiting_seconds",
            "How long the oldest event that a worker has yet to run has been in the webhook inbox.",
            registry=None,
            multiprocess_mode="livemostrecent",
        )
        self._looks: dict[ref[EventClaims], CachedAnswer[InboxFigures | None]] = {}
        registry.register(self)
        for state in _STATES:
            self._events.labels(state)
        for end in _ENDS:
            self._attempts.labels(end)

    def attempt(self, result: str, lag_seconds: float | None = None) -> None:
        """One try that ended; the lag only where it was handled."""
        self._attempts.labels(result).inc()
        if lag_seconds is not None:
            self._lag.observe(max(0.0, lag_seconds))

    def watch(self, store: EventClaims, clock: Callable[[], float]) -> None:
        """Ask the inbox itself when somebody looks: a worker that was killed shows nothing any more."""

        def figures(asked: EventClaims) -> InboxFigures:
            return asked.inbox.figures(clock())

        held = ref(store, self._looks.pop)
        asked_aside = CachedAnswer(partial(ask_store, held, figures), good_for=LOOK_EVERY)
        self._looks[held] = stepped_answer(store, figures) or asked_aside

    def describe(self) -> Iterable[Metric]:
        """Asked by the registry, which takes each name once."""
        yield from self._events.describe()
        yield from self._oldest.describe()
        yield from self._waiting.describe()

    def collect(self) -> Iterable[Metric]:
        """Asked at every scrape."""
        for look in list(self._looks.values()):
            known = look.known()
            if known.value is not None and known.problem is None:
                self.show(known.value)
        yield from self._events.collect()
        yield from self._oldest.collect()
        yield from self._waiting.collect()

    def show(self, figures: InboxFigures) -> None:
        """How the inbox stands."""
        for state in _STATES:
            self._events.labels(state).set(getattr(figures, state))
        self._oldest.set(figures.oldest_seconds)
        self._waiting.set(figures.waiting_seconds)


_by_registry: WeakKeyDictionary[CollectorRegistry, InboxMetrics] = WeakKeyDictionary()
_making: Final = threading.Lock()


def inbox_metrics_for(registry: CollectorRegistry | None) -> InboxMetrics:
    """The series of a registry (the default one if None), made on first use and shared by all workers."""
    registry = REGISTRY if registry is None else registry
    with _making:
        metrics = _by_registry.get(registry)
        if metrics is None:
            metrics = _by_registry[registry] = InboxMetrics(registry)
        return metrics
