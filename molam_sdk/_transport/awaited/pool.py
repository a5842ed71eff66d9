"""The connections to one origin: the idle ones, the most recently used first, and all that stand."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from ..._connections.tally import CONNECTIONS, ConnectionCounts
from ..._core.wire import Failure
from ..._http.error import NoReplyError
from ..origin import clock
from .connection import Connection
from .line import Line
from .semaphore import Permit, Semaphore

# Opening takes the event loop half a millisecond: a thousand at a time would outlast their own connect timeout.
_OPENED_AT_A_TIME: Final = 64
_CLOSING_SECONDS: Final = 1.0


class Pool:
    """Keeps up to ``size`` idle connections, each for ``idle_seconds``. ``standing``: the lines of all that stand;
    a connection that is neither released nor discarded is closed when it is forgotten.

    No fork hook: a child must not touch sockets that its parent's event loop watches.
    """

    def __init__(self, size: int, idle_seconds: float, connect_timeout: float) -> None:
        self.standing: set[Line] = set()
        self._opening: Semaphore[Connection] = Semaphore(_OPENED_AT_A_TIME)
        self._idle: deque[Connection] = deque()
        self._size = size
        self._idle_seconds = idle_seconds
        self._connect_timeout = connect_timeout
        self._closed = False
        CONNECTIONS.watch(self)

    def __len__(self) -> int:
        return len(self._idle)

    async def acquire(self, open_new: Callable[[float], Awaitable[Connection]], deadline: float) -> Connection:
        """An idle connection that still stands, or a new one; one that comes back goes to whoever waits to open."""
        while (connection := self._take_idle()) is None:
            grant = await self._opening.acquire(deadline - clock(), lambda: deadline - clock())
            if grant.permit is not None:
                return await self._open(open_new, deadline, grant.permit)
            if grant.item is None:
                raise NoReplyError(Failure.CONNECT_TIMEOUT, "no connection in time: others were waiting for theirs")
            if grant.item.usable():
                return grant.item
            grant.item.close()
        return connection

    def release(self, connection: Connection) -> None:
        """Take a connection back whose answer was read to its end."""
        now = clock()
        connection.uses += 1
        connection.idle_since = now
        self._idle.append(connection)
        if self._opening.is_wanted:
            # Not at once: whoever releases it may find in the next moment that its answer was another call's, and
            # that call's own answer, still on its way, must not be read by whoever comes next.
            asyncio.get_running_loop().call_soon(self._hand_over)
        else:
            self._trim(now - self._idle_seconds)

    def discard(self, connection: Connection) -> None:
        """Close a connection that must not carry another request."""
        connection.close()

    def clear(self) -> None:
        """Close every idle connection: the server has shown that it closes them."""
        while self._idle:
            self._idle.pop().close()

    def standing_now(self) -> ConnectionCounts:
        """How many stand."""
        idle = len(self._idle)
        return ConnectionCounts(idle, max(0, len(self.standing) - idle))

    def drop(self) -> None:
        """Nobody closed the client: let go of every connection, whether or not the event loop still runs."""
        for line in tuple(self.standing):
            line.drop()

    async def close(self) -> None:
        """Close every idle connection, those in use as they come back, and wait until the event loop has let go."""
        self._closed = True
        self.clear()
        await asyncio.sleep(0)  # for what was forgotten outside of the event loop, and is closed in its next turn
        closing = [line for line in self.standing if line.closing()]
        if closing:
            await asyncio.wait({line.gone for line in closing}, timeout=_CLOSING_SECONDS)
            self.standing.difference_update(closing)

    async def _open(
        self, open_new: Callable[[float], Awaitable[Connection]], deadline: float, permit: Permit
    ) -> Connection:
        """Open one, with a permit to do so; an idle one that came meanwhile will do."""
        began = clock()
        try:
            connection = self._take_idle()
            if connection is None:
                connection = await open_new(deadline)
                connection.line.stand_in(self.standing)
                CONNECTIONS.count_opened()
            return connection
        except NoReplyError as error:
            if error.failure is Failure.CONNECT_TIMEOUT and clock() - began >= self._connect_timeout:
                self._opening.refuse_waiting()  # they have waited as long, and would wait for the same
            raise
        finally:
            self._opening.release(permit)

    def _take_idle(self) -> Connection | None:
        oldest = clock() - self._idle_seconds
        while self._idle:
            connection = self._idle.pop()
            if connection.idle_since > oldest and connection.usable():
                return connection
            connection.close()
        return None

    def _hand_over(self) -> None:
        """Give idle connections to those who wait to open one."""
        while self._idle:
            connection = self._idle.pop()
            if not self._opening.hand_over(connection):
                self._idle.append(connection)
                break
        self._trim(clock() - self._idle_seconds)

    def _trim(self, oldest: float) -> None:
        while self._idle and (self._closed or len(self._idle) > self._size or self._idle[0].idle_since < oldest):
            self._idle.popleft().close()
