"""What the metrics rely on in prometheus_client: each test is one promise, its message says which one broke."""

from __future__ import annotations

import weakref

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_a_series_is_one_object_that_may_be_kept(registry: CollectorRegistry) -> None:
    counter = Counter("calls_total", "", ("code",), registry=registry)
    assert counter.labels("200") is counter.labels("200"), "Metrics.count keeps the children that labels() gives"
    counter.labels("200").inc()
    assert registry.get_sample_value("calls_total", {"code": "200"}) == 1


def test_a_series_stands_at_0_as_soon_as_it_is_named(registry: CollectorRegistry) -> None:
    counter = Counter("calls_total", "", ("code",), registry=registry)
    assert registry.get_sample_value("calls_total", {"code": "500"}) is None
    counter.labels("500")
    assert registry.get_sample_value("calls_total", {"code": "500"}) == 0, "_FromZero only names the series"


def test_a_name_that_ends_in_total_keeps_it_once(registry: CollectorRegistry) -> None:
    Counter("molam_sdk_requests_total", "", registry=registry).inc()
    assert b"\nmolam_sdk_requests_total 1.0\n" in generate_latest(registry)


def test_a_registry_takes_a_name_once(registry: CollectorRegistry) -> None:
    Gauge("state", "", registry=registry)
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        Gauge("state", "", registry=registry)  # metrics_for keeps one Metrics per registry because of this


def test_a_registry_asks_a_collector_of_ours_for_names_and_samples(registry: CollectorRegistry) -> None:
    counter = Counter("calls_total", "", ("code",), registry=None)

    class Ours:
        def describe(self) -> object:
            return counter.describe()

        def collect(self) -> object:
            counter.labels("500")
            return counter.collect()

    registry.register(Ours())  # type: ignore[arg-type]  # a Collector by its two methods
    assert registry.get_sample_value("calls_total", {"code": "500"}) == 0, "_FromZero names its series in collect()"
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        Counter("calls_total", "", registry=registry)


def test_a_registry_can_be_held_weakly(registry: CollectorRegistry) -> None:
    assert weakref.WeakKeyDictionary({registry: 1})[registry] == 1, "metrics_for keeps the metrics beside the registry"


def test_the_bounds_of_a_histogram_are_kept_and_end_in_infinity(registry: CollectorRegistry) -> None:
    Histogram("latency", "", buckets=(0.5, 30.0), registry=registry).observe(20.0)
    counts = [registry.get_sample_value("latency_bucket", {"le": bound}) for bound in ("0.5", "30.0", "+Inf")]
    assert counts == [0, 1, 1]


@pytest.mark.parametrize("mode", ["livesum", "livemax"])
def test_a_gauge_knows_the_modes_for_several_processes(registry: CollectorRegistry, mode: str) -> None:
    gauge = Gauge("state", "", registry=registry, multiprocess_mode=mode)  # type: ignore[arg-type]  # one of its Literal
    gauge.set(2)
    assert registry.get_sample_value("state") == 2
