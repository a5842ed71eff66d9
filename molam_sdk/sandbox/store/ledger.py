"""The ledger as a test reads it: what moved, whether it balances, and how often something was executed."""

import json
from collections import Counter
from typing import Any

from sqlalchemy import func, select

from ..domain.currencies import to_number
from . import tables as t
from .database import SandboxStore

_SHOWN = (
    "at",
    "request_id",
    "key_id",
    "operation",
    "path",
    "idempotency_key",
    "status",
    "object_id",
    "order_id",
)


class Ledger:
    """An append-only double entry of every movement, and the audit trail of every request behind it."""

    def __init__(self, store: SandboxStore) -> None:
        self._store = store

    def executions(
        self, *, idempotency_key: str | None = None, order: str | None = None, operation: str | None = None
    ) -> int:
        """How often something was really done, replays and refusals not counted.

        By idempotency key: every operation under that key. By order (`metadata.order_id`): how many payment
        intents were created for it, unless `operation` names another operation. At least one of key and order
        is needed.
        """
        if idempotency_key is None and order is None:
            raise ValueError("executions of what? name an idempotency_key or an order")
        c = t.requests.c
        query = select(func.count()).select_from(t.requests).where(c.executed.is_(True))
        if operation is None and idempotency_key is None:
            operation = "create_payment_intent"
        for column, value in (
            (c.idempotency_key, idempotency_key),
            (c.order_id, order),
            (c.operation, operation),
        ):
            query = query if value is None else query.where(column == value)
        with self._store.transaction() as tx:
            return int(tx.connection.execute(query).scalar_one())

    def entries(self, *, order: str | None = None, idempotency_key: str | None = None) -> list[dict[str, Any]]:
        """The entries, oldest first; amounts in major units, a debit positive, a credit negative."""
        c = t.ledger.c
        query = select(t.ledger).order_by(c.seq)
        for column, value in ((c.idempotency_key, idempotency_key), (c.order_id, order)):
            query = query if value is None else query.where(column == value)
        with self._store.transaction() as tx:
            rows = tx.rows(query)
        return [{**row, "amount": to_number(row["amount"], row["currency"])} for row in rows]

    def balances(self) -> dict[str, dict[str, int | float]]:
        """The balance of every ledger account by currency, in major units."""
        c = t.ledger.c
        query = select(c.ledger_account, c.currency, func.sum(c.amount).label("total"))
        with self._store.transaction() as tx:
            rows = tx.rows(query.group_by(c.ledger_account, c.currency))
        result: dict[str, dict[str, int | float]] = {}
        for row in rows:
            result.setdefault(row["ledger_account"], {})[row["currency"]] = to_number(row["total"], row["currency"])
        return result

    def balanced(self) -> bool:
        """Whether every movement has two sides that add up to zero, and agrees with the documents."""
        return not self.discrepancies()

    def discrepancies(self) -> list[str]:
        """What is wrong, one sentence each; empty where the books are right."""
        c, d = t.ledger.c, t.documents.c
        sides = select(
            c.movement,
            func.sum(c.amount).label("sum"),
            func.count().label("sides"),
            func.count(c.currency.distinct()).label("currencies"),
        )
        paid = select(c.object_id, func.sum(c.amount).label("paid")).where(c.ledger_account == "processor_clearing")
        with self._store.transaction() as tx:
            movements = tx.rows(sides.group_by(c.movement))
            cleared = {row["object_id"]: row["paid"] for row in tx.rows(paid.group_by(c.object_id))}
            settled = tx.rows(select(d.id, d.kind, d.amount, d.body).where(d.status == "succeeded"))
            refunded = tx.rows(select(d.owner, d.amount).where(d.kind == "refund", d.status != "failed"))
        wrong = [
            f"{row['movement']}: {row['sides']} sides, sum {row['sum']}"
            for row in movements
            if row["sum"] != 0 or row["sides"] != 2 or row["currencies"] != 1
        ]
        return wrong + _against_documents(settled, cleared, refunded)

    def audit(self, limit: int = 1000) -> list[dict[str, Any]]:
        """Who did what: the latest requests that reached a key, newest first, GETs left out."""
        columns = [t.requests.c[name] for name in (*_SHOWN, "executed")]
        with self._store.transaction() as tx:
            rows = tx.rows(select(*columns).order_by(t.requests.c.seq.desc()).limit(limit))
        return [dict(row) for row in rows]


def _against_documents(settled: Any, cleared: dict[str, int], refunded: Any) -> list[str]:
    wrong, given_back = [], Counter[str]()
    for row in refunded:
        given_back[row["owner"]] += row["amount"]
    for row in settled:
        body = json.loads(row["body"])
        sign = 1 if row["kind"] == "payment_intent" else -1
        moved = cleared.get(row["id"], 0)
        expected = sign * (body["amount_captured"] if sign > 0 else row["amount"])
        if moved != expected:
            wrong.append(f"{row['id']}: {moved} cleared, {expected} expected")
        if sign > 0 and given_back[row["id"]] > expected:
            wrong.append(f"{row['id']}: {given_back[row['id']]} refunded of {expected}")
    return wrong
