"""Deliveries as the console shows them: a page of them, one with its bytes, and why its signature failed."""

import json
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, or_, select

from ..store import tables as t
from ..store.database import SandboxStore
from ..store.recording import present
from ..store.transaction import StoreTransaction
from .explaining import ReceivedDelivery, SentDelivery, explain
from .webhooks import deliveries_by, with_attempts

_d, _e, _of = t.deliveries.c, t.events.c, t.documents.c


class DeliveryInbox:
    """The deliveries to every endpoint."""

    def __init__(self, store: SandboxStore) -> None:
        self._store = store

    def page(self, before: int | None = None, limit: int = 50, search: str | None = None) -> list[dict[str, Any]]:
        """Newest first; `search` finds what an id (of delivery, event, object, endpoint) or a type begins with."""
        made = select(func.count()).where(t.attempts.c.delivery_id == _d.id).scalar_subquery()
        query = (
            select(
                *(_d.seq, _d.id, _d.event_id, _d.endpoint_id, _d.status, _d.due_at),
                _e.type.label("event_type"),
                _e.at,
                _e.object_id,
                func.json_extract(_of.body, "$.url").label("url"),
                made.label("attempts"),
            )
            .join(t.events, _e.id == _d.event_id)
            .join(t.documents, _of.id == _d.endpoint_id)
        )
        if before is not None:
            query = query.where(_d.seq < before)
        if search:
            columns = (_d.id, _d.event_id, _d.endpoint_id, _e.type, _e.object_id)
            query = query.where(or_(*(column.startswith(search, autoescape=True) for column in columns)))
        with self._store.transaction() as tx:
            return [dict(row) for row in tx.rows(query.order_by(_d.seq.desc()).limit(limit))]

    def delivery(self, delivery_id: str) -> dict[str, Any]:
        """One delivery with its event, endpoint and attempts, `tries` of which are of this round; raises KeyError."""
        with self._store.transaction() as tx:
            row, body, endpoint = _found(tx, delivery_id)
            (told,) = with_attempts(tx, [row])
        return {
            **asdict(told),
            "tries": row["attempts"],
            "body": body,
            "endpoint": present(endpoint),
        }

    def explain(
        self, delivery_id: str, header: str | None = None, body: str | None = None, secret: str | None = None
    ) -> list[str]:
        """Why a receiver that had this header, body and secret did not believe the last attempt; raises KeyError, or
        ValueError where nothing was sent yet."""
        if not all(given is None or isinstance(given, str) for given in (header, body, secret)):
            raise ValueError("header, body and secret must be strings")
        with self._store.transaction() as tx:
            row, event_body, endpoint = _found(tx, delivery_id)
            (told,) = with_attempts(tx, [row])
            others = tx.rows(select(_of.body).where(_of.kind == "webhook_endpoint", _of.id != endpoint["id"]))
        if not told.attempts:
            raise ValueError("nothing was sent yet")
        last = told.attempts[-1]
        secrets = [(kid, value) for kid, value, _ in endpoint["_secrets"]]
        of_others = [value for other in others for _, value, _ in json.loads(other["body"])["_secrets"]]
        sent = SentDelivery(last.signature or "", (last.body or event_body).encode(), secrets, of_others)
        return explain(sent, ReceivedDelivery(header, None if body is None else body.encode(), secret))


def _found(tx: StoreTransaction, delivery_id: str) -> tuple[Any, str, dict[str, Any]]:
    rows = tx.rows(deliveries_by(_d.id == delivery_id))
    if not rows:
        raise KeyError(delivery_id)
    return rows[0], rows[0]["event_body"], tx.document_by_id(rows[0]["endpoint_id"])
