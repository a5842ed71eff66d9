"""The same server in Python, for systems without a C compiler and for TLS. See loopback.c for the arguments.

Run: python loopback_server.py "<certificate,key or nothing>" <delay in microseconds> [<prefix> <file>]...
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from pathlib import Path


class Lane(asyncio.Protocol):
    """One connection: cuts requests out of the stream and answers each after the delay."""

    accepted = 0
    delay = 0.0
    answers: tuple[tuple[bytes, bytes], ...] = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        Lane.accepted += 1
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            found = head.partition(b"\r\ncontent-length:")[2]
            whole = end + 4 + int(found.partition(b"\r\n")[0] or b"0")
            if len(self._buffer) < whole:
                return
            target = self._buffer.split(b" ", 2)[1]
            self._buffer = self._buffer[whole:]
            self._answer(target)

    def _answer(self, target: bytes) -> None:
        if target == b"/_connections":
            body = b"%d" % Lane.accepted
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            return
        answer = next(answer for prefix, answer in self.answers if target.startswith(prefix))
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self._transport.write, answer)
        else:
            self._transport.write(answer)


async def serve(certificate: str) -> None:
    """Serve until standard input ends."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate.split(","))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Lane, "127.0.0.1", 0, ssl=context, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main(certificate: str, delay_us: str, *pairs: str) -> None:
    Lane.delay = int(delay_us) / 1e6
    Lane.answers = tuple(
        (prefix.encode(), Path(file).read_bytes()) for prefix, file in zip(pairs[::2], pairs[1::2], strict=True)
    )
    asyncio.run(serve(certificate))


if __name__ == "__main__":
    main(*sys.argv[1:])
