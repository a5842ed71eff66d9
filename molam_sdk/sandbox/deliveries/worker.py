"""DeliveryWorker: runs due jobs and sends due deliveries, in order per endpoint, all by the sandbox's clock."""

import asyncio
import functools
import logging
import random
import time
from collections.abc import Callable

from sqlalchemy import RowMapping, select

from ..domain.clock import SandboxClock
from ..domain.effects import StoredDocument
from ..faults.faults import Faults
from ..faults.met import NONE_MET, MetFaults
from ..faults.rule import InjectedFault
from ..store import tables as t
from ..store.database import SandboxStore
from ..store.recording import queue_delivery, run_due_jobs
from ..store.transaction import StoreTransaction
from .fault_target import target_of
from .health import EndpointHealth
from .rows import attempt_row, first_due, update_delivery
from .schedule import JITTER, next_step
from .sender import DeliverySender, Outgoing

_log = logging.getLogger("molam_sdk.sandbox")


class DeliveryWorker:
    """Works on the server's event loop; one task per endpoint that has something due.

    `told` is called with a word, `deliveries` or `payments`, when something of it has changed.
    """

    def __init__(
        self,
        store: SandboxStore,
        clock: SandboxClock,
        faults: Faults,
        *,
        seed: int,
        timeout: float,
        told: Callable[[str], None] = lambda _topic: None,
    ) -> None:
        self._store, self._clock, self._faults, self._told = store, clock, faults, told
        self._jitter = random.Random(seed)  # noqa: S311 - jitter, repeatable on purpose
        self._sender = DeliverySender(timeout)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.health: dict[str, EndpointHealth] = {}
        self._held: dict[str, list[str]] = {}
        self._met: dict[str, MetFaults] = {}
        self._wake = asyncio.Event()
        self._leaving = False

    def wake(self, endpoint_id: str | None = None) -> None:
        """Look for due work, of an endpoint that is being spared too if it is named; to be called on the event loop."""
        if endpoint_id is not None:
            self.health.setdefault(endpoint_id, EndpointHealth()).close()
        self._wake.set()

    async def forget(self) -> None:
        """Leave what is under way, and know nothing of any endpoint: the database is about to be another one."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for known in (self.health, self._held, self._met):
            known.clear()

    @property
    def state(self) -> str:
        """`ok`, or why nothing is delivered."""
        return "the worker has ended" if self._leaving else "ok"

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                self._wake.clear()
                self._start_due()
                await self._until_woken(self._seconds_to_next())
        finally:
            await self._close()

    async def _until_woken(self, seconds: float | None) -> None:
        # Not asyncio.wait_for: before Python 3.12 it loses a cancellation that comes together with what it waits for.
        timer = None if seconds is None else asyncio.get_running_loop().call_later(seconds, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            if timer is not None:
                timer.cancel()

    async def _close(self) -> None:
        self._leaving = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._sender.close()

    def next_due(self) -> float | None:
        """When something happens next: a job, or a delivery to an endpoint that is not left alone until later."""
        with self._store.transaction() as tx:
            job, deliveries = tx.next_job(), tx.next_deliveries()
        moments = [max(due, self._open_until(endpoint_id)) for endpoint_id, due in deliveries.items()]
        return min(moments if job is None else [job, *moments], default=None)

    def _open_until(self, endpoint_id: str) -> float:
        health = self.health.get(endpoint_id)
        return health.open_until if health else 0.0

    def _seconds_to_next(self) -> float | None:
        due = self.next_due()
        if due is None:
            return None
        # What is due but not taken waits for its endpoint's task, whose end wakes us.
        return max(1.0 if self._tasks else 0.0, due - self._clock.now())

    async def settle_within(self, seconds: float) -> None:
        """The same as ``settle``; raises ``asyncio.TimeoutError`` after so many seconds."""
        await asyncio.wait_for(self.settle(), seconds)

    async def settle(self) -> None:
        """Return when nothing is due and nothing is under way."""
        while True:
            self._start_due()
            if not self._tasks:
                return
            await asyncio.wait(self._tasks.values())

    async def advance(self, seconds: float, reached: Callable[[float], None] = lambda _left: None) -> None:
        """Move the clock from one due moment to the next, and run each at its own time.

        `reached` is told on the way how many seconds of the clock are left.
        """
        target = self._clock.now() + seconds
        while True:
            await self.settle()
            due = self.next_due()
            if due is None or due > target:
                break
            self._clock.reach(due)
            reached(target - due)
        self._clock.reach(target)
        await self.settle()
        with self._store.transaction() as tx:
            tx.save_setting("clock_offset", self._clock.offset)
        reached(0.0)
        self.wake()

    def _start_due(self) -> None:
        if self._leaving:
            raise RuntimeError("the sandbox was stopped before its deliveries were through")
        now = self._clock.now()
        with self._store.transaction() as tx:
            if run_due_jobs(tx, now):
                self._told("payments")
            waiting = tx.next_deliveries()
        for endpoint_id, due in waiting.items():
            if due <= now and endpoint_id not in self._tasks and self._open_until(endpoint_id) <= now:
                task = asyncio.ensure_future(self._deliver_due(endpoint_id))
                self._tasks[endpoint_id] = task
                task.add_done_callback(functools.partial(self._ended, endpoint_id))

    def _ended(self, endpoint_id: str, task: asyncio.Task[None]) -> None:
        del self._tasks[endpoint_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a delivery to %s broke off", endpoint_id, exc_info=error)
        self._wake.set()

    async def _deliver_due(self, endpoint_id: str) -> None:
        """Send what is due to this endpoint, in order, until nothing is or the endpoint is left alone."""
        while self._open_until(endpoint_id) <= (now := self._clock.now()):
            with self._store.transaction() as tx:
                row = first_due(tx, endpoint_id, now)
            if (
                row is None or self._leaving
            ):  # aiohttp, too, may lose a cancellation that comes together with its answer
                return
            await self._deliver(row)
            self._told("deliveries")

    async def _deliver(self, row: RowMapping) -> None:
        now, endpoint_id = self._clock.now(), row["endpoint_id"]
        with self._store.transaction() as tx:
            endpoint = tx.document_by_id(endpoint_id)
            event = tx.rows(select(t.events).where(t.events.c.id == row["event_id"]))[0]
            if endpoint["status"] != "active":
                update_delivery(tx, row, status="canceled")
                return
            met = self._met_by(tx, row, event)
            wait_until = self._held_back(tx, row, met, now)
            if wait_until is not None:
                update_delivery(tx, row, due_at=wait_until)
                return
        status = await self._attempt(row, endpoint, event, met.of("form"))
        health = self.health.setdefault(endpoint_id, EndpointHealth())
        health.record(status is not None and status < 500, self._clock.now())
        self._release(endpoint_id, row["id"])

    def _met_by(self, tx: StoreTransaction, row: RowMapping, event: RowMapping) -> MetFaults:
        """The faults of this delivery, asked for once in its life."""
        if row["id"] not in self._met:
            target = target_of(tx, event, row["endpoint_id"]) if self._faults else None
            self._met[row["id"]] = self._faults.met_by(target) if target else NONE_MET
        return self._met[row["id"]]

    def _held_back(self, tx: StoreTransaction, row: RowMapping, met: MetFaults, now: float) -> float | None:
        """Until when a fault keeps this delivery; a duplicate is queued beside it."""
        fault = met.of("time")
        if fault is None or row["attempts"]:
            return None
        self._met[row["id"]] = MetFaults({stage: one for stage, one in met.by_stage.items() if stage != "time"})
        if fault.kind == "duplicate":
            self._met[queue_delivery(tx, row["event_id"], row["endpoint_id"], now)] = NONE_MET
            return None
        if fault.kind == "reorder":
            self._held.setdefault(row["endpoint_id"], []).append(row["id"])
        return now + fault.seconds

    def _release(self, endpoint_id: str, sent: str) -> None:
        waiting = [held for held in self._held.pop(endpoint_id, ()) if held != sent]
        if not waiting:
            return
        c = t.deliveries.c
        with self._store.transaction() as tx:
            statement = t.deliveries.update().where(c.id.in_(waiting), c.status == "pending")
            tx.connection.execute(statement.values(due_at=self._clock.now()))

    async def _attempt(
        self, row: RowMapping, endpoint: StoredDocument, event: RowMapping, form: InjectedFault | None
    ) -> int | None:
        at, began = self._clock.now(), time.monotonic()
        body = event["body"].encode()
        outgoing = Outgoing(row["id"], body, event["trace"], form.kind if form else None)
        sent = await self._sender.send(endpoint, outgoing, at)
        number = row["attempts"] + 1
        step = next_step(sent.status, number)
        after = {} if step.pause is None else {"due_at": at + step.pause * self._jitter.uniform(*JITTER)}
        with self._store.transaction() as tx:
            tx.connection.execute(t.attempts.insert(), attempt_row(row["id"], at, time.monotonic() - began, sent, body))
            update_delivery(tx, row, status=step.status, attempts=number, **after)
        if step.status != "pending":
            self._met.pop(row["id"], None)
        return sent.status
