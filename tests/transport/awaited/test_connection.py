"""An asyncio connection knows when it must not carry another request."""

from __future__ import annotations

import asyncio
import gc
import socket
from typing import Any

import pytest

from molam_sdk._core.wire import Failure
from molam_sdk._http.error import NoReplyError
from molam_sdk._http.reader import AnswerReader
from molam_sdk._transport.awaited.connection import Connection
from molam_sdk._transport.origin import clock
from tests.transport.conftest import connected, reset


async def _connection(sock: socket.socket) -> Connection:
    connection = Connection()
    await asyncio.get_running_loop().create_connection(lambda: connection.line, sock=sock)
    return connection


async def test_what_the_event_loop_has_not_read_yet_makes_it_unusable() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        connection = await _connection(ours)
        assert connection.usable()
        theirs.send(b"x")
        assert not connection.usable()
        connection.close()
        await connection.line.gone


async def test_a_closed_connection_is_not_usable() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        connection = await _connection(ours)
        connection.close()
        assert not connection.usable()
        await connection.line.gone
        assert not connection.usable()


async def test_a_connection_that_was_never_made_is_not_usable() -> None:
    assert not Connection().usable()


async def test_a_connection_that_is_forgotten_closes_itself() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        connection = await _connection(ours)
        line = connection.line
        del connection
        await line.gone
        assert theirs.recv(1) == b""


async def test_a_connection_that_is_forgotten_while_it_opens_is_closed_when_it_stands() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        line = Connection().line
        await asyncio.get_running_loop().create_connection(lambda: line, sock=ours)
        await line.gone
        assert theirs.recv(1) == b""


@pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning")
@pytest.mark.filterwarnings("ignore:.*_SelectorTransport.__del__:pytest.PytestUnraisableExceptionWarning")
def test_a_connection_that_is_forgotten_after_its_event_loop_is_no_error() -> None:
    ours, theirs = socket.socketpair()
    loop = asyncio.new_event_loop()
    with theirs:
        connection = loop.run_until_complete(_connection(ours))
        loop.close()
        del connection
        gc.collect()


class _TornWhileFeeding(AnswerReader):
    """An exception of a signal handler comes up in the event loop's own call."""

    def feed(self, data: bytes) -> bool:
        raise Interrupted


class Interrupted(BaseException):
    """As dramatiq's."""


async def test_an_exception_raised_into_the_reading_ends_the_call_that_waits() -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    ours, theirs = socket.socketpair()
    with theirs:
        connection = await _connection(ours)
        exchange = asyncio.create_task(connection.exchange(b"x", _TornWhileFeeding(100), clock() + 30, 30))
        await asyncio.sleep(0)
        theirs.send(b"HTTP/1.1 200 OK\r\n\r\n")
        with pytest.raises(NoReplyError) as caught:
            await exchange
        assert isinstance(caught.value.__cause__, Interrupted)
        await connection.line.gone


async def test_a_torn_ring_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[Any]()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context["exception"]))
    ours, theirs = socket.socketpair()
    with theirs:
        connection = await _connection(ours)
        look = connection.look_at_the_clock

        def torn_once() -> None:
            if not told:
                raise Interrupted
            look()

        monkeypatch.setattr(connection, "look_at_the_clock", torn_once)
        with pytest.raises(NoReplyError) as caught:
            await connection.exchange(b"x", AnswerReader(100), clock() + 0.01, 30)
        assert (caught.value.failure, [type(problem) for problem in told]) == (Failure.TIMEOUT, [Interrupted])
        connection.close()
        await connection.line.gone


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
async def test_a_connection_breaks_as_stale_only_before_the_head_of_a_later_answer(
    carried: int, came: bytes, failure: Failure, says: str
) -> None:
    ours, theirs = connected()
    connection = await _connection(ours)
    for _ in range(carried):
        theirs.send(ANSWER)
        await connection.exchange(b"x", AnswerReader(100), clock() + 30, 30)
        connection.uses += 1
    fed = asyncio.Event()

    class Reader(AnswerReader):
        def feed(self, data: bytes) -> bool:
            fed.set()
            return super().feed(data)

    exchange = asyncio.create_task(connection.exchange(b"x", Reader(100), clock() + 30, 30))
    await asyncio.sleep(0)
    if came:
        theirs.send(came)
        await fed.wait()
    reset(theirs)
    with pytest.raises(NoReplyError) as caught:
        await exchange
    assert caught.value.failure is failure
    assert str(caught.value.no_reply().detail).startswith(says)
    assert isinstance(caught.value.__cause__, ConnectionResetError)
    assert str(caught.value.__cause__) in str(caught.value)
    await connection.line.gone
