"""The ledger as a test reads it: what moved, whether it balances, and how often something was executed."""

from typing import Any

from sqlalchemy import case, func, select

from ..domain.books import MONEY_KINDS, Booked, expected
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

    def entries(
        self,
        *,
        order: str | None = None,
        idempotency_key: str | None = None,
        object_id: str | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """The entries, oldest first; amounts in major units, a debit positive, a credit negative.

        In pages: `after` is the `seq` of the last entry of the page before.
        """
        c = t.ledger.c
        query = select(t.ledger).where(c.seq > after).order_by(c.seq).limit(limit)
        for column, value in ((c.idempotency_key, idempotency_key), (c.order_id, order), (c.object_id, object_id)):
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

    def accounts(self) -> list[dict[str, Any]]:
        """Every currency with its ledger accounts: what was debited, what was credited, the balance; major units."""
        c = t.ledger.c
        debit, credit = (func.sum(case((side, c.amount), else_=0)) for side in (c.amount > 0, c.amount < 0))
        query = select(c.currency, c.ledger_account, debit.label("debit"), credit.label("credit"))
        with self._store.transaction() as tx:
            rows = tx.rows(query.group_by(c.currency, c.ledger_account).order_by(c.currency, c.ledger_account))
        by_currency: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            sides = {"debit": row["debit"], "credit": -row["credit"], "balance": row["debit"] + row["credit"]}
            shown = {name: to_number(amount, row["currency"]) for name, amount in sides.items()}
            by_currency.setdefault(row["currency"], []).append({"name": row["ledger_account"], **shown})
        return [{"currency": currency, "accounts": accounts} for currency, accounts in by_currency.items()]

    def balanced(self) -> bool:
        """Whether every movement has two sides that add up to zero, and agrees with the documents."""
        return not self.discrepancies()

    def discrepancies(self) -> list[str]:
        """What is wrong, one sentence each; empty where the books are right."""
        with self._store.transaction() as tx:
            movements, postings = tx.rows(_SIDES), tx.rows(_POSTED)
            documents, taken_back = tx.rows(_DOCUMENTS), tx.rows(_TAKEN_BACK)
        wrong = [
            f"{row['movement']}: {row['sides']} sides, sum {row['sum']}"
            for row in movements
            if row["sum"] != 0 or row["sides"] != 2 or row["currencies"] != 1
        ]
        return wrong + _against_documents(documents, postings, taken_back)

    def audit(self, limit: int = 1000) -> list[dict[str, Any]]:
        """Who did what: the latest requests that reached a key, newest first, GETs left out."""
        columns = [t.requests.c[name] for name in (*_SHOWN, "executed")]
        with self._store.transaction() as tx:
            rows = tx.rows(select(*columns).order_by(t.requests.c.seq.desc()).limit(limit))
        return [dict(row) for row in rows]


_c, _d = t.ledger.c, t.documents.c
_SIDES = select(
    _c.movement,
    func.sum(_c.amount).label("sum"),
    func.count().label("sides"),
    func.count(_c.currency.distinct()).label("currencies"),
).group_by(_c.movement)
_POSTED = select(_c.object_id, _c.ledger_account, func.sum(_c.amount).label("posted")).group_by(
    _c.object_id, _c.ledger_account
)
_DOCUMENTS = select(
    _d.id,
    _d.kind,
    _d.status,
    _d.amount,
    func.coalesce(func.json_extract(_d.body, "$.amount_captured"), 0).label("captured"),
).where(_d.kind.in_(MONEY_KINDS))
_TAKEN_BACK = (
    select(_d.owner, func.sum(_d.amount).label("amount"))
    .where(((_d.kind == "refund") & (_d.status != "failed")) | ((_d.kind == "dispute") & (_d.status != "won")))
    .group_by(_d.owner)
)


def _against_documents(documents: Any, postings: Any, taken_back: Any) -> list[str]:
    """Where the ledger holds of a document what its kind and state do not say, or more was given back than taken."""
    posted: dict[str, dict[str, int]] = {}
    for row in postings:
        if row["posted"]:
            posted.setdefault(row["object_id"], {})[row["ledger_account"]] = int(row["posted"])
    wrong, captured = [], dict[str, int]()
    for row in documents:
        should = expected(Booked(row["kind"], row["status"], row["amount"], row["captured"]))
        holds = posted.pop(row["id"], {})
        captured[row["id"]] = row["captured"]
        wrong += [
            f"{row['id']} ({row['status']}): {holds.get(account, 0)} in {account}, {should.get(account, 0)} expected"
            for account in sorted({*holds, *should})
            if holds.get(account, 0) != should.get(account, 0)
        ]
    wrong += [f"{object_id}: there is no such object, but its postings are" for object_id in posted]
    for row in taken_back:
        if row["amount"] > captured.get(row["owner"], 0):
            wrong.append(
                f"{row['owner']}: {row['amount']} refunded of {captured.get(row['owner'], 0)}, disputes counted"
            )
    return wrong
