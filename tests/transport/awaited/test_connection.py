"""An asyncio connection knows when it must not carry another request."""

from __future__ import annotations

import asyncio
import socket

from molam_sdk._transport.awaited.connection import Connection


async def _connection(sock: socket.socket) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(Connection, sock=sock)
    return connection


async def test_what_the_event_loop_has_not_read_yet_makes_it_unusable() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        connection = await _connection(ours)
        assert connection.usable()
        theirs.send(b"x")
        assert not connection.usable()
        connection.close()
        await connection.gone


async def test_a_closed_connection_is_not_usable() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        connection = await _connection(ours)
        connection.close()
        assert not connection.usable()
        await connection.gone
        assert not connection.usable()


async def test_a_connection_that_was_never_made_is_not_usable() -> None:
    assert not Connection().usable()
