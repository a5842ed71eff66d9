"""Where a body ends (RFC 9112 §6.3): one small callable for each way.

Each takes out of the buffer what belongs to the body, feeds it to the ``Body`` and says True once the body is
complete. ``ends_at_close`` says whether the server's close completes it as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar, Final, Protocol

from .._core.wire import Failure
from .body import Body, too_large
from .error import NoReplyError
from .head import MAX_HEADER_FIELDS, TCHARS, TEXT, Head

_MAX_LINE: Final = 4 * 1024
_MAX_DIGITS: Final = 18
_LENGTH: Final = re.compile(rf"([0-9]{{1,{_MAX_DIGITS}}})(?:[ \t]*,[ \t]*\1)*")

_QUOTED: Final = rf'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\{TEXT})*"'
# Whitespace around ";" and "=" must be passed over; before the size and after all there is none (RFC 9112 §7.1.1).
_EXTENSION: Final = rf"[ \t]*;[ \t]*{TCHARS}(?:[ \t]*=[ \t]*(?:{TCHARS}|{_QUOTED}))?"
_SIZE_LINE: Final = re.compile(rf"0*([0-9A-Fa-f]{{1,15}})(?:{_EXTENSION})*\r\n".encode())
_SIZE_LINE_BEGUN: Final = re.compile(rf"(?:0*[0-9A-Fa-f]{{1,15}}(?:[ \t;]{TEXT}*)?\r?)?".encode())
_TRAILER_LINE: Final = re.compile(rf"(?:{TCHARS}:{TEXT}*)?\r\n".encode())
_TRAILER_LINE_BEGUN: Final = re.compile(rf"(?:{TCHARS}(?::{TEXT}*\r?)?|\r)?".encode())


class Framing(Protocol):
    """Where one body ends."""

    ends_at_close: ClassVar[bool]

    def __call__(self, buffer: bytearray) -> bool: ...


class NoBody:
    """The head was all."""

    ends_at_close: ClassVar[bool] = False

    def __call__(self, buffer: bytearray) -> bool:
        return True


class ByLength:
    """So many bytes, as ``Content-Length`` said."""

    __slots__ = ("_body", "_left")
    ends_at_close: ClassVar[bool] = False

    def __init__(self, body: Body, length: int) -> None:
        self._body = body
        self._left = length

    def __call__(self, buffer: bytearray) -> bool:
        self._left -= _move(buffer, self._left, self._body)
        return self._left == 0


class ToClose:
    """All that comes until the server closes."""

    __slots__ = ("_body",)
    ends_at_close: ClassVar[bool] = True

    def __init__(self, body: Body) -> None:
        self._body = body

    def __call__(self, buffer: bytearray) -> bool:
        _move(buffer, len(buffer), self._body)
        return False


class Chunked:
    """Pieces that each say their size, then trailer fields, which are checked and left out (RFC 9112 §7.1)."""

    __slots__ = ("_body", "_left", "_limit", "_step", "_trailers")
    ends_at_close: ClassVar[bool] = False

    def __init__(self, body: Body, limit: int) -> None:
        self._body = body
        self._limit = limit
        self._left = 0
        self._trailers = 0
        # A function, not a bound method: that would tie this to itself, for the garbage collector to undo.
        self._step: Callable[[Chunked, bytearray], bool] | None = Chunked._read_size

    def __call__(self, buffer: bytearray) -> bool:
        while self._step is not None:
            if not self._step(self, buffer):
                return False
        return True

    def _read_size(self, buffer: bytearray) -> bool:
        line = _take_line(buffer, _SIZE_LINE, _SIZE_LINE_BEGUN)
        if line is None:
            return False
        self._left = int(line[1], 16)
        if self._left > self._limit:
            raise too_large(self._limit)
        self._step = Chunked._read_data if self._left else Chunked._read_trailer
        return True

    def _read_data(self, buffer: bytearray) -> bool:
        self._left -= _move(buffer, self._left, self._body)
        if self._left:
            return False
        self._step = Chunked._read_line_break
        return True

    def _read_line_break(self, buffer: bytearray) -> bool:
        found = bytes(buffer[:2])
        if not b"\r\n".startswith(found):
            raise NoReplyError(Failure.MALFORMED, "a chunk is longer than its size")
        if len(found) < 2:
            return False
        del buffer[:2]
        self._step = Chunked._read_size
        return True

    def _read_trailer(self, buffer: bytearray) -> bool:
        line = _take_line(buffer, _TRAILER_LINE, _TRAILER_LINE_BEGUN)
        if line is None:
            return False
        self._trailers += 1
        if line[0] == b"\r\n":
            self._step = None
        elif self._trailers > MAX_HEADER_FIELDS:
            raise NoReplyError(Failure.MALFORMED, f"the answer has more than {MAX_HEADER_FIELDS} trailer fields")
        return True


def content_length(text: str) -> int:
    """The length. The same one several times counts once; anything else is a lie (RFC 9110 §8.6)."""
    if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS:
        return int(text)
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise NoReplyError(Failure.MALFORMED, "the answer's Content-Length is not one number")
    return int(found[1])


def announces_body(head: Head) -> bool:
    """Whether its fields speak of a body, be it one that must not come (RFC 9112 §6.3, rule 1)."""
    return head.headers.get("content-length", "0") != "0" or "transfer-encoding" in head.headers


def _move(buffer: bytearray, most: int, body: Body) -> int:
    """Feed the body from the buffer; how many bytes it was."""
    piece = bytes(buffer[:most])
    del buffer[:most]
    if piece:
        body.feed(piece)
    return len(piece)


def _take_line(buffer: bytearray, whole: re.Pattern[bytes], begun: re.Pattern[bytes]) -> re.Match[bytes] | None:
    """The buffer's first line, out of it, once it has come; at once refused if it cannot be one of these."""
    end = buffer.find(b"\n", 0, _MAX_LINE + 2) + 1
    if not end:
        if len(buffer) >= _MAX_LINE + 2 or begun.fullmatch(buffer) is None:
            raise NoReplyError(Failure.MALFORMED, "between the answer's chunks stands a line without end or sense")
        return None
    line = whole.fullmatch(bytes(buffer[:end]))
    if line is None:
        raise NoReplyError(Failure.MALFORMED, "between the answer's chunks stands neither a size nor a trailer")
    del buffer[:end]
    return line
