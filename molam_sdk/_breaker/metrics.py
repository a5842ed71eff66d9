"""What metrics tell of breakers: one row for each name, whatever clients and addresses it has."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakSet

import pybreaker
from prometheus_client import CollectorRegistry, Counter, Gauge

_STATES: Final = {pybreaker.STATE_CLOSED: 0, pybreaker.STATE_HALF_OPEN: 1, pybreaker.STATE_OPEN: 2}
_MOST_NAMES: Final = 1000
_NAMELESS: Final = "unnamed"
_OTHERS: Final = "others"

Counting = Callable[[], AbstractContextManager[object]]
"""Gives what is held while series change. Forking waits for it, so nothing else may hold it as its own."""


class BreakerMetrics:
    """The series of one registry, which takes a name once. ``counting`` is held while they change. Of breakers with one
    name the worst shows; names beyond a thousand share a row."""

    def __init__(self, registry: CollectorRegistry, counting: Counting) -> None:
        self._counting = counting
        self._state = Gauge(
            "molam_sdk_circuit_breaker_state",
            "0 closed, 1 half-open, 2 open.",
            ("name",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._changes = Counter(
            "molam_sdk_circuit_breaker_state_changes_total",
            "Changes of the breaker's state, by the state it went to.",
            ("name", "to"),
            registry=registry,
        )
        self._shown: dict[str, WeakSet[_Shown]] = {}

    def watch(self, cb: pybreaker.CircuitBreaker) -> None:
        """Show this breaker's state; one that clients share is counted once."""
        with self._counting():
            listener = _listener_of(cb, self._counting)
            if self not in listener.shown:
                listener.shown[self] = self._show(cb)

    def _show(self, cb: pybreaker.CircuitBreaker) -> _Shown:
        name = cb.name or _NAMELESS
        if name not in self._shown and len(self._shown) >= _MOST_NAMES:
            name = _OTHERS
        namesakes = self._shown.setdefault(name, WeakSet())
        changes = {to: self._changes.labels(name, to) for to in _STATES}
        return _Shown(cb, self._state.labels(name), changes, namesakes)


class _Shown:
    """A breaker in one registry. It leads neither to the registry nor to the breaker: both may go before it."""

    __slots__ = ("__weakref__", "_changes", "_gauge", "_namesakes", "state")

    def __init__(
        self, cb: pybreaker.CircuitBreaker, gauge: Gauge, changes: dict[str, Counter], namesakes: WeakSet[_Shown]
    ) -> None:
        self.state = _STATES[cb.current_state]
        self._gauge = gauge
        self._changes = changes
        self._namesakes = namesakes
        namesakes.add(self)
        self._show_worst()

    def change(self, to: str) -> None:
        self._changes[to].inc()
        self.state = _STATES[to]
        self._show_worst()

    def _show_worst(self) -> None:
        self._gauge.set(max(namesake.state for namesake in self._namesakes))


class _Listener(pybreaker.CircuitBreakerListener):
    """Of one breaker, in every registry that shows it: a registry that is gone takes its part along."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        self.shown: WeakKeyDictionary[BreakerMetrics, _Shown] = WeakKeyDictionary()

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:
        """Called by pybreaker, the lock of its breaker held."""
        with self._counting():
            for shown in list(self.shown.values()):
                shown.change(new_state.name)


def _listener_of(cb: pybreaker.CircuitBreaker, counting: Counting) -> _Listener:
    """Ours among the breaker's listeners, added where it has none."""
    for known in cb.listeners:
        if isinstance(known, _Listener):
            return known
    listener = _Listener(counting)
    cb.add_listener(listener)
    return listener
