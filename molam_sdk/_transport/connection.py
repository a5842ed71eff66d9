"""One connection to the API: opened, used and given up under the deadline of the call at hand."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from urllib3.util.wait import wait_for_read

from .._core.wire import Failure
from .._http.error import NoReplyError
from .._http.reader import AnswerReader
from .dns import AddressInfo, resolve

_RECV_BYTES: Final = 16 * 1024
_MAX_PROXY_BODY: Final = 64 * 1024

clock = time.monotonic

# The parent's sockets, in a child. Kept, since to free one would ask OpenSSL for locks that a thread of the parent
# may have held at the fork, and nobody is left to release them.
_inherited: list[socket.socket] = []


@dataclass(frozen=True, slots=True)
class Origin:
    """Where calls go: the API's host and port, over TLS or not, perhaps through an HTTP proxy."""

    scheme: str
    host: str
    port: int
    proxy: str | None = None

    @property
    def host_header(self) -> str:
        """The ``Host`` of requests (RFC 9112 §3.2): no port where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def in_proxy_form(self) -> bool:
        """Whether requests name the whole URL (RFC 9112 §3.2.2): plain HTTP through a proxy."""
        return self.proxy is not None and self.scheme == "http"


_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def origin_of(url: str, proxy: str | None) -> Origin:
    """The origin of a base URL."""
    parts = urlsplit(url)
    return Origin(parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme], proxy)


class Connection:
    """An open connection. ``uses`` counts the answers it has carried; ``idle_since`` is when the last one ended."""

    __slots__ = ("_socket", "idle_since", "uses")

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.uses = 0
        self.idle_since = 0.0

    def exchange(self, request: bytes, reader: AnswerReader, deadline: float, read_timeout: float) -> None:
        """Send the request and read the answer into ``reader``. ``NoReplyError`` if that fails, or not in time."""
        try:
            self._send(request, deadline)
            self._receive(reader, deadline, read_timeout)
        except TimeoutError as problem:
            raise NoReplyError(Failure.TIMEOUT, "no complete answer in time") from problem
        except OSError as problem:
            if refuses_our_certificate(problem) and not self.uses and not reader.head_seen:
                raise NoReplyError(
                    Failure.CERTIFICATE, f"the server does not take our certificate: {problem}"
                ) from problem
            if self.uses and not reader.head_seen:
                # Typical for a server that closes idle connections: it closed while the request was on its way.
                raise NoReplyError(Failure.STALE, f"the kept-alive connection broke: {problem}") from problem
            raise NoReplyError(Failure.RESET, f"the connection broke: {problem}") from problem

    def usable(self) -> bool:
        """Whether nothing has come since the last answer: neither the server's close nor stray bytes."""
        try:
            return not wait_for_read(self._socket, timeout=0)
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        """Give the socket back to the system."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def forsake(self) -> None:
        """In a child: close its copy of the parent's descriptor, which neither parent nor peer notice."""
        _inherited.append(self._socket)
        with contextlib.suppress(OSError):
            os.close(self._socket.detach())

    def _send(self, request: bytes, deadline: float) -> None:
        if deadline <= clock():
            raise NoReplyError(Failure.NO_TIME, "the deadline passed before the request was sent")
        # Not sendall: on TLS that begins the timeout anew for every record.
        unsent = memoryview(request)
        while unsent:
            self._socket.settimeout(_time_left(deadline))
            unsent = unsent[self._socket.send(unsent) :]

    def _receive(self, reader: AnswerReader, deadline: float, read_timeout: float) -> None:
        sock = self._socket
        while True:
            sock.settimeout(min(read_timeout, _time_left(deadline)))
            data = sock.recv(_RECV_BYTES)
            if not data:
                if self.uses and not reader.head_seen:
                    raise ConnectionResetError("closed by the server")
                reader.end()
                return
            if reader.feed(data):
                return


