"""A blocking connection knows when it must not carry another request."""

from __future__ import annotations

import socket

from molam_sdk._transport.blocking.connection import Connection


def test_a_quiet_connection_is_usable_and_one_with_stray_bytes_is_not() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection(ours)
        assert connection.usable()
        theirs.send(b"x")
        assert not connection.usable()


def test_a_connection_that_the_server_has_closed_is_not_usable() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        assert not Connection(ours).usable()


def test_a_broken_socket_is_not_usable() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        connection = Connection(ours)
        connection.close()
        assert not connection.usable()
