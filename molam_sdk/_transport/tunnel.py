"""CONNECT through an HTTP proxy (RFC 9110 §9.3.6), without a socket: what to send, and whether it was granted."""

from __future__ import annotations

import re
from typing import Final

from .._core.wire import Failure
from .._http.error import NoReplyError
from .origin import Origin, proxy_authorization

_MAX_HEAD_BYTES: Final = 64 * 1024
_MAX_INTERIM_ANSWERS: Final = 10
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?")


def connect_request(origin: Origin) -> bytes:
    """The request for a tunnel to the origin; the API key is no part of it."""
    lines = [f"CONNECT {origin.authority} HTTP/1.1", f"Host: {origin.authority}"]
    authorization = proxy_authorization(origin.proxy) if origin.proxy is not None else None
    if authorization is not None:
        lines.append(f"Proxy-Authorization: {authorization}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


class ConnectAnswer:
    """Reads the proxy's answer. Only its status counts: a 2xx has no body, whatever its fields say."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._interim = 0

    def feed(self, data: bytes) -> bool:
        """Take in what the proxy sent; True once the tunnel stands. ``NoReplyError`` if it will not."""
        if not data:
            raise _not_a_proxy("it closed the connection")
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            status = self._status_of(bytes(self._buffer[:end]))
            del self._buffer[: end + 4]
            if status >= 200:
                self._check_granted(status)
                return True
        self._check_beginning()
        return False

    def _status_of(self, head: bytes) -> int:
        found = _STATUS_LINE.fullmatch(head.split(b"\r\n", 1)[0])
        if found is None:
            raise _not_a_proxy("its first line is not an HTTP/1.1 status line")
        self._interim += 1
        if self._interim > _MAX_INTERIM_ANSWERS:
            raise _not_a_proxy("its interim answers do not end")
        return int(found[1])

    def _check_granted(self, status: int) -> None:
        if not 200 <= status < 300:
            raise NoReplyError(Failure.PROXY, f"the proxy refused the connection: {status}")
        if self._buffer:  # a TLS server says nothing before the client has: these bytes are the proxy's own
            raise _not_a_proxy("it sent more than an answer to CONNECT")

    def _check_beginning(self) -> None:
        if not b"HTTP/1.".startswith(bytes(self._buffer[:7])):
            raise _not_a_proxy("the answer is not HTTP/1.1")
        if len(self._buffer) > _MAX_HEAD_BYTES:
            raise _not_a_proxy("the head of its answer does not end")


def _not_a_proxy(reason: str) -> NoReplyError:
    return NoReplyError(Failure.PROXY, f"the proxy does not answer as one: {reason}")
