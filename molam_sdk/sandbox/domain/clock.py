"""The sandbox's clock: real time plus an offset that only grows."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

LONGEST_STEP = timedelta(days=100 * 365)


def step_seconds(*, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> float:
    """The seconds of one step forward; raises ValueError or OverflowError for one that is none."""
    step = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not timedelta() <= step <= LONGEST_STEP:
        raise ValueError(f"the clock only moves forward, by at most {LONGEST_STEP.days} days at once")
    return step.total_seconds()


class SandboxClock:
    """Real time, moved forward on demand; everything scheduled in the sandbox goes by it.

    `advance` runs whatever falls due on the way, in order and each at its own time, before it returns.
    """

    def __init__(self, offset: float = 0.0) -> None:
        self._offset = offset
        self._lock = threading.Lock()
        self._advance_by: Callable[[float], None] = self.shift

    @property
    def offset(self) -> float:
        """Seconds ahead of real time."""
        return self._offset

    def now(self) -> float:
        """Unix seconds."""
        return time.time() + self._offset

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move forward and run what falls due; returns when payouts, late results and webhook retries are through."""
        self._advance_by(step_seconds(days=days, hours=hours, minutes=minutes, seconds=seconds))

    def shift(self, seconds: float) -> None:
        """Move the offset alone; nothing that falls due runs."""
        with self._lock:
            self._offset += max(0.0, seconds)

    def return_to(self, offset: float) -> None:
        """Be so many seconds ahead, as a snapshot was; the one way back."""
        with self._lock:
            self._offset = offset

    def reach(self, moment: float) -> None:
        """Move to `moment` (unix seconds) unless it is past already."""
        self.shift(moment - self.now())

    def drive_with(self, advance: Callable[[float], None] | None) -> None:
        """Let the running server move the time, so that due work happens on the way; None gives plain shifts back."""
        self._advance_by = advance or self.shift


def iso(moment: float) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
