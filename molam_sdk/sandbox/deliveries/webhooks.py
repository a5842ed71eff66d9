"""What a test sees of the sandbox's webhooks: events, deliveries with their attempts, and ways to send them again."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from ..domain.clock import SandboxClock
from ..domain.events import EVENT_TYPES
from ..store import tables as t
from ..store.database import SandboxStore
from ..store.recording import MAIN_ACCOUNT, emit, queue_delivery
from ..store.transaction import StoreTransaction


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One try at a delivery: `status` is None where no answer came; `at` in unix seconds of the sandbox's clock."""

    at: float
    status: int | None
    error: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """An event on its way to one endpoint; status is pending, delivered, failed, dead or canceled."""

    id: str
    event_id: str
    event_type: str
    endpoint_id: str
    status: str
    due_at: float
    attempts: tuple[DeliveryAttempt, ...]


class Webhooks:
    """The sandbox's outgoing side; every method may be called from any thread."""

    def __init__(self, store: SandboxStore, clock: SandboxClock, settle: Callable[[float | None], None]) -> None:
        self._store, self._clock, self._settle = store, clock, settle

    def wait(self, timeout: float = 10.0) -> None:
        """Return when no delivery is due or under way; raises TimeoutError. Later retries are not waited for."""
        self._settle(timeout)

    def events(self, event_type: str | None = None, after: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
        """The bodies of the events, oldest first; each with its sequence number as `seq`."""
        query = select(t.events).where(t.events.c.seq > after).order_by(t.events.c.seq).limit(limit)
        if event_type is not None:
            query = query.where(t.events.c.type == event_type)
        with self._store.transaction() as tx:
            return [{**json.loads(row["body"]), "seq": row["seq"]} for row in tx.rows(query)]

    def latest(self) -> int:
        """The sequence number of the last event, 0 where there is none."""
        with self._store.transaction() as tx:
            return int(tx.connection.execute(select(func.coalesce(func.max(t.events.c.seq), 0))).scalar_one())

    def deliveries(
        self, event_type: str | None = None, endpoint_id: str | None = None, status: str | None = None
    ) -> list[WebhookDelivery]:
        """The deliveries, oldest first, with every attempt made."""
        query = _DELIVERIES
        wanted = (
            (t.events.c.type, event_type),
            (t.deliveries.c.endpoint_id, endpoint_id),
            (t.deliveries.c.status, status),
        )
        for column, value in wanted:
            query = query if value is None else query.where(column == value)
        with self._store.transaction() as tx:
            return [_delivery(tx, row) for row in tx.rows(query)]

    def dead_letters(self) -> list[WebhookDelivery]:
        """The deliveries given up: retried to the end, or refused with another 4xx."""
        return [delivery for delivery in self.deliveries() if delivery.status in ("dead", "failed")]

    def redeliver(self, delivery_id: str) -> None:
        """Send a delivery again under its own id, with a fresh schedule of retries; raises KeyError."""
        again = {"status": "pending", "attempts": 0, "due_at": self._clock.now()}
        with self._store.transaction() as tx:
            statement = t.deliveries.update().where(t.deliveries.c.id == delivery_id).values(**again)
            if tx.connection.execute(statement).rowcount == 0:
                raise KeyError(delivery_id)
        self._settle(None)

    def duplicate(self, delivery_id: str) -> str:
        """Send the same event again as a delivery of its own; returns the new delivery's id; raises KeyError."""
        with self._store.transaction() as tx:
            found = tx.rows(select(t.deliveries).where(t.deliveries.c.id == delivery_id))
            if not found:
                raise KeyError(delivery_id)
            copy = queue_delivery(tx, found[0]["event_id"], found[0]["endpoint_id"], self._clock.now())
        self._settle(None)
        return copy

    def trigger(self, event_type: str, data: dict[str, Any] | None = None, account: str = MAIN_ACCOUNT) -> str:
        """Emit an event that no payment stands behind; returns its id; raises ValueError for an unknown type."""
        if event_type not in EVENT_TYPES:
            raise ValueError(f"unknown event type; there are {', '.join(EVENT_TYPES)}")
        sample = {
            "id": "pi_triggered",
            "status": event_type.partition(".")[2],
            "amount": 5000,
            "currency": "XOF",
        }
        with self._store.transaction() as tx:
            event_id = emit(tx, event_type, account, sample if data is None else data, self._clock.now())
        self._settle(None)
        return event_id


_DELIVERIES: Select[Any] = (
    select(t.deliveries, t.events.c.type)
    .join(t.events, t.events.c.id == t.deliveries.c.event_id)
    .order_by(t.deliveries.c.seq)
)


def _delivery(tx: StoreTransaction, row: Any) -> WebhookDelivery:
    of_this = select(t.attempts).where(t.attempts.c.delivery_id == row["id"]).order_by(t.attempts.c.seq)
    made = tuple(DeliveryAttempt(a["at"], a["status"], a["error"], a["seconds"]) for a in tx.rows(of_this))
    return WebhookDelivery(
        row["id"], row["event_id"], row["type"], row["endpoint_id"], row["status"], row["due_at"], made
    )
