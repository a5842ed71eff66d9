"""A SOCKS5 proxy as the greeting of a hostile server (RFC 1928): no authentication, CONNECT by name only."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

from tests.support.http_proxy import carry
from tests.support.http_server import Wire


def socks_to(port: int, asked: list[bytes]) -> Callable[[Wire], None]:
    """Take any name, note it in ``asked``, and carry bytes to this port of loopback."""

    def greet(wire: Wire) -> None:
        methods = wire.sock.recv(2)[1]
        wire.sock.recv(methods)
        wire.send(b"\x05\x00")
        head = wire.sock.recv(5)
        asked.append(wire.sock.recv(head[4]))
        wire.sock.recv(2)
        wire.send(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        with socket.create_connection(("127.0.0.1", port)) as there, contextlib.suppress(OSError):
            carry(wire, there)

    return greet
