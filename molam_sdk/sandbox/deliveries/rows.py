"""The rows of deliveries and their attempts, as the worker reads and writes them."""

from typing import Any

from sqlalchemy import RowMapping, select

from ..store import tables as t
from ..store.transaction import StoreTransaction
from .sender import SendResult


def first_due(tx: StoreTransaction, endpoint_id: str, now: float) -> RowMapping | None:
    """The delivery to this endpoint that has been due for longest."""
    c = t.deliveries.c
    due = select(t.deliveries).where(c.endpoint_id == endpoint_id, c.status == "pending", c.due_at <= now)
    return next(iter(tx.rows(due.order_by(c.due_at, c.seq).limit(1))), None)


def attempt_row(delivery_id: str, at: float, seconds: float, sent: SendResult, body: bytes) -> dict[str, Any]:
    """The attempt as it is stored; the body only where it is not the event's own."""
    changed = sent.body.decode("utf-8", "replace") if sent.body != body else None
    facts = {"status": sent.status, "error": sent.error, "signature": sent.signature, "answer": sent.answer or None}
    return {"delivery_id": delivery_id, "at": at, "seconds": seconds, "body": changed, **facts}


def update_delivery(tx: StoreTransaction, row: RowMapping, **values: Any) -> None:
    """Change a delivery, unless it was sent again meanwhile: that is another round of it."""
    c = t.deliveries.c
    tx.connection.execute(t.deliveries.update().where(c.id == row["id"], c.round == row["round"]).values(**values))
