"""The sandbox's own figures for /metrics, in a registry of its own."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest


class SandboxMetrics:
    """Requests by operation and status class, and how long they took."""

    def __init__(self, operations: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "molam_sandbox_requests", "Requests served.", ["operation", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "molam_sandbox_request_seconds", "Time to serve a request.", ["operation"], registry=self.registry
        )
        for name in operations:
            self._requests.labels(name, "2xx")
            self._seconds.labels(name)

    def observe(self, operation: str, status: int, seconds: float) -> None:
        """Count one request; status 0 is a request that a fault left without an answer."""
        self._requests.labels(operation, f"{status // 100}xx" if status else "none").inc()
        self._seconds.labels(operation).observe(seconds)

    def page(self) -> bytes:
        return generate_latest(self.registry)
