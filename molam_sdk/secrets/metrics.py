"""What metrics tell of the sources of secrets, and of certificates: read from the tally when somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Metric

from .tally import TALLY

_SECONDS_LEFT: Final = (
    "molam_sdk_api_key_seconds_left",
    "Seconds until the API key expires; of several the one that is first. Absent where none does.",
)


class SecretMetrics:
    """The series of one registry, which takes a name once. ``counting``: gives what is held while they
    are brought up to date.

    ``at_each_event``: where the series are kept in files that another process shows, they are as of the last time that
    a source was asked.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        counting: Callable[[], AbstractContextManager[object]],
        *,
        at_each_event: bool,
    ) -> None:
        self._counting = counting
        self._counted: dict[str, int] = {}
        self._shown: set[str] = set()
        self._age = Gauge(
            "molam_sdk_secret_age_seconds",
            "Seconds since the last good answer of a source of secrets.",
            ("source",),
            registry=None,
            multiprocess_mode="livemax",
        )
        self._failures = Counter(
            "molam_sdk_secret_failures_total",
            "Times that a source of secrets could not be read.",
            ("source",),
            registry=None,
        )
        self._reloads = Counter(
            "molam_sdk_certificate_reload_failures_total",
            "Times that changed certificates, keys or CA bundles could not be loaded: the last good ones stay in use.",
            registry=None,
        )
        self._reloads_counted = 0
        self._seconds_left: Gauge | None = None  # made when a key expires: until then it would show 0 in a file
        registry.register(self)
        if at_each_event:
            TALLY.tell(self)

    def describe(self) -> Iterable[Metric]:
        """Asked by the registry, which takes each name once."""
        yield from self._age.describe()
        yield from self._failures.describe()
        yield from self._reloads.describe()
        yield Metric(*_SECONDS_LEFT, "gauge")

    def collect(self) -> Iterable[Metric]:
        """Asked at every scrape."""
        self.refresh()
        yield from self._age.collect()
        yield from self._failures.collect()
        yield from self._reloads.collect()
        gauge = self._seconds_left if TALLY.seconds_left() is not None else None
        yield from [Metric(*_SECONDS_LEFT, "gauge")] if gauge is None else gauge.collect()

    def refresh(self) -> None:
        """Bring the series up to date."""
        ages, failures, left = TALLY.ages(), TALLY.failures(), TALLY.seconds_left()
        refused_files = TALLY.refused_files()
        with self._counting():
            for source in self._shown - ages.keys():
                self._age.remove(source)
            for source, age in ages.items():
                self._age.labels(source).set(age)
            self._shown = set(ages)
            for source, count in failures.items():
                self._failures.labels(source).inc(count - self._counted.get(source, 0))
                self._counted[source] = count
            self._reloads.inc(max(0, refused_files - self._reloads_counted))
            self._reloads_counted = max(refused_files, self._reloads_counted)
            if left is not None:
                gauge = self._seconds_left or Gauge(*_SECONDS_LEFT, registry=None, multiprocess_mode="livemin")
                gauge.set(left)
                self._seconds_left = gauge
