"""The connection that an answer came on, between the answer's last byte and the verdict on whose answer it is."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

ConnectionT = TypeVar("ConnectionT")
ConnectionT_contra = TypeVar("ConnectionT_contra", contravariant=True)


class KeepsConnections(Protocol[ConnectionT_contra]):
    """A pool, as seen from here."""

    def release(self, connection: ConnectionT_contra) -> None: ...

    def discard(self, connection: ConnectionT_contra) -> None: ...


class HeldConnection(Generic[ConnectionT]):
    """Goes back into the pool, or is closed; closed, too, where nobody says which: as it is forgotten.

    Behind a stray answer comes the one that was asked for: whoever sent on that connection next would read it.
    """

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: KeepsConnections[ConnectionT], connection: ConnectionT) -> None:
        self._pool = pool
        self._connection: ConnectionT | None = connection

    def release(self) -> None:
        """The answer was of the request that was sent: the connection may carry another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.release(connection)

    def discard(self) -> None:
        """The answer was another request's, or it is not known."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.discard(connection)
