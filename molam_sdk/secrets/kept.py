"""One secret that is kept: its last good answer, when to ask again, and one asking at a time."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from .._aside import Aside
from .._forks import renew_after_fork
from .._interruption import raised_from_outside
from .._service_token import TokenLife
from .keeping import Keeping
from .tally import TALLY, log_failure, log_recovery

T = TypeVar("T")

_PATIENCE: Final = 2.0
"""Seconds that a source is waited for while its last good answer could be used."""
_GIVEN_UP_AFTER: Final = 30.0
_PAUSE_AFTER_FAILURE: Final = 10.0
_random: Final = random.SystemRandom()


class _Known(Generic[T]):
    """An answer, and the times of the clock from which on it is renewed aside, waited for, and of no use."""

    __slots__ = ("dead_at", "fetched_at", "renew_at", "value", "wait_from")

    def __init__(self, value: T, fetched_at: float, renew_at: float, wait_from: float, dead_at: float) -> None:
        self.value = value
        self.fetched_at = fetched_at
        self.renew_at = renew_at
        self.wait_from = wait_from
        self.dead_at = dead_at

    def is_new_to(self, refused: T | None, now: float) -> bool:
        """Whether it is what somebody asks for: something else than was refused, and not yet due to be renewed."""
        return now < self.renew_at and (refused is None or self.value != refused)


class _Flight(Aside[T]):
    """One asking of the source, ``before`` which another may still have to end.

    ``number``: an older one that answers late must not replace what a newer one said.
    """

    def __init__(self, function: Callable[[_Flight[T]], T], number: int, before: _Flight[T] | None) -> None:
        super().__init__(lambda: function(self))
        self.number = number
        self.before = before
        self.fetching = False

    def in_time(self) -> bool:
        """Whether it still runs, and has not run for too long."""
        return not self.done and time.monotonic() - self.began < _GIVEN_UP_AFTER


class KeptSecret(Generic[T]):
    """What ``fetch`` answers, kept as ``keeping`` says. ``fetch`` is given the last answer, or None.

    ``life``: how long an answer is good for by its own words. No lock is held while anything else runs.
    """

    def __init__(
        self,
        label: str,
        fetch: Callable[[T | None], T],
        keeping: Keeping,
        *,
        clock: Callable[[], float] = time.monotonic,
        life: Callable[[T], TokenLife | None] | None = None,
    ) -> None:
        self.label = label
        self._fetch = fetch
        self._keeping = keeping
        self._clock = clock
        self._life = life
        self._known: _Known[T] | None = None
        self._flight: _Flight[T] | None = None
        self._begun = self._arrived = 0
        self._failing = False
        self._lock = threading.Lock()
        renew_after_fork(self)
        TALLY.watch(self)

    def after_fork(self) -> None:
        """A thread of the parent may have held the lock, and none of them runs here."""
        self._lock = threading.Lock()
        self._flight = None

    def age(self) -> float | None:
        """Seconds since the last good answer; None where there is none, or the answer was that there is no secret."""
        known = self._known
        return None if known is None or not known.value else max(0.0, self._clock() - known.fetched_at)

    def last(self) -> T | None:
        """The last good answer, of whatever age."""
        known = self._known
        return None if known is None else known.value

    def peek(self) -> T | None:
        """What may be used now, without waiting; a renewal that is due is begun. None: ``renew``, and wait for it."""
        if self._keeping.local:
            return self._look()
        known = self._known
        if known is None:
            return None
        now = self._clock()
        if now >= known.renew_at:
            if now >= known.dead_at:
                return None
            self.renew()
        return known.value

    def get(self) -> T:
        """What counts now, waited for where that must be; what the source raises passes through."""
        found = self._look() if self._keeping.local else None
        while found is None:
            known, now = self._known, self._clock()
            usable = known if known is not None and now < known.dead_at else None
            if usable is None:
                found = self._first_answer()
            elif now >= usable.wait_from:
                found = self._newer_than(usable)
            else:
                if now >= usable.renew_at:
                    self.renew()
                found = usable.value
        return found

    def _first_answer(self) -> T | None:
        """Wait for an answer; None where another who asked was interrupted, or never came back."""
        flight, begun = self._join(None)
        if begun:
            flight.run()  # here: a lookup through the merchant's ORM belongs to this thread's connection
        if not flight.wait(_GIVEN_UP_AFTER):
            return None
        try:
            return flight.result()
        except BaseException as problem:
            if begun or not raised_from_outside(problem):
                raise
            return None

    def _newer_than(self, usable: _Known[T]) -> T:
        """Wait for an answer for a while; the last good one where none comes."""
        flight = self.renew()
        if flight.wait(_PATIENCE) and not isinstance(flight.problem, Exception):  # which is counted and logged
            return flight.result()
        self._put_off(usable)
        return usable.value

    def renew(self, refused: T | None = None) -> Aside[T]:
        """An asking for it, begun or under way. ``refused``: what an answer must differ from to be of use."""
        flight, begun = self._join(refused)
        if begun:
            flight.start("molam-secret")
        return flight

    def _join(self, refused: T | None) -> tuple[_Flight[T], bool]:
        """The asking to wait for, and whether it is a new one that wants to be started.

        Whoever was refused joins none that has begun to read: it may have read what was refused since.
        """
        running = self._flight
        if running is not None and running.in_time() and (refused is None or not running.fetching):
            return running, False
        before = running if running is not None and running.in_time() else None
        flight: _Flight[T] = _Flight(lambda mine: self._ask(mine, refused), self._begun + 1, before)
        if running is not None and not running.done and before is None:
            TALLY.count_failure(self.label)  # it hangs
        with self._lock:
            if self._flight is running:
                self._flight, self._begun = flight, flight.number
                return flight, True
        return self._join(refused)

    def _ask(self, mine: _Flight[T], refused: T | None) -> T:
        before, mine.before = mine.before, None  # which would hold those before it
        if before is not None:
            before.wait(_GIVEN_UP_AFTER)
        known, now = self._known, self._clock()
        if known is not None and known.is_new_to(refused, now):  # another has just asked
            return known.value
        mine.fetching = True
        try:
            value = self._fetch(None if known is None else known.value)
        except BaseException as problem:
            self._note_failure(problem)
            raise
        answer = self._kept(value)
        with self._lock:
            if mine.number > self._arrived:
                self._arrived, self._known = mine.number, answer
        self._note_success()
        return value

    def _look(self) -> T | None:
        """The same in this very thread, for a source that only looks; the last good answer where that fails."""
        known = self._known
        try:
            value = self._fetch(None if known is None else known.value)
        except Exception as problem:
            if raised_from_outside(problem):
                raise
            self._note_failure(problem)
            return known.value if known is not None and self._clock() < known.dead_at else None
        if known is not None and known.value == value and self._clock() < known.dead_at:
            known.fetched_at = self._clock()
        else:
            self._known = self._kept(value)
        self._note_success()
        return value

    def _kept(self, value: T) -> _Known[T]:
        keeping, now = self._keeping, self._clock()
        ttl = keeping.ttl_seconds if value else min(keeping.ttl_seconds, keeping.absent_for)
        renew_at = now + ttl * (0.8 - 0.1 * _random.random())
        wait_from = now + ttl
        dead_at = wait_from + (keeping.stale_for if value else 0.0)
        life = None if self._life is None else self._life(value)
        if life is not None:
            renew_at = min(renew_at, now + life.renew_in * (1 - 0.05 * _random.random()))
            dead_at = min(dead_at, now + life.left)
        return _Known(value, now, min(renew_at, dead_at), min(wait_from, dead_at), dead_at)

    def _put_off(self, known: _Known[T]) -> None:
        """Ask again after a pause, and have nobody wait for it: the last good answer does meanwhile."""
        pause = min(self._keeping.ttl_seconds, _PAUSE_AFTER_FAILURE) * (1 - 0.5 * _random.random())
        known.renew_at = min(self._clock() + pause, known.dead_at)
        known.wait_from = known.dead_at

    def _note_failure(self, problem: BaseException) -> None:
        TALLY.count_failure(self.label)
        if self._known is not None:
            self._put_off(self._known)
        if not self._failing:
            self._failing = True
            log_failure(self.label, problem)

    def _note_success(self) -> None:
        TALLY.changed()
        if self._failing:
            self._failing = False
            log_recovery(self.label)
