"""What the sandbox's server takes for granted of uvicorn; each test names the promise that a new version broke.

molam_sdk/sandbox/http/server.py replaces main_loop and shutdown of uvicorn.Server, and http/connections.py derives from
its HTTP protocol.
"""

from __future__ import annotations

import asyncio
import inspect
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from molam_sdk.sandbox.http.connections import Connections


async def answers(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def configured(app: Any = answers, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(app, log_config=None, lifespan="off", ws="none", **more)


class Recording(uvicorn.Server):
    """Notes in which order serve() calls the two methods that are replaced, and leaves at once."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.called: list[str] = []

    async def main_loop(self) -> None:
        self.called.append(f"main_loop, started {self.started}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.called.append(f"shutdown with {len(sockets or [])} socket")
        for server in self.servers:
            server.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


def exchange(address: tuple[str, int]) -> bytes:
    with socket.create_connection(address, timeout=5) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return b"".join(iter(lambda: peer.recv(4096), b""))


def in_a_thread(work: Any) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_serve_calls_main_loop_once_it_listens_and_shutdown_after_it(listener: socket.socket) -> None:
    server = Recording(configured())
    # In a thread of its own, where uvicorn must leave the signals of the program alone.
    in_a_thread(lambda: asyncio.run(server.serve(sockets=[listener]))).join(10)
    assert server.called == ["main_loop, started True", "shutdown with 1 socket"]


def test_the_replaced_methods_are_coroutines_with_these_parameters() -> None:
    for method, parameters in (
        ("main_loop", ["self"]),
        ("on_tick", ["self", "counter"]),
        ("shutdown", ["self", "sockets"]),
    ):
        function = getattr(uvicorn.Server, method)
        assert inspect.iscoroutinefunction(function), method
        assert list(inspect.signature(function).parameters) == parameters, method


def test_a_tick_renews_the_date_and_says_whether_to_leave() -> None:
    server = uvicorn.Server(configured())
    server.config.load()
    assert asyncio.run(server.on_tick(0)) is False
    assert dict(server.server_state.default_headers)[b"date"].endswith(b"GMT")
    server.should_exit = True
    assert asyncio.run(server.on_tick(0)) is True


def test_the_state_holds_the_connections_and_the_tasks_that_run() -> None:
    state = ServerState()
    assert (state.connections, state.tasks) == (set(), set())
    assert uvicorn.Server(configured()).server_state.tasks == set()


def test_a_protocol_can_be_asked_to_finish_and_tells_of_its_connection() -> None:
    assert callable(AutoHTTPProtocol.shutdown)
    for method, parameters in (("connection_made", ["self", "transport"]), ("connection_lost", ["self", "exc"])):
        assert list(inspect.signature(getattr(AutoHTTPProtocol, method)).parameters) == parameters, method


def test_the_parser_tells_of_a_head_and_of_a_whole_request_and_the_cycle_of_its_answer() -> None:
    for method in ("on_headers_complete", "on_message_complete"):
        assert list(inspect.signature(getattr(HttpToolsProtocol, method)).parameters) == ["self"], method
    assert list(inspect.signature(HttpToolsProtocol.data_received).parameters) == ["self", "data"]
    assert "self.response_started = False" in inspect.getsource(RequestResponseCycle.__init__)


def test_a_protocol_of_ours_is_used_and_the_scope_names_its_peer(listener: socket.socket) -> None:
    connections, seen = Connections(), []

    class Noting(Recording):
        async def main_loop(self) -> None:
            await asyncio.to_thread(exchange, listener.getsockname())

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        (peer,) = connections._open
        seen.append(
            (tuple(scope["client"]) == peer, len(server.server_state.connections), len(server.server_state.tasks))
        )
        await answers(scope, receive, send)

    server = Noting(configured(app, http=connections.protocol()))
    in_a_thread(lambda: asyncio.run(server.serve(sockets=[listener]))).join(10)
    assert seen == [(True, 1, 1)]
    assert not connections.any_open
