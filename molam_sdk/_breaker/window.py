"""The other rule that trips a breaker: too large a share of the calls of the last seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FailureRate:
    """Trip when, of at least ``minimum_calls`` within ``seconds``, the share ``rate`` (0 to 1] were outages."""

    rate: float
    minimum_calls: int = 20
    seconds: float = 60.0

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1 or self.minimum_calls < 1 or self.seconds <= 0:
            raise ValueError("FailureRate: rate must be above 0 and at most 1, minimum_calls and seconds positive")


class Window:
    """Calls and outages of the last seconds, counted in tenths of the window so that memory stays bounded."""

    def __init__(self, rule: FailureRate, clock: Callable[[], float]) -> None:
        self._rule = rule
        self._clock = clock
        self._step = rule.seconds / 10
        self._buckets: deque[tuple[float, list[int]]] = deque()

    def trips(self, outage: bool) -> bool:
        """Count one call; True if the rule is met, and then start afresh."""
        now = self._clock()
        while self._buckets and self._buckets[0][0] <= now - self._rule.seconds:
            self._buckets.popleft()
        if not self._buckets or self._buckets[-1][0] <= now - self._step:
            self._buckets.append((now, [0, 0]))
        newest = self._buckets[-1][1]
        newest[0] += 1
        newest[1] += outage
        calls = sum(counts[0] for _, counts in self._buckets)
        outages = sum(counts[1] for _, counts in self._buckets)
        if calls < self._rule.minimum_calls or outages < self._rule.rate * calls:
            return False
        self._buckets.clear()
        return True

    def clear(self) -> None:
        """Forget all calls."""
        self._buckets.clear()
