"""Opens connections: names, TCP, the proxy's tunnel and TLS, bounded together; nothing of a request is sent.

By the standard library only, on sockets of our own, so that every event loop does the same.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from typing import Any, Final

from ..._core.wire import Failure
from ..._http.error import NoReplyError
from ..dns import AddressInfo, found_by, interleaved, look_up, numeric_addresses
from ..failures import refuses_our_certificate
from ..origin import Origin, clock, time_left_to_connect
from ..recording import RecorderCheck
from ..tls import TlsSettings
from ..tunnel import ConnectAnswer, connect_request
from .aside import told_of
from .connection import Connection

# RFC 8305 §5, "Connection Attempt Delay".
_HEAD_START: Final = 0.25
_RECV_BYTES: Final = 4 * 1024
_STEPS: Final = 10


class Connector:
    """Opens connections to one origin, through the proxy if there is one.

    ``timeout`` bounds name resolution, TCP, the proxy's answer and TLS together; so does a call's deadline.
    """

    def __init__(self, origin: Origin, tls: TlsSettings, timeout: float, recorder: RecorderCheck) -> None:
        self._origin = origin
        self._tls = tls
        self._timeout = timeout
        self._recorder = recorder

    async def open(self, deadline: float) -> Connection:
        """A fresh connection; ``NoReplyError`` if there is none in time."""
        self._recorder.before_opening()
        time_left_to_connect(deadline)
        opening = asyncio.ensure_future(self._open())
        try:
            in_time = await self._in_time(opening, deadline)
        except BaseException:
            await _abandon(opening)
            raise
        if not in_time:
            await _abandon(opening)
            raise NoReplyError(Failure.CONNECT_TIMEOUT, f"no connection to {self._origin.base} in time")
        return opening.result()

    async def _in_time(self, opening: asyncio.Future[Connection], deadline: float) -> bool:
        """Wait in steps: a step that a busy event loop stretches counts once, since that is no fault of the network."""
        for _ in range(_STEPS):
            step = min(self._timeout / _STEPS, deadline - clock())
            if step <= 0:
                return False
            done, _pending = await asyncio.wait({opening}, timeout=step)
            if done:
                return True
        return False

    async def _open(self) -> Connection:
        sock = await self._connect()
        try:
            if self._origin.secure and self._origin.proxy is not None:
                await self._tunnel(sock)
            return await self._wrap(sock)
        except BaseException:
            sock.close()
            raise

    async def _connect(self) -> socket.socket:
        host, port = self._origin.address
        try:
            return await connect_to_first(await resolve(host, port))
        except OSError as problem:
            failure = Failure.CONNECT_TIMEOUT if isinstance(problem, TimeoutError) else Failure.CONNECT
            raise NoReplyError(failure, f"no connection to {host}:{port}: {problem}") from problem

    async def _tunnel(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        answer = ConnectAnswer()
        try:
            await loop.sock_sendall(sock, connect_request(self._origin))
            while not answer.feed(await loop.sock_recv(sock, _RECV_BYTES)):
                pass
        except OSError as problem:
            raise NoReplyError(Failure.PROXY, f"the proxy does not answer as one: {problem}") from problem

    async def _wrap(self, sock: socket.socket) -> Connection:
        """Have the event loop watch the socket, over TLS where the origin asks for it."""
        host = self._origin.host
        tls: dict[str, Any] = {}
        if self._origin.secure:
            tls = {"ssl": self._tls.context(), "server_hostname": host}
        connection = Connection()
        try:
            transport, _ = await asyncio.get_running_loop().create_connection(lambda: connection.line, sock=sock, **tls)
        except ssl.SSLCertVerificationError as problem:
            reason = problem.verify_message
            raise NoReplyError(Failure.CERTIFICATE, f"the certificate of {host} is not trusted: {reason}") from problem
        except (OSError, ValueError) as problem:
            failure = Failure.CERTIFICATE if refuses_our_certificate(problem) else Failure.TLS
            raise NoReplyError(failure, f"no TLS with {host}: {type(problem).__name__} {problem}") from problem
        connection.line.connection_made(transport)  # again, in case that what told it so was torn
        return connection


async def resolve(host: str, port: int) -> list[AddressInfo]:
    """The addresses of a host; ``NoReplyError`` if it has none. The lookup is shared with every other caller."""
    if found := numeric_addresses(host, port):
        return found
    lookup = look_up(host, port)
    await told_of(lookup)
    return found_by(lookup, host)


async def connect_to_first(addresses: list[AddressInfo]) -> socket.socket:
    """A socket connected to the address that answers first ("happy eyeballs", RFC 8305 §5).

    Each gets a head start of 250 ms over the next, less if it fails. ``OSError`` if none answers. Ours and not the
    event loop's own: uvloop has none.
    """
    if len(addresses) == 1:
        return await _connect_to(addresses[0])
    race = _Race(addresses)
    try:
        return await race.winner()
    finally:
        await race.close()


class _Race:
    """Connection attempts side by side, each a task."""

    def __init__(self, addresses: list[AddressInfo]) -> None:
        self._ahead = deque(interleaved(addresses))
        self._running: set[asyncio.Task[socket.socket]] = set()
        self._problem: BaseException = OSError("no address to connect to")

    async def winner(self) -> socket.socket:
        """The first socket that is connected."""
        while self._ahead or self._running:
            if self._ahead:
                self._running.add(asyncio.ensure_future(_connect_to(self._ahead.popleft())))
            patience = _HEAD_START if self._ahead else None
            done, _ = await asyncio.wait(self._running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for attempt in done:
                self._running.discard(attempt)
                problem = attempt.exception()
                if problem is None:
                    self._running |= done - {attempt}
                    return attempt.result()
                self._problem = problem
        raise self._problem

    async def close(self) -> None:
        """Close the losers."""
        for attempt in self._running:
            attempt.cancel()
        if self._running:
            await asyncio.wait(self._running)
        for attempt in self._running:
            if not attempt.cancelled() and attempt.exception() is None:
                attempt.result().close()


async def _connect_to(address: AddressInfo) -> socket.socket:
    family, kind, protocol, _name, where = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


async def _abandon(opening: asyncio.Future[Connection]) -> None:
    """End what came too late, and close the connection that it may have become meanwhile."""
    opening.cancel()
    await asyncio.wait({opening})
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
