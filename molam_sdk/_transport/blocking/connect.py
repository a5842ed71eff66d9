"""Opens connections: names, TCP, the proxy's tunnel and TLS, each bounded; nothing of a request is sent."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import ssl
from collections import deque
from typing import Final

from ..._core.wire import Failure
from ..._http.error import NoReplyError
from ..dns import AddressInfo, interleaved, resolve
from ..failures import pass_on_interruption, refuses_our_certificate
from ..origin import Origin, clock, time_left, time_left_to_connect
from ..recording import RecorderCheck
from ..tls import TlsSettings
from ..tunnel import ConnectAnswer, connect_request
from .connection import Connection

# RFC 8305 §5, "Connection Attempt Delay".
_HEAD_START: Final = 0.25
_RECV_BYTES: Final = 4 * 1024


class Connector:
    """Opens connections to one origin, through the proxy if there is one.

    ``timeout`` bounds each of name resolution, TCP, the proxy's answer and TLS; a call's deadline all together.
    """

    def __init__(self, origin: Origin, tls: TlsSettings, timeout: float, recorder: RecorderCheck) -> None:
        self._origin = origin
        self._tls = tls
        self._timeout = timeout
        self._recorder = recorder

    def open(self, deadline: float) -> Connection:
        """A fresh connection; ``NoReplyError`` if there is none in time."""
        self._recorder.before_opening()
        sock = self._connect(deadline)
        try:
            if self._origin.secure:
                if self._origin.proxy is not None:
                    self._tunnel(sock, deadline)
                sock = self._handshake(sock, deadline)
        except BaseException:
            sock.close()
            raise
        return Connection(sock)

    def _connect(self, deadline: float) -> socket.socket:
        host, port = self._origin.address
        addresses = resolve(host, port, self._patience(deadline))
        try:
            return connect_to_first(addresses, clock() + self._patience(deadline))
        except TimeoutError as problem:
            raise NoReplyError(Failure.CONNECT_TIMEOUT, f"no connection to {host}:{port} in time") from problem
        except OSError as problem:
            raise NoReplyError(Failure.CONNECT, f"no connection to {host}:{port}: {problem}") from problem

    def _tunnel(self, sock: socket.socket, deadline: float) -> None:
        until = clock() + self._patience(deadline)
        answer = ConnectAnswer()
        try:
            sock.settimeout(time_left(until))
            sock.sendall(connect_request(self._origin))
            sock.settimeout(time_left(until))
            while not answer.feed(sock.recv(_RECV_BYTES)):
                sock.settimeout(time_left(until))
        except TimeoutError as problem:
            raise NoReplyError(Failure.CONNECT_TIMEOUT, "no answer from the proxy in time") from problem
        except OSError as problem:
            raise NoReplyError(Failure.PROXY, f"the proxy does not answer as one: {problem}") from problem

    def _handshake(self, sock: socket.socket, deadline: float) -> ssl.SSLSocket:
        host = self._origin.host
        sock.settimeout(self._patience(deadline))
        try:
            return _shake_hands(self._tls.context(), sock, host)
        except ssl.SSLCertVerificationError as problem:
            reason = problem.verify_message
            raise NoReplyError(Failure.CERTIFICATE, f"the certificate of {host} is not trusted: {reason}") from problem
        except TimeoutError as problem:
            raise NoReplyError(Failure.CONNECT_TIMEOUT, f"no TLS handshake with {host} in time") from problem
        except (OSError, ValueError) as problem:
            failure = Failure.CERTIFICATE if refuses_our_certificate(problem) else Failure.TLS
            raise NoReplyError(failure, f"no TLS with {host}: {problem}") from problem

    def _patience(self, deadline: float) -> float:
        return min(self._timeout, time_left_to_connect(deadline))


def _shake_hands(context: ssl.SSLContext, sock: socket.socket, host: str) -> ssl.SSLSocket:
    wrapped = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    try:
        wrapped.do_handshake()
    except BaseException:
        wrapped.close()
        raise
    return wrapped


def connect_to_first(addresses: list[AddressInfo], until: float) -> socket.socket:
    """A socket connected to the address that answers first ("happy eyeballs", RFC 8305 §5).

    Each gets a head start of 250 ms over the next, less if it fails. ``OSError`` if none answers; ``TimeoutError``
    if none has by ``until``.
    """
    with contextlib.closing(_Race(addresses)) as race:
        return race.winner(until)


class _Race:
    """Connection attempts side by side on non-blocking sockets."""

    def __init__(self, addresses: list[AddressInfo]) -> None:
        self._ahead = deque(interleaved(addresses))
        self._selector = selectors.DefaultSelector()
        self._running: set[socket.socket] = set()
        self._next_due = 0.0
        self._problem: OSError = OSError("no address to connect to")

    def winner(self, until: float) -> socket.socket:
        while self._ahead or self._running:
            connected = self._begin_next(until) or self._wait(until)
            if connected is not None:
                self._running.discard(connected)
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connected
        raise self._problem

    def close(self) -> None:
        """Close the losers."""
        self._selector.close()
        for sock in self._running:
            sock.close()

    def _begin_next(self, until: float) -> socket.socket | None:
        """The next attempt; its socket, if it is connected at once."""
        time_left(until)
        if not self._ahead:
            return None
        family, kind, protocol, _name, where = self._ahead.popleft()
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as problem:  # no IPv6 on this machine, for example
            pass_on_interruption(problem)
            self._problem = problem
            self._next_due = 0.0
            return None
        self._running.add(sock)
        self._next_due = clock() + _HEAD_START
        try:
            sock.setblocking(False)
            sock.connect(where)
        except BlockingIOError:
            self._selector.register(sock, selectors.EVENT_WRITE)
            return None
        except OSError as problem:
            pass_on_interruption(problem)
            self._lose(sock, problem)
            return None
        return sock

    def _wait(self, until: float) -> socket.socket | None:
        """Wait for any attempt until the next one is due; the first that is connected."""
        while self._running and (left := self._due(until) - clock()) > 0:
            for key, _events in self._selector.select(left):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)  # noqa: S101 - nothing else is registered; for the type checker
                self._selector.unregister(sock)
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code == 0:
                    return sock
                self._lose(sock, OSError(code, os.strerror(code)))
        return None

    def _due(self, until: float) -> float:
        return min(until, self._next_due) if self._ahead else until

    def _lose(self, sock: socket.socket, problem: OSError) -> None:
        self._running.discard(sock)
        sock.close()
        self._problem = problem
        self._next_due = 0.0