def open_connection(
    origin: Origin, tls: Callable[[], ssl.SSLContext], deadline: float, connect_timeout: float
) -> Connection:
    """Connect, through the proxy if there is one, and shake hands; nothing of the request is sent.

    ``connect_timeout`` bounds each of name resolution, TCP and TLS; ``deadline`` all together.
    """
    via = urlsplit(origin.proxy) if origin.proxy else None
    host, port = (via.hostname or "", via.port or 80) if via else (origin.host, origin.port)
    sock = _connect(host, port, deadline, connect_timeout)
    try:
        if origin.scheme == "https":
            if via is not None:
                _tunnel(sock, origin, via, deadline, connect_timeout)
            sock = _handshake(sock, origin.host, tls(), deadline, connect_timeout)
    except BaseException:
        sock.close()
        raise
    return Connection(sock)


def proxy_authorization(proxy: SplitResult) -> str | None:
    """The ``Proxy-Authorization`` of credentials in a proxy URL."""
    if proxy.username is None:
        return None
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _connect(host: str, port: int, deadline: float, connect_timeout: float) -> socket.socket:
    addresses = resolve(host, port, min(connect_timeout, _time_left_to_connect(deadline)))
    problem: OSError | None = None
    for address in addresses:
        try:
            return _connect_to(address, min(connect_timeout, _time_left_to_connect(deadline)))
        except OSError as failed:
            problem = failed
    if isinstance(problem, socket.timeout):
        raise NoReplyError(Failure.CONNECT_TIMEOUT, f"no connection to {host}:{port} in time") from problem
    raise NoReplyError(Failure.CONNECT, f"no connection to {host}:{port}: {problem}") from problem


def _connect_to(address: AddressInfo, timeout: float) -> socket.socket:
    family, kind, protocol, _name, where = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(timeout)
        sock.connect(where)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def _handshake(
    sock: socket.socket, host: str, context: ssl.SSLContext, deadline: float, connect_timeout: float
) -> ssl.SSLSocket:
    sock.settimeout(min(connect_timeout, _time_left_to_connect(deadline)))
    try:
        return context.wrap_socket(sock, server_hostname=host)
    except ssl.SSLCertVerificationError as problem:
        raise NoReplyError(
            Failure.CERTIFICATE, f"the certificate of {host} is not trusted: {problem.verify_message}"
        ) from problem
    except TimeoutError as problem:
        raise NoReplyError(Failure.CONNECT_TIMEOUT, f"no TLS handshake with {host} in time") from problem
    except (OSError, ValueError) as problem:
        raise NoReplyError(Failure.TLS, f"no TLS with {host}: {problem}") from problem


def _tunnel(sock: socket.socket, origin: Origin, via: SplitResult, deadline: float, connect_timeout: float) -> None:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    lines = [f"CONNECT {host}:{origin.port} HTTP/1.1", f"Host: {host}:{origin.port}"]
    if authorization := proxy_authorization(via):
        lines.append(f"Proxy-Authorization: {authorization}")
    reader = AnswerReader(_MAX_PROXY_BODY)
    deadline = min(deadline, clock() + connect_timeout)
    try:
        sock.settimeout(_time_left(deadline))
        sock.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        while not reader.head_seen:
            sock.settimeout(_time_left(deadline))
            reader.feed(sock.recv(_RECV_BYTES) or _closed_by_proxy())
    except TimeoutError as problem:
        raise NoReplyError(Failure.CONNECT_TIMEOUT, "no answer from the proxy in time") from problem
    except (OSError, NoReplyError) as problem:
        raise NoReplyError(Failure.PROXY, f"the proxy does not answer as one: {problem}") from problem
    if not 200 <= reader.status < 300:
        raise NoReplyError(Failure.PROXY, f"the proxy refused the connection: {reader.status}")


def refuses_our_certificate(problem: OSError) -> bool:
    """TLS 1.3 tells of a client certificate only after the handshake; no request is read before it is checked."""
    text = str(problem)  # aiohttp makes an error of its own of OpenSSL's, with its text
    return "ALERT" in text and ("CERTIFICATE" in text or "UNKNOWN_CA" in text)


def _closed_by_proxy() -> bytes:
    raise ConnectionResetError("it closed the connection")


def _time_left(deadline: float) -> float:
    left = deadline - clock()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


def _time_left_to_connect(deadline: float) -> float:
    left = deadline - clock()
    if left <= 0:
        raise NoReplyError(Failure.CONNECT_TIMEOUT, "the deadline passed while connecting")
    return left
