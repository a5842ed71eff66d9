"""Payments as the console and tests see them: a page of them, one with all that became of it, and what to do to one."""

import json
from typing import Any

from sqlalchemy import func, or_, select

from ..domain import disputes
from ..domain.clock import SandboxClock, iso
from ..domain.currencies import to_number
from ..domain.effects import Effect, StoredDocument
from ..domain.payment_intents import DECLINES, decline_on_demand
from ..domain.refusal import RefusalError
from . import tables as t
from .database import SandboxStore
from .recording import order_of, present, record
from .transaction import StoreTransaction

_d = t.documents.c


class Payments:
    """The payment intents of every account; amounts in major units."""

    def __init__(self, store: SandboxStore, clock: SandboxClock) -> None:
        self._store, self._clock = store, clock

    def page(
        self, before: int | None = None, limit: int = 50, search: str | None = None, status: str | None = None
    ) -> list[dict[str, Any]]:
        """The payments, newest first; `before` is the `seq` of the last one seen.

        `search` finds what an id, a customer, an order or an idempotency key begins with.
        """
        query = select(_d.seq, _d.account, _d.body).where(_d.kind == "payment_intent").order_by(_d.seq.desc())
        if before is not None:
            query = query.where(_d.seq < before)
        if status is not None:
            query = query.where(_d.status == status)
        if search:
            query = query.where(or_(_d.id.startswith(search, autoescape=True), _d.id.in_(_found_by(search))))
        with self._store.transaction() as tx:
            rows = tx.rows(query.limit(limit))
        return [_listed(row["seq"], row["account"], json.loads(row["body"])) for row in rows]

    def count(self) -> int:
        """How many payments there are."""
        query = select(func.count()).select_from(t.documents).where(_d.kind == "payment_intent")
        with self._store.transaction() as tx:
            return int(tx.connection.execute(query).scalar_one())

    def timeline(self, payment_id: str) -> dict[str, Any]:
        """A payment, its refunds and disputes, and every request, posting, event, delivery attempt and job of them,
        in the order of time; raises KeyError."""
        with self._store.transaction() as tx:
            payment = _payment(tx, payment_id)
            of_it = tx.rows(select(_d.body).where(_d.owner == payment_id, _d.kind.in_(("refund", "dispute"))))
            beside = [json.loads(row["body"]) for row in of_it]
            ids = [payment_id, *(document["id"] for document in beside)]
            moments = [
                *_requests(tx, ids, payment.get("_order") or order_of(payment)),
                *_postings(tx, ids),
                *_events(tx, ids),
                *_jobs(tx, ids),
            ]
        return {
            "payment": {**present(payment), "account": payment["_account"]},
            "refunds": [present(one) for one in beside if one["_kind"] == "refund"],
            "disputes": [present(one) for one in beside if one["_kind"] == "dispute"],
            "timeline": sorted(moments, key=lambda moment: (moment["at"], moment["rank"])),
        }

    def dispute(self, payment_id: str, reason: str = disputes.DISPUTE_REASONS[0]) -> dict[str, Any]:
        """Open a dispute, which stays open until `decide_dispute`; raises KeyError, or ValueError where nothing is left
        to dispute."""
        if reason not in disputes.DISPUTE_REASONS:
            raise ValueError(f"reason must be one of {', '.join(disputes.DISPUTE_REASONS)}")
        with self._store.transaction() as tx:
            payment = _payment(tx, payment_id)
            taken_back = tx.refunded(payment_id) + tx.disputed(payment_id)
            effect = disputes.open_for(payment, taken_back, self._clock.now(), reason, decided=False)
            if effect is None:
                raise ValueError(f"{payment_id} is {payment['status']}; nothing of it is left to dispute")
            return present(record(tx, effect, self._clock.now()))

    def decide_dispute(self, dispute_id: str, status: str) -> dict[str, Any]:
        """End an open dispute, `won` or `lost`; raises KeyError, or ValueError where it is not open."""
        if status not in ("won", "lost"):
            raise ValueError("status must be won or lost")
        with self._store.transaction() as tx:
            dispute = tx.find_document(dispute_id)
            if dispute is None or dispute["_kind"] != "dispute":
                raise KeyError(dispute_id)
            return self._write(tx, lambda: disputes.decide(dispute, status, self._clock.now()))

    def decline(self, payment_id: str, code: str = "card_declined") -> dict[str, Any]:
        """Decline a payment that waits for its confirmation or its end; raises KeyError or ValueError."""
        if code not in DECLINES:
            raise ValueError(f"code must be one of {', '.join(DECLINES)}")
        with self._store.transaction() as tx:
            payment = _payment(tx, payment_id)
            return self._write(tx, lambda: decline_on_demand(payment, code))

    def _write(self, tx: StoreTransaction, decide: Any) -> dict[str, Any]:
        try:
            effect: Effect = decide()
        except RefusalError as error:
            raise ValueError(error.message) from None
        return present(record(tx, effect, self._clock.now()))


