"""The event loop's end of a connection is let go of, whatever happens to the connection."""

from __future__ import annotations

import asyncio
import socket

from molam_sdk._transport.awaited.connection import Connection
from molam_sdk._transport.awaited.line import Line


async def _stand(sock: socket.socket, line: Line) -> Line:
    await asyncio.get_running_loop().create_connection(lambda: line, sock=sock)
    return line


async def test_a_line_stands_among_the_others_until_its_socket_is_closed() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        connection, standing = Connection(), set[Line]()
        line = await _stand(ours, connection.line)
        line.stand_in(standing)
        assert (standing, line.closing()) == ({line}, False)
        connection.close()
        assert line.closing()
        await line.gone
        assert standing == set()
        line.stand_in(standing)  # too late
        assert standing == set()


async def test_a_line_is_gone_though_its_connection_fails_to_take_note() -> None:
    told = list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context["exception"]))
    ours, theirs = socket.socketpair()
    with theirs:
        connection, standing = Connection(), set[Line]()
        line = await _stand(ours, connection.line)
        line.stand_in(standing)
        connection.lose = _torn  # type: ignore[method-assign]
        line.drop()
        await line.gone
    await asyncio.sleep(0)
    assert (standing, [str(problem) for problem in told]) == (set(), ["torn"])


async def test_what_comes_for_a_forgotten_connection_goes_nowhere() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        line = Connection().line
        line.data_received(b"x")
        line.eof_received()
        await _stand(ours, line)
        await line.gone


def _torn(_problem: Exception | None) -> None:
    raise RuntimeError("torn")
