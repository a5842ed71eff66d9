"""How a journal stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .entry import CLOSED, Entry


@dataclass(frozen=True, slots=True)
class JournalFigures:
    """Entries without a certain end: ``running`` now, ``in_doubt``, and for ``review``, which are too old to be asked
    again. ``oldest_doubt_seconds``: since the first use of the oldest key that is in doubt or for review."""

    running: int
    in_doubt: int
    review: int
    oldest_doubt_seconds: float


@dataclass(frozen=True, slots=True)
class OutboxFigures:
    """How the outbox stands: operations that are ``queued`` for a worker, how many of them have ``failed`` by now and
    are tried again, and ends that the shop's ``on_end`` is still to hear of (``untold``). ``oldest_seconds``: how long
    the oldest operation has waited to be made."""

    queued: int
    oldest_seconds: float
    failed: int = 0
    untold: int = 0


def figures_of(entries: Iterable[Entry]) -> JournalFigures:
    """The figures of entries that were read just now."""
    open_ = [entry for entry in entries if entry.state not in CLOSED]
    idle = [entry for entry in open_ if entry.lease_left <= 0]
    review = sum(entry.state == "review" for entry in idle)
    oldest = max((entry.age for entry in idle), default=0.0)
    return JournalFigures(len(open_) - len(idle), len(idle) - review, review, max(0.0, oldest))
