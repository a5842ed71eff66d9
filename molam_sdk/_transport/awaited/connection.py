"""One asyncio connection: the same bytes out and the same strict reader of answers as the blocking one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from typing import Final
from weakref import ref

from urllib3.util.wait import wait_for_read

from ..._core.wire import Failure
from ..._http.error import NoReplyError
from ..._http.reader import AnswerReader
from ..failures import handshake_refused, pass_on_interruption, refuses_our_certificate
from ..origin import clock
from .line import Line

# How long to wait to be told why a connection is closing; the event loop says so in one of its next rounds.
_CLOSING_SECONDS: Final = 1.0
_TAKEN_AT_ONCE: Final = 16 * 1024  # by the system's buffer of a connection that holds nothing else
_RINGS_AGAIN_AFTER: Final = 0.25  # an exception of a signal handler may tear the first ring, and nobody would hear it


class Connection:
    """An open connection. ``uses`` counts the answers it has carried; ``idle_since`` is when the last one ended.

    ``sent`` says whether any byte of the request at hand may have left; ``tls`` is its context, where it has one.
    Nobody need close it: it goes with its last reference, and the event loop has none, but for its ``line``.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.line = Line(self)
        self._lost_by: Exception | None = None
        self._pid = os.getpid()
        self._reader: AnswerReader | None = None
        self._answered: asyncio.Future[NoReplyError | None] | None = None
        self._timers: tuple[asyncio.TimerHandle, ...] = ()
        self._deadline = self._read_timeout = self._heard_at = self._rings_at = 0.0
        self.tls: ssl.SSLContext | None = None
        self.uses = 0
        self.idle_since = 0.0
        self.sent = False

    async def exchange(self, request: bytes, reader: AnswerReader, deadline: float, read_timeout: float) -> None:
        """Send the request and read the answer into ``reader``. ``NoReplyError`` if that fails, or not in time."""
        self.sent = False
        self._heard_at = clock()
        if self._heard_at >= deadline:
            raise NoReplyError(Failure.NO_TIME, "the deadline passed before the request was sent")
        transport = self.line.transport
        if transport is None or transport.is_closing():
            raise await self._closed_before_sending(deadline - self._heard_at)
        self._answered = self._loop.create_future()
        self._reader, self._deadline, self._read_timeout = reader, deadline, read_timeout
        self.sent = True
        transport.write(request)
        self._set_timers(self._heard_at)
        try:
            error = await self._answered
        finally:
            self._reader = self._answered = None
        if error is not None:
            raise error
        if self._may_hold_back(request, transport):  # an answer that came before the request had left: it counts
            reader.reusable = False

    def _may_hold_back(self, request: bytes, transport: asyncio.Transport) -> bool:
        """Whether bytes of the request may be unsent. Below TLS the event loop does not show how many it holds."""
        if len(request) <= _TAKEN_AT_ONCE:
            return False
        return bool(transport.get_extra_info("ssl_object") or transport.get_write_buffer_size())

    def usable(self) -> bool:
        """Whether nothing has come since the last answer: neither the server's close nor stray bytes."""
        transport = self.line.transport
        if transport is None or transport.is_closing():
            return False
        try:  # what came while the event loop was busy elsewhere is still in the socket
            return not wait_for_read(transport.get_extra_info("socket"), timeout=0)
        except (OSError, ValueError) as problem:
            pass_on_interruption(problem)
            return False

    def close(self) -> None:
        """Give the socket up at once; a TLS goodbye would only make the event loop wait for the peer's."""
        if os.getpid() == self._pid:  # a forked child shares the selector: letting go there would deafen its parent
            self._stop_timers()
            if self.line.transport is not None:
                self.line.transport.abort()

    def __del__(self) -> None:
        line = getattr(self, "line", None)  # none where __init__ was torn
        if line is None or line.closing() or os.getpid() != self._pid:
            return
        with contextlib.suppress(RuntimeError):  # the event loop has ended
            if _runs_here(self._loop):
                line.transport.abort()
            else:  # the garbage collector may run in any thread
                self._loop.call_soon_threadsafe(line.transport.abort)

    def take_in(self, data: bytes) -> None:
        """A piece of the answer, or bytes that nobody asked for."""
        if self._reader is None:
            self.close()
            return
        self._heard_at = clock()
        try:
            complete = self._reader.feed(data)
        except NoReplyError as error:
            self._end(error)
        else:
            if complete:
                self._end(None)

    def end_of_stream(self) -> None:
        """The server will send no more."""
        reader = self._reader
        if reader is None:
            return
        if self.uses and not reader.head_seen:
            self._end(self._broken("closed by the server", None))
            return
        try:
            reader.end()
        except NoReplyError as error:
            self._end(error)
        else:
            self._end(None)

    def lose(self, problem: Exception | None) -> None:
        """The socket is closed; a call that still waits, whatever tore the reading of its answer, hears of it."""
        self._lost_by = problem
        if problem is None:
            self.end_of_stream()
        self._end(self._broken(str(problem or "closed"), problem))
        self._stop_timers()

    async def _closed_before_sending(self, seconds: float) -> NoReplyError:
        """Why a connection is closed before it carried anything."""
        await asyncio.wait({self.line.gone}, timeout=min(seconds, _CLOSING_SECONDS))
        if refuses_our_certificate(self._lost_by):
            error = NoReplyError(Failure.CERTIFICATE, f"the server does not take our certificate: {self._lost_by}")
        else:
            error = NoReplyError(Failure.CONNECT, "the server closed the connection before the request was sent")
        error.__cause__ = self._lost_by
        return error

    def _broken(self, detail: str, cause: Exception | None) -> NoReplyError:
        headless = self._reader is not None and not self._reader.head_seen
        tls = self.line.transport.get_extra_info("ssl_object") if self.line.transport is not None else None
        if headless and not self.uses and handshake_refused(cause, tls):
            error = NoReplyError(Failure.CERTIFICATE, f"the server does not take our certificate: {detail}")
        elif headless and self.uses:
            # Typical for a server that closes idle connections: it closed while the request was on its way.
            error = NoReplyError(Failure.STALE, f"the kept-alive connection broke: {detail}")
        else:
            error = NoReplyError(Failure.RESET, f"the connection broke: {detail}")
        error.__cause__ = cause
        return error

    def _end(self, error: NoReplyError | None) -> None:
        self._reader = None  # whatever comes after this is a stray
        if self._answered is not None:
            with contextlib.suppress(asyncio.InvalidStateError):  # cancelled, or answered already
                self._answered.set_result(error)

    def _set_timers(self, now: float) -> None:
        """Have the clock looked at when time is up. Timers that ring no later are left: it costs more to set them
        per call than to look once too early."""
        until = min(self._deadline, self._heard_at + self._read_timeout)
        if not self._timers or self._rings_at > until:
            self._ring_at(until, now)

    def _ring_at(self, until: float, now: float) -> None:
        before = self._timers
        itself: ref[Connection] = ref(self)
        later = self._loop.call_later
        self._timers = tuple(later(until - now + more, _ring, itself) for more in (0.0, _RINGS_AGAIN_AFTER))
        self._rings_at = until
        for timer in before:
            timer.cancel()

    def _stop_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers = ()

    def look_at_the_clock(self) -> None:
        """Time may be up."""
        transport = self.line.transport
        if self._answered is None or transport is None:
            self._stop_timers()
            return
        now = clock()
        if transport.get_write_buffer_size():
            self._heard_at = now  # still sending: only the deadline counts
        until = min(self._deadline, self._heard_at + self._read_timeout)
        if now < until:
            self._ring_at(until, now)
        else:
            self._end(NoReplyError(Failure.TIMEOUT, "no complete answer in time"))


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def _ring(connection: ref[Connection]) -> None:
    """Called by the event loop."""
    known = connection()
    if known is not None:
        known.look_at_the_clock()
