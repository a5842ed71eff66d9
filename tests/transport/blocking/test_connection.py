"""A blocking connection knows when it must not carry another request."""

from __future__ import annotations

import socket

import pytest

from molam_sdk._core.wire import Failure
from molam_sdk._http.error import NoReplyError
from molam_sdk._http.reader import AnswerReader
from molam_sdk._transport.blocking.connection import Connection
from molam_sdk._transport.origin import clock
from tests.transport.conftest import connected, reset


def test_a_quiet_connection_is_usable_and_one_with_stray_bytes_is_not() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection(ours)
        assert connection.usable()
        theirs.send(b"x")
        assert not connection.usable()


def test_a_connection_that_the_server_has_closed_is_not_usable() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        assert not Connection(ours).usable()


def test_a_broken_socket_is_not_usable() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        connection = Connection(ours)
        connection.close()
        assert not connection.usable()


HEAD = b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n"
ANSWER = HEAD + b"x" * 9


@pytest.mark.parametrize(
    ("carried", "came", "failure", "says"),
    [
        (0, b"", Failure.RESET, "the connection broke: "),
        (1, b"", Failure.STALE, "the kept-alive connection broke: "),
        (1, HEAD[:20], Failure.STALE, "the kept-alive connection broke: "),
        (0, HEAD + b"x", Failure.RESET, "the connection broke: "),
        (1, HEAD + b"x", Failure.RESET, "the connection broke: "),
    ],
)
def test_a_connection_breaks_as_stale_only_before_the_head_of_a_later_answer(
    carried: int, came: bytes, failure: Failure, says: str
) -> None:
    ours, theirs = connected()
    connection = Connection(ours)
    for _ in range(carried):
        theirs.send(ANSWER)
        connection.exchange(b"x", AnswerReader(100), clock() + 30, 30)
        connection.uses += 1

    class Reader(AnswerReader):
        def feed(self, data: bytes) -> bool:
            complete = super().feed(data)
            reset(theirs)
            return complete

    if came:
        theirs.send(came)
    else:
        reset(theirs)
    with pytest.raises(NoReplyError) as caught:
        connection.exchange(b"x", Reader(100), clock() + 30, 30)
    assert caught.value.failure is failure
    assert str(caught.value.no_reply().detail).startswith(says)
    assert isinstance(caught.value.__cause__, ConnectionError)
    assert str(caught.value.__cause__) in str(caught.value)
    connection.close()


def test_it_is_known_whether_a_byte_may_have_left() -> None:
    ours, theirs = connected()
    connection = Connection(ours)
    assert connection.sent is False
    reset(theirs)
    with pytest.raises(NoReplyError):
        connection.exchange(b"x", AnswerReader(100), clock() + 30, 30)
    assert connection.sent is True
    with pytest.raises(NoReplyError) as late:
        connection.exchange(b"x", AnswerReader(100), clock() - 1, 30)
    assert (late.value.failure, connection.sent) == (Failure.NO_TIME, False)
    connection.close()
