"""Idle connections, the most recently used first; none of them survives a fork, a failure or its time."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable

from ..._forks import renew_after_fork
from ..origin import clock
from .connection import Connection


class Pool:
    """Keeps up to ``size`` idle connections, each for ``idle_seconds``.

    No lock: a deque's ends and a set's members are atomic, and a connection is in one pair of hands or in the
    pool, never both. Whoever acquires a connection must release or discard it.
    """

    def __init__(self, size: int, idle_seconds: float) -> None:
        self._idle: deque[Connection] = deque()
        self._busy: set[Connection] = set()
        self._size = size
        self._idle_seconds = idle_seconds
        self._closed = False
        # A client that nobody closed leaves no open socket behind, neither when collected nor at exit.
        weakref.finalize(self, _close_all, self._idle)
        renew_after_fork(self)

    def __len__(self) -> int:
        return len(self._idle)

    def acquire(self, open_new: Callable[[], Connection]) -> Connection:
        """An idle connection that still stands, or a new one."""
        connection = self._take_idle() or open_new()
        self._busy.add(connection)
        return connection

    def release(self, connection: Connection) -> None:
        """Take a connection back whose answer was read to its end."""
        now = clock()
        connection.uses += 1
        connection.idle_since = now
        self._busy.discard(connection)
        self._idle.append(connection)
        self._trim(now - self._idle_seconds)

    def discard(self, connection: Connection) -> None:
        """Close a connection that must not carry another request."""
        self._busy.discard(connection)
        connection.close()

    def clear(self) -> None:
        """Close every idle connection: the server has shown that it closes them."""
        _close_all(self._idle)

    def close(self) -> None:
        """Close every idle connection, and those in use as they come back."""
        self._closed = True
        self.clear()

    def after_fork(self) -> None:
        """The sockets are the parent's, those that its other threads were using included."""
        for connection in (*self._idle, *self._busy):
            connection.close_in_child()
        self._idle.clear()
        self._busy.clear()

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
        while self._idle and (self._closed or len(self._idle) > self._size or self._idle[0].idle_since < oldest):
            try:
                self._idle.popleft().close()
            except IndexError:
                return


def _close_all(idle: deque[Connection]) -> None:
    while True:
        try:
            idle.pop().close()
        except IndexError:
            return
