"""Collects a body, decoded, and never more of it than allowed: a gzip bomb costs what the bound says."""

from __future__ import annotations

import zlib
from typing import Final

from .._core.wire import Failure
from .error import NoReplyError

_GZIP_WBITS: Final = 16 + zlib.MAX_WBITS
_PIECE_BYTES: Final = 64 * 1024


class Body:
    """Bytes of an identity-coded body, up to ``limit``."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = bytearray()

    def feed(self, data: bytes) -> None:
        """Take in what came off the wire."""
        self._append(data)

    def finish(self) -> bytes:
        """The whole body, once its last byte has been fed."""
        return bytes(self._bytes)

    def _append(self, data: bytes) -> None:
        if len(self._bytes) + len(data) > self._limit:
            self._bytes.clear()
            raise too_large(self._limit)
        self._bytes += data


class CompressedBody(Body):
    """Bytes of a gzip or deflate body (RFC 9110 §8.4.1), inflated piece by piece under the same bound."""

    def __init__(self, limit: int, *, gzip: bool) -> None:
        super().__init__(limit)
        self._gzip = gzip
        self._inflater = zlib.decompressobj(_GZIP_WBITS if gzip else zlib.MAX_WBITS)
        self._seen = self._decided = False
        self._head = b""

    def feed(self, data: bytes) -> None:
        """Inflate in pieces, so that a bomb is noticed one piece past the bound."""
        more = bool(data)
        while more:
            if self._inflater.eof:
                self._next_member()
            self._seen = True
            room = self._room()
            try:
                piece = self._inflate(data, room)
            except zlib.error as problem:
                detail = f"the answer's body cannot be decompressed: {problem}"
                raise NoReplyError(Failure.MALFORMED, detail) from problem
            self._append(piece)
            data = self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail
            # A full piece with nothing left to feed: the inflater may hold more inside.
            more = bool(data) or (len(piece) == room and not self._inflater.eof)

    def finish(self) -> bytes:
        """The inflated body; a stream that breaks off is incomplete."""
        if self._seen and not self._inflater.eof:
            raise NoReplyError(Failure.INCOMPLETE, "the answer's compressed body breaks off")
        return super().finish()

    def _inflate(self, data: bytes, room: int) -> bytes:
        if not self._gzip and not self._decided:
            self._head += data
            if len(self._head) < 2:
                return b""
            data, self._decided = self._head, True
            # "deflate" is sent without its zlib wrapper (RFC 1950 §2.2) by enough servers that browsers take both.
            if self._head[0] & 15 != zlib.DEFLATED or int.from_bytes(self._head[:2], "big") % 31:
                self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        return self._inflater.decompress(data, room)

    def _room(self) -> int:
        """How much to inflate at once: never further than the one byte too many, so that it is seen before any error
        behind it, in whatever pieces the body comes."""
        return min(_PIECE_BYTES, self._limit - len(self._bytes) + 1)

    def _next_member(self) -> None:
        if not self._gzip:
            raise NoReplyError(Failure.MALFORMED, "bytes follow the end of the compressed body")
        self._inflater = zlib.decompressobj(_GZIP_WBITS)


def too_large(limit: int) -> NoReplyError:
    """What is said of a body past the bound."""
    return NoReplyError(Failure.TOO_LARGE, f"the answer's body is larger than {limit} bytes")


def body_for(content_encoding: str, limit: int) -> Body:
    """A collector for this ``Content-Encoding``; ``NoReplyError`` for one that was not asked for."""
    coding = content_encoding.lower()
    if coding in ("", "identity"):
        return Body(limit)
    if coding in ("gzip", "x-gzip", "deflate"):
        return CompressedBody(limit, gzip=coding != "deflate")
    raise NoReplyError(Failure.MALFORMED, f"the answer's Content-Encoding {coding[:40]!r} was not asked for")
