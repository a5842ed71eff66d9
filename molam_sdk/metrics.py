"""Prometheus: what is counted about every call, and the observer that counts it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from functools import partial
from itertools import product
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakSet, ref

import pybreaker
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, Metric

from ._core.operations import BY_NAME, GROUPS
from ._core.record import CallRecord, CallStart
from ._core.rules import LABELS, RETRY_LABELS
from ._forks import renew_after_fork

LATENCY_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_STATES: Final = {pybreaker.STATE_CLOSED: 0, pybreaker.STATE_HALF_OPEN: 1, pybreaker.STATE_OPEN: 2}

# Held while counting, and across a fork: so no lock of prometheus_client that we hold can be held in a child.
_counting = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_counting.acquire, after_in_parent=_counting.release, after_in_child=_counting.release)


class Metrics:
    """The SDK's metrics in one registry. Get them with ``metrics_for``: a registry takes each name once."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "molam_sdk_requests_total",
            "Calls by operation and how they ended: the HTTP status, or a word where there was none.",
            ("endpoint", "code"),
            registry=None,
        )
        self.latency = Histogram(
            "molam_sdk_request_latency_seconds",
            "Seconds a call took, retries and pauses included.",
            ("endpoint",),
            buckets=LATENCY_BUCKETS,
            registry=None,
        )
        self.retries = Counter(
            "molam_sdk_retries_total",
            "Attempts after the first, by what they were made for.",
            ("reason",),
            registry=None,
        )
        self.in_flight = Gauge(
            "molam_sdk_calls_in_flight",
            "Calls under way, by group of operations.",
            ("group",),
            registry=None,
            multiprocess_mode="livesum",
        )
        self._add_breaker_series(registry)
        self.breakers: dict[str, WeakSet[BreakerMetrics]] = {}
        self._request_counters: dict[tuple[str, str], Any] = {}
        self._latencies: dict[str, Any] = {}
        self._gauges: dict[str, Any] = {}
        _from_zero(registry, self.requests, product(BY_NAME, LABELS))
        _from_zero(registry, self.latency, product(BY_NAME))
        _from_zero(registry, self.retries, product(RETRY_LABELS))
        _from_zero(registry, self.in_flight, product(GROUPS))
        # The calls under way, by the id of their start; the reference takes itself out when a call is torn and gone.
        self._under_way: dict[str, dict[int, ref[CallStart]]] = {}
        renew_after_fork(self)

    def count(self, endpoint: str, code: str, latency_seconds: float) -> None:
        """One call that ended."""
        counter = self._request_counters.get((endpoint, code))
        if counter is None:
            counter = self._request_counters[endpoint, code] = self.requests.labels(endpoint, code)
        latency = self._latencies.get(endpoint)
        if latency is None:
            latency = self._latencies[endpoint] = self.latency.labels(endpoint)
        counter.inc()
        latency.observe(latency_seconds)

    def begin(self, start: CallStart) -> None:
        """One call that is under way from now on."""
        under_way = self._group(start.group)
        under_way[id(start)] = ref(start, partial(under_way.pop, id(start)))
        self._gauges[start.group].set(len(under_way))

    def end(self, start: CallStart) -> None:
        """It is no more."""
        under_way = self._group(start.group)
        under_way.pop(id(start), None)
        self._gauges[start.group].set(len(under_way))

    def after_fork(self) -> None:
        """The parent's calls are not under way here."""
        for under_way in self._under_way.values():
            under_way.clear()

    def _group(self, name: str) -> dict[int, ref[CallStart]]:
        """The calls of a group; its gauge counts them when it is read, so that it cannot drift."""
        under_way = self._under_way.get(name)
        if under_way is None:
            under_way = {}
            gauge = self._gauges[name] = self.in_flight.labels(name)
            gauge.set_function(under_way.__len__)
            self._under_way[name] = under_way  # last: an exception raised into these lines leaves nothing half made
        return under_way

    def _add_breaker_series(self, registry: CollectorRegistry) -> None:
        self.breaker_state = Gauge(
            "molam_sdk_circuit_breaker_state",
            "0 closed, 1 half-open, 2 open.",
            ("name",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.breaker_changes = Counter(
            "molam_sdk_circuit_breaker_state_changes_total",
            "Changes of the breaker's state, by the state it went to.",
            ("name", "to"),
            registry=registry,
        )


class _FromZero:
    """A metric in its registry: all its series stand in every answer to a scrape, so that a rate sees their very first
    event. They are made when somebody looks: there are some five hundred, and a client must start at once."""

    def __init__(self, metric: Counter | Gauge | Histogram, label_values: Iterable[tuple[str, ...]]) -> None:
        self._metric = metric
        self._unnamed = tuple(label_values)

    def describe(self) -> Iterable[Metric]:
        """Asked by the registry, which takes each name once."""
        return self._metric.describe()

    def collect(self) -> Iterable[Metric]:
        """Asked at every scrape."""
        self.name_series()
        return self._metric.collect()

    def name_series(self) -> None:
        """Have them all stand, at 0 unless they were counted already."""
        with _counting:
            for values in self._unnamed:
                self._metric.labels(*values)
            self._unnamed = ()


def _from_zero(
    registry: CollectorRegistry, metric: Counter | Gauge | Histogram, label_values: Iterable[tuple[str, ...]]
) -> None:
    collector = _FromZero(metric, label_values)
    registry.register(collector)
    if _many_processes():
        collector.name_series()


def _many_processes() -> bool:
    """Whether the series are kept in files, which another process shows: it sees only what was named here."""
    return not {"PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"}.isdisjoint(os.environ)


_by_registry: WeakKeyDictionary[CollectorRegistry, Metrics] = WeakKeyDictionary()


def metrics_for(registry: CollectorRegistry | None = None) -> Metrics:
    """The metrics of a registry (the default one if None), made on first use and shared by all clients."""
    registry = REGISTRY if registry is None else registry
    with _counting:
        metrics = _by_registry.get(registry)
        if metrics is None:
            metrics = _by_registry[registry] = Metrics(registry)
        return metrics


def metrics_request(
    endpoint: str, code: int | str, latency_seconds: float, registry: CollectorRegistry | None = None
) -> None:
    """Count a call that was made around the SDK under the SDK's names. ``code``: an HTTP status, or a word."""
    metrics = metrics_for(registry)
    with _counting:
        metrics.count(endpoint, str(code), latency_seconds)


class MetricsObserver:
    """Counts every call of a client."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._metrics = metrics_for(registry)

    def call_started(self, start: CallStart) -> None:
        with _counting:
            self._metrics.begin(start)

    def call_ended(self, record: CallRecord) -> None:
        metrics = self._metrics
        with _counting:
            if record.start is not None:
                metrics.end(record.start)
            metrics.count(record.operation, record.code, record.elapsed)
            for reason in record.retries:
                metrics.retries.labels(reason).inc()


class BreakerMetrics(pybreaker.CircuitBreakerListener):
    """Shows a breaker's state; see ``watch_breaker``. Breakers of one name share a gauge, the worst shows."""

    def __init__(self, cb: pybreaker.CircuitBreaker, metrics: Metrics) -> None:
        name = cb.name or "unnamed"
        self.metrics = metrics
        self._gauge = metrics.breaker_state.labels(name)
        self._changes = {to: metrics.breaker_changes.labels(name, to) for to in _STATES}
        self._namesakes = metrics.breakers.setdefault(name, WeakSet())
        self._state = _STATES[cb.current_state]
        with _counting:
            self._namesakes.add(self)
            self._show()

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:
        """Called by pybreaker, the lock of its breaker held."""
        with _counting:
            self._changes[new_state.name].inc()
            self._state = _STATES[new_state.name]
            self._show()

    def _show(self) -> None:
        self._gauge.set(max(breaker._state for breaker in self._namesakes))


def watch_breaker(cb: pybreaker.CircuitBreaker, registry: CollectorRegistry | None = None) -> None:
    """Show this breaker's state in a registry; a breaker that clients share is counted there once."""
    metrics = metrics_for(registry)
    watched = (listener.metrics for listener in cb.listeners if isinstance(listener, BreakerMetrics))
    if not any(known is metrics for known in watched):
        cb.add_listener(BreakerMetrics(cb, metrics))
