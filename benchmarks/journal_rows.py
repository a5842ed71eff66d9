"""What a journal is asked when it holds few entries and when it holds a million: microseconds, plans, and memory."""

from __future__ import annotations

import contextlib
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import Any, Final

from molam_sdk.journal import Entry, Wanted
from molam_sdk.store.database import Database, Result, Value
from molam_sdk.store.entries import JournalEntries

from .figures import Figures, Options
from .journal import Bench, _postgresql, _sqlite

FEW: Final = 10_000
MANY: Final = 1_000_000
_OPEN: Final = 200
"""So many entries are in doubt, the oldest ones, among few and among a million."""
_TIMES: Final = 20
_WALKED: Final = (1_000, 50_000)
_FILL: Final = """
INSERT INTO molam_journal (key_hash, idempotency_key, state, closed, operation, method, path, body, body_hash, base_url,
                           account, first_used, ended, attempts, answer_status, answer_head, answer_body, token,
                           lease_until, object_key)
WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})
SELECT @hash, 'old-' || CAST(n AS CHAR(10)), CASE WHEN n <= {open} THEN 'open' ELSE 'done' END, n > {open},
       'create_payment_intent', 'POST', '/v1/connect/payment_intents', @body, 'hash', 'https://a.test', 'acc',
       1000.0 + n, 1000.0 + n, 1, 201, '{{}}', @body, 't', 0, @object
FROM numbers
"""
_HASHES: Final = {
    "sqlite": ("printf('%064d', n * 7919 % 1000003)", "printf('o%063d', n)"),
    "postgresql": ("encode(sha256(('old-' || n)::text::bytea), 'hex')", "'o' || lpad(n::text, 63, '0')"),
}
_BODIES: Final = {
    "sqlite": 'CAST(\'{"amount":5000,"currency":"XOF"}\' AS BLOB)',
    "postgresql": '\'{"amount":5000,"currency":"XOF"}\'::bytea',
}


class _Asked:
    """A database that keeps the last question it was asked."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.last: tuple[str, Mapping[str, Value]] = ("", {})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def execute(self, statement: str, values: Mapping[str, Value] | None = None) -> Result:
        self.last = (statement, values or {})
        return self._database.execute(statement, values)

    def reads_the_table(self) -> bool:
        """Whether the last question is answered without an index, as the database itself explains it."""
        statement, values = self.last
        explain = "EXPLAIN QUERY PLAN " if self._database.dialect.name == "sqlite" else "EXPLAIN "
        plan = "\n".join(str(row[-1]) for row in self._database.execute(explain + statement, values).rows)
        return "Seq Scan" in plan or "SCAN molam_journal" in plan or "ndex" not in plan.replace("INDEX", "index")


def measure(options: Options) -> Figures:
    """Each question beside itself, at few entries and at a million, on SQLite and PostgreSQL."""
    rows: dict[str, dict[str, float]] = {}
    for name, place in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
        with contextlib.ExitStack() as stack:
            try:
                bench = stack.enter_context(place())
            except Exception as away:  # noqa: BLE001  # a database that is not here
                print(f"left out: {name} ({type(away).__name__})")
                continue
            _add(rows, name, bench)
    return Figures("journal_rows", "A journal of a million entries", rows, (
        f"Medians of {_TIMES}, of a page of 100 entries where it is one; {FEW:,} and {MANY:,} entries, of which "
        f"{_OPEN} are in doubt. No question reads the table: the databases' own plans are looked at, and one that did "
        f"would end the benchmark. KB: the peak of walking over {_WALKED[0]:,} and over {_WALKED[1]:,} entries.",
    ))  # fmt: skip


def _add(rows: dict[str, dict[str, float]], name: str, bench: Bench) -> None:
    asked = _Asked(bench.database)
    entries = JournalEntries(asked)  # type: ignore[arg-type]  # a database all the same
    filled = 0
    for count in (FEW, MANY):
        _fill(bench, filled + 1, count)
        filled = count
        for question, step in _questions(entries, bench, count).items():
            taken = [_seconds(step) for _ in range(_TIMES)]
            if question != "begin and end" and asked.reads_the_table():
                raise AssertionError(f"{name}: {question} reads the whole table")
            rows.setdefault(question, {})[f"{name} {count:,} µs"] = median(taken) * 1e6
            print(f"{name}, {count:,} entries, {question}: {median(taken) * 1e6:,.0f} µs", flush=True)
    for row in rows.values():
        if f"{name} {FEW:,} µs" in row:
            row[f"{name} ratio"] = row[f"{name} {MANY:,} µs"] / row[f"{name} {FEW:,} µs"]
    for walked in _WALKED:
        rows.setdefault("memory of a walk", {})[f"{name} {walked:,} KB"] = _peak(entries, walked) / 1024


def _questions(entries: JournalEntries, bench: Bench, count: int) -> dict[str, Callable[[], object]]:
    middle = entries.page(Wanted(open=False, since=1000.0 + count / 2, limit=1))[0]
    recent = Wanted(open=False, account="acc", base_url="https://a.test", operations=("create_payment_intent",),
                    since=1000.0 + count - 5_000, unseen_since=9e9)  # fmt: skip
    objects = [entry.key for entry in entries.page(Wanted(open=False, since=1000.0 + count / 3))]
    return {
        "begin and end": bench.ours,
        "one key": lambda: entries.find(middle.key),
        "recover's page": lambda: entries.page(Wanted(open=True, due=True, account="acc", base_url="https://a.test")),
        "the first page of a list": lambda: entries.page(Wanted(open=False)),
        "a page in the middle": lambda: entries.page(Wanted(open=False, after=middle)),
        "reconcile: 100 objects that are in no entry": lambda: entries.about(objects),
        "reconcile: what no list had": lambda: entries.page(recent),
        "figures, at a scrape": entries.figures,
        "the outbox's figures": entries.outbox.figures,
    }


def _walk(entries: JournalEntries, count: int) -> Iterator[Entry]:
    wanted, left = Wanted(open=False), count
    while left > 0 and (page := entries.page(wanted)):
        yield from page
        left -= len(page)
        wanted = Wanted(open=False, after=page[-1])


def _peak(entries: JournalEntries, count: int) -> int:
    tracemalloc.start()
    try:
        for _ in _walk(entries, count):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _fill(bench: Bench, first: int, last: int) -> None:
    kind = bench.database.dialect.name
    key, found = _HASHES[kind]
    statement = _FILL.format(first=first, last=last, open=_OPEN)
    for mark, text in {"@hash": key, "@body": _BODIES[kind], "@object": found}.items():
        statement = statement.replace(mark, text)
    connection = bench.connect()
    connection.execute(statement)
    connection.execute("ANALYZE molam_journal")
    connection.close()


def _seconds(step: Callable[[], object]) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began
