"""Bytes in, one answer out (RFC 9112), strict where a lenient reader can be lied to."""

from __future__ import annotations

from typing import Final

from .._core.wire import Failure, Headers
from .body import Body, body_for, too_large
from .error import NoReplyError
from .framing import ByLength, Chunked, Framing, NoBody, ToClose, announces_body, content_length
from .head import MAX_HEAD_BYTES, Head, check_beginning, keeps_connection, parse_head

MAX_INTERIM_ANSWERS: Final = 10
_NO_HEADERS: Final = Headers()
_NO_BODY: Final = NoBody()


class AnswerReader:
    """Reads one answer from whatever pieces it comes in.

    ``feed`` says True once the answer is complete; then ``status``, ``headers`` and ``body`` hold it and
    ``reusable`` says whether the connection may carry another one. Anything wrong is a ``NoReplyError``.

    The answer to a CONNECT is its head (RFC 9112 §6.3, rule 2): nothing in it speaks of a body, and ``reusable``
    says whether the tunnel stands, with nothing in it yet.
    """

    __slots__ = (
        "_body", "_buffer", "_connect", "_done", "_framing", "_interim", "_max_body", "_scanned", "_trusted",
        "body", "head_seen", "headers", "reusable", "status",
    )  # fmt: skip

    def __init__(self, max_body: int, *, method: str = "GET") -> None:
        self.status = 0
        self.headers = _NO_HEADERS
        self.body = b""
        self.reusable = False
        self.head_seen = False
        self._max_body = max_body
        self._connect = method == "CONNECT"
        self._buffer = bytearray()
        self._scanned = 0
        self._interim = 0
        self._trusted = True
        self._body: Body | None = None
        self._framing: Framing | None = None
        self._done = False

    def feed(self, data: bytes) -> bool:
        """Take in what the socket gave."""
        buffer = self._buffer
        buffer += data
        while self._framing is None:
            if not self._read_head(buffer):
                return False
        if not self._done and self._framing(buffer):
            self._finish()
        if self._done and buffer:
            self.reusable = False  # more than was asked for: whatever follows must never be taken for an answer
        return self._done

    def end(self) -> None:
        """The server closed: complete only where the close is what ends the body."""
        if self._framing is None or not self._framing.ends_at_close:
            raise NoReplyError(Failure.INCOMPLETE, "the connection closed before the answer was complete")
        self._finish()

    def _finish(self) -> None:
        if self._body is not None:
            self.body = self._body.finish()
        self._done = True

    def _read_head(self, buffer: bytearray) -> bool:
        end = buffer.find(b"\r\n\r\n", self._scanned)
        if (end if end >= 0 else len(buffer) - 3) > MAX_HEAD_BYTES:
            raise NoReplyError(Failure.MALFORMED, f"the answer's head is larger than {MAX_HEAD_BYTES} bytes")
        if end < 0:
            check_beginning(buffer, self._scanned)
            self._scanned = max(0, len(buffer) - 3)
            return False
        head = parse_head(bytes(buffer[:end]))
        del buffer[: end + 4]
        self._scanned = 0
        if head.status < 200:
            self._skip_interim(head)
        else:
            self._begin_body(head)
        return True

    def _skip_interim(self, head: Head) -> None:
        self._interim += 1
        if head.status == 101 or self._interim > MAX_INTERIM_ANSWERS:
            raise NoReplyError(Failure.MALFORMED, f"unexpected {head.status} answers")
        # An interim answer has no body. One that speaks of it, or of closing, leaves open what follows the final one.
        self._trusted = self._trusted and keeps_connection(head) and not announces_body(head)

    def _begin_body(self, head: Head) -> None:
        self.status, self.headers, self.head_seen = head.status, head.headers, True
        if self._connect:
            self.reusable = 200 <= head.status < 300
            self._framing = _NO_BODY
            return
        self.reusable = self._trusted and keeps_connection(head)
        self._framing = self._frame(head)

    def _frame(self, head: Head) -> Framing:
        """Find out where the body ends: the rules of RFC 9112 §6.3, in their order."""
        stated, coding = head.headers.get("content-length"), head.headers.get("transfer-encoding")
        length = None if stated is None else content_length(stated)
        if head.status in (204, 304):
            # A body that was announced may still come, and must not become the next call's answer.
            self.reusable = self.reusable and not announces_body(head)
            return _NO_BODY
        body = self._body = body_for(head.headers.get("content-encoding", ""), self._max_body)
        if coding is not None:
            if coding.lower() != "chunked" or head.version == 0:
                raise NoReplyError(Failure.MALFORMED, f"unknown Transfer-Encoding {coding[:40]!r}")
            self.reusable = self.reusable and length is None
            return Chunked(body, self._max_body)
        if stated is None or length is None:
            self.reusable = False
            return ToClose(body)
        if length > self._max_body:
            raise too_large(self._max_body)
        self.reusable = self.reusable and "," not in stated  # said twice: hands on the way do not agree
        return ByLength(body, length)
