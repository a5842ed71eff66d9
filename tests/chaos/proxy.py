"""The network between merchants and the sandbox: it carries requests, breaks what the seed says, and keeps a record."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from typing_extensions import Self

from tests.chaos.faults import Misfortune, decide
from tests.chaos.gateways import stranger

Writer = asyncio.StreamWriter
PATIENCE = 0.5  # seconds; longer than a merchant waits for an answer
_PAGE = b"<html>sorry</html>"
_NO_ANSWER: tuple[int, bytes, bytes] = (0, b"", b"")


@dataclass(slots=True)
class Carried:
    """What became of one request. ``status`` is the sandbox's own answer, 0 if there was none; ``began``: when the
    request came, a Unix time."""

    tenant: str
    call: str
    key: str
    began: float
    fault: str
    forwarded: bool = False
    status: int = 0
    replayed: bool = False


Fault = Callable[[Misfortune, Carried, bytes, Writer], Awaitable[bool]]


class Proxy:
    """Listens on a free port, or the one given, in a thread of its own, until the block ends. ``tenants`` by their API
    keys."""

    def __init__(self, seed: int, sandbox_port: int, tenants: Mapping[str, str], port: int = 0) -> None:
        self.record: list[Carried] = []
        self.seed, self._sandbox_port = seed, sandbox_port
        self._tenants = {f"Bearer {secret}": tenant for secret, tenant in tenants.items()}
        self._seen = Counter[str]()
        self._strays: dict[asyncio.StreamWriter, bytes] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = port

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=512)

    async def _end(self) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                while await self._carry(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            self._strays.pop(writer, None)
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: Writer) -> bool:
        head, fields, body = await _read_message(reader)
        tenant, call = self._tenants[fields["authorization"]], fields.get("x-call", "")
        key = fields.get("idempotency-key", call)
        seen = f"{tenant}:{key}"
        self._seen[seen] += 1
        fault = decide(self.seed, seen, self._seen[seen])
        stray = self._strays.pop(writer, b"")
        carried = Carried(tenant, call, key, time.time(), "mixed_up" if stray else fault.kind if fault else "")
        self.record.append(carried)
        if stray:
            _send(writer, stray)
        if fault is None or stray:
            return _send(writer, (await self._forward(carried, head + body))[2])
        carry_out = self._faults()[fault.kind.rpartition("_")[2]]
        return await carry_out(fault, carried, head + body, writer)

    def _faults(self) -> dict[str, Fault]:
        return {
            "before": self._before,
            "after": self._after,
            "truncate": self._truncate,
            "garbage": self._garbage,
            "twice": self._twice,
            "stray": self._stray,
            "hang": self._hang,
            "drip": self._drip,
            "zombie": self._zombie,
            "slow": self._slow,
        }

    async def _before(
        self, fault: Misfortune, _carried: Carried, _request: bytes, writer: asyncio.StreamWriter
    ) -> bool:
        return _break(fault, writer)

    async def _after(self, fault: Misfortune, carried: Carried, request: bytes, writer: Writer) -> bool:
        await self._forward(carried, request)
        return _break(fault, writer)

    async def _truncate(
        self, fault: Misfortune, carried: Carried, request: bytes, writer: asyncio.StreamWriter
    ) -> bool:
        _, _, answer = await self._forward(carried, request)
        _send(writer, answer[: int(len(answer) * fault.detail)])
        return False

    async def _garbage(
        self, _fault: Misfortune, carried: Carried, request: bytes, writer: asyncio.StreamWriter
    ) -> bool:
        status, head, answer = await self._forward(carried, request)
        return _send(writer, _answer(status, _PAGE) if head and 200 <= status < 300 else answer)

    async def _twice(self, _fault: Misfortune, carried: Carried, request: bytes, writer: Writer) -> bool:
        _, _, answer = await self._forward(carried, request)
        return _send(writer, answer + answer)

    async def _stray(self, _fault: Misfortune, carried: Carried, request: bytes, writer: Writer) -> bool:
        status, _, answer = await self._forward(carried, request)
        if 200 <= status < 300:
            self._strays[writer] = answer
        return _send(writer, answer)

    async def _hang(self, _fault: Misfortune, carried: Carried, request: bytes, _writer: Writer) -> bool:
        await self._forward(carried, request)
        await asyncio.sleep(PATIENCE)
        return False

    async def _drip(self, _fault: Misfortune, carried: Carried, request: bytes, writer: Writer) -> bool:
        _, _, answer = await self._forward(carried, request)
        for byte in answer:
            if not _send(writer, bytes([byte])):
                break
            await asyncio.sleep(PATIENCE / 8)
        return False

    async def _zombie(
        self, _fault: Misfortune, carried: Carried, request: bytes, _writer: asyncio.StreamWriter
    ) -> bool:
        await asyncio.sleep(PATIENCE)
        await self._forward(carried, request)
        return False

    async def _slow(self, fault: Misfortune, carried: Carried, request: bytes, writer: Writer) -> bool:
        await asyncio.sleep(fault.detail * PATIENCE / 2)
        return _send(writer, (await self._forward(carried, request))[2])

    async def _forward(self, carried: Carried, request: bytes) -> tuple[int, bytes, bytes]:
        """Ask the sandbox; an answer is status, head, all of it. Nothing of it where the sandbox is down."""
        carried.forwarded = True
        writer = None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._sandbox_port)
            writer.write(request)
            head, fields, body = await _read_message(reader)
        except (OSError, EOFError):
            return _NO_ANSWER
        finally:
            if writer is not None:
                writer.close()
        carried.status = int(head.split(b" ", 2)[1])
        carried.replayed = fields.get("idempotent-replayed") == "true"
        return carried.status, head, head + body


async def _read_message(reader: asyncio.StreamReader) -> tuple[bytes, dict[str, str], bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")[1:]
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return head, fields, await reader.readexactly(int(fields.get("content-length", "0")))


def _send(writer: asyncio.StreamWriter, answer: bytes) -> bool:
    """Whether there was something to send, and somebody to send it to."""
    if not answer or writer.is_closing():
        return False
    writer.write(answer)
    return True


def _break(fault: Misfortune, writer: Writer) -> bool:
    """End the exchange as the first word of the kind says."""
    kind = fault.kind.partition("_")[0]
    if kind == "close":
        return False
    if kind == "reset":
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return False
    if kind == "gateway":
        return _send(writer, stranger(fault.detail).render())
    if kind == "page":
        return _send(writer, _answer(404 if fault.detail < 0.5 else 502, _PAGE))
    if kind == "503":
        return _send(writer, _answer((502, 503, 504)[int(fault.detail * 3)], b"", "Retry-After: 0\r\n"))
    return _send(writer, _answer(int(kind), b'{"error": {"code": "injected", "message": "injected"}}'))


def _answer(status: int, body: bytes, more: str = "") -> bytes:
    return f"HTTP/1.1 {status} X\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body
