"""Writes what a rule decided: document, ledger, events with their deliveries, and later jobs, in one transaction."""

import functools
import json
from typing import Any

from ..domain.clock import iso
from ..domain.currencies import to_number
from ..domain.effects import Effect, Movement, StoredDocument
from ..domain.ids import new_id
from ..domain.jobs import JOBS, JobFacts
from .transaction import StoreTransaction

MAIN_ACCOUNT = "acct_sandbox"
_AMOUNTS = ("amount", "amount_captured")
# A refund that settles at once was pending first, and its first event says so.
_STATUS_TOLD = {"refund.created": "pending"}


def present(document: StoredDocument) -> dict[str, Any]:
    """The document as the API shows it: amounts in major units, nothing internal, nothing that is absent."""
    shown = {name: value for name, value in document.items() if value is not None and not name.startswith("_")}
    for name in _AMOUNTS:
        if name in shown:
            shown[name] = to_number(shown[name], document["currency"])
    return shown


def record(
    tx: StoreTransaction, effect: Effect, now: float, idempotency_key: str | None = None, new: bool = False
) -> StoredDocument:
    """Write an effect at unix time `now`; returns the document as it was written."""
    document = effect.document
    if effect.new:
        tx.insert_document(document)
    else:
        document = {**document, "updated_at": iso(now)}
        tx.save_document(document)
    for event_type in effect.events:
        told = {**document, "status": _STATUS_TOLD.get(event_type, document["status"])}
        emit(
            tx,
            event_type,
            document["_account"],
            present(told),
            now,
            trace=document.get("_trace"),
            scope=document.get("_scope"),
        )
    for later in effect.later:
        tx.insert_job(now + later.seconds, later.action, document["id"])
    if effect.movements:
        rows = [row for movement in effect.movements for row in _postings(movement, document, now, idempotency_key)]
        tx.insert_ledger(rows)
    return document


def _postings(
    movement: Movement, document: StoredDocument, now: float, idempotency_key: str | None
) -> list[dict[str, Any]]:
    shared = {
        "at": now,
        "movement": new_id("mv"),
        "currency": document["currency"],
        "why": movement.why,
        "object_id": document["id"],
        "order_id": order_of(document),
        "idempotency_key": idempotency_key,
    }
    return [
        {**shared, "ledger_account": movement.debit, "amount": movement.amount},
        {**shared, "ledger_account": movement.credit, "amount": -movement.amount},
    ]


def order_of(document: StoredDocument) -> str | None:
    """The merchant's order this object belongs to: metadata.order_id, a refund's else from its payment."""
    metadata = document.get("metadata")
    named = metadata.get("order_id") if isinstance(metadata, dict) else None
    order = document.get("_order") if named is None else named
    return None if order is None else str(order)


def emit(
    tx: StoreTransaction,
    event_type: str,
    account: str,
    data: dict[str, Any],
    now: float,
    *,
    trace: str | None = None,
    scope: str | None = None,
) -> str:
    """Write an event and one delivery per subscribed endpoint; returns the event's id."""
    event_id = new_id("evt")
    body = {"id": event_id, "type": event_type, "created": int(now), "data": data, "livemode": False}
    told_of = data.get("id")
    row = {"id": event_id, "account": account, "type": event_type, "at": now, "body": json.dumps(body)}
    tx.insert_event({**row, "object_id": told_of if isinstance(told_of, str) else None, "trace": trace, "scope": scope})
    for endpoint in tx.subscribed_endpoints(account):
        if event_type in endpoint["events"] or "*" in endpoint["events"]:
            queue_delivery(tx, event_id, endpoint["id"], now)
    return event_id


def queue_delivery(tx: StoreTransaction, event_id: str, endpoint_id: str, due_at: float) -> str:
    delivery_id = new_id("dlv")
    row = {"id": delivery_id, "event_id": event_id, "endpoint_id": endpoint_id}
    tx.insert_delivery({**row, "status": "pending", "attempts": 0, "due_at": due_at})
    return delivery_id


def run_due_jobs(tx: StoreTransaction, now: float) -> int:
    """Run every job due by `now`, in the caller's transaction; returns how many there were."""
    jobs = tx.take_due_jobs(now)
    for job in jobs:
        document_id = job["document_id"]
        facts = JobFacts(now, functools.partial(_taken_back, tx, document_id))
        effect = JOBS[job["action"]](tx.document_by_id(document_id), facts)
        if effect is not None:
            record(tx, effect, now)
    return len(jobs)


def _taken_back(tx: StoreTransaction, payment_id: str) -> int:
    return tx.refunded(payment_id) + tx.disputed(payment_id)
