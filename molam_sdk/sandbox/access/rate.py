"""The rate limit: a token bucket per API key, by the sandbox's clock."""

import math

from ..domain.clock import SandboxClock
from ..domain.refusal import RefusalError
from .keys import ApiKey


class RateLimit:
    """A token bucket per key: `rate` requests a second on average, as many at once; None is no limit.

    A key may have a rate of its own.
    """

    def __init__(self, rate: float | None, clock: SandboxClock) -> None:
        self.rate = rate
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: ApiKey) -> dict[str, str]:
        """The RateLimit header fields of the answer; raises RefusalError 429 with Retry-After (whole seconds) too."""
        rate = self.rate if key.rate is None else key.rate
        if rate is None:
            return {}
        burst, now = max(1.0, rate), self._clock.now()
        tokens, since = self._buckets.get(key.id, (burst, now))
        tokens = min(burst, tokens + (now - since) * rate)
        if tokens < 1:
            wait = str(math.ceil((1 - tokens) / rate))
            headers = {**_told(burst, tokens, rate), "Retry-After": wait}
            raise RefusalError(429, "rate_limited", "Too many requests.", headers=headers)
        self._buckets[key.id] = (tokens - 1, now)
        return _told(burst, tokens - 1, rate)


def _told(burst: float, tokens: float, rate: float) -> dict[str, str]:
    """How many at once, how many now, and in how many seconds all of them again."""
    return {
        "RateLimit-Limit": str(int(burst)),
        "RateLimit-Remaining": str(int(tokens)),
        "RateLimit-Reset": str(math.ceil((burst - tokens) / rate)),
    }
