"""What recover, lists, events and reconcile ask of a large journal is answered by its indexes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from molam_sdk.journal import Entry, FullJournalStore, Wanted
from molam_sdk.store.database import Database, Result, Value
from molam_sdk.store.entries import JournalEntries
from tests.support.databases import DATABASES, dropped

ROWS = 20_000
FILL = """
INSERT INTO "{table}" (key_hash, idempotency_key, state, closed, operation, method, path, body_hash, base_url, account,
                       first_used, attempts, token, lease_until, object_key, ended)
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows})
SELECT CAST(n AS CHAR(64)), CAST(n AS CHAR(64)), 'done', n % 100 <> 0, 'create_payment_intent', 'POST', '/', '-', 'u',
       'a', 1000.0 + n, 1, 't', 0, CAST(n AS CHAR(64)), 1000.0 + n
FROM numbers
"""
RECENT = Wanted(open=False, account="a", base_url="u", operations=("create_payment_intent",), since=1000.0 + ROWS - 50,
                unseen_since=9e9)  # fmt: skip
ASKED: dict[str, Callable[[FullJournalStore], object]] = {
    "recover": lambda store: store.page(Wanted(open=True, due=True, account="a", base_url="u")),
    "list": lambda store: store.page(Wanted()),
    "the next page": lambda store: store.page(Wanted(open=False, after=_last(store))),
    "one key": lambda store: store.find("5"),
    "an event": lambda store: store.hear(["pi_1", "tag"], lambda _entry: None),
    "when an object was heard of": lambda store: store.heard_at("pi_1"),
    "a page of Molam's": lambda store: store.about([f"pi_{number}" for number in range(100)]),
    "figures": lambda store: store.figures(),  # type: ignore[attr-defined]  # ours has them
    "the outbox's figures": lambda store: store.outbox.figures(),  # type: ignore[attr-defined]
    "what no list had": lambda store: store.page(RECENT),
}


def _last(store: FullJournalStore) -> Entry:
    return store.page(Wanted(open=False, since=1000.0 + ROWS / 2, limit=1))[0]


class Explained:
    """A database that keeps what it is asked."""

    def __init__(self, database: Database, table: str) -> None:
        self._database = database
        self.table = table
        self.asked: list[tuple[str, Mapping[str, Value]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def execute(self, statement: str, values: Mapping[str, Value] | None = None) -> Result:
        if statement.lstrip().startswith("SELECT"):
            self.asked.append((statement, values or {}))
        return self._database.execute(statement, values)

    def plans(self) -> Iterator[str]:
        """How the database goes about each, in one text."""
        for statement, values in self.asked:
            explain = "EXPLAIN QUERY PLAN " if self._database.dialect.name == "sqlite" else "EXPLAIN "
            rows: Sequence[Sequence[Any]] = self._database.execute(explain + statement, values).rows
            yield "\n".join(str(row[-1]) for row in rows)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Explained]:
    """A journal of many entries, one in a hundred of them open; its statistics are known."""
    name = f"molam_journal_{uuid.uuid4().hex[:10]}"
    folder: Path = tmp_path_factory.mktemp("large")
    with DATABASES[request.param](folder) as database, dropped(database, name):
        explained = Explained(database, name)
        JournalEntries(database, table=name)
        database.execute(FILL.format(table=name, rows=ROWS))
        database.execute(f'ANALYZE "{name}"')
        yield explained


@pytest.mark.parametrize("asked", ASKED)
def test_no_question_reads_the_whole_table(large: Explained, asked: str) -> None:
    store = JournalEntries(large, table=large.table)  # type: ignore[arg-type]
    large.asked.clear()
    ASKED[asked](store)
    plans = [plan for plan in large.plans() if large.table in plan]
    assert plans
    for plan in plans:
        assert "Seq Scan" not in plan, plan
        assert f"SCAN {large.table}" not in plan, plan
        assert "ndex" in plan or "INDEX" in plan, plan
        assert "Sort" not in plan or asked in {"a page of Molam's", "an event", "figures"}, plan
