"""Sandbox: the offline Molam in a daemon thread, started and stopped from code."""

import asyncio
import socket
from collections.abc import Sequence

from typing_extensions import Self

from .access.keys import ApiKeys, key_of, new_key
from .access.rate import RateLimit
from .application import Reachable, build
from .contract.problems import ERROR_FORMATS
from .contract.values import LOOPBACK_HOSTS
from .control.admission import Admission
from .control.services import ControlServices
from .control.snapshots import Snapshots
from .deliveries.inbox import DeliveryInbox
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
from .operations.served import SandboxPolicy
from .operations.table import NAMES, SCOPES
from .store.changes import Changes
from .store.database import SandboxStore
from .store.ledger import Ledger
from .store.payments import Payments
from .store.request_log import LOG_LIMIT, RequestLog

DEFAULT_HOST = "127.0.0.1"
# Beyond the grace: what the server does between its last request and its end takes milliseconds.
_STOP_SECONDS = 10.0
_NOT_RUNNING = "the sandbox is not running; use `with Sandbox() as sandbox:` or call start()"


class Sandbox:
    """An offline Molam on a free port of this machine: `with Sandbox() as sandbox: … sandbox.url,
    sandbox.api_key`.

    `db` is a file that outlives the sandbox (None: memory), `durable` has it survive a power cut as well as a kill;
    `rate` requests a second per key (None: no limit). `seed` decides faults, jitter and the api_key, so that a run can
    be repeated; without it the key is one that nobody can guess, kept in the file. `error_format` is one of standard,
    flat, detail, legacy, problem, and a request may ask for another with Molam-Error-Format. `overdraft` lets payouts
    exceed the balance. `grace` is how many seconds `stop` lets running requests take. Times are in seconds.

    `host` other than loopback is refused unless `allow_remote`; then `allow_hosts` are the names it may be called by,
    `control_token` opens the control paths to whoever sends it, and `webhook_hosts` may be sent webhooks by http.
    """

    def __init__(
        self,
        port: int = 0,
        db: str | None = None,
        rate: float | None = None,
        seed: int | None = None,
        *,
        host: str = DEFAULT_HOST,
        allow_remote: bool = False,
        allow_hosts: Sequence[str] = (),
        control_token: str | None = None,
        webhook_hosts: Sequence[str] = (),
        api_key: str | None = None,
        error_format: str = "standard",
        cors_origins: Sequence[str] = (),
        webhook_timeout: float = 5.0,
        grace: float = 5.0,
        overdraft: bool = False,
        durable: bool = False,
        log_limit: int = LOG_LIMIT,
    ) -> None:
        if host not in LOOPBACK_HOSTS and not allow_remote:
            raise ValueError(f"{host} is not this machine alone; pass allow_remote=True if that is meant")
        if error_format not in ERROR_FORMATS:
            raise ValueError(f"error_format must be one of {', '.join(ERROR_FORMATS)}")
        if rate is not None and rate <= 0:
            raise ValueError("rate must be greater than zero, or None")
        if log_limit < 1:
            raise ValueError("log_limit must be at least 1")
        self._host, self._port, self._seed, self._grace = host, port, seed or 0, grace
        self._rate, self._error_format, self._webhook_timeout = rate, error_format, webhook_timeout
        self._reachable = Reachable(tuple(cors_origins), (host, *allow_hosts), allow_remote)
        self._admission = Admission(control_token)
        self._policy = SandboxPolicy(overdraft, frozenset(webhook_hosts))
        self._store = SandboxStore(db, durable)
        self._changes = Changes()
        self.clock = SandboxClock()
        self.faults = Faults(self.clock, NAMES, self._seed)
        known = api_key or (None if seed is None else key_of(seed))
        # A file may know the key already; where there is none, nothing speaks against making it now.
        self.keys = ApiKeys(self._store, self.clock, known if known or db else new_key(), SCOPES)
        self.ledger = Ledger(self._store)
        self.payments = Payments(self._store, self.clock)
        self.requests = RequestLog(self._store, log_limit)
        self.webhooks = Webhooks(self._store, self.clock, self._settle, self._wake)
        self._running: RunningServer | None = None
        self._worker: DeliveryWorker | None = None

    @property
    def api_key(self) -> str:
        """The main key, which may do everything; that of a file is known once the sandbox runs."""
        if self.keys.main is None:
            raise RuntimeError(_NOT_RUNNING)
        return self.keys.main

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
        """Let running requests finish, for `grace` seconds at most, then close everything; may be called twice.

        It never hangs: a server that has not ended some seconds after its grace is told of in the log, as an error
        with what it waits for, and left behind in its daemon thread.
        """
        running, self._running = self._running, None
        if running is None:
            return
        self.clock.drive_with(None)
        if running.stop(self._grace + _STOP_SECONDS):
            self._store.close()

    def snapshot(self) -> bytes:
        """All that it holds: payments, ledger, keys, endpoints, events, requests, the clock; not the faults."""
        self._active()
        return self._snapshots.take()

    def restore(self, snapshot: bytes) -> None:
        """Be as it was when this was taken; OSError, and nothing changes, for what is none or of a newer version."""
        self._active().call(self._snapshots.restore(snapshot))

    def reset(self) -> None:
        """Be as at the start: nothing there, no faults, the clock at real time. The URL and the main key stay."""
        self._active().call(self._snapshots.reset())

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
            metrics=SandboxMetrics(NAMES, self.webhooks.counts),
            idempotency=IdempotencyKeys(self._store, self.clock),
            log=self.requests,
            changes=self._changes,
            policy=self._policy,
            error_format=self._error_format,
        )

    def _control(self, worker: DeliveryWorker, url: str, stopping: asyncio.Event) -> ControlServices:
        return ControlServices(
            store=self._store,
            faults=self.faults,
            clock=self.clock,
            worker=worker,
            ledger=self.ledger,
            webhooks=self.webhooks,
            payments=self.payments,
            inbox=DeliveryInbox(self._store),
            keys=self.keys,
            log=self.requests,
            changes=self._changes,
            snapshots=self._snapshots,
            url=url,
            stopping=stopping,
        )

    async def _serve(self, running: RunningServer, listener: socket.socket) -> None:
        tell = self._changes.tell
        seed, timeout = self._seed, self._webhook_timeout
        worker = DeliveryWorker(self._store, self.clock, self.faults, seed=seed, timeout=timeout, told=tell)
        log, changes = self.requests, self._changes
        self._snapshots = Snapshots(self._store, worker, self.clock, self.keys, self.faults, log, changes)
        services = self._services(worker)
        control = self._control(worker, running.url, services.connections.stopping)
        app = build(services, control, self._admission, self._reachable)
        server = ApiServer(app, running, services.connections, self._grace)
        work = asyncio.ensure_future(worker.run())
        self._worker = worker
        try:
            await server.serve(sockets=[listener])
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            self.requests.stop()

    def _settle(self, timeout: float) -> None:
        """Wait for due deliveries."""
        running, worker = self._active(), self._active_worker()
        try:
            running.call(worker.settle_within(timeout))
        except asyncio.TimeoutError:
            # Before Python 3.11 this is not the built-in TimeoutError.
            raise TimeoutError(f"deliveries are still under way after {timeout} s") from None

    def _wake(self, endpoint_id: str | None) -> None:
        """See due deliveries begun."""
        self._active().loop.call_soon_threadsafe(self._active_worker().wake, endpoint_id)

    def _advance(self, seconds: float) -> None:
        self._active().call(self._active_worker().advance(seconds))

    def _active_worker(self) -> DeliveryWorker:
        if self._worker is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._worker
