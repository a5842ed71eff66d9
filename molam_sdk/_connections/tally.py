"""The pools of this process, and how many connections they ever opened."""

from __future__ import annotations

import threading
from typing import Final, NamedTuple, Protocol
from weakref import WeakSet

from .._forks import renew_after_fork


class Standing(NamedTuple):
    """Connections that stand now."""

    idle: int
    in_use: int


class Counted(Protocol):
    """A pool."""

    def standing_now(self) -> Standing: ...


class Listener(Protocol):
    """What shows the tally elsewhere."""

    def refresh(self) -> None:
        """Called when a connection was opened."""


class ConnectionTally:
    """The tally of this process. A connection that is used again costs it nothing."""

    def __init__(self) -> None:
        self.opened = 0
        self._pools: WeakSet[Counted] = WeakSet()
        self._listeners: WeakSet[Listener] = WeakSet()
        self._lock = threading.Lock()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """A thread of the parent may have held the lock."""
        self._lock = threading.Lock()

    def watch(self, pool: Counted) -> None:
        """Count its connections for as long as it lives."""
        self._pools.add(pool)

    def tell(self, listener: Listener) -> None:
        """Have it told of each connection that is opened, for as long as it lives."""
        self._listeners.add(listener)

    def count_opened(self) -> None:
        """One more was opened."""
        with self._lock:
            self.opened += 1
        for listener in list(self._listeners):
            listener.refresh()

    def standing(self) -> Standing:
        """Those of all pools together."""
        pools = [pool.standing_now() for pool in list(self._pools)]
        return Standing(sum(pool.idle for pool in pools), sum(pool.in_use for pool in pools))


CONNECTIONS: Final = ConnectionTally()
