"""EndpointHealth: spares a webhook endpoint that is down. The sandbox's own, not of Molam's contract."""

from dataclasses import dataclass

MAX_FAILURES = 5
PAUSE_SECONDS = 60.0
LONGEST_PAUSE = 3600.0


@dataclass(slots=True)
class EndpointHealth:
    """After some failures in a row nothing is sent to the endpoint until `open_until` (unix seconds of the clock).

    Then one delivery is tried, and a failure doubles the pause, up to an hour: so the days of an advanced clock cost
    a few tries of a dead endpoint and not one a minute.
    """

    failures: int = 0
    open_until: float = 0.0

    def record(self, answered: bool, now: float) -> None:
        self.failures = 0 if answered else self.failures + 1
        beyond = self.failures - MAX_FAILURES
        # The cap before the power: a count of failures has no bound.
        self.open_until = now + min(LONGEST_PAUSE, PAUSE_SECONDS * 2 ** min(beyond, 10)) if beyond >= 0 else 0.0

    def close(self) -> None:
        """Try again at once: somebody asks for it."""
        self.failures, self.open_until = 0, 0.0
