"""Sandbox: the offline Molam in a daemon thread, started and stopped from code."""

import asyncio
import contextlib
import ipaddress
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Future
from typing import Any

import uvicorn
from typing_extensions import Self

from .app import Parts
from .bodies import LOOPBACK_HOSTS
from .clock import Clock
from .delivery import Courier
from .faults import Faults
from .keys import Keys, RateLimit, main_key
from .ledger import Ledger
from .metrics import Metrics
from .problems import ERROR_FORMATS
from .routes import build
from .store import Store
from .webhooks import Webhooks
from .wire import Wires

DEFAULT_HOST = "127.0.0.1"
_LEAVING_TICK = 0.005


class Sandbox:
    """An offline Molam on a free port of this machine: `with Sandbox() as sandbox: … sandbox.url,
    sandbox.api_key`.

    `db` is a file that outlives the sandbox (None: memory), `rate` requests a second per key (None: no
    limit), `seed` decides faults, jitter and the api_key. `error_format` is one of standard, flat, legacy,
    problem, and a request may ask for another with Molam-Error-Format. `grace` is how many seconds `stop`
    lets running requests take. `host` other than loopback is refused unless `allow_remote`. Times are in
    seconds.
    """

    def __init__(
        self,
        port: int = 0,
        db: str | None = None,
        rate: float | None = None,
        seed: int = 0,
        *,
        host: str = DEFAULT_HOST,
        allow_remote: bool = False,
        api_key: str | None = None,
        error_format: str = "standard",
        cors_origins: Sequence[str] = (),
        webhook_timeout: float = 5.0,
        grace: float = 5.0,
    ) -> None:
        if host not in LOOPBACK_HOSTS and not allow_remote:
            raise ValueError(f"{host} is not this machine alone; pass allow_remote=True if that is meant")
        if error_format not in ERROR_FORMATS:
            raise ValueError(f"error_format must be one of {', '.join(ERROR_FORMATS)}")
        if rate is not None and rate <= 0:
            raise ValueError("rate must be greater than zero, or None")
        self._host, self._port, self._seed, self._grace = host, port, seed, grace
        self._rate, self._error_format, self._cors = rate, error_format, tuple(cors_origins)
        self._webhook_timeout = webhook_timeout
        self._store = Store(db)
        self.api_key = api_key or main_key(seed)
        self.clock = Clock()
        self.faults = Faults(self.clock, seed)
        self.keys = Keys(self._store, self.api_key)
        self.ledger = Ledger(self._store)
        self.webhooks = Webhooks(self._store, self.clock, self._settle)
        self._running: _Running | None = None

    @property
    def url(self) -> str:
        """Where it listens, without /v1: the base_url of a client."""
        return self._active().url

    def start(self) -> Self:
        """Listen and serve in a daemon thread; returns when it answers. Raises DatabaseInUseError or OSError."""
        if self._running is not None:
            raise RuntimeError("the sandbox is running already")
        listener = _listen(self._host, self._port)
        try:
            self._store.open()
            self._restore()
            self._running = _Running(self._serve, listener)
            self._running.wait_until_ready()
        except BaseException:
            self._running = None
            listener.close()
            self._store.close()
            raise
        self.clock.drive_with(self._advance)
        return self

    def stop(self) -> None:
        """Let running requests finish, for `grace` seconds at most, then close everything; may be called twice."""
        running, self._running = self._running, None
        if running is None:
            return
        self.clock.drive_with(None)
        running.stop()
        self._store.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _restore(self) -> None:
        with self._store.transaction() as tx:
            self.clock.shift((tx.setting("clock_offset") or 0.0) - self.clock.offset)
        self.keys.load()

    def _active(self) -> "_Running":
        if self._running is None:
            raise RuntimeError("the sandbox is not running; use `with Sandbox() as sandbox:` or call start()")
        return self._running

    def _parts(self) -> Parts:
        courier = Courier(self._store, self.clock, self.faults, self._seed, self._webhook_timeout)
        rate = RateLimit(self._rate, self.clock)
        return Parts(
            self._store,
            self.clock,
            self.keys,
            rate,
            self.faults,
            Wires(),
            courier,
            Metrics(),
            self._error_format,
        )

    async def _serve(self, running: "_Running", listener: socket.socket) -> None:
        parts = self._parts()
        app = build(parts, self.ledger, self.webhooks, self._cors)
        config = uvicorn.Config(
            app,
            http=parts.wires.protocol(),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
        )
        server = _Server(config, running, parts.wires, self._grace)
        work = asyncio.ensure_future(parts.courier.run())
        running.courier = parts.courier
        try:
            await server.serve(sockets=[listener])
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    def _settle(self, timeout: float | None) -> None:
        """Wait for due deliveries, or with None only see them begun."""
        running = self._active()
        if timeout is None:
            running.loop.call_soon_threadsafe(running.courier.wake)
            return
        try:
            running.call(asyncio.wait_for(running.courier.settle(), timeout))
        except asyncio.TimeoutError:
            # Before Python 3.11 this is not the built-in TimeoutError.
            raise TimeoutError(f"deliveries are still under way after {timeout} s") from None

    def _advance(self, seconds: float) -> None:
        running = self._active()
        running.call(running.courier.advance(seconds))


class _Running:
    """One run of the server: its thread, its loop, and how to reach it from other threads."""

    loop: asyncio.AbstractEventLoop
    courier: Courier

    def __init__(self, serve: Callable[["_Running", socket.socket], Awaitable[None]], listener: socket.socket) -> None:
        self.url = _url(listener)
        self.leaving = asyncio.Event()
        self._ready: Future[None] = Future()
        self._serve, self._listener = serve, listener
        self._thread = threading.Thread(target=self._run, name="molam-sandbox", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        await self._serve(self, self._listener)

    def ready(self) -> None:
        self._ready.set_result(None)

    def wait_until_ready(self) -> None:
        self._ready.result(timeout=30)

    def call(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine on the server's loop and wait for it."""
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("not from the sandbox's own thread")
        asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.leaving.set)
        self._thread.join()


class _Server(uvicorn.Server):
    """uvicorn's server, which here starts and leaves at once instead of looking ten times a second."""

    def __init__(self, config: uvicorn.Config, running: _Running, wires: Wires, grace: float) -> None:
        super().__init__(config)
        self._running, self._wires, self._grace = running, wires, grace

    async def main_loop(self) -> None:
        self._running.ready()
        # on_tick renews the Date header; it also looks at should_exit.
        while not self._running.leaving.is_set() and not await self.on_tick(0):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._running.leaving.wait(), 1.0)
        self._wires.stopping.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more, let running requests finish within the grace, cut off the rest."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._grace
        # uvicorn has no event for the last task or connection being over.
        while (self.server_state.tasks or self._wires.any_open) and clock() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_LEAVING_TICK)
        for task in self.server_state.tasks:
            task.cancel()
        self._wires.abort_all()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only where it is.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # On Windows this option would let a second server take the same port.
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except BaseException:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = str(listener.getsockname()[0]), int(listener.getsockname()[1])
    if ipaddress.ip_address(host).is_unspecified:
        # Every address of this machine is listened on, and the loopback one is what a client here can use.
        host = "::1" if ":" in host else "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
