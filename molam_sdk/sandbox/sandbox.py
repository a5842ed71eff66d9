"""Sandbox: the offline Molam in a daemon thread, started and stopped from code."""

import asyncio
import socket
from collections.abc import Sequence

from typing_extensions import Self

from .access.keys import ApiKeys, main_key
from .access.rate import RateLimit
from .application import build
from .contract.problems import ERROR_FORMATS
from .contract.values import LOOPBACK_HOSTS
from .control.actions import Control
from .deliveries.webhooks import Webhooks
from .deliveries.worker import DeliveryWorker
from .domain.clock import SandboxClock
from .faults.faults import Faults
from .http.connections import Connections
from .http.idempotency import IdempotencyKeys
from .http.listener import listen
from .http.metrics import SandboxMetrics
from .http.running import RunningServer
from .http.server import ApiServer
from .http.services import ApiServices
from .operations.table import NAMES, SCOPES
from .store.database import SandboxStore
from .store.ledger import Ledger

DEFAULT_HOST = "127.0.0.1"
_NOT_RUNNING = "the sandbox is not running; use `with Sandbox() as sandbox:` or call start()"


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
        self._store = SandboxStore(db)
        self.api_key = api_key or main_key(seed)
        self.clock = SandboxClock()
        self.faults = Faults(self.clock, NAMES, seed)
        self.keys = ApiKeys(self._store, self.api_key, SCOPES)
        self.ledger = Ledger(self._store)
        self.webhooks = Webhooks(self._store, self.clock, self._settle)
        self._running: RunningServer | None = None
        self._worker: DeliveryWorker | None = None

    @property
    def url(self) -> str:
        """Where it listens, without /v1: the base_url of a client."""
        return self._active().url

    def start(self) -> Self:
        """Listen and serve in a daemon thread; returns when it answers. Raises DatabaseInUseError or OSError."""
        if self._running is not None:
            raise RuntimeError("the sandbox is running already")
        listener = listen(self._host, self._port)
        try:
            self._store.open()
            self._restore()
            self._running = RunningServer(self._serve, listener)
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

    def _active(self) -> RunningServer:
        if self._running is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._running

    def _services(self, worker: DeliveryWorker) -> ApiServices:
        return ApiServices(
            store=self._store,
            clock=self.clock,
            keys=self.keys,
            rate=RateLimit(self._rate, self.clock),
            faults=self.faults,
            connections=Connections(),
            worker=worker,
            metrics=SandboxMetrics(NAMES),
            idempotency=IdempotencyKeys(self._store, self.clock),
            error_format=self._error_format,
        )

    async def _serve(self, running: RunningServer, listener: socket.socket) -> None:
        worker = DeliveryWorker(self._store, self.clock, self.faults, self._seed, self._webhook_timeout)
        services = self._services(worker)
        control = Control(self.faults, self.clock, worker, self.ledger, self.webhooks)
        app = build(services, control, self._cors)
        server = ApiServer(app, running, services.connections, self._grace)
        work = asyncio.ensure_future(worker.run())
        self._worker = worker
        try:
            await server.serve(sockets=[listener])
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    def _settle(self, timeout: float | None) -> None:
        """Wait for due deliveries, or with None only see them begun."""
        running, worker = self._active(), self._active_worker()
        if timeout is None:
            running.loop.call_soon_threadsafe(worker.wake)
            return
        try:
            running.call(asyncio.wait_for(worker.settle(), timeout))
        except asyncio.TimeoutError:
            # Before Python 3.11 this is not the built-in TimeoutError.
            raise TimeoutError(f"deliveries are still under way after {timeout} s") from None

    def _advance(self, seconds: float) -> None:
        self._active().call(self._active_worker().advance(seconds))

    def _active_worker(self) -> DeliveryWorker:
        if self._worker is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._worker
