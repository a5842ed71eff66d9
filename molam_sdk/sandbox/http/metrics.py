"""The sandbox's own figures for /metrics, in a registry of its own."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ..faults.met import MetFaults


class SandboxMetrics:
    """Requests by operation and status class and how long they took, replays, faults, and deliveries by status."""

    def __init__(self, operations: Iterable[str], deliveries: Callable[[], Mapping[str, int]] = dict) -> None:
        self.registry, self._deliveries_now = CollectorRegistry(), deliveries
        self._requests = Counter(
            "molam_sandbox_requests", "Requests served.", ["operation", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "molam_sandbox_request_seconds", "Time to serve a request.", ["operation"], registry=self.registry
        )
        self._replays = Counter("molam_sandbox_replays", "Answers given again.", registry=self.registry)
        self._faults = Counter("molam_sandbox_faults", "Faults that requests met.", ["kind"], registry=self.registry)
        self._deliveries = Gauge(
            "molam_sandbox_deliveries", "Deliveries by status.", ["status"], registry=self.registry
        )
        for name in operations:
            self._requests.labels(name, "2xx")
            self._seconds.labels(name)
        for status in ("pending", "delivered", "failed", "dead", "canceled"):
            self._deliveries.labels(status)

    def observe(self, operation: str, status: int, seconds: float) -> None:
        """Count one request; status 0 is a request that a fault left without an answer."""
        self._requests.labels(operation, f"{status // 100}xx" if status else "none").inc()
        self._seconds.labels(operation).observe(seconds)

    def count(self, replayed: bool, met: MetFaults) -> None:
        """Count a replay, and the faults that a request met."""
        if replayed:
            self._replays.inc()
        for fault in met.by_stage.values():
            self._faults.labels(fault.kind).inc()

    def page(self) -> bytes:
        for status, count in self._deliveries_now().items():
            self._deliveries.labels(status).set(count)
        return generate_latest(self.registry)
