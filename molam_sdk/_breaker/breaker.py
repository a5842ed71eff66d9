"""A pybreaker breaker as the gate of calls: what counts as an outage trips it, and nothing ever waits inside it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, Final
from weakref import WeakSet

import pybreaker

from .._core.wire import Failure, NoReply
from .._forks import renew_after_fork
from .._interruption import raised_from_outside
from .._quiet_log import log
from .window import FailureRate, Window

_HALF_OPEN_RETRY_AFTER: Final = 1.0
_LONGEST_PROBE: Final = 120.0  # seconds; after that another call may probe


class Breaker:
    """A pybreaker breaker, asked before every attempt and fed once per call.

    pybreaker's own ``call`` holds its lock for as long as the call takes, which would serialise a shop's
    threads; here that lock is only held while a result is counted. Outages count, declined cards do not.
    ``clock`` is monotonic, in seconds: setting the wall clock neither lengthens nor shortens a wait.
    """

    def __init__(
        self,
        cb: pybreaker.CircuitBreaker,
        *,
        half_open_probes: int = 1,
        failure_rate: FailureRate | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cb = cb
        self._most_probes = half_open_probes
        # Weak: a call that Ctrl-C ends between its admission and its end must not keep its place for ever.
        self._probes: WeakSet[Passage] = WeakSet()
        self._window = Window(failure_rate, clock) if failure_rate is not None else None
        self._clock = clock
        self._opened: tuple[datetime, float] | None = None
        self._known_listeners: tuple[tuple[Any, ...], bool] = ((), False)
        self._lock = threading.Lock()
        _log_changes(cb)
        renew_after_fork(self)

    def reset(self) -> None:
        """Close it, and forget what was counted. A probe under way counts as any other call."""
        with self._lock:
            self._probes = WeakSet()
            if self._window is not None:
                self._window.clear()
        with _listeners_may_fail():
            if self.cb.current_state == pybreaker.STATE_CLOSED:
                self.cb._state_storage.reset_counter()  # pyright: ignore[reportPrivateUsage]  # close() would tell of a change
            else:
                self.cb.close()

    def after_fork(self) -> None:
        """A thread of the parent may have held a lock, here or in pybreaker; its probes are not ours."""
        self._lock = threading.Lock()
        self._probes = WeakSet()
        self.cb._lock = threading.RLock()  # pyright: ignore[reportPrivateUsage]  # pybreaker has no public way

    def refusal(self) -> NoReply | None:
        """Why no attempt may begin now, or None: for a later attempt of a call that was let through."""
        wait = self._wait() if self.cb.current_state == pybreaker.STATE_OPEN else 0.0
        return _not_let_through(self.cb, wait) if wait > 0 else None

    def admit(self, passage: Passage) -> NoReply | None:
        """Let a call through, marked as a probe unless the breaker is closed; or say why not."""
        if self.cb.current_state == pybreaker.STATE_CLOSED:
            return None
        with self._lock:
            if self.cb.current_state == pybreaker.STATE_OPEN:
                wait = self._wait()
                if wait > 0:
                    return _not_let_through(self.cb, wait)
                with _listeners_may_fail():
                    self.cb.half_open()
            elif self.cb.current_state == pybreaker.STATE_CLOSED:
                return None
            if len(self._probes) >= self._most_probes and self._probes_under_way() >= self._most_probes:
                return _not_let_through(self.cb, min(_HALF_OPEN_RETRY_AFTER, float(self.cb.reset_timeout)))
            passage.begin_probe(self._clock())
            self._probes.add(passage)
            return None

    def _probes_under_way(self) -> int:
        """Weak or not, a probe does not count for ever: whoever tore its call may keep the call's frames for long."""
        now = self._clock()
        return sum(probe.ends_at > now for probe in tuple(self._probes))

    def end_probe(self, passage: Passage) -> None:
        """A probe ended: its place is free."""
        with self._lock:
            self._probes.discard(passage)

    def feed(self, outage: bool, error: BaseException | None, *, probe: bool) -> None:
        """Count how a call ended. A straggler from before the breaker opened decides nothing any more."""
        state = self.cb.current_state
        if state == pybreaker.STATE_OPEN or (state == pybreaker.STATE_HALF_OPEN and not probe):
            return
        if self._window is None and not outage and not probe and self._idle():
            return
        with self._lock:
            self._count(outage, error)

    def _idle(self) -> bool:
        """Whether a success would change nothing, and nobody is told of successes."""
        return self.cb.fail_counter == 0 and not self._has_hearers()

    def _has_hearers(self) -> bool:
        listeners = self.cb.listeners
        if listeners != self._known_listeners[0]:
            self._known_listeners = (listeners, any(map(_hears_of_calls, listeners)))
        return self._known_listeners[1]

    def _count(self, outage: bool, error: BaseException | None) -> None:
        with _listeners_may_fail():
            try:
                self.cb.call(_end_with, error if outage else None)
            except pybreaker.CircuitBreakerError as tripped:
                # It tripped: the call raises its own error, which says more than "circuit open".
                cause = tripped.__cause__ or tripped.__context__
                if cause is not None and cause is not error and raised_from_outside(cause):
                    raise cause from None
            except BaseException as raised:
                if raised is not error:
                    raise
        if self._window is not None and self._window.trips(outage) and self.cb.current_state == pybreaker.STATE_CLOSED:
            with _listeners_may_fail():
                self.cb.open()

    def _wait(self) -> float:
        """Seconds until the open breaker lets a probe through."""
        opened_at = self.cb._state_storage.opened_at  # pyright: ignore[reportPrivateUsage]  # pybreaker shows it nowhere else
        if opened_at is None:
            return 0.0
        opened = self._opened_on_clock(opened_at)  # before the clock is read: it may read it too
        return float(self.cb.reset_timeout) - (self._clock() - opened)

    def _opened_on_clock(self, opened_at: datetime) -> float:
        """When that was by our own clock, found out once for each opening: pybreaker notes the wall clock only."""
        noted = self._opened
        if noted is None or noted[0] != opened_at:
            aware = opened_at if opened_at.tzinfo is not None else opened_at.replace(tzinfo=timezone.utc)
            ago = max(0.0, (datetime.now(timezone.utc) - aware).total_seconds())
            self._opened = noted = (opened_at, self._clock() - ago)
        return noted[1]


