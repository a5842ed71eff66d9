# Generated from receiver/awaited/backfilling.py by ci/generate_blocking.py: edit that file, not this one.
"""The walk of a backfill, blocking: pages are asked for as they are needed, events run at a bounded rate."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from ..backfill import Backfill, BackfillOptions, BackfillProgress, Synthetic
from ..occurrences import ListedKind

_PAGE: Final = 100


def walk(
    client: Any,
    plan: Backfill,
    options: BackfillOptions,
    run: Callable[[Synthetic], str],
) -> BackfillProgress:
    """Run what was missed. Holds one page in memory; what a list raises is raised, the last progress told before."""
    pace = _Pace(1.0 / options.per_second)
    for kind in plan.kinds:
        plan.begin(kind)
        for listed in _listed(client, kind, plan, pace):
            found = plan.event_of(kind, listed)
            if isinstance(found, Synthetic):
                pace.keep()
                result: str | None = run(found)
            else:
                result = found
            plan.note(listed, result)
            options.tell(plan.progress)
    plan.end()
    options.tell(plan.progress)
    return plan.progress


def _listed(client: Any, kind: ListedKind, plan: Backfill, pace: _Pace) -> Iterator[Any]:
    """The objects of a list that are not past; one page in memory."""
    pages = getattr(client, kind.operation)(limit=_PAGE, starting_after=plan.starting_after)
    for page in pages.pages():
        for listed in page.items():
            if plan.is_past(listed):
                return
            yield listed
        pace.keep()


class _Pace:
    """Lets one thing happen in each interval of so many seconds."""

    def __init__(self, interval: float) -> None:
        self._interval, self._next = interval, 0.0

    def keep(self) -> None:
        """Wait until the next one may happen."""
        pause = max(0.0, self._next - time.monotonic())
        time.sleep(pause)
        self._next = time.monotonic() + self._interval
