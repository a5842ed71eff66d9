"""Prometheus: what is counted about every call, and the observer that counts it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from itertools import product
from typing import Any, Final, get_args
from weakref import WeakKeyDictionary, ref

import pybreaker
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, Metric

from ._breaker.metrics import BreakerMetrics
from ._connections.metrics import ConnectionMetrics
from ._core.decline import DECLINE_REASONS
from ._core.operations import BY_NAME, GROUPS
from ._core.record import CallRecord, CallStart
from ._core.rules import LABELS, RETRY_LABELS
from ._forks import renew_after_fork
from ._trace_id import trace_id
from .exceptions import Outcome
from .secrets.metrics import SecretMetrics

__all__ = [
    "LATENCY_BUCKETS",
    "TIME_LEFT_BUCKETS",
    "Metrics",
    "MetricsObserver",
    "metrics_for",
    "metrics_request",
    "watch_breaker",
    "watch_journal",
]

# Name, meaning and labels of what is counted of every call.
_REQUESTS: Final = (
    "molam_sdk_requests_total",
    "Calls by operation and how they ended: the HTTP status, or a word where there was none.",
    ("endpoint", "code"),
)
_LATENCY: Final = (
    "molam_sdk_request_latency_seconds", "Seconds a call took, retries and pauses included.", ("endpoint",),
)  # fmt: skip
_RETRIES: Final = ("molam_sdk_retries_total", "Attempts after the first, by what they were made for.", ("reason",))
_DECLINES: Final = ("molam_sdk_declines_total", "Calls that ended with a 402, by its code.", ("reason",))
_RAISED: Final = (
    "molam_sdk_outcomes_total", "Calls that raised, by what they say about the money.", ("endpoint", "outcome"),
)  # fmt: skip
_TIME_LEFT: Final = (
    "molam_sdk_time_left_seconds", "Seconds to its deadline that a call had left when it ended: at 0, time was up.",
)  # fmt: skip
_IN_FLIGHT: Final = ("molam_sdk_calls_in_flight", "Calls under way, by group of operations.", ("group",))

LATENCY_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
TIME_LEFT_BUCKETS: Final = (0.0, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0)

_OUTCOMES: Final[tuple[str, ...]] = get_args(Outcome)

# Held while counting, and across a fork: so no lock of prometheus_client that we hold can be held in a child.
_counting = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_counting.acquire, after_in_parent=_counting.release, after_in_child=_counting.release)


class Metrics:
    """The SDK's metrics in one registry. Get them with ``metrics_for``: a registry takes each name once."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(*_REQUESTS, registry=None)
        self.latency = Histogram(*_LATENCY, buckets=LATENCY_BUCKETS, registry=None)
        self.retries = Counter(*_RETRIES, registry=None)
        self.declines = Counter(*_DECLINES, registry=None)
        self.outcomes = Counter(*_RAISED, registry=None)
        self.time_left = Histogram(*_TIME_LEFT, buckets=TIME_LEFT_BUCKETS, registry=registry)
        self.in_flight = Gauge(*_IN_FLIGHT, registry=None, multiprocess_mode="livesum")
        self._request_counters: dict[tuple[str, str], Any] = {}
        self._latencies: dict[str, Any] = {}
        self._gauges: dict[str, Any] = {}
        self.breakers = BreakerMetrics(registry, lambda: _counting)
        self.secrets = SecretMetrics(registry, lambda: _counting, at_each_event=_many_processes())
        self.connections = ConnectionMetrics(registry, lambda: _counting, at_each_opening=_many_processes())
        _from_zero(registry, self.requests, product(BY_NAME, LABELS))
        _from_zero(registry, self.latency, product(BY_NAME))
        _from_zero(registry, self.retries, product(RETRY_LABELS))
        _from_zero(registry, self.declines, product(DECLINE_REASONS))
        _from_zero(registry, self.outcomes, product(BY_NAME, _OUTCOMES))
        _from_zero(registry, self.in_flight, product(GROUPS))
        # The calls under way, by the id of their start; the reference takes itself out when a call is torn and gone.
        self._under_way: dict[str, dict[int, ref[CallStart]]] = {}
        renew_after_fork(self)

    def count(self, endpoint: str, code: str, latency_seconds: float) -> None:
        """One call that ended; the bucket of its time names its trace, to those who ask for OpenMetrics."""
        counter = self._request_counters.get((endpoint, code))
        if counter is None:
            counter = self._request_counters[endpoint, code] = self.requests.labels(endpoint, code)
        latency = self._latencies.get(endpoint)
        if latency is None:
            latency = self._latencies[endpoint] = self.latency.labels(endpoint)
        counter.inc()
        trace = trace_id()
        latency.observe(latency_seconds, None if trace is None else {"trace_id": trace})

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
        self.last_success_at: float | None = None
        """When a call of this client last succeeded, by the monotonic clock."""

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
            if record.time_left is not None:
                metrics.time_left.observe(max(0.0, record.time_left))
            if record.outcome is None:
                self.last_success_at = time.monotonic()
            else:
                metrics.outcomes.labels(record.operation, record.outcome).inc()
            if record.decline_reason is not None:
                metrics.declines.labels(record.decline_reason).inc()


def watch_breaker(cb: pybreaker.CircuitBreaker, registry: CollectorRegistry | None = None) -> None:
    """Show this breaker's state in a registry; a breaker that clients share is counted there once."""
    metrics_for(registry).breakers.watch(cb)


def watch_journal(
    store: object, registry: CollectorRegistry | None = None, *, ended: Callable[[], bool] = lambda: False
) -> None:
    """Show how a journal stands in a registry (the default one if None): a client with a journal does it by itself.

    Where many processes share ``PROMETHEUS_MULTIPROC_DIR``, give the registry of the MultiProcessCollector and
    ``client.journal.store``: the figures are the database's, not a process's. A store of your own is shown if it has
    ``figures()``. ``ended``: whether it is to be asked no more.
    """
    from ._journal_metrics import watch

    watch(store, registry, ended)
