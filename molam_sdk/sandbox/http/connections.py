"""Faults as the peer's socket feels them: written to, or done to, the connection itself."""

import asyncio
import contextlib
import socket
import struct
import sys
from typing import TYPE_CHECKING, Any, cast

from starlette.responses import Response
from starlette.types import Receive, Scope

from ..faults.rule import InjectedFault
from .fault_bytes import script

if TYPE_CHECKING:
    _Http = asyncio.Protocol
else:
    from uvicorn.protocols.http.auto import AutoHTTPProtocol as _Http

_LINGER_ZERO = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Connections:
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

        class TrackedConnection(_Http):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self._peer = _address(transport.get_extra_info("peername"))
                opened[self._peer] = cast(asyncio.Transport, transport)
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                opened.pop(self._peer, None)
                super().connection_lost(exc)

        return TrackedConnection

    async def answer_with(
        self, fault: InjectedFault, response: Response | None, scope: Scope, receive: Receive
    ) -> None:
        """Answer with the fault instead of the response, and see the connection closed."""
        transport = self._open.get(_address(scope["client"]))
        if transport is None:
            return
        if fault.kind == "reset":
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            transport.abort()
        else:
            for chunk, pause in script(fault, response):
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