def _found_by(search: str) -> Any:
    """The ids of payments that a request of this order or key made or dealt with."""
    c = t.requests.c
    return select(c.object_id).where(
        or_(c.order_id.startswith(search, autoescape=True), c.idempotency_key.startswith(search, autoescape=True)),
        c.object_id.is_not(None),
    )


def _payment(tx: StoreTransaction, payment_id: str) -> StoredDocument:
    payment = tx.find_document(payment_id)
    if payment is None or payment["_kind"] != "payment_intent":
        raise KeyError(payment_id)
    return payment


def _listed(seq: int, account: str, payment: StoredDocument) -> dict[str, Any]:
    shown = present(payment)
    names = ("id", "status", "amount", "currency", "amount_captured", "customer_id", "failure_code", "created_at")
    return {**{name: shown.get(name) for name in names}, "seq": seq, "account": account, "order": order_of(payment)}


def _requests(tx: StoreTransaction, ids: list[str], order: str | None) -> list[dict[str, Any]]:
    c = t.request_log.c
    names = ("at", "request_id", "operation", "method", "status", "code", "replayed", "idempotency_key", "faults", "ms")
    query = select(*(c[name] for name in names)).where(
        or_(c.object_id.in_(ids), (c.order_id == order) if order is not None else c.object_id.in_(ids))
    )
    rows = tx.rows(query.order_by(c.seq))
    return [
        {**row, "faults": json.loads(row["faults"]) if row["faults"] else [], "what": "request", "rank": 0}
        for row in rows
    ]


def _postings(tx: StoreTransaction, ids: list[str]) -> list[dict[str, Any]]:
    c = t.ledger.c
    rows = tx.rows(select(t.ledger).where(c.object_id.in_(ids), c.amount > 0).order_by(c.seq))
    credited = {row["movement"]: row for row in tx.rows(select(t.ledger).where(c.object_id.in_(ids), c.amount < 0))}
    return [
        {
            "what": "movement",
            "rank": 1,
            "at": row["at"],
            "why": row["why"],
            "object_id": row["object_id"],
            "debit": row["ledger_account"],
            "credit": credited[row["movement"]]["ledger_account"],
            "amount": to_number(row["amount"], row["currency"]),
            "currency": row["currency"],
        }
        for row in rows
    ]


def _events(tx: StoreTransaction, ids: list[str]) -> list[dict[str, Any]]:
    e, d, a = t.events.c, t.deliveries.c, t.attempts.c
    events = tx.rows(select(e.id, e.type, e.at, e.object_id).where(e.object_id.in_(ids)).order_by(e.seq))
    told = [{**row, "what": "event", "rank": 2} for row in events]
    query = (
        select(a.at, a.status, a.error, a.seconds, a.delivery_id, d.endpoint_id, e.type)
        .join(t.deliveries, d.id == a.delivery_id)
        .join(t.events, e.id == d.event_id)
        .where(e.object_id.in_(ids))
    )
    tried = [{**row, "what": "attempt", "rank": 3} for row in tx.rows(query.order_by(a.seq))]
    due = (
        select(d.due_at.label("at"), d.id.label("delivery_id"), d.endpoint_id, d.attempts, e.type)
        .join(t.events, e.id == d.event_id)
        .where(e.object_id.in_(ids), d.status == "pending")
    )
    return told + tried + [{**row, "what": "due_delivery", "rank": 4} for row in tx.rows(due)]


def _jobs(tx: StoreTransaction, ids: list[str]) -> list[dict[str, Any]]:
    c = t.jobs.c
    rows = tx.rows(select(c.due_at.label("at"), c.action, c.document_id).where(c.document_id.in_(ids)))
    return [{**row, "what": "due_job", "rank": 5, "on": iso(row["at"])} for row in rows]
