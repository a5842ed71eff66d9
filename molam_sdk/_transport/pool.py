"""Idle connections, the most recently used first; none of them survives a fork, a fault or its time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from .._forks import renew_after_fork
from .connection import Connection, clock


class Pool:
    """Keeps up to ``size`` idle connections, each for ``idle_seconds``.

    No lock: a deque's ends are atomic, and a connection is in one pair of hands or in the pool, never both.
    """

    def __init__(self, size: int, idle_seconds: float) -> None:
        self._idle: deque[Connection] = deque()
        self._size = size
        self._idle_seconds = idle_seconds
        self._closed = False
        renew_after_fork(self)

    def __len__(self) -> int:
        return len(self._idle)

    def acquire(self, open_new: Callable[[], Connection]) -> Connection:
        """An idle connection that still stands, or a new one."""
        oldest = clock() - self._idle_seconds
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return open_new()
            if connection.idle_since > oldest and connection.usable():
                return connection
            connection.close()

    def release(self, connection: Connection) -> None:
        """Take a connection back whose answer was read to its end."""
        now = clock()
        connection.uses += 1
        connection.idle_since = now
        self._idle.append(connection)
        self._trim(now - self._idle_seconds)

    def clear(self) -> None:
        """Close every idle connection: the server has shown that it closes them."""
        while self._idle:
            self._close_oldest()

    def close(self) -> None:
        """Close every idle connection, and those in use as they come back."""
        self._closed = True
        self.clear()

    def after_fork(self) -> None:
        """The sockets are the parent's: the child closes its copies, which the peer does not notice."""
        self.clear()

    def _trim(self, oldest: float) -> None:
        while self._idle and (self._closed or len(self._idle) > self._size or self._idle[0].idle_since < oldest):
            self._close_oldest()

    def _close_oldest(self) -> None:
        try:
            self._idle.popleft().close()
        except IndexError:
            return
