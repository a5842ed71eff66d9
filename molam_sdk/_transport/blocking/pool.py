"""Idle connections, the most recently used first; none of them survives a fork, a failure or its time."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from weakref import WeakSet

from ..._connections.tally import CONNECTIONS, ConnectionCounts
from ..._forks import renew_after_fork
from ..origin import clock
from .connection import Connection


class Pool:
    """Keeps up to ``size`` idle connections, each for ``idle_seconds``.

    No lock: a deque's ends are atomic, and a connection is in one pair of hands or in the pool, never both. One that
    is neither released nor discarded, because an exception was raised into whoever had it, is closed when collected.
    """

    def __init__(self, size: int, idle_seconds: float) -> None:
        self._idle: deque[Connection] = deque()
        self._standing: WeakSet[Connection] = WeakSet()
        self._size = size
        self._idle_seconds = idle_seconds
        self._closed = False
        # A client that nobody closed leaves no open socket behind, neither when collected nor at exit.
        weakref.finalize(self, _close_all, self._idle)
        renew_after_fork(self)
        CONNECTIONS.watch(self)

    def __len__(self) -> int:
        return len(self._idle)

    def acquire(self, open_new: Callable[[float], Connection], deadline: float) -> Connection:
        """An idle connection that still stands, or a new one."""
        connection = self._take_idle()
        if connection is None:
            connection = open_new(deadline)
            self._standing.add(connection)
            CONNECTIONS.count_opened()
        return connection

    def release(self, connection: Connection) -> None:
        """Take a connection back whose answer was read to its end."""
        now = clock()
        connection.uses += 1
        connection.idle_since = now
        self._idle.append(connection)
        self._trim(now - self._idle_seconds)

    def discard(self, connection: Connection) -> None:
        """Close a connection that must not carry another request."""
        connection.close()

    def clear(self) -> None:
        """Close every idle connection: the server has shown that it closes them."""
        _close_all(self._idle)

    def close(self) -> None:
        """Close every idle connection, and those in use as they come back."""
        self._closed = True
        self.clear()

    def standing_now(self) -> ConnectionCounts:
        """How many stand; another thread may be taking one."""
        idle = len(self._idle)
        return ConnectionCounts(idle, max(0, len(self._standing) - idle))

    def after_fork(self) -> None:
        """The sockets are the parent's, those that its other threads were using included."""
        for connection in tuple(self._standing):
            connection.close_in_child()
        self._idle.clear()
        self._standing = WeakSet()

    def _take_idle(self) -> Connection | None:
        oldest = clock() - self._idle_seconds
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.idle_since > oldest and connection.usable():
                return connection
            connection.close()

    def _trim(self, oldest: float) -> None:
        idle = self._idle
        try:  # another thread may take any of them meanwhile, the last one included
            while self._closed or len(idle) > self._size or idle[0].idle_since < oldest:
                idle.popleft().close()
        except IndexError:
            return


def _close_all(idle: deque[Connection]) -> None:
    while True:
        try:
            idle.pop().close()
        except IndexError:
            return
