"""EndpointHealth: spares a webhook endpoint that is down."""

from dataclasses import dataclass

MAX_FAILURES = 5
PAUSE_SECONDS = 60.0


@dataclass(slots=True)
class EndpointHealth:
    """After some failures in a row nothing is sent to the endpoint until `paused_until` (unix seconds)."""

    failures: int = 0
    paused_until: float = 0.0

    def record(self, answered: bool, now: float) -> None:
        self.failures = 0 if answered else self.failures + 1
        self.paused_until = now + PAUSE_SECONDS if self.failures >= MAX_FAILURES else 0.0
