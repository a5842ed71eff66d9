"""A raw-socket HTTP server on loopback that misbehaves exactly as its script says."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import Self

INTENT = {"id": "pi_1", "status": "requires_confirmation", "amount": 5, "currency": "USD", "capture": False,
          "metadata": {}, "created_at": "2026-01-01T00:00:00Z"}  # fmt: skip
ORDER = {"amount": 5, "currency": "USD"}
KEPT, ENDED = True, False
MOLAMS = ("X-Molam-Request-Id", "req_1")


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it came in: ``connection`` counts accepted connections from 1."""

    connection: int
    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str | None:
        """Its idempotency key."""
        return self.headers.get("idempotency-key")


class Wire:
    """The server's end of one connection, as the turns of a script see it."""

    def __init__(self, sock: socket.socket, over: threading.Event, number: int) -> None:
        self.sock = sock
        self.over = over
        self.number = number

    def send(self, data: bytes) -> None:
        """Send at once."""
        self.sock.sendall(data)

    def drip(self, data: bytes, seconds: float) -> None:
        """Send a byte at a time, that many seconds apart."""
        for byte in data:
            if self.over.wait(seconds):
                return
            self.sock.sendall(bytes([byte]))

    def hang(self) -> None:
        """Keep the connection open and say nothing, until the other side closes it or the server ends."""
        self.sock.settimeout(0.02)
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                if not self.sock.recv(65536):
                    return

    def reset(self) -> None:
        """End with a TCP RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw = socket.socket(fileno=self.sock.detach())
        raw.close()


Turn = Callable[[Wire], bool]


def http(
    status: int | str = 200, body: Any = None, headers: Iterable[tuple[str, str]] = (), *, length: int | None = None
) -> bytes:
    """The bytes of an answer; ``length`` is a Content-Length that may lie."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}" if isinstance(status, str) else f"HTTP/1.1 {status} X"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines.append(f"Content-Length: {len(content) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def answer(status: int | str = 200, body: Any = None, headers: Iterable[tuple[str, str]] = ()) -> Turn:
    """A whole answer; the connection is kept."""
    data = http(status, body, headers)
    return lambda wire: _sent(wire, data)


def created(replayed: bool = False) -> Turn:
    """The answer that a create hopes for."""
    return answer(201, INTENT, [MOLAMS, ("Idempotent-Replayed", "true")] if replayed else [MOLAMS])


def error(status: int, code: str, headers: Iterable[tuple[str, str]] = ()) -> Turn:
    """An error in Molam's own shape."""
    return answer(status, {"error": {"code": code, "message": code}}, [MOLAMS, *headers])


def html(status: int) -> Turn:
    """Some proxy's page."""
    return answer(status, b"<html>sorry</html>", [("Content-Type", "text/html")])


def then_close(data: bytes = b"") -> Turn:
    """These bytes, then the end of the connection."""
    return lambda wire: not _sent(wire, data)


def then_reset(data: bytes = b"") -> Turn:
    """These bytes, then a reset."""

    def turn(wire: Wire) -> bool:
        wire.send(data)
        wire.reset()
        return ENDED

    return turn


def then_hang(data: bytes = b"") -> Turn:
    """These bytes, then nothing."""

    def turn(wire: Wire) -> bool:
        wire.send(data)
        wire.hang()
        return ENDED

    return turn


def dripped(data: bytes, seconds: float = 0.02, first: bytes = b"") -> Turn:
    """``first`` at once, the rest a byte at a time."""

    def turn(wire: Wire) -> bool:
        wire.send(first)
        wire.drip(data, seconds)
        return ENDED

    return turn


def endless(piece: bytes, seconds: float = 0.01, first: bytes = b"") -> Turn:
    """``first``, then the same piece over and over."""

    def turn(wire: Wire) -> bool:
        wire.send(first)
        while not wire.over.wait(seconds):
            wire.send(piece)
        return ENDED

    return turn


def _linger(wrapped: ssl.SSLSocket) -> None:
    """Read on until the client closes: a close with unread bytes is a reset, which can overtake the alert."""
    with socket.socket(fileno=wrapped.detach()) as sock:
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(1)
        while sock.recv(65536):
            pass


def _sent(wire: Wire, data: bytes) -> bool:
    wire.send(data)
    return KEPT


@dataclass
class HostileServer:
    """Plays ``script``, one turn per request in the order they come; past its end every request gets ``usual``.

    ``greet`` is run on a connection before anything is read (a hang in place of a TLS handshake, say);
    ``accepting=False`` leaves connections in the backlog; ``deaf`` reads nothing of what is sent.
    """

    script: list[Turn] = field(default_factory=list)
    usual: Turn = field(default_factory=created)
    tls: ssl.SSLContext | None = None
    greet: Callable[[Wire], None] | None = None
    accepting: bool = True
    deaf: bool = False

    def __post_init__(self) -> None:
        self.requests: list[Seen] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """What clients call."""
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        if self.accepting:
            self._spawn(self._accept)
        return self

    def refuse(self) -> None:
        """Take no further connection: they are refused from now on."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.refuse()
        for sock in tuple(self._open):  # wakes the threads that read from them
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _spawn(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._spawn(self._serve, sock, self.connections)

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            with contextlib.suppress(OSError, ValueError):
                if self.greet is not None:
                    self.greet(Wire(sock, self._over, number))
                if self.tls is not None:
                    sock = self._handshake(self.tls, sock)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open.add(sock)
                self._converse(Wire(sock, self._over, number))
        finally:
            self._open.discard(sock)
            sock.close()

    def _handshake(self, tls: ssl.SSLContext, sock: socket.socket) -> socket.socket:
        sock.settimeout(5)
        wrapped = tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        try:
            wrapped.do_handshake()
        except (OSError, ValueError):
            _linger(wrapped)
            raise
        return wrapped

    def _converse(self, wire: Wire) -> None:
        if self.deaf:
            self._over.wait(30)
        reader = _Requests(wire.sock, self._over)
        while (request := reader.next()) is not None:
            with self._lock:
                self.requests.append(Seen(wire.number, *request))
                turn = self.script.pop(0) if self.script else self.usual
            if not turn(wire):
                return


class _Requests:
    """Reads requests with a Content-Length or none."""

    def __init__(self, sock: socket.socket, over: threading.Event) -> None:
        self._sock, self._over = sock, over
        self._buffer = b""

    def next(self) -> tuple[str, dict[str, str], bytes] | None:
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            if not self._more():
                return None
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return line, headers, body

    def _more(self) -> bool:
        self._sock.settimeout(0.05)
        while not self._over.is_set():
            try:
                data = self._sock.recv(65536)
            except TimeoutError:
                continue
            self._buffer += data
            return bool(data)
        return False


Serve = Callable[..., HostileServer]  # starts a server that ends with the test
