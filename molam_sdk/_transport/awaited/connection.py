"""One asyncio connection: the same bytes out and the same strict reader of answers as the blocking one."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from typing import Final, cast

from urllib3.util.wait import wait_for_read

from ..._core.wire import Failure
from ..._http.error import NoReplyError
from ..._http.reader import AnswerReader
from ..failures import handshake_refused, pass_on_interruption, refuses_our_certificate
from ..origin import clock

# How long to wait to be told why a connection is closing; the event loop says so in one of its next rounds.
_CLOSING_SECONDS: Final = 1.0
_TAKEN_AT_ONCE: Final = 16 * 1024  # by the system's buffer of a connection that holds nothing else


class Connection(asyncio.Protocol):
    """An open connection. ``uses`` counts the answers it has carried; ``idle_since`` is when the last one ended.

    ``sent`` says whether any byte of the request at hand may have left. ``gone`` is done once the socket is closed.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._lost_by: Exception | None = None
        self._pid = os.getpid()
        self._reader: AnswerReader | None = None
        self._answered: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = self._read_timeout = self._heard_at = self._rings_at = 0.0
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self.when_gone: Callable[[], None] | None = None
        self.uses = 0
        self.idle_since = 0.0
        self.sent = False

    async def exchange(self, request: bytes, reader: AnswerReader, deadline: float, read_timeout: float) -> None:
        """Send the request and read the answer into ``reader``. ``NoReplyError`` if that fails, or not in time."""
        self.sent = False
        self._heard_at = clock()
        if self._heard_at >= deadline:
            raise NoReplyError(Failure.NO_TIME, "the deadline passed before the request was sent")
        if self._transport is None or self._transport.is_closing():
            raise await self._closed_before_sending(deadline - self._heard_at)
        self._answered = self._loop.create_future()
        self._reader, self._deadline, self._read_timeout = reader, deadline, read_timeout
        self.sent = True
        self._transport.write(request)
        self._set_timer(self._heard_at)
        try:
            await self._answered
        finally:
            self._reader = self._answered = None
        if self._may_hold_back(request):  # an answer that came before the request had left: it counts
            reader.reusable = False

    def _may_hold_back(self, request: bytes) -> bool:
        """Whether bytes of the request may be unsent. Below TLS the event loop does not show how many it holds."""
        if self._transport is None or len(request) <= _TAKEN_AT_ONCE:
            return False
        return bool(self._transport.get_extra_info("ssl_object") or self._transport.get_write_buffer_size())

    def closing(self) -> bool:
        """Whether it has been closed, by either side, and the event loop has yet to let go of it."""
        return self._transport is None or self._transport.is_closing()

    def usable(self) -> bool:
        """Whether nothing has come since the last answer: neither the server's close nor stray bytes."""
        if self._transport is None or self._transport.is_closing():
            return False
        try:  # what came while the event loop was busy elsewhere is still in the socket
            return not wait_for_read(self._transport.get_extra_info("socket"), timeout=0)
        except (OSError, ValueError) as problem:
            pass_on_interruption(problem)
            return False

    def close(self) -> None:
        """Give the socket up at once; a TLS goodbye would only make the event loop wait for the peer's."""
        if os.getpid() == self._pid:  # a forked child shares the selector: letting go there would deafen its parent
            self._stop_timer()
            if self._transport is not None:
                self._transport.abort()

    def drop(self) -> None:
        """Let go without an event loop's help."""
        for _ in range(2):  # on an ended loop the first try marks the transport closed and raises, the second may pass
            with contextlib.suppress(RuntimeError):
                if self._transport is not None:
                    self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop, once, when TCP and TLS stand."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by behaviour only

    def data_received(self, data: bytes) -> None:
        """Called by the event loop: a piece of the answer, or bytes that nobody asked for."""
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

    def eof_received(self) -> None:
        """Called by the event loop: the server will send no more; the transport then closes."""
        if self._reader is not None:
            self._closed_by_server(self._reader)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop, once, when the socket is closed."""
        self._lost_by = exc
        if self._reader is not None:
            if exc is None:
                self._closed_by_server(self._reader)
            else:
                self._end(self._broken(str(exc), exc))
        self._stop_timer()
        if not self.gone.done():
            self.gone.set_result(None)
        if self.when_gone is not None:
            self.when_gone()

    async def _closed_before_sending(self, seconds: float) -> NoReplyError:
        """Why a connection is closed before it carried anything."""
        await asyncio.wait({self.gone}, timeout=min(seconds, _CLOSING_SECONDS))
        if refuses_our_certificate(self._lost_by):
            error = NoReplyError(Failure.CERTIFICATE, f"the server does not take our certificate: {self._lost_by}")
        else:
            error = NoReplyError(Failure.CONNECT, "the server closed the connection before the request was sent")
        error.__cause__ = self._lost_by
        return error

    def _closed_by_server(self, reader: AnswerReader) -> None:
        if self.uses and not reader.head_seen:
            self._end(self._broken("closed by the server", None))
            return
        try:
            reader.end()
        except NoReplyError as error:
            self._end(error)
        else:
            self._end(None)

    def _broken(self, detail: str, cause: Exception | None) -> NoReplyError:
        headless = self._reader is not None and not self._reader.head_seen
        tls = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
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
        if self._answered is None or self._answered.done():
            return
        if error is None:
            self._answered.set_result(None)
        else:
            self._answered.set_exception(error)

    def _set_timer(self, now: float) -> None:
        """Have the clock looked at when time is up. A timer that rings no later is left: it costs more to set one
        per call than to look once too early."""
        until = min(self._deadline, self._heard_at + self._read_timeout)
        if self._timer is not None and self._rings_at <= until:
            return
        self._stop_timer()
        self._rings_at = until
        self._timer = self._loop.call_later(until - now, self._look_at_the_clock)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_at_the_clock(self) -> None:
        self._timer = None
        if self._answered is None or self._transport is None:
            return
        now = clock()
        if self._transport.get_write_buffer_size():
            self._heard_at = now  # still sending: only the deadline counts
        if now < min(self._deadline, self._heard_at + self._read_timeout):
            self._set_timer(now)
        else:
            self._end(NoReplyError(Failure.TIMEOUT, "no complete answer in time"))