class Passage:
    """One call's way through the breaker: admitted once, fed once."""

    __slots__ = ("__weakref__", "_breaker", "ends_at", "probe")

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self.ends_at = 0.0
        self.probe = False

    def begin_probe(self, now: float) -> None:
        """From now on it holds the place of a probe."""
        self.ends_at = now + _LONGEST_PROBE
        self.probe = True

    def admit(self, *, again: bool) -> NoReply | None:
        if not again:
            return self._breaker.admit(self)
        return None if self.probe else self._breaker.refusal()

    def leave(self, outage: bool | None, error: BaseException | None) -> None:
        try:
            if outage is not None:
                self._breaker.feed(outage, error, probe=self.probe)
        finally:
            if self.probe:
                self._breaker.end_probe(self)


class _ChangeLog(pybreaker.CircuitBreakerListener):
    """Says in the log when calls begin to be refused, and when they are let through again."""

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:
        opened = new_state.name == pybreaker.STATE_OPEN
        what = f"is open: calls are refused for {cb.reset_timeout} s" if opened else f"is {new_state.name}"
        facts: dict[str, object] = {
            "breaker": cb.name,
            "from_state": getattr(old_state, "name", None),
            "to_state": new_state.name,
        }
        log(logging.WARNING if opened else logging.INFO, "circuit breaker %r %s", cb.name, what, facts=facts)


def _log_changes(cb: pybreaker.CircuitBreaker) -> None:
    """Once per breaker, however many clients share it."""
    if not any(isinstance(listener, _ChangeLog) for listener in cb.listeners):
        cb.add_listener(_ChangeLog())


def _hears_of_calls(listener: Any) -> bool:
    """Whether a listener has more to do than at a change of state."""
    kind, deaf = type(listener), pybreaker.CircuitBreakerListener
    return (
        getattr(kind, "before_call", None) is not deaf.before_call or getattr(kind, "success", None) is not deaf.success
    )


@contextmanager
def _listeners_may_fail() -> Iterator[None]:
    """What a merchant's listener raises must not cost the result of a payment."""
    try:
        yield
    except Exception as problem:
        if raised_from_outside(problem):
            raise
        log(logging.ERROR, "a listener of the circuit breaker failed", exc_info=True)


def _end_with(error: BaseException | None) -> None:
    if error is not None:
        raise error


def _not_let_through(cb: pybreaker.CircuitBreaker, wait: float) -> NoReply:
    detail = f"the circuit breaker {cb.name!r} is {cb.current_state}"
    return NoReply(Failure.CIRCUIT_OPEN, detail, retry_after=round(wait, 3))
