"""One connection to the API: used and given up under the deadline of the call at hand."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Final

from urllib3.util.wait import wait_for_read

from ..._core.wire import Failure
from ..._http.error import NoReplyError
from ..._http.reader import AnswerReader
from ..failures import refuses_our_certificate
from ..origin import clock, time_left

_RECV_BYTES: Final = 16 * 1024

# The parent's sockets, in a child. Kept, since to free one would ask OpenSSL for locks that a thread of the parent
# may have held at the fork, and nobody is left to release them.
_inherited: list[socket.socket] = []


class Connection:
    """An open connection. ``uses`` counts the answers it has carried; ``idle_since`` is when the last one ended.

    ``sent`` says whether any byte of the request at hand may have left.
    """

    __slots__ = ("_socket", "idle_since", "sent", "uses")

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.uses = 0
        self.idle_since = 0.0
        self.sent = False

    def exchange(self, request: bytes, reader: AnswerReader, deadline: float, read_timeout: float) -> None:
        """Send the request and read the answer into ``reader``. ``NoReplyError`` if that fails, or not in time."""
        self.sent = False
        try:
            self._send(request, deadline)
            self._receive(reader, deadline, read_timeout)
        except TimeoutError as problem:
            raise NoReplyError(Failure.TIMEOUT, "no complete answer in time") from problem
        except OSError as problem:
            raise self._broken(problem, reader) from problem

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
        if refuses_our_certificate(problem):
            return NoReplyError(Failure.CERTIFICATE, f"the server does not take our certificate: {problem}")
        return NoReplyError(Failure.RESET, f"the connection broke: {problem}")

    def _send(self, request: bytes, deadline: float) -> None:
        if deadline <= clock():
            raise NoReplyError(Failure.NO_TIME, "the deadline passed before the request was sent")
        # Not sendall: on TLS that begins the timeout anew for every record.
        unsent = memoryview(request)
        while unsent:
            self._socket.settimeout(time_left(deadline))
            self.sent = True
            unsent = unsent[self._socket.send(unsent) :]

    def _receive(self, reader: AnswerReader, deadline: float, read_timeout: float) -> None:
        sock = self._socket
        while True:
            sock.settimeout(min(read_timeout, time_left(deadline)))
            data = sock.recv(_RECV_BYTES)
            if not data:
                if self.uses and not reader.head_seen:
                    raise ConnectionResetError("closed by the server")
                reader.end()
                return
            if reader.feed(data):
                return
