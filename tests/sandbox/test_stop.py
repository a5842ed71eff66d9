"""Stopping: whatever is going on, it ends, and soon; what would hang is told of and left behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import requests

from molam_sdk.sandbox import Sandbox
from molam_sdk.sandbox.deliveries.worker import DeliveryWorker
from molam_sdk.sandbox.domain.clock import SandboxClock
from molam_sdk.sandbox.faults.faults import Faults
from molam_sdk.sandbox.http.listener import listen
from molam_sdk.sandbox.http.running import RunningServer
from molam_sdk.sandbox.store.database import SandboxStore
from molam_sdk.sandbox.store.recording import queue_delivery
from tests.support.http_server import HostileServer, then_hang
from tests.support.sandbox_api import INTENTS, Api
from tests.support.sandbox_receiver import Receiver

NEVER = 30.0
Serve = Callable[[RunningServer, socket.socket], Awaitable[None]]


@pytest.mark.parametrize("turns", range(6))
async def test_the_deliveries_end_also_where_they_are_woken_in_that_moment(turns: int) -> None:
    """``turns`` of the event loop lie between the wake and the end, so that each order of the two is tried."""
    store = SandboxStore(None)
    store.open()
    try:
        clock = SandboxClock()
        with store.transaction() as tx:  # a retry to wait for, with a bound
            queue_delivery(tx, "evt_1", "we_1", clock.now() + 3600)
        worker = DeliveryWorker(store, clock, Faults(clock, (), 0), seed=0, timeout=5.0)
        work = asyncio.ensure_future(worker.run())
        for _ in range(3):
            await asyncio.sleep(0)
        worker.wake()
        for _ in range(turns):
            await asyncio.sleep(0)
        work.cancel()
        await asyncio.wait({work}, timeout=10.0)
        assert work.cancelled()
    finally:
        store.close()


class Busy:
    """Threads that use a sandbox in every way until it is gone; what they raise is what they may."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox, self._url, self._key = sandbox, sandbox.url, sandbox.api_key
        self.unexpected: list[BaseException] = []
        ways = (self._pay, self._pay, self._ask, self._advance, self._wait, self._connect)
        self.threads = [threading.Thread(target=self._use, args=(way,), daemon=True) for way in ways]
        for thread in self.threads:
            thread.start()

    def _use(self, way: Callable[[], None]) -> None:
        try:
            while True:
                way()
        except (requests.RequestException, OSError, TimeoutError):
            pass
        except RuntimeError as error:
            if "stopped" not in str(error) and "not running" not in str(error):
                self.unexpected.append(error)
        except BaseException as error:
            self.unexpected.append(error)

    def _pay(self) -> None:
        api = Api(self._url, self._key)
        try:
            api.post(INTENTS, {"amount": 1, "currency": "USD"})
        finally:
            api.close()

    def _ask(self) -> None:
        requests.post(f"{self._url}/_sandbox/clock", json={"seconds": 1}, timeout=2 * NEVER)

    def _advance(self) -> None:
        self._sandbox.clock.advance(seconds=30)
        if self._sandbox._running is None:
            raise OSError("the clock moves on without it")

    def _wait(self) -> None:
        self._sandbox.webhooks.trigger("payment.succeeded")
        self._sandbox.webhooks.wait(10)

    def _connect(self) -> None:
        host, _, port = self._url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=2 * NEVER) as half:
            half.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
            half.settimeout(0.01)
            with contextlib.suppress(TimeoutError):
                half.recv(1)


@pytest.mark.parametrize("grace", [0.0, 0.05])
def test_it_stops_in_the_middle_of_everything(
    receiver: Receiver, grace: float, caplog: pytest.LogCaptureFixture
) -> None:
    with HostileServer(usual=then_hang()) as silent, caplog.at_level(logging.ERROR, "molam_sdk.sandbox"):
        for number in range(6):
            sandbox = Sandbox(grace=grace).start()
            api = Api(sandbox.url, sandbox.api_key)
            api.subscribe(receiver.url)
            api.subscribe(f"{silent.url}/hook")
            busy = Busy(sandbox)
            arrived = len(receiver.arrivals)
            while len(receiver.arrivals) == arrived:
                time.sleep(0.001 * number)
            stops = [threading.Thread(target=sandbox.stop) for _ in range(3)]
            for thread in stops:
                thread.start()
            for thread in [*stops, *busy.threads]:
                thread.join(NEVER)
                assert not thread.is_alive()
            api.close()
            assert busy.unexpected == []
    assert [record.getMessage() for record in caplog.records if "did not stop" in record.getMessage()] == []


@pytest.fixture
def run() -> Iterator[Callable[[Serve], RunningServer]]:
    """Runs a server in place of the sandbox's own."""
    listeners: list[socket.socket] = []

    def running(serve: Serve) -> RunningServer:
        listeners.append(listen("127.0.0.1", 0))
        server = RunningServer(serve, listeners[-1])
        server.wait_until_ready()
        return server

    yield running
    for listener in listeners:
        listener.close()


def test_what_does_not_leave_is_told_of_and_cut_short(
    run: Callable[[Serve], RunningServer], caplog: pytest.LogCaptureFixture
) -> None:
    async def deaf(running: RunningServer, listener: socket.socket) -> None:
        running.ready()
        await asyncio.sleep(3600)

    with caplog.at_level(logging.ERROR, "molam_sdk.sandbox"):
        assert run(deaf).stop(0.05)
    (record,) = caplog.records
    assert "did not stop within 0.05 s" in record.getMessage()
    assert "await asyncio.sleep(3600)" in record.getMessage()


def test_what_will_not_be_cut_short_either_is_left_behind(run: Callable[[Serve], RunningServer]) -> None:
    over = threading.Event()

    async def stubborn(running: RunningServer, listener: socket.socket) -> None:
        running.ready()
        over.wait(NEVER)

    server = run(stubborn)
    assert not server.stop(0.05)
    over.set()
    assert server.stop(NEVER)


def test_a_call_that_the_server_does_not_live_to_answer_is_told_so(run: Callable[[Serve], RunningServer]) -> None:
    entered = threading.Event()

    async def short(running: RunningServer, listener: socket.socket) -> None:
        running.ready()
        await running.leaving.wait()

    async def slow() -> None:
        entered.set()
        await asyncio.sleep(3600)

    server, told = run(short), list[str]()

    def call() -> None:
        try:
            server.call(slow())
        except RuntimeError as error:
            told.append(str(error))

    waiting = threading.Thread(target=call)
    waiting.start()
    assert entered.wait(NEVER)
    assert server.stop(NEVER)
    waiting.join(NEVER)
    call()
    assert told == ["the sandbox was stopped"] * 2


def test_a_name_whose_lookup_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    over, asked = threading.Event(), threading.Event()
    real = socket.getaddrinfo

    def hung(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == "hung.test":
            asked.set()
            over.wait(NEVER)
            raise socket.gaierror("the test is over")
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hung)
    with Sandbox() as sandbox:
        api = Api(sandbox.url, sandbox.api_key)
        api.subscribe("https://hung.test/hook")
        api.intent()
        api.close()
        assert asked.wait(NEVER)
        began = time.monotonic()
        sandbox.stop()
        took = time.monotonic() - began
    over.set()
    assert took < NEVER / 2
