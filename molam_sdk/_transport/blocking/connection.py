"""One connection to the API: used and given up under the deadline of the call at hand."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from typing import Final

from urllib3.util.wait import wait_for_read, wait_for_socket

from ..._core.wire import Failure
from ..._http.error import NoReplyError
from ..._http.reader import AnswerReader
from ..failures import handshake_refused, pass_on_interruption
from ..origin import clock, time_left

_RECV_BYTES: Final = 16 * 1024
_SENT_AT_ONCE: Final = 16 * 1024  # a record of TLS; a fresh connection takes more
_NOT_NOW: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

# The parent's sockets, in a child. Kept, since to free one would ask OpenSSL for locks that a thread of the parent
# may have held at the fork, and nobody is left to release them.
_inherited: list[socket.socket] = []


class Connection:
    """An open connection. ``uses`` counts the answers it has carried; ``idle_since`` is when the last one ended.

    ``sent`` says whether any byte of the request at hand may have left; ``tls`` is its context, where it has
    one. Nobody need close it: it goes with its last reference.
    """

    __slots__ = ("__weakref__", "_socket", "idle_since", "sent", "tls", "uses")

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.tls: ssl.SSLContext | None = getattr(sock, "context", None)
        self.uses = 0
        self.idle_since = 0.0
        self.sent = False

    def exchange(self, request: bytes, reader: AnswerReader, deadline: float, read_timeout: float) -> None:
        """Send the request and read the answer into ``reader``. ``NoReplyError`` if that fails, or not in time."""
        self.sent = False
        try:
            if not self._send(request, reader, deadline):
                self._receive(reader, deadline, read_timeout)
        except TimeoutError as problem:
            raise NoReplyError(Failure.TIMEOUT, "no complete answer in time") from problem
        except OSError as problem:
            raise self._broken(problem, reader) from problem

    @property
    def secured(self) -> ssl.SSLSocket | None:
        """The TLS socket, to look at what the server has shown; None in clear text."""
        return self._socket if isinstance(self._socket, ssl.SSLSocket) else None

    def usable(self) -> bool:
        """Whether nothing has come since the last answer: neither the server's close nor stray bytes."""
        try:
            return not wait_for_read(self._socket, timeout=0)
        except (OSError, ValueError) as problem:
            pass_on_interruption(problem)
            return False

    def close(self) -> None:
        """Give the socket back to the system."""
        try:
            self._socket.close()
        except OSError as problem:
            pass_on_interruption(problem)

    def __del__(self) -> None:
        self._socket.close()

    def close_in_child(self) -> None:
        """After a fork: close the child's copy of the descriptor, which neither parent nor peer notice."""
        _inherited.append(self._socket)
        with contextlib.suppress(OSError):
            os.close(self._socket.detach())

    def _broken(self, problem: OSError, reader: AnswerReader) -> NoReplyError:
        if reader.head_seen:
            return NoReplyError(Failure.RESET, f"the connection broke: {problem}")
        if self.uses:
            # Typical for a server that closes idle connections: it closed while the request was on its way.
            return NoReplyError(Failure.STALE, f"the kept-alive connection broke: {problem}")
        if handshake_refused(problem, self._socket):
            return NoReplyError(Failure.CERTIFICATE, f"the server does not take our certificate: {problem}")
        return NoReplyError(Failure.RESET, f"the connection broke: {problem}")

    def _send(self, request: bytes, reader: AnswerReader, deadline: float) -> bool:
        """Hand the request over; True if its whole answer came first, as from a server that refuses it early."""
        if deadline <= clock():
            raise NoReplyError(Failure.NO_TIME, "the deadline passed before the request was sent")
        # Not sendall: on TLS that begins the timeout anew for every record.
        self._socket.settimeout(time_left(deadline))
        self.sent = True
        if len(request) <= _SENT_AT_ONCE:
            unsent = memoryview(request)[self._socket.send(request) :]
        else:
            unsent = memoryview(request)
        return bool(unsent) and self._send_listening(unsent, reader, deadline)

    def _send_listening(self, unsent: memoryview, reader: AnswerReader, deadline: float) -> bool:
        """Send while taking in what comes: whoever refuses a request early may close, and reset what is underway."""
        while unsent:
            self._socket.settimeout(0)
            if self._take_in(reader):
                reader.reusable = False
                return True
            try:
                sent = self._send_some(unsent)
            except OSError as problem:
                pass_on_interruption(problem)
                return self._take_in_the_rest(reader, deadline, problem)
            unsent = unsent[sent:]
            if not sent:
                wait_for_socket(self._socket, read=True, write=True, timeout=time_left(deadline))
        return False

    def _take_in_the_rest(self, reader: AnswerReader, deadline: float, problem: OSError) -> bool:
        """The server takes no more of the request: its answer may have come before that."""
        try:
            self._receive(reader, deadline, time_left(deadline))
        except (OSError, NoReplyError) as nothing:
            pass_on_interruption(nothing)
            raise problem from None
        reader.reusable = False
        return True

    def _send_some(self, unsent: memoryview) -> int:
        try:
            return self._socket.send(unsent[:_SENT_AT_ONCE])
        except _NOT_NOW:
            return 0

    def _take_in(self, reader: AnswerReader) -> bool:
        """Read what is there already; True once the answer is complete."""
        try:
            data = self._socket.recv(_RECV_BYTES)
        except _NOT_NOW:
            return False
        if data:
            return reader.feed(data)
        self._end_of_stream(reader)
        return True

    def _receive(self, reader: AnswerReader, deadline: float, read_timeout: float) -> None:
        sock = self._socket
        while True:
            sock.settimeout(min(read_timeout, time_left(deadline)))
            data = sock.recv(_RECV_BYTES)
            if not data:
                self._end_of_stream(reader)
                return
            if reader.feed(data):
                return

    def _end_of_stream(self, reader: AnswerReader) -> None:
        if self.uses and not reader.head_seen:
            raise ConnectionResetError("closed by the server")
        reader.end()
