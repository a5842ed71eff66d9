"""Bytes in, one answer out (RFC 9112), strict where a lenient reader can be lied to."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from .._core.wire import Failure, Headers
from .body import Body, body_for
from .error import NoReplyError

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_HEADER_FIELDS: Final = 100
MAX_INTERIM_ANSWERS: Final = 10
_MAX_CHUNK_LINE: Final = 4 * 1024

_STATUS_LINE: Final = re.compile(r"HTTP/1\.([01]) ([1-5][0-9]{2})(?: .*)?")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,15}")


class AnswerReader:
    """Reads one answer from whatever pieces it comes in.

    ``feed`` says True once the answer is complete; then ``status``, ``headers`` and ``body`` hold it and
    ``reusable`` says whether the connection may carry another one. Anything wrong is a ``NoReplyError``.
    """

    def __init__(self, max_body: int) -> None:
        self.status = 0
        self.headers = Headers()
        self.body = b""
        self.reusable = False
        self.head_seen = False
        self._max_body = max_body
        self._buffer = bytearray()
        self._scanned = 0
        self._interim = 0
        self._left = 0
        self._sink: Body | None = None
        self._done = False
        # A function, not a bound method: that would tie the reader to itself, for the garbage collector to undo.
        self._step: Callable[[AnswerReader], bool] = AnswerReader._read_head

    def feed(self, data: bytes) -> bool:
        """Take in what the socket gave."""
        self._buffer += data
        while not self._done and self._step(self):
            pass
        if self._done and self._buffer:
            self.reusable = False  # more than was asked for: whatever follows must never be taken for an answer
        return self._done

    def end(self) -> None:
        """The server closed: complete only where the close is what ends the body."""
        if self._step is AnswerReader._read_to_close:
            self._finish()
            return
        raise NoReplyError(Failure.INCOMPLETE, "the connection closed before the answer was complete")

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n", self._scanned)
        self._scanned = max(0, len(self._buffer) - 3) if end < 0 else 0
        if end < 0 or end > MAX_HEAD_BYTES:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise NoReplyError(Failure.MALFORMED, f"the answer's head is larger than {MAX_HEAD_BYTES} bytes")
            self._check_beginning()
            return False
        head = self._buffer[:end].decode("latin-1")
        del self._buffer[: end + 4]
        version, status, headers = _parse_head(head)
        if status < 200:
            self._skip_interim(status)
            return True
        self.status, self.headers, self.head_seen = status, headers, True
        self._frame(version)
        return True

    def _check_beginning(self) -> None:
        """Say at once that this is no HTTP, instead of waiting for the end of a head that never comes."""
        if not b"HTTP/1.".startswith(self._buffer[:7]):
            raise NoReplyError(Failure.MALFORMED, "the answer is not HTTP/1.1")

    def _skip_interim(self, status: int) -> None:
        self._interim += 1
        if status == 101 or self._interim > MAX_INTERIM_ANSWERS:
            raise NoReplyError(Failure.MALFORMED, f"unexpected {status} answers")

    def _frame(self, version: int) -> None:
        """Find out where the body ends (RFC 9112 §6.3)."""
        headers = self.headers
        connection = headers.get("Connection", "").lower()
        self.reusable = "close" not in connection if version == 1 else "keep-alive" in connection
        length = _content_length(headers)
        coding = headers.get("Transfer-Encoding")
        if self.status in (204, 304):
            self._done = True
            return
        self._sink = body_for(headers.get("Content-Encoding", ""), self._max_body)
        if coding is not None:
            if coding.strip().lower() != "chunked" or version == 0:
                raise NoReplyError(Failure.MALFORMED, f"unknown Transfer-Encoding {coding[:40]!r}")
            self.reusable = self.reusable and length is None
            self._step = AnswerReader._read_chunk_size
        elif length is None:
            self.reusable = False
            self._step = AnswerReader._read_to_close
        else:
            if length > self._max_body:
                raise NoReplyError(Failure.TOO_LARGE, f"the answer's body is larger than {self._max_body} bytes")
            self._left = length
            self._step = AnswerReader._read_length

    def _read_length(self) -> bool:
        self._take()
        if self._left == 0:
            self._finish()
        return False

    def _read_to_close(self) -> bool:
        self._left = len(self._buffer)
        self._take()
        return False

    def _read_chunk_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        size = line.partition(b";")[0].strip(b" \t")
        if not _CHUNK_SIZE.fullmatch(size):
            raise NoReplyError(Failure.MALFORMED, "a chunk without a size")
        self._left = int(size, 16)
        self._step = AnswerReader._read_chunk if self._left else AnswerReader._read_trailer
        return True

    def _read_chunk(self) -> bool:
        self._take()
        if self._left == 0:
            self._step = AnswerReader._read_chunk_end
        return self._left == 0

    def _read_chunk_end(self) -> bool:
        if len(self._buffer) < 2:
            return False
        if self._buffer[:2] != b"\r\n":
            raise NoReplyError(Failure.MALFORMED, "a chunk longer than its size")
        del self._buffer[:2]
        self._step = AnswerReader._read_chunk_size
        return True

    def _read_trailer(self) -> bool:
        line = self._line()
        if line is None:
            return False
        self._left += len(line)
        if self._left > MAX_HEAD_BYTES:
            raise NoReplyError(Failure.MALFORMED, "the answer's trailers do not end")
        if not line:
            self._finish()
        return bool(line)

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) > _MAX_CHUNK_LINE:
                raise NoReplyError(Failure.MALFORMED, "a chunk line that does not end")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _take(self) -> None:
        """Move what is there of the current part into the body."""
        piece = bytes(self._buffer[: self._left])
        del self._buffer[: self._left]
        self._left -= len(piece)
        if piece and self._sink is not None:
            self._sink.feed(piece)

    def _finish(self) -> None:
        self.body = self._sink.finish() if self._sink is not None else b""
        self._done = True


def _parse_head(head: str) -> tuple[int, int, Headers]:
    lines = head.split("\r\n")
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1 or "\0" in head:
        raise NoReplyError(Failure.MALFORMED, "the answer's head holds a stray line break or a null byte")
    if len(lines) > MAX_HEADER_FIELDS + 1:
        raise NoReplyError(Failure.MALFORMED, f"the answer has more than {MAX_HEADER_FIELDS} header fields")
    status_line = _STATUS_LINE.fullmatch(lines[0])
    if status_line is None:
        raise NoReplyError(Failure.MALFORMED, "the answer's first line is not an HTTP/1.1 status line")
    return int(status_line[1]), int(status_line[2]), Headers(map(_parse_field, lines[1:]))


def _parse_field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or _TOKEN.fullmatch(name) is None:
        raise NoReplyError(Failure.MALFORMED, "the answer's head holds a line that is no header field")
    return name, value.strip(" \t")


def _content_length(headers: Headers) -> int | None:
    """The length, if given; the same one several times counts once (RFC 9110 §8.6), two lengths are a lie."""
    text = headers.get("Content-Length")
    if text is None:
        return None
    lengths = {part.strip() for part in text.split(",")}
    length = lengths.pop()
    if lengths or not (length.isascii() and length.isdigit()) or len(length) > 18:
        raise NoReplyError(Failure.MALFORMED, "the answer's Content-Length is not one number")
    return int(length)
