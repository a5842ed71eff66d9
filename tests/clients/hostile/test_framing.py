"""Odd framing of an answer, as both clients meet it: refused at once, and its connection not used again."""

from __future__ import annotations

import pytest

from molam_sdk import MolamError, RequestValidationError, ResponseError
from molam_sdk._core.record import CallRecord, CallStart
from tests.support.caller import Caller
from tests.support.http_server import INTENT, ORDER, Serve, answer, created, http, then_hang

BODY = http(201, INTENT).partition(b"\r\n\r\n")[2]
CHUNKED = b"HTTP/1.1 201 X\r\nX-Molam-Request-Id: req_1\r\nTransfer-Encoding: chunked\r\n\r\n"
SIZE = b"%x" % len(BODY)


@pytest.mark.parametrize(
    ("sent", "outcome"),
    [
        (http(201, INTENT).replace(b"\r\n", b"\n"), "unknown"),
        (b"HTTP/1.1 201 X\r\nA: b\nC: d", "unknown"),
        (b"HTTP/1.1 9", "unknown"),
        (b"HTTP/1.1 201 X\r\nX-Molam-Request-Id: req_1\r\nContent-Length: 7\xa0\r\n\r\n", "accepted"),
        (b"HTTP/1.1 201 X\r\nX-Molam-Request-Id: req_1\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", "accepted"),
        (CHUNKED + b" " + SIZE, "accepted"),
        (CHUNKED + SIZE + b";a=\x00", "accepted"),
        (CHUNKED + SIZE + b"\n", "accepted"),
        (CHUNKED + SIZE + b"\r\n" + BODY + b"\r\n0\r\nno field\r\n", "accepted"),
        (CHUNKED + SIZE + b"\r\n" + BODY + b"\r\n0\r\na: b\rc", "accepted"),
    ],
)
def test_what_is_not_http_is_refused_without_waiting_for_more(
    caller: Caller, serve: Serve, sent: bytes, outcome: str
) -> None:
    caller.make(serve(then_hang(sent)).url, max_retries=0, timeout_read=30, timeout_total=60)
    with pytest.raises(MolamError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert (type(caught.value), caught.value.outcome) == (ResponseError, outcome)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 204 X\r\nContent-Length: 300\r\n\r\n",
        b"HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.0 201 X\r\nConnection: close, keep-alive\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 201 X\r\nConnection: keep-alive, close\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 103 X\r\nContent-Length: 300\r\n\r\nHTTP/1.1 201 X\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 201 X\r\nContent-Length: 2, 2\r\n\r\n{}",
    ],
)
def test_a_connection_that_may_still_carry_a_body_never_gives_the_next_call_its_answer(
    caller: Caller, serve: Serve, head: bytes
) -> None:
    server = serve(answer(201, INTENT), lambda wire: wire.send(head) or True, created())
    caller.make(server.url, max_retries=0)
    caller.call("create_payment_intent", ORDER)
    with pytest.raises(ResponseError):
        caller.call("create_payment_intent", ORDER)
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"
    assert [seen.connection for seen in server.requests] == [1, 1, 2]


class Meddling:
    """An observer that adds what it must not."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers

    def call_started(self, start: CallStart) -> dict[str, str]:
        return self._headers

    def call_ended(self, record: CallRecord) -> None: ...


def test_an_observer_cannot_say_where_a_request_ends_or_for_whom_it_is(caller: Caller, serve: Serve) -> None:
    server = serve(usual=created())
    headers = {"Host": "evil.test", "content-length": "1", "Transfer-Encoding": "chunked", "X-Mine": "kept"}
    caller.make(server.url, observers=[Meddling(headers)])
    caller.call("create_payment_intent", ORDER)
    (seen,) = server.requests
    assert seen.headers["host"] == server.url.removeprefix("http://")
    assert seen.headers["x-mine"] == "kept"
    assert "transfer-encoding" not in seen.headers
    assert int(seen.headers["content-length"]) == len(seen.body) > 1


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "\ud800", "€", "\0"])
def test_a_header_that_cannot_be_sent_leaves_nothing_sent(caller: Caller, serve: Serve, value: str) -> None:
    server = serve(usual=created())
    client = caller.make(server.url, max_retries=0)
    client.headers["X-Mine"] = value  # the merchant's own; an observer's would be left out, and the payment go on
    with pytest.raises(RequestValidationError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert caught.value.outcome == "not_sent"
    assert server.requests == []
