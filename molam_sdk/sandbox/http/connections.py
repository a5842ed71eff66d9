"""Faults as the peer's socket feels them: written to, or done to, the connection itself."""

import asyncio
import contextlib
import socket
import struct
import sys
from typing import TYPE_CHECKING, Any, cast

from starlette.responses import Response
from starlette.types import Receive, Scope

from ..faults.met import MetFaults
from .fault_bytes import script

if TYPE_CHECKING:

    class _Http(asyncio.Protocol):
        """What of uvicorn's protocol is replaced."""

        def on_headers_complete(self) -> None: ...
        def on_message_complete(self) -> None: ...

else:
    from uvicorn.protocols.http.auto import AutoHTTPProtocol as _Http

MAX_HEAD = 65_536
ARRIVAL_SECONDS = 30.0
_LOOK_AFTER = 0.05
_LINGER_ZERO = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class _BoundedRequests(_Http):
    """Gives a request so many seconds to arrive whole, and so many bytes for its head; then the connection ends.

    What of httptools' callbacks this rests on is held by tests/contracts/test_uvicorn.py; h11, which stands in where
    httptools is missing, bounds the head itself.
    """

    _timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_head = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
            if self._timer is None:
                self._wait_for_request()
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEAD:
            self._refuse(b"431 Request Header Fields Too Large")

    def on_headers_complete(self) -> None:
        self._in_head, self._head_bytes = False, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        self._stop_waiting()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    @property
    def answering(self) -> bool:
        """Whether the request under way is being answered before it has arrived."""
        cycle = getattr(self, "cycle", None)
        return cycle is not None and not self._in_head and bool(cycle.response_started)

    def _wait_for_request(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(ARRIVAL_SECONDS, self._refuse, b"408 Request Timeout")

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: bytes) -> None:
        self._stop_waiting()
        if self._transport.is_closing():
            return
        # An answer that has begun is the only one: nothing may follow it.
        if not self.answering:
            self._transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self._transport.close()


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

    async def _hold(self, transport: asyncio.Transport, seconds: float) -> None:
        """Say nothing for so long, or until the peer has gone."""
        until = asyncio.get_running_loop().time() + seconds
        while not transport.is_closing() and not self.stopping.is_set():
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                return
            await self.pause(min(left, _LOOK_AFTER))

    def protocol(self) -> type[asyncio.Protocol]:
        """The HTTP protocol class of the server, which tells this registry of its connections."""
        opened = self._open

        class TrackedConnection(_BoundedRequests):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self._peer = _address(transport.get_extra_info("peername"))
                opened[self._peer] = cast(asyncio.Transport, transport)
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                opened.pop(self._peer, None)
                super().connection_lost(exc)

        return TrackedConnection

    async def answer_with(self, met: MetFaults, response: Response | None, scope: Scope, receive: Receive) -> None:
        """Answer as the faults will have it instead of with the response, and see the connection closed."""
        transport = self._open.get(_address(scope["client"]))
        if transport is None:
            return
        answer = met.of("answer")
        if answer is not None and answer.kind == "blackhole":
            await self._hold(transport, answer.seconds)
        if answer is not None and answer.kind == "reset":
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            transport.abort()
        else:
            for chunk, pause in script(met, response):
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
