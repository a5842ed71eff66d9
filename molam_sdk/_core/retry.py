"""Which ends of an attempt deserve another one, and when; and how much retrying an outage may cost."""

from __future__ import annotations

import math
import random
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Final

_SECONDS: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how soon. Times are seconds.

    Full jitter: ``uniform(0, min(backoff_max, backoff_factor * 2**n))`` before retry ``n`` (from 0).
    A ``Retry-After`` comes before it, so that those who were told the same do not come back together; one above
    ``retry_after_max`` is not waited for.
    """

    max_retries: int = 3
    backoff_factor: float = 0.3
    backoff_max: float = 8.0
    retry_after_max: float = 30.0
    jitter: Callable[[float, float], float] = random.uniform

    def pause(self, retries: int, retry_after: float | None, time_left: float = math.inf) -> float:
        """Seconds to wait before the next attempt, after so many retries."""
        # 2**64 is past every backoff_max; a larger exponent would only overflow.
        ceiling = min(self.backoff_max, self.backoff_factor * 2.0 ** min(retries, 64))
        if not retry_after:
            return self.jitter(0.0, ceiling)
        room = max(0.0, time_left - retry_after) / 2  # a pause that fits must not grow out of the deadline
        return retry_after + self.jitter(0.0, min(ceiling, room))

    def worth_waiting(self, pause: float, retry_after: float | None, time_left: float) -> bool:
        """Whether this pause may begin: it fits, and leaves time for another attempt."""
        return pause < time_left and (retry_after or 0.0) <= self.retry_after_max


class RetryBudget:
    """A token bucket shared by the calls of one client, so that an outage adds a bounded load.

    A retry takes ``cost`` tokens, a success gives one back; an empty bucket ends retrying.
    """

    __slots__ = ("__weakref__", "_capacity", "_lock", "_tokens")

    def __init__(self, capacity: int = 500) -> None:
        self._capacity = capacity
        self._tokens = capacity
        self._lock = threading.Lock()

    @property
    def tokens(self) -> int:
        """Tokens left."""
        return self._tokens

    def take(self, cost: int) -> bool:
        """Take what a retry costs; False, and nothing taken, where too little is left."""
        with self._lock:
            if self._tokens < cost:
                return False
            self._tokens -= cost
            return True

    def give_back(self) -> None:
        """A call succeeded."""
        if self._tokens >= self._capacity:  # the common case needs no lock
            return
        with self._lock:
            self._tokens = min(self._capacity, self._tokens + 1)

    def after_fork(self) -> None:
        """A child starts with a lock of its own: a thread of the parent may have held this one."""
        self._lock = threading.Lock()


def parse_retry_after(text: str | None, now: float) -> float | None:
    """Seconds to wait by a ``Retry-After`` header (RFC 9110 §10.2.3: seconds or an HTTP date).

    ``now`` is the Unix time of the answer. The past and negative seconds count as 0; garbage as None.
    """
    if text is None:
        return None
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return max(0.0, float(text))
    try:
        date = parsedate_to_datetime(text)
        if date.tzinfo is None:
            date = date.replace(tzinfo=timezone.utc)
        return max(0.0, date.timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
