"""What RFC 9112 lets a client make of the bytes of one connection, up to its close: regular expressions over the whole.

Written from the RFC and without a look at the reader, so that both are never wrong in the same way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TCHAR = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_STATUS_LINE = rb"HTTP/1\.(?P<minor>[01]) (?P<status>[1-5][0-9][0-9])(?: [\t -~\x80-\xff]*)?\r\n"
# RFC 9110 §5.5 lets a recipient keep control characters in a value, but none of these three.
_FIELD_LINE = _TCHAR + rb"+:[^\x00\r\n]*\r\n"
_HEAD = re.compile(_STATUS_LINE + rb"(?P<fields>(?:" + _FIELD_LINE + rb")*)\r\n")
_FIELD = re.compile(rb"(" + _TCHAR + rb"+):[ \t]*((?:[^\r]*[^\r \t])?)[ \t]*\r\n")

_QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_EXTENSIONS = rb"(?:[ \t]*;[ \t]*" + _TCHAR + rb"+(?:[ \t]*=[ \t]*(?:" + _TCHAR + rb"+|" + _QUOTED + rb"))?)*"
_CHUNK = re.compile(rb"([0-9A-Fa-f]+)" + _EXTENSIONS + rb"\r\n")
_TRAILERS = re.compile(rb"(?:" + _TCHAR + rb"+:[\t -~\x80-\xff]*\r\n)*\r\n")
_LENGTH = re.compile(rb"([0-9]+)(?:[ \t]*,[ \t]*\1)*")


class RefusedError(Exception):
    """The RFC demands, or allows, that this is no answer."""


@dataclass(frozen=True)
class Reading:
    """The one answer that the bytes may be taken for; ``body`` as it came, before any Content-Encoding."""

    minor: int
    status: int
    fields: dict[str, str]
    body: bytes
    reusable: bool


@dataclass(frozen=True)
class _Head:
    minor: int
    status: int
    fields: dict[bytes, bytes]
    end: int

    @property
    def persistent(self) -> bool:
        """RFC 9112 §9.3."""
        options = [option.strip(b" \t").lower() for option in self.fields.get(b"connection", b"").split(b",")]
        return b"close" not in options and (self.minor == 1 or b"keep-alive" in options)

    @property
    def silent(self) -> bool:
        """Whether it says nothing of a body."""
        return b"transfer-encoding" not in self.fields and not self.fields.get(b"content-length", b"0").strip(b"0, \t")


def read(data: bytes, *, connect: bool = False) -> Reading:
    """The answer that these bytes are, followed by the server's close."""
    head, trusted = _head(data, 0), True
    while head.status < 200:
        if head.status == 101:
            raise RefusedError("we asked for no other protocol")
        trusted = trusted and head.persistent and head.silent
        head = _head(data, head.end)
    if connect:
        clean = 200 <= head.status < 300 and head.end == len(data)
        return _reading(head, b"", clean)
    body, end, delimited = _body(data, head)
    return _reading(head, body, trusted and delimited and head.persistent and end == len(data))


def _head(data: bytes, start: int) -> _Head:
    found = _HEAD.match(data, start)
    if found is None:
        raise RefusedError("no head")
    fields: dict[bytes, bytes] = {}
    for name, value in _FIELD.findall(found["fields"]):
        low = name.lower()
        fields[low] = fields[low] + b", " + value if low in fields else value
    return _Head(int(found["minor"]), int(found["status"]), fields, found.end())


def _reading(head: _Head, body: bytes, reusable: bool) -> Reading:
    fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.fields.items()}
    return Reading(head.minor, head.status, fields, body, reusable)


def _body(data: bytes, head: _Head) -> tuple[bytes, int, bool]:
    """The body, where it ends, and whether that is certain enough for another answer to follow (§6.3)."""
    length = head.fields.get(b"content-length")
    if length is not None and _LENGTH.fullmatch(length) is None:
        raise RefusedError("Content-Length is not one number")
    if head.status in (204, 304):
        return b"", head.end, head.silent
    if b"transfer-encoding" in head.fields:
        if not _is_chunked(head.fields[b"transfer-encoding"]) or head.minor == 0:
            raise RefusedError("a transfer coding that is unknown, or that HTTP/1.0 does not have")
        body, end = _chunks(data, head.end)
        return body, end, length is None
    if length is None:
        return data[head.end :], len(data), False
    end = head.end + int(length.split(b",")[0])
    if end > len(data):
        raise RefusedError("incomplete")
    return data[head.end : end], end, True


def _is_chunked(coding: bytes) -> bool:
    """Whether it is this one, empty members of the list aside (RFC 9110 §5.6.1.2)."""
    return [member.lower() for part in coding.split(b",") if (member := part.strip(b" \t"))] == [b"chunked"]


def _chunks(data: bytes, start: int) -> tuple[bytes, int]:
    body = b""
    while True:
        line = _CHUNK.match(data, start)
        if line is None:
            raise RefusedError("no chunk")
        size = int(line[1], 16)
        if size == 0:
            break
        start = line.end() + size
        if data[start : start + 2] != b"\r\n":
            raise RefusedError("a chunk that does not end where it said")
        body += data[line.end() : start]
        start += 2
    end = _TRAILERS.match(data, line.end())
    if end is None:
        raise RefusedError("no trailers")
    return body, end.end()
