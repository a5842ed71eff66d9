"""Delivers events: signed, in order per endpoint, retried on the contract's schedule, all by the sandbox's clock."""

import asyncio
import contextlib
import functools
import logging
import random
import time
from dataclasses import dataclass
from typing import Any

import aiohttp
from sqlalchemy import RowMapping, select

from . import tables as t
from .clock import Clock
from .faults import Faults
from .recorder import queue_delivery
from .rules import Document
from .service import run_due_jobs
from .signing import sign
from .store import Store, Transaction

_log = logging.getLogger("molam_sdk.sandbox")

RETRY_AFTER = (60.0, 300.0, 900.0, 3600.0, 6 * 3600.0, 24 * 3600.0)
RETRIED = frozenset({408, 409, 425, 429})
# Jitter only shortens: whoever advances the clock by the documented minute has seen the retry.
JITTER = (0.9, 1.0)
BREAKER_FAILURES = 5
BREAKER_SECONDS = 60.0


def verdict(status: int | None, attempts: int) -> tuple[str, float | None]:
    """What becomes of a delivery after its nth attempt: its status, and the seconds to the next one if it has
    one.

    `status` is None where no answer came. Any 2xx ends it; what the contract retries is retried until the
    schedule is used up, then it is a dead letter; anything else ends it as failed.
    """
    if status is not None and 200 <= status < 300:
        return "delivered", None
    if status is not None and status not in RETRIED and status < 500:
        return "failed", None
    return ("pending", RETRY_AFTER[attempts - 1]) if attempts <= len(RETRY_AFTER) else ("dead", None)


@dataclass(slots=True)
class _Breaker:
    """Spares an endpoint that is down: after some failures in a row nothing is sent to it for a while."""

    failures: int = 0
    open_until: float = 0.0

    def feed(self, answered: bool, now: float) -> None:
        self.failures = 0 if answered else self.failures + 1
        self.open_until = now + BREAKER_SECONDS if self.failures >= BREAKER_FAILURES else 0.0


class Courier:
    """Runs due jobs and sends due deliveries, on the server's event loop."""

    def __init__(self, store: Store, clock: Clock, faults: Faults, seed: int, timeout: float) -> None:
        self._store, self._clock, self._faults = store, clock, faults
        self._jitter = random.Random(seed)  # noqa: S311 - jitter, repeatable on purpose
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._breakers: dict[str, _Breaker] = {}
        self._held: dict[str, list[str]] = {}
        self._decided: set[str] = set()
        self._wake = asyncio.Event()
        self._session: aiohttp.ClientSession | None = None

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
        lanes = list(self._lanes.values())
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _seconds_to_next(self) -> float | None:
        with self._store.transaction() as tx:
            due = tx.next_due()
        if due is None:
            return None
        # What is due but not taken waits for a busy lane, whose end wakes us.
        return max(1.0 if self._lanes else 0.0, due - self._clock.now())

    async def settle(self) -> None:
        """Return when nothing is due and nothing is under way."""
        while True:
            self._start_due()
            if not self._lanes:
                return
            await asyncio.wait(self._lanes.values())

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
        now = self._clock.now()
        c = t.deliveries.c
        due = select(t.deliveries).where(c.status == "pending", c.due_at <= now).order_by(c.due_at, c.seq)
        with self._store.transaction() as tx:
            run_due_jobs(tx, now)
            rows = tx.rows(due)
        queues: dict[str, list[RowMapping]] = {}
        for row in rows:
            if row["endpoint_id"] not in self._lanes:
                queues.setdefault(row["endpoint_id"], []).append(row)
        for endpoint_id, queue in queues.items():
            lane = asyncio.ensure_future(self._work(queue))
            self._lanes[endpoint_id] = lane
            lane.add_done_callback(functools.partial(self._leave, endpoint_id))

    def _leave(self, endpoint_id: str, lane: asyncio.Task[None]) -> None:
        del self._lanes[endpoint_id]
        if not lane.cancelled() and (error := lane.exception()) is not None:
            _log.error("a delivery to %s broke off", endpoint_id, exc_info=error)
        self._wake.set()

    async def _work(self, queue: list[RowMapping]) -> None:
        for row in queue:
            await self._deliver(row)

    async def _deliver(self, row: RowMapping) -> None:
        now, endpoint_id = self._clock.now(), row["endpoint_id"]
        breaker = self._breakers.setdefault(endpoint_id, _Breaker())
        with self._store.transaction() as tx:
            endpoint = tx.document_by_id(endpoint_id)
            event = tx.rows(select(t.events).where(t.events.c.id == row["event_id"]))[0]
            if endpoint["status"] != "active":
                _update(tx, row["id"], status="canceled")
                return
            wait_until = breaker.open_until if breaker.open_until > now else None
            wait_until = wait_until or self._held_back(tx, row, event["type"], now)
            if wait_until is not None:
                _update(tx, row["id"], due_at=wait_until)
                return
        status = await self._attempt(row, endpoint, event["body"].encode())
        breaker.feed(status is not None and status < 500, self._clock.now())
        self._release(endpoint_id, row["id"])

    def _held_back(self, tx: Transaction, row: RowMapping, event_type: str, now: float) -> float | None:
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

    async def _attempt(self, row: RowMapping, endpoint: Document, body: bytes) -> int | None:
        at, began = self._clock.now(), time.monotonic()
        status, error = await self._post(endpoint, row["id"], body, at)
        number = row["attempts"] + 1
        outcome, pause = verdict(status, number)
        after = {} if pause is None else {"due_at": at + pause * self._jitter.uniform(*JITTER)}
        record = {"delivery_id": row["id"], "at": at, "status": status, "error": error}
        with self._store.transaction() as tx:
            tx.connection.execute(t.attempts.insert(), {**record, "seconds": time.monotonic() - began})
            _update(tx, row["id"], status=outcome, attempts=number, **after)
        return status

    async def _post(
        self, endpoint: Document, delivery_id: str, body: bytes, now: float
    ) -> tuple[int | None, str | None]:
        valid = [(kid, secret) for kid, secret, until in endpoint["_secrets"] if until is None or until > now]
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": delivery_id,
            "Molam-Signature": sign(body, int(now * 1000), valid),
            "User-Agent": "molam-sandbox",
        }
        if self._session is None:
            # A fresh connection per attempt: a receiver that was restarted between two of them is not a
            # failure.
            connector = aiohttp.TCPConnector(force_close=True)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        try:
            async with self._session.post(endpoint["url"], data=body, headers=headers, allow_redirects=False) as answer:
                return answer.status, None
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as error:
            return None, f"{type(error).__name__}: {error}"[:500]


def _update(tx: Transaction, delivery_id: str, **values: Any) -> None:
    tx.connection.execute(t.deliveries.update().where(t.deliveries.c.id == delivery_id).values(**values))
