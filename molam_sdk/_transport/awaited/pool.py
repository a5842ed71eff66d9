"""The asyncio client's connections to one origin: the idle ones, the most recently used first, and all that stand."""

from __future__ import annotations

from collections import deque
from typing import Final

from .async_connection import AsyncConnection
from .async_slots import Slots
from .connection import clock

# Opening takes the event loop half a millisecond: a thousand at a time would outlast their own connect timeout.
_OPENED_AT_A_TIME: Final = 64


class AsyncPool:
    """Keeps up to ``size`` idle connections, each for ``idle_seconds``. ``standing`` holds those in use, too.

    ``turns`` are those of opening one: a connection that comes back goes to whoever waits for a turn.

    No fork hook: a child must not touch sockets that its parent's event loop watches.
    """

    def __init__(self, size: int, idle_seconds: float) -> None:
        self.standing: set[AsyncConnection] = set()
        self.turns: Slots[AsyncConnection] = Slots(_OPENED_AT_A_TIME)
        self._idle: deque[AsyncConnection] = deque()
        self._size = size
        self._idle_seconds = idle_seconds
        self._closed = False

    def acquire(self) -> AsyncConnection | None:
        """An idle connection that still stands, if there is one."""
        oldest = clock() - self._idle_seconds
        while self._idle:
            connection = self._idle.pop()
            if connection.idle_since > oldest and connection.usable():
                return connection
            connection.close()
        return None

    def release(self, connection: AsyncConnection) -> None:
        """Take a connection back whose answer was read to its end."""
        now = clock()
        connection.uses += 1
        connection.idle_since = now
        if self.turns.pass_on(connection):
            return
        self._idle.append(connection)
        oldest = now - self._idle_seconds
        while self._idle and (self._closed or len(self._idle) > self._size or self._idle[0].idle_since < oldest):
            self._idle.popleft().close()

    def clear(self) -> None:
        """Close every idle connection: the server has shown that it closes them."""
        while self._idle:
            self._idle.pop().close()

    def drop(self) -> None:
        """Nobody closed the client: let go of every connection, whether or not the event loop still runs."""
        for connection in tuple(self.standing):
            connection.drop()

    async def close(self) -> None:
        """Close every idle connection, those in use as they come back, and wait until the event loop has let go."""
        self._closed = True
        self.clear()
        for connection in tuple(self.standing):
            if connection.closing():
                await connection.gone
