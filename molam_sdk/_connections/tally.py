"""The pools of this process, and how many connections they ever opened."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol
from weakref import WeakSet

from .._tally import ProcessTally


class ConnectionCounts(NamedTuple):
    """Connections that stand now."""

    idle: int
    in_use: int


class Counted(Protocol):
    """A pool."""

    def standing_now(self) -> ConnectionCounts: ...


class ConnectionTally(ProcessTally):
    """Changes with each connection that is opened; one that is used again costs it nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = 0
        self._pools: WeakSet[Counted] = WeakSet()

    def watch(self, pool: Counted) -> None:
        """Count its connections for as long as it lives."""
        self._pools.add(pool)

    def count_opened(self) -> None:
        """One more was opened."""
        with self._lock:
            self.opened += 1
        self.changed()

    def standing(self) -> ConnectionCounts:
        """Those of all pools together."""
        pools = [pool.standing_now() for pool in list(self._pools)]
        return ConnectionCounts(sum(pool.idle for pool in pools), sum(pool.in_use for pool in pools))


CONNECTIONS: Final = ConnectionTally()
