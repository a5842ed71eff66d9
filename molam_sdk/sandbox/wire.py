"""Faults as the peer's socket feels them: written to, or done to, the connection itself."""

import asyncio
import contextlib
import socket
import struct
import sys
from typing import TYPE_CHECKING, Any, cast

from starlette.responses import Response
from starlette.types import Receive, Scope

from .faults import Fault
from .problems import phrase

if TYPE_CHECKING:
    _Http = asyncio.Protocol
else:
    from uvicorn.protocols.http.auto import AutoHTTPProtocol as _Http

_GARBAGE = b'<html><body><h1>502 Bad Gateway</h1>\xff\xfe{"id": "pi_'
_LINGER_ZERO = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Wires:
    """The open connections by their peer's address, which is what an ASGI scope names."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}
        self.stopping = asyncio.Event()

    @property
    def any_open(self) -> bool:
        return bool(self._open)

    def abort_all(self) -> None:
        """Cut off whatever connection is still there."""
        for transport in list(self._open.values()):
            transport.abort()

    async def pause(self, seconds: float) -> None:
        """Sleep in real time, cut short when the server stops."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    def protocol(self) -> type[asyncio.Protocol]:
        """The HTTP protocol class of the server, which tells this registry of its connections."""
        opened = self._open

        class Wire(_Http):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self._peer = _address(transport.get_extra_info("peername"))
                opened[self._peer] = cast(asyncio.Transport, transport)
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                opened.pop(self._peer, None)
                super().connection_lost(exc)

        return Wire

    async def inflict(self, fault: Fault, response: Response | None, scope: Scope, receive: Receive) -> None:
        """Answer with the fault instead of the response, and see the connection closed."""
        transport = self._open.get(_address(scope["client"]))
        if transport is None:
            return
        if fault.kind == "reset":
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            transport.abort()
        else:
            for chunk, pause in _script(fault, response):
                if transport.is_closing() or self.stopping.is_set():
                    break
                transport.write(chunk)
                if pause:
                    await self.pause(pause)
            transport.close()
        while (await receive())["type"] != "http.disconnect":
            pass


def _address(peer: Any) -> tuple[str, int]:
    return str(peer[0]), int(peer[1])


def _script(fault: Fault, response: Response | None) -> list[tuple[bytes, float]]:
    """What is written to the connection, and how long to wait after each piece."""
    if response is None or fault.kind in ("drop_before", "drop_after_commit"):
        return []
    body = bytes(response.body)
    if fault.kind == "garbage":
        return [(_head(200, [(b"content-type", b"text/html")], len(_GARBAGE)) + _GARBAGE, 0)]
    head = _head(response.status_code, response.raw_headers, len(body))
    if fault.kind == "truncate":
        kept = len(body) // 2 if fault.size is None else min(fault.size, max(0, len(body) - 1))
        return [(head + body[:kept], 0)]
    if fault.kind == "drip_headers":
        return [(bytes([byte]), fault.seconds) for byte in head + body]
    return [(head, 0), *((bytes([byte]), fault.seconds) for byte in body)]


def _head(status: int, headers: list[tuple[bytes, bytes]], length: int) -> bytes:
    kept = [(name, value) for name, value in headers if name != b"content-length"]
    lines = [f"HTTP/1.1 {status} {phrase(status)}".encode()]
    lines += [name + b": " + value for name, value in kept]
    return b"\r\n".join([*lines, b"content-length: %d" % length, b"connection: close", b"", b""])
