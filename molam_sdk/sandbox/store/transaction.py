"""The statements of the sandbox, each a method on the connection of one transaction."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, or_, select, text

from ..domain.effects import StoredDocument
from . import tables as t

_INSERT_DOCUMENT = t.documents.insert()
_INSERT_REQUEST = t.requests.insert()
_INSERT_LEDGER = t.ledger.insert()
_INSERT_EVENT = t.events.insert()
# Built once: these run in every create, and building a query costs more than SQLite takes to answer it.
_STORED_ANSWER = (
    select(*(t.requests.c[name] for name in ("fingerprint", "status", "answer", "object_id", "order_id")))
    .where(
        t.requests.c.idempotency_key == bindparam("key"),
        t.requests.c.account == bindparam("account"),
        t.requests.c.replayable.is_(True),
        t.requests.c.at > bindparam("since"),
    )
    .order_by(t.requests.c.seq.desc())
    .limit(1)
)
_SUBSCRIBED_ENDPOINTS = (
    select(t.documents.c.body)
    .where(
        t.documents.c.kind == "webhook_endpoint",
        # What happens while an endpoint is paused is delivered once it is active again.
        or_(t.documents.c.status == "active", t.documents.c.status == "paused"),
        t.documents.c.account == bindparam("account"),
    )
    .order_by(t.documents.c.seq)
)


def _document(body: str) -> StoredDocument:
    document: StoredDocument = json.loads(body)
    return document


class StoreTransaction:
    """The statements of the sandbox, on the connection of one transaction; `scheduled` says that something is due."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.scheduled = False

    def insert_document(self, document: StoredDocument) -> None:
        self.connection.execute(_INSERT_DOCUMENT, _row(document))

    def save_document(self, document: StoredDocument) -> None:
        statement = t.documents.update().where(t.documents.c.id == document["id"])
        self.connection.execute(statement.values(status=document["status"], body=json.dumps(document)))

    def document(self, kind: str, account: str, document_id: str) -> StoredDocument | None:
        c = t.documents.c
        query = select(c.body).where(c.id == document_id, c.kind == kind, c.account == account)
        body = self.connection.execute(query).scalar_one_or_none()
        return None if body is None else _document(body)

    def document_by_id(self, document_id: str) -> StoredDocument:
        query = select(t.documents.c.body).where(t.documents.c.id == document_id)
        return _document(self.connection.execute(query).scalar_one())

    def find_document(self, document_id: str) -> StoredDocument | None:
        """The document of this id, whosever it is."""
        query = select(t.documents.c.body).where(t.documents.c.id == document_id)
        body = self.connection.execute(query).scalar_one_or_none()
        return None if body is None else _document(body)

    def sequence_of(self, kind: str, account: str, document_id: str) -> int | None:
        c = t.documents.c
        query = select(c.seq).where(c.id == document_id, c.kind == kind, c.account == account)
        return self.connection.execute(query).scalar_one_or_none()

    def documents(
        self,
        kind: str,
        account: str,
        *,
        before: int | None = None,
        limit: int | None = None,
        **equal: str | None,
    ) -> list[StoredDocument]:
        """Newest first; `before` is a sequence number, `equal` filters by column where a value is given."""
        c = t.documents.c
        query = select(c.body).where(c.kind == kind, c.account == account).order_by(c.seq.desc()).limit(limit)
        if before is not None:
            query = query.where(c.seq < before)
        for column, value in equal.items():
            if value is not None:
                query = query.where(c[column] == value)
        return [_document(body) for body in self.connection.execute(query).scalars()]

    def refunded(self, payment_id: str) -> int:
        """Minor units of all refunds of a payment that have not failed."""
        c = t.documents.c
        total = select(func.coalesce(func.sum(c.amount), 0))
        query = total.where(c.kind == "refund", c.owner == payment_id, c.status != "failed")
        return int(self.connection.execute(query).scalar_one())

    def disputed(self, payment_id: str) -> int:
        """Minor units of all disputes of a payment that were not won: held, or taken back for good."""
        c = t.documents.c
        total = select(func.coalesce(func.sum(c.amount), 0))
        query = total.where(c.kind == "dispute", c.owner == payment_id, c.status != "won")
        return int(self.connection.execute(query).scalar_one())

    def stored_answer(self, account: str, idempotency_key: str, since: float) -> RowMapping | None:
        """The first answer to this key, unless it is older than `since`."""
        given = {"account": account, "key": idempotency_key, "since": since}
        return self.connection.execute(_STORED_ANSWER, given).mappings().one_or_none()

    def subscribed_endpoints(self, account: str) -> list[StoredDocument]:
        found = self.connection.execute(_SUBSCRIBED_ENDPOINTS, {"account": account})
        return [_document(body) for body in found.scalars()]

    def insert_request(self, row: Mapping[str, Any]) -> None:
        self.connection.execute(_INSERT_REQUEST, row)

    def insert_ledger(self, rows: list[dict[str, Any]]) -> None:
        self.connection.execute(_INSERT_LEDGER, rows)

    def insert_event(self, row: Mapping[str, Any]) -> None:
        self.connection.execute(_INSERT_EVENT, row)

    def insert_delivery(self, row: Mapping[str, Any]) -> None:
        self.scheduled = True
        self.connection.execute(t.deliveries.insert(), row)

    def insert_job(self, due_at: float, action: str, document_id: str) -> None:
        self.scheduled = True
        self.connection.execute(t.jobs.insert(), {"due_at": due_at, "action": action, "document_id": document_id})

    def take_due_jobs(self, now: float) -> list[RowMapping]:
        """The jobs due by `now`, oldest first; they are gone once the transaction commits."""
        due = select(t.jobs).where(t.jobs.c.due_at <= now).order_by(t.jobs.c.due_at, t.jobs.c.seq)
        rows = list(self.connection.execute(due).mappings())
        if rows:
            self.connection.execute(t.jobs.delete().where(t.jobs.c.seq.in_([row["seq"] for row in rows])))
        return rows

    def next_job(self) -> float | None:
        """When the next job is due, in unix seconds."""
        due: float | None = self.connection.execute(select(func.min(t.jobs.c.due_at))).scalar_one()
        return due

    def next_deliveries(self) -> dict[str, float]:
        """When the next pending delivery to each endpoint is due; those to a paused one wait."""
        c, of = t.deliveries.c, t.documents.c
        query = (
            select(c.endpoint_id, func.min(c.due_at))
            .join(t.documents, of.id == c.endpoint_id)
            .where(c.status == "pending", of.status != "paused")
            .group_by(c.endpoint_id)
        )
        return {row[0]: row[1] for row in self.connection.execute(query)}

    def text(self, name: str) -> str | None:
        """A setting that is a text."""
        query = select(t.texts.c.value).where(t.texts.c.name == name)
        return self.connection.execute(query).scalar_one_or_none()

    def save_text(self, name: str, value: str) -> None:
        upsert = text("INSERT OR REPLACE INTO texts (name, value) VALUES (:name, :value)")
        self.connection.execute(upsert, {"name": name, "value": value})

    def setting(self, name: str) -> float | None:
        query = select(t.settings.c.value).where(t.settings.c.name == name)
        return self.connection.execute(query).scalar_one_or_none()

    def save_setting(self, name: str, value: float) -> None:
        upsert = text("INSERT OR REPLACE INTO settings (name, value) VALUES (:name, :value)")
        self.connection.execute(upsert, {"name": name, "value": value})

    def rows(self, query: Any) -> list[RowMapping]:
        return list(self.connection.execute(query).mappings())


_OWNER = {
    "payment_intent": "customer_id",
    "refund": "payment_id",
    "dispute": "payment_id",
    "webhook_endpoint": "_tenant",
}


def _row(document: StoredDocument) -> dict[str, Any]:
    return {
        "id": document["id"],
        "kind": document["_kind"],
        "account": document["_account"],
        "status": document["status"],
        "owner": document.get(_OWNER.get(document["_kind"], "")),
        "amount": document.get("amount"),
        "body": json.dumps(document),
    }
