"""A CONNECT proxy as one turn of a hostile server's script."""

from __future__ import annotations

import contextlib
import select
import socket

from tests.support.http_server import ENDED, Turn, Wire


def tunnel_to(port: int) -> Turn:
    """Say yes to CONNECT, whatever host it names, and carry bytes to this port of loopback."""

    def turn(wire: Wire) -> bool:
        with socket.create_connection(("127.0.0.1", port)) as there, contextlib.suppress(OSError):
            wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            wire.sock.settimeout(5)
            carry(wire, there)
        return ENDED

    return turn


def carry(wire: Wire, there: socket.socket) -> None:
    """Carry bytes both ways until either side closes."""
    ends = {wire.sock: there, there: wire.sock}
    while not wire.over.is_set():
        for end in select.select(list(ends), [], [], 0.05)[0]:
            data = end.recv(65536)
            if not data:
                return
            ends[end].sendall(data)
