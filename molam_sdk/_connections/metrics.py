"""What metrics tell of connections: read from the tally when somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Gauge, Metric

from .tally import CONNECTIONS


class ConnectionMetrics:
    """The series of one registry, which takes a name once. ``counting``: gives what is held while they are brought up
    to date. ``at_each_opening``: where the series are kept in files that another process shows, they are as of the last
    connection that was opened."""

    def __init__(
        self,
        registry: CollectorRegistry,
        counting: Callable[[], AbstractContextManager[object]],
        *,
        at_each_opening: bool,
    ) -> None:
        self._counting = counting
        self._counted = 0
        self._standing = Gauge(
            "molam_sdk_connections",
            "Connections to Molam that stand, idle ones and those in use.",
            ("state",),
            registry=None,
            multiprocess_mode="livesum",
        )
        self._opened = Counter(
            "molam_sdk_connections_opened_total",
            "Connections to Molam that were opened: many of them mean that they are not kept.",
            registry=None,
        )
        registry.register(self)
        if at_each_opening:
            self.refresh()
            CONNECTIONS.tell(self)

    def describe(self) -> Iterable[Metric]:
        """Asked by the registry, which takes each name once."""
        yield from self._standing.describe()
        yield from self._opened.describe()

    def collect(self) -> Iterable[Metric]:
        """Asked at every scrape."""
        self.refresh()
        yield from self._standing.collect()
        yield from self._opened.collect()

    def refresh(self) -> None:
        """Bring the series up to date."""
        standing, opened = CONNECTIONS.standing(), CONNECTIONS.opened
        with self._counting():
            self._standing.labels("idle").set(standing.idle)
            self._standing.labels("in_use").set(standing.in_use)
            self._opened.inc(max(0, opened - self._counted))
            self._counted = max(opened, self._counted)
