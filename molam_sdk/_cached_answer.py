"""What a slow question was answered last: whoever looks waits a moment at most, however long the answer takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from weakref import ref

from ._aside import Aside
from ._forks import renew_after_fork
from ._thread_end import let_go_here

T = TypeVar("T")
Store = TypeVar("Store")

_LATE = "no answer yet"


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """The last good answer, if there ever was one, and what is wrong with the question now."""

    value: T | None
    problem: str | None = None


class CachedAnswer(Generic[T]):
    """An answer that is good for ``good_for`` seconds. Then it is asked for again in a daemon thread, for which
    ``known`` waits ``patience`` seconds; a question that hangs is never asked twice at a time. One that has gone
    without an answer for ``late_after`` seconds is told as a problem."""

    def __init__(
        self,
        ask: Callable[[], T],
        *,
        good_for: float,
        patience: float = 1.0,
        late_after: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._good_for, self._patience, self._clock = ask, good_for, patience, clock
        self._late_after = late_after
        self._known: Known[T] = Known(None, None if late_after else _LATE)
        self._answered_at: float | None = None
        self._asked_at = 0.0
        self._asking: Aside[T] | None = None
        renew_after_fork(self)

    def known(self) -> Known[T]:
        """What is known by now."""
        asking = self._asking
        if asking is None and self._is_old():
            asking, self._asked_at = Aside(self._ask), self._clock()
            self._asking = asking
            asking.start("molam-cached-answer")
        if asking is not None:
            if asking.wait(self._patience):
                self._take(asking)
            elif self._clock() - self._asked_at >= self._late_after:
                self._known = Known(self._known.value, _LATE)
        return self._known

    def after_fork(self) -> None:
        """The thread that asks runs in the parent."""
        self._asking = None

    def _is_old(self) -> bool:
        return self._answered_at is None or self._clock() - self._answered_at >= self._good_for

    def _take(self, asking: Aside[T]) -> None:
        self._asking, self._answered_at = None, self._clock()
        if asking.problem is None:
            self._known = Known(asking.result())
        else:  # its words may hold what they must not
            self._known = Known(self._known.value, type(asking.problem).__name__)


def ask_store(held: ref[Store], question: Callable[[Store], T]) -> T | None:
    """What a store answers to whoever asks in a thread that ends then; None where the store is gone."""
    store = held()
    if store is None:
        return None
    try:
        return question(store)
    finally:
        let_go_here(store)
