"""DeliveryWorker: runs due jobs and sends due deliveries, in order per endpoint, all by the sandbox's clock."""

import asyncio
import contextlib
import functools
import logging
import random
import time
from typing import Any

from sqlalchemy import RowMapping, select

from ..domain.clock import SandboxClock
from ..domain.effects import StoredDocument
from ..faults.faults import Faults
from ..store import tables as t
from ..store.database import SandboxStore
from ..store.recording import queue_delivery, run_due_jobs
from ..store.transaction import StoreTransaction
from .health import EndpointHealth
from .schedule import JITTER, next_step
from .sender import DeliverySender

_log = logging.getLogger("molam_sdk.sandbox")


class DeliveryWorker:
    """Works on the server's event loop; one task per endpoint that has something due."""

    def __init__(self, store: SandboxStore, clock: SandboxClock, faults: Faults, seed: int, timeout: float) -> None:
        self._store, self._clock, self._faults = store, clock, faults
        self._jitter = random.Random(seed)  # noqa: S311 - jitter, repeatable on purpose
        self._sender = DeliverySender(timeout)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._health: dict[str, EndpointHealth] = {}
        self._held: dict[str, list[str]] = {}
        self._decided: set[str] = set()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look for due work; to be called on the event loop."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                self._wake.clear()
                self._start_due()
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._seconds_to_next())
        finally:
            await self._close()

    async def _close(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._sender.close()

    def _seconds_to_next(self) -> float | None:
        with self._store.transaction() as tx:
            due = tx.next_due()
        if due is None:
            return None
        # What is due but not taken waits for its endpoint's task, whose end wakes us.
        return max(1.0 if self._tasks else 0.0, due - self._clock.now())

    async def settle(self) -> None:
        """Return when nothing is due and nothing is under way."""
        while True:
            self._start_due()
            if not self._tasks:
                return
            await asyncio.wait(self._tasks.values())

    async def advance(self, seconds: float) -> None:
        """Move the clock from one due moment to the next, and run each at its own time."""
        target = self._clock.now() + seconds
        while True:
            await self.settle()
            with self._store.transaction() as tx:
                due = tx.next_due()
            if due is None or due > target:
                break
            self._clock.reach(due)
        self._clock.reach(target)
        await self.settle()
        with self._store.transaction() as tx:
            tx.save_setting("clock_offset", self._clock.offset)
        self.wake()

    def _start_due(self) -> None:
        for endpoint_id, queue in self._due_by_endpoint().items():
            task = asyncio.ensure_future(self._deliver_all(queue))
            self._tasks[endpoint_id] = task
            task.add_done_callback(functools.partial(self._ended, endpoint_id))

    def _due_by_endpoint(self) -> dict[str, list[RowMapping]]:
        now, c = self._clock.now(), t.deliveries.c
        due = select(t.deliveries).where(c.status == "pending", c.due_at <= now).order_by(c.due_at, c.seq)
        with self._store.transaction() as tx:
            run_due_jobs(tx, now)
            rows = tx.rows(due)
        queues: dict[str, list[RowMapping]] = {}
        for row in rows:
            if row["endpoint_id"] not in self._tasks:
                queues.setdefault(row["endpoint_id"], []).append(row)
        return queues

    def _ended(self, endpoint_id: str, task: asyncio.Task[None]) -> None:
        del self._tasks[endpoint_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a delivery to %s broke off", endpoint_id, exc_info=error)
        self._wake.set()

    async def _deliver_all(self, queue: list[RowMapping]) -> None:
        for row in queue:
            await self._deliver(row)

    async def _deliver(self, row: RowMapping) -> None:
        now, endpoint_id = self._clock.now(), row["endpoint_id"]
        health = self._health.setdefault(endpoint_id, EndpointHealth())
        with self._store.transaction() as tx:
            endpoint = tx.document_by_id(endpoint_id)
            event = tx.rows(select(t.events).where(t.events.c.id == row["event_id"]))[0]
            if endpoint["status"] != "active":
                _update(tx, row["id"], status="canceled")
                return
            wait_until = health.paused_until if health.paused_until > now else None
            wait_until = wait_until or self._held_back(tx, row, event["type"], now)
            if wait_until is not None:
                _update(tx, row["id"], due_at=wait_until)
                return
        status = await self._attempt(row, endpoint, event["body"].encode())
        health.record(status is not None and status < 500, self._clock.now())
        self._release(endpoint_id, row["id"])

    def _held_back(self, tx: StoreTransaction, row: RowMapping, event_type: str, now: float) -> float | None:
        """Until when a fault keeps this delivery, asked once in its life; a duplicate is queued beside it."""
        if row["attempts"] or row["id"] in self._decided:
            return None
        self._decided.add(row["id"])
        fault = self._faults.for_delivery(event_type)
        if fault is None:
            return None
        if fault.kind == "duplicate":
            self._decided.add(queue_delivery(tx, row["event_id"], row["endpoint_id"], now))
            return None
        if fault.kind == "reorder":
            self._held.setdefault(row["endpoint_id"], []).append(row["id"])
        return now + fault.seconds

    def _release(self, endpoint_id: str, sent: str) -> None:
        waiting = [held for held in self._held.pop(endpoint_id, ()) if held != sent]
        if not waiting:
            return
        with self._store.transaction() as tx:
            for delivery_id in waiting:
                _update(tx, delivery_id, due_at=self._clock.now())

    async def _attempt(self, row: RowMapping, endpoint: StoredDocument, body: bytes) -> int | None:
        at, began = self._clock.now(), time.monotonic()
        sent = await self._sender.send(endpoint, row["id"], body, at)
        number = row["attempts"] + 1
        step = next_step(sent.status, number)
        after = {} if step.pause is None else {"due_at": at + step.pause * self._jitter.uniform(*JITTER)}
        attempt = {"delivery_id": row["id"], "at": at, "status": sent.status, "error": sent.error}
        with self._store.transaction() as tx:
            tx.connection.execute(t.attempts.insert(), {**attempt, "seconds": time.monotonic() - began})
            _update(tx, row["id"], status=step.status, attempts=number, **after)
        return sent.status


def _update(tx: StoreTransaction, delivery_id: str, **values: Any) -> None:
    tx.connection.execute(t.deliveries.update().where(t.deliveries.c.id == delivery_id).values(**values))
