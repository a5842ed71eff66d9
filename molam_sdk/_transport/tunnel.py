"""CONNECT through an HTTP proxy (RFC 9110 §9.3.6), without a socket: what to send, and whether it was granted."""

from __future__ import annotations

from .._core.wire import Failure
from .._http.error import NoReplyError
from .._http.reader import AnswerReader
from .origin import Origin, proxy_authorization


def connect_request(origin: Origin) -> bytes:
    """The request for a tunnel to the origin; the API key is no part of it."""
    lines = [f"CONNECT {origin.authority} HTTP/1.1", f"Host: {origin.authority}"]
    authorization = proxy_authorization(origin.proxy) if origin.proxy is not None else None
    if authorization is not None:
        lines.append(f"Proxy-Authorization: {authorization}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


class ConnectAnswer:
    """Reads the proxy's answer, of which only the status counts."""

    def __init__(self) -> None:
        self._reader = AnswerReader(0, method="CONNECT")

    def feed(self, data: bytes) -> bool:
        """Take in what the proxy sent; True once the tunnel stands. ``NoReplyError`` if it will not."""
        if not data:
            raise _not_a_proxy("it closed the connection")
        try:
            complete = self._reader.feed(data)
        except NoReplyError as problem:
            raise _not_a_proxy(problem.detail) from problem
        if complete:
            self._check_granted(self._reader)
        return complete

    def _check_granted(self, reader: AnswerReader) -> None:
        if not 200 <= reader.status < 300:
            raise NoReplyError(Failure.PROXY, f"the proxy refused the connection: {reader.status}")
        if not reader.reusable:  # a TLS server says nothing before the client has: these bytes are the proxy's own
            raise _not_a_proxy("it sent more than an answer to CONNECT")


def _not_a_proxy(reason: str) -> NoReplyError:
    return NoReplyError(Failure.PROXY, f"the proxy does not answer as one: {reason}")
