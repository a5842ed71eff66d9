"""A backfill in words: what a command line takes for its options, and what it says of how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Final

from ..._duration import duration_of
from .plan import BackfillProgress, Since

_TELL_EVERY: Final = 5.0


def since_of(text: str) -> Since:
    """``24h``, ``7d``, ``90m``, or a date of ISO 8601, in UTC unless it names its zone; ``ValueError`` otherwise."""
    try:
        return duration_of(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        raise ValueError(f"{text!r} is no time: say 24h, 7d, or a date such as 2026-11-20T08:00Z") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)


def how_far(progress: BackfillProgress) -> str:
    """How far a backfill is, in one line."""
    results = ", ".join(f"{number} {result}" for result, number in sorted(progress.results.items()))
    return f"{progress.looked_at} objects looked at" + (f": {results}" if results else "")


def advice_of(progress: BackfillProgress) -> list[str]:
    """What to do about what was not run; nothing where all was."""
    advice = []
    if progress.left:
        advice.append(f"{progress.left} events are left: see the log, correct the cause, and run this again")
    unremembered = progress.results.get("unremembered")
    if unremembered:
        advice.append(
            f"{unremembered} events may have been handled before this store remembers: they were not run; "
            "--include-unremembered runs them"
        )
    return advice


class Narrator:
    """Says now and then how far a backfill is, and knows where it stands if it breaks off."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say, self._next = say, time.monotonic() + _TELL_EVERY
        self.mark: str | None = None

    def __call__(self, progress: BackfillProgress) -> None:
        """The ``progress`` of a backfill."""
        self.mark = progress.mark
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _TELL_EVERY
            self._say(f"{how_far(progress)} (--resume {progress.mark})")

    def broke_off(self) -> str:
        """How to go on."""
        return f"stopped: --resume {self.mark} goes on from here" if self.mark else "stopped before anything was run"
