"""Writes what a rule decided: document, ledger, events with their deliveries, and later jobs, in one transaction."""

import json
from typing import Any

from ..domain.clock import iso
from ..domain.currencies import to_number
from ..domain.effects import Effect, Movement, StoredDocument
from ..domain.ids import new_id
from ..domain.jobs import JOBS
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
    if new:
        tx.insert_document(document)
    else:
        document = {**document, "updated_at": iso(now)}
        tx.save_document(document)
    for event_type in effect.events:
        told = {**document, "status": _STATUS_TOLD.get(event_type, document["status"])}
        emit(tx, event_type, document["_account"], present(told), now)
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
    order = document.get("metadata", {}).get("order_id", document.get("_order"))
    return None if order is None else str(order)


def emit(tx: StoreTransaction, event_type: str, account: str, data: dict[str, Any], now: float) -> str:
    """Write an event and one delivery per subscribed endpoint; returns the event's id."""
    event_id = new_id("evt")
    body = {"id": event_id, "type": event_type, "created": int(now), "data": data, "livemode": False}
    tx.insert_event({"id": event_id, "account": account, "type": event_type, "at": now, "body": json.dumps(body)})
    for endpoint in tx.active_endpoints(account):
        if event_type in endpoint["events"] or "*" in endpoint["events"]:
            queue_delivery(tx, event_id, endpoint["id"], now)
    return event_id


def queue_delivery(tx: StoreTransaction, event_id: str, endpoint_id: str, due_at: float) -> str:
    delivery_id = new_id("dlv")
    row = {"id": delivery_id, "event_id": event_id, "endpoint_id": endpoint_id}
    tx.insert_delivery({**row, "status": "pending", "attempts": 0, "due_at": due_at})
    return delivery_id


def run_due_jobs(tx: StoreTransaction, now: float) -> None:
    """Run every job due by `now`, in the caller's transaction."""
    for job in tx.take_due_jobs(now):
        record(tx, JOBS[job["action"]](tx.document_by_id(job["document_id"]), now), now)
