"""The event loop's end of a connection."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, cast
from weakref import ref

if TYPE_CHECKING:
    from .connection import Connection


class Line(asyncio.Protocol):
    """Passes on to the connection what the event loop tells, without holding it: a connection that an exception tore
    from whoever was using it is forgotten, and closes itself. ``gone`` is done once the socket is closed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = ref(connection)
        self._known_in: set[Line] | None = None
        self.transport: asyncio.Transport | None = None
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def stand_in(self, lines: set[Line]) -> None:
        """Be one of these until the socket is closed."""
        if not self.gone.done():
            self._known_in = lines
            lines.add(self)

    def closing(self) -> bool:
        """Whether it has been closed, by either side, and the event loop has yet to let go of it."""
        return self.transport is None or self.transport.is_closing()

    def drop(self) -> None:
        """Let go without an event loop's help."""
        for _ in range(2):  # on an ended loop the first try marks the transport closed and raises, the second may pass
            with contextlib.suppress(RuntimeError):
                if self.transport is not None:
                    self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop, once, when TCP and TLS stand."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one by behaviour only
        connection = self._connection()
        if connection is None:
            self.transport.abort()
        else:
            connection.tls = transport.get_extra_info("sslcontext")

    def data_received(self, data: bytes) -> None:
        """Called by the event loop: a piece of the answer, or bytes that nobody asked for."""
        connection = self._connection()
        if connection is not None:
            connection.take_in(data)

    def eof_received(self) -> None:
        """Called by the event loop: the server will send no more; the transport then closes."""
        connection = self._connection()
        if connection is not None:
            connection.end_of_stream()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop, once, when the socket is closed."""
        try:
            connection = self._connection()
            if connection is not None:
                connection.lose(exc)
        finally:
            if not self.gone.done():
                self.gone.set_result(None)
            if self._known_in is not None:
                self._known_in.discard(self)
