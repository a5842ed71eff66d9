"""What others read in the same bytes: h11, and llhttp through httptools."""

from __future__ import annotations

from dataclasses import dataclass

import h11
import httptools

_ASKED = h11.Request(method="GET", target="/", headers=[("Host", "a")])


@dataclass(frozen=True)
class Seen:
    """The first final answer that another reader takes these bytes for."""

    status: int
    body: bytes
    reusable: bool


def read_by_h11(data: bytes) -> Seen | None:
    """None where h11 refuses, or waits for more."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(_ASKED)
    connection.send(h11.EndOfMessage())
    status, body = 0, bytearray()
    try:
        connection.receive_data(data)
        closed = False
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                if closed:
                    return None
                closed = True
                connection.receive_data(b"")
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None
    left, _ = connection.trailing_data
    return Seen(status, bytes(body), connection.their_state is h11.DONE and not left)


class _FirstAnswer:
    """llhttp's callbacks."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.status = 0
        self.body = bytearray()
        self.seen: Seen | None = None

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        if self.seen is None:
            self.body += data

    def on_message_complete(self) -> None:
        if self.seen is None and self.status >= 200:
            self.seen = Seen(self.status, bytes(self.body), self.parser.should_keep_alive())


def read_by_llhttp(data: bytes) -> Seen | None:
    """None where llhttp refuses. Where it waits, what it has so far: it is not told of the server's close."""
    first = _FirstAnswer()
    try:
        first.parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return first.seen
    if first.seen is None and first.status >= 200:
        return Seen(first.status, bytes(first.body), reusable=False)
    return first.seen
