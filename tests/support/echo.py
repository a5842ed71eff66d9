"""An asyncio server on loopback whose every answer names the idempotency key of the request it is for."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from typing_extensions import Self

from tests.support.http_server import INTENT


class EchoServer:
    """Answers after ``seconds``; ``gate``, if cleared, holds answers back; ``arrived`` is set by a request,
    ``complete`` once ``awaited`` of them have come."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Event()
        self.awaited = 0
        self.complete = asyncio.Event()
        self.connections = self.in_flight = self.peak = 0
        self.keys: list[str] = []
        self.url = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self.standing: dict[asyncio.Transport, asyncio.Future[None]] = {}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(lambda: _Echo(self), "127.0.0.1", 0, backlog=2048)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        gone = list(self.standing.values())
        for transport in list(self.standing):
            transport.abort()
        await asyncio.gather(*gone)  # a loop that ended before would leave their sockets to the garbage collector

    def begin(self, transport: asyncio.Transport, key: str) -> None:
        """A request is here."""
        self.keys.append(key)
        self.arrived.set()
        if len(self.keys) >= self.awaited:
            self.complete.set()
        task = asyncio.get_running_loop().create_task(self._answer(transport, key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, transport: asyncio.Transport, key: str) -> None:
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            await asyncio.sleep(self.seconds)
            await self.gate.wait()
        finally:
            self.in_flight -= 1
        body = json.dumps(INTENT | {"id": key}).encode()
        # In two pieces, so that a call can be torn between head and body.
        transport.write(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:10])
        await asyncio.sleep(0)
        transport.write(body[10:])


class _Echo(asyncio.Protocol):
    def __init__(self, server: EchoServer) -> None:
        self._server = server
        self._buffer = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._server.connections += 1
        self._server.standing[transport] = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.standing.pop(self._transport).set_result(None)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields.get(b"content-length", b"0"))
        if end and len(rest) >= length:
            self._buffer = rest[length:]
            self._server.begin(self._transport, fields.get(b"idempotency-key", b"-").decode())
