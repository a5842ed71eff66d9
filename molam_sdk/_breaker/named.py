"""Which breaker a client stands behind: the one that it was given, else the one of its name at the address it calls."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, cast
from weakref import ref

import pybreaker

from .._quiet_log import log
from ..exceptions import ConfigurationError
from .breaker import Breaker, Passage
from .settings import Agreed, BreakerSettings
from .shared import breaker_of

MOST_KEPT: Final = 1000
_GUARD: Final = "_molam_guard"


@dataclass(frozen=True, slots=True)
class NamedBreaker:
    """A breaker of this process, shared by all clients that have its name and call its address."""

    name: str
    base_url: str
    cb: pybreaker.CircuitBreaker


class _Guard:
    """A pybreaker breaker, its gate, and how clients that share them agree."""

    __slots__ = ("agreed", "breaker")

    def __init__(self, cb: pybreaker.CircuitBreaker, settings: BreakerSettings) -> None:
        self.breaker = breaker_of(cb, settings)
        self.agreed = Agreed(settings)

    def joined(self, settings: BreakerSettings) -> Breaker:
        """The gate, for one more client."""
        self.agreed.hear(settings, self.breaker.cb.name)
        return self.breaker


class NamedBreakers:
    """The breakers of a process by address and name, kept until it ends: also between the clients that are made for one
    request each. Beyond ``most_kept`` a client has a breaker of its own: names made of what customers type in
    must neither fill the memory nor push out the breaker of the shop's other calls.

    Takes no lock: of two threads that make one at the same time, the first to put it down counts.
    """

    def __init__(self, most_kept: int = MOST_KEPT) -> None:
        self._most_kept = most_kept
        self._guards: dict[tuple[str, str], _Guard] = {}
        self._made: dict[int, ref[Breaker]] = {}
        self._told_of_many = False

    def breaker(self, base_url: str, name: str, settings: BreakerSettings) -> Breaker:
        """The breaker of this name at this address."""
        guard = self._guards.get((base_url, name))
        if guard is None:
            made = _Guard(_made(name, settings), settings)
            if len(self._guards) >= self._most_kept:
                self._tell_of_many()
                guard = made
            else:
                guard = self._guards.setdefault((base_url, name), made)
            self._remember(guard.breaker)
        return guard.joined(settings)

    def all(self) -> tuple[NamedBreaker, ...]:
        """Those that are kept, in the order in which they were made."""
        kept = list(self._guards.items())
        return tuple(NamedBreaker(name, base_url, guard.breaker.cb) for (base_url, name), guard in kept)

    def reset(self) -> None:
        """Close all that clients have, and forget what they counted."""
        for known in list(self._made.values()):
            breaker = known()
            if breaker is not None:
                breaker.reset()

    def begin_anew(self) -> None:
        """As ``reset``; and a client that is made from now on has a new breaker, with settings of its own."""
        self.reset()
        self._guards.clear()
        self._told_of_many = False

    def _remember(self, breaker: Breaker) -> None:
        """As long as a client has it; the reference takes itself out."""
        self._made[id(breaker)] = ref(breaker, partial(self._made.pop, id(breaker)))

    def _tell_of_many(self) -> None:
        if not self._told_of_many:
            self._told_of_many = True
            log(
                logging.WARNING,
                "%d circuit breakers are kept, and no more: clients with further names have one each of their own; "
                "name a breaker for a kind of calls, not for each customer",
                self._most_kept,
            )


NAMED: Final = NamedBreakers()


class ClientBreaker:
    """The breaker of a client. ``source``: its own, or its name; ``watch``: told of each that it comes to."""

    __slots__ = ("_now", "_settings", "_source", "_watch")

    def __init__(
        self,
        source: pybreaker.CircuitBreaker | str | None,
        settings: BreakerSettings,
        base_url: str,
        watch: Callable[[pybreaker.CircuitBreaker], None],
    ) -> None:
        if source is None or source == "":
            raise ConfigurationError("cb_name must be a name for the circuit breaker; it is what metrics show")
        self._source = source
        self._settings = settings
        self._watch = watch
        self._now = base_url, self._find(base_url)

    def at(self, base_url: str) -> Breaker:
        """The breaker for calls to this address."""
        url, breaker = self._now
        if url != base_url:
            breaker = self._find(base_url)
            self._now = base_url, breaker
        return breaker

    def passage(self, base_url: str) -> Passage:
        """The way of one call to this address."""
        url, breaker = self._now
        return Passage(breaker if url == base_url else self.at(base_url))

    def _find(self, base_url: str) -> Breaker:
        if isinstance(self._source, str):
            breaker = NAMED.breaker(base_url, self._source, self._settings)
        else:
            breaker = _guard_of(self._source, self._settings.without_its_own())
        self._watch(breaker.cb)
        return breaker


def _made(name: str, settings: BreakerSettings) -> pybreaker.CircuitBreaker:
    return pybreaker.CircuitBreaker(settings.fail_max, settings.reset_timeout, settings.success_threshold, name=name)


def _guard_of(cb: pybreaker.CircuitBreaker, settings: BreakerSettings) -> Breaker:
    """The one gate of a breaker that the merchant made: it lives as long as the breaker, whichever clients share it."""
    guard: _Guard | None = vars(cb).get(_GUARD)
    if guard is None:
        guard = cast("_Guard", vars(cb).setdefault(_GUARD, _Guard(cb, settings)))
    return guard.joined(settings)
