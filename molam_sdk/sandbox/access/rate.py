"""The rate limit: a token bucket per API key, by the sandbox's clock."""

import math

from ..domain.clock import SandboxClock
from ..domain.refusal import RefusalError


class RateLimit:
    """A token bucket per key: `rate` requests a second on average, as many at once; None is no limit."""

    def __init__(self, rate: float | None, clock: SandboxClock) -> None:
        self.rate = rate
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key_id: str) -> None:
        """Raise RefusalError 429 with Retry-After in whole seconds where the bucket is empty."""
        if self.rate is None:
            return
        burst, now = max(1.0, self.rate), self._clock.now()
        tokens, since = self._buckets.get(key_id, (burst, now))
        tokens = min(burst, tokens + (now - since) * self.rate)
        if tokens < 1:
            wait = math.ceil((1 - tokens) / self.rate)
            raise RefusalError(429, "rate_limited", "Too many requests.", headers={"Retry-After": str(wait)})
        self._buckets[key_id] = (tokens - 1, now)
