"""What a test sees of the sandbox's webhooks: events, deliveries with their attempts, and ways to send them again."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func, select

from ..domain.clock import SandboxClock, iso
from ..domain.events import ENDPOINT_STATUSES, EVENT_TYPES
from ..domain.samples import sample_of
from ..store import tables as t
from ..store.database import SandboxStore
from ..store.recording import MAIN_ACCOUNT, emit, queue_delivery
from ..store.transaction import StoreTransaction


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One try at a delivery: `status` is None where no answer came; `at` in unix seconds of the sandbox's clock.

    `signature` is the header that was sent, `body` what it signs, `answer` the beginning of what the receiver said.
    """

    at: float
    status: int | None
    error: str | None
    seconds: float
    signature: str | None = None
    body: str | None = None
    answer: str | None = None


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
    seq: int = 0


class Webhooks:
    """The sandbox's outgoing side; every method may be called from any thread.

    `settle` waits for what is due, `wake` has an endpoint (None: any) looked at, even if it is being spared.
    """

    def __init__(
        self,
        store: SandboxStore,
        clock: SandboxClock,
        settle: Callable[[float], None],
        wake: Callable[[str | None], None],
    ) -> None:
        self._store, self._clock, self._settle, self._wake = store, clock, settle, wake

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
        self,
        event_type: str | None = None,
        endpoint_id: str | None = None,
        status: str | None = None,
        *,
        event_id: str | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> list[WebhookDelivery]:
        """The deliveries, oldest first, with every attempt made; in pages: `after` is the `seq` of the last one."""
        c = t.deliveries.c
        query = _DELIVERIES.where(c.seq > after).order_by(c.seq).limit(limit)
        wanted = (
            (t.events.c.type, event_type),
            (c.endpoint_id, endpoint_id),
            (c.status, status),
            (c.event_id, event_id),
        )
        for column, value in wanted:
            query = query if value is None else query.where(column == value)
        with self._store.transaction() as tx:
            return with_attempts(tx, tx.rows(query))

    def counts(self) -> dict[str, int]:
        """How many deliveries there are, by status."""
        query = select(t.deliveries.c.status, func.count()).group_by(t.deliveries.c.status)
        with self._store.transaction() as tx:
            return {row[0]: row[1] for row in tx.connection.execute(query)}

    def dead_letters(self) -> list[WebhookDelivery]:
        """The deliveries given up: retried to the end, or refused with another 4xx."""
        found = self.deliveries(status="dead") + self.deliveries(status="failed")
        return sorted(found, key=lambda delivery: delivery.seq)

    def redeliver(self, delivery_id: str) -> None:
        """Send a delivery again under its own id, with a fresh schedule of retries; raises KeyError.

        An attempt under way is left to end; what comes of it counts no more.
        """
        c = t.deliveries.c
        again = {"status": "pending", "attempts": 0, "due_at": self._clock.now(), "round": c.round + 1}
        with self._store.transaction() as tx:
            endpoint_id = _endpoint_of(tx, delivery_id)
            tx.connection.execute(t.deliveries.update().where(c.id == delivery_id).values(**again))
        self._wake(endpoint_id)

    def duplicate(self, delivery_id: str) -> str:
        """Send the same event again as a delivery of its own; returns the new delivery's id; raises KeyError."""
        with self._store.transaction() as tx:
            endpoint_id = _endpoint_of(tx, delivery_id)
            found = tx.rows(select(t.deliveries).where(t.deliveries.c.id == delivery_id))
            copy = queue_delivery(tx, found[0]["event_id"], endpoint_id, self._clock.now())
        self._wake(endpoint_id)
        return copy

    def trigger(self, event_type: str, data: dict[str, Any] | None = None, account: str = MAIN_ACCOUNT) -> str:
        """Emit an event that no payment stands behind; returns its id; raises ValueError for an unknown type.

        Without `data` it tells of an object as one of that type would be.
        """
        if event_type not in EVENT_TYPES:
            raise ValueError(f"unknown event type; there are {', '.join(EVENT_TYPES)}")
        now = self._clock.now()
        with self._store.transaction() as tx:
            told = sample_of(event_type, now) if data is None else data
            event_id = emit(tx, event_type, account, told, now)
        self._wake(None)
        return event_id

    def set_status(self, endpoint_id: str, status: str) -> None:
        """Make an endpoint active, paused (deliveries wait) or disabled (they are canceled); raises KeyError."""
        if status not in ENDPOINT_STATUSES:
            raise ValueError(f"status must be one of {', '.join(ENDPOINT_STATUSES)}")
        with self._store.transaction() as tx:
            endpoint = tx.find_document(endpoint_id)
            if endpoint is None or endpoint["_kind"] != "webhook_endpoint" or endpoint["status"] == "deleted":
                raise KeyError(endpoint_id)
            tx.save_document({**endpoint, "status": status, "updated_at": iso(self._clock.now())})
        self._wake(endpoint_id)


_DELIVERIES: Select[Any] = select(t.deliveries, t.events.c.type, t.events.c.body.label("event_body")).join(
    t.events, t.events.c.id == t.deliveries.c.event_id
)


def deliveries_by(condition: ColumnElement[bool]) -> Select[Any]:
    """The rows that `with_attempts` reads, where this holds."""
    return _DELIVERIES.where(condition)


def _endpoint_of(tx: StoreTransaction, delivery_id: str) -> str:
    found = tx.rows(select(t.deliveries.c.endpoint_id).where(t.deliveries.c.id == delivery_id))
    if not found:
        raise KeyError(delivery_id)
    return str(found[0]["endpoint_id"])


def with_attempts(tx: StoreTransaction, rows: Sequence[RowMapping]) -> list[WebhookDelivery]:
    """Rows of `_DELIVERIES` as values, the attempts of all of them read at once."""
    bodies = {row["id"]: row["event_body"] for row in rows}
    made: dict[str, list[DeliveryAttempt]] = {}
    for some in batched(list(bodies)):
        query = select(t.attempts).where(t.attempts.c.delivery_id.in_(some)).order_by(t.attempts.c.seq)
        for a in tx.rows(query):
            body = bodies[a["delivery_id"]] if a["body"] is None else a["body"]
            attempt = DeliveryAttempt(a["at"], a["status"], a["error"], a["seconds"], a["signature"], body, a["answer"])
            made.setdefault(a["delivery_id"], []).append(attempt)
    return [
        WebhookDelivery(
            *(row["id"], row["event_id"], row["type"], row["endpoint_id"], row["status"], row["due_at"]),
            attempts=tuple(made.get(row["id"], ())),
            seq=row["seq"],
        )
        for row in rows
    ]


def batched(ids: list[str], size: int = 500) -> Iterator[list[str]]:
    """The ids in lists that SQLite takes as parameters of one statement."""
    return (ids[start : start + size] for start in range(0, len(ids), size))
