"""What a webhook's event costs at its store: ours beside the same steps by hand, and what an inbox needs to answer."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any, Final

from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from molam_sdk.receiver import WebhookReceiver
from molam_sdk.store import SqliteStore
from molam_sdk.store.sql import SqlStore
from molam_sdk.webhooks import sign

from .figures import Figures, Options

_URLS: Final = {
    "PostgreSQL": os.environ.get("MOLAM_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test"),
    "MariaDB": os.environ.get("MOLAM_TEST_MARIADB_URL", "mysql+pymysql://root@127.0.0.1:3306/test"),
}
_SECRET: Final = "whsec_bench"
_EVENTS: Final = 10
_COLUMNS: Final = "(id VARCHAR(64) PRIMARY KEY, done INTEGER NOT NULL)"
_CLAIM: Final = "INSERT INTO {table} VALUES (:id, 0)"
_MARK: Final = "UPDATE {table} SET done = 1 WHERE id = :id AND done = 0"

Step = Callable[[str], object]


def measure(options: Options) -> Figures:
    """Milliseconds per event: claimed, a handler's write, marked in its transaction; in turns with the same by hand."""
    rows: dict[str, dict[str, float]] = {}
    for name, url in _URLS.items():
        try:
            with _sql(url) as (by_hand, ours, stored):
                rows[name] = _row(by_hand, ours, stored, options.rounds)
        except (ImportError, OperationalError) as absent:
            print(f"left out: {name} ({absent})")
    with tempfile.TemporaryDirectory() as folder:
        rows["SQLite"] = _row(*_sqlite(folder), options.rounds)
    return Figures("claims", "An event claimed, handled and marked", rows, (
        f"{options.rounds} rounds of {_EVENTS} events each, in random order; ratios are medians over the rounds. Ours "
        "verifies, parses and logs too. By hand: an INSERT and its commit, then the handler's INSERT, an UPDATE and "
        "their commit, on kept connections. The inbox's CPU time is that of one answer, without the database's.",
    ))  # fmt: skip


def _row(by_hand: Step, ours: Step, stored: Step, rounds: int) -> dict[str, float]:
    taken: list[tuple[float, float]] = []
    for _ in range(rounds):
        seconds = {}
        for step in random.sample([by_hand, ours], 2):
            seconds[step] = _time(step, time.perf_counter)
        taken.append((seconds[by_hand], seconds[ours]))
    return {
        "by hand ms": median(hand for hand, _ in taken) * 1e3,
        "ours ms": median(own for _, own in taken) * 1e3,
        "ratio to by hand": median(own / hand for hand, own in taken),
        "inbox answer, CPU ms": median(_time(stored, time.thread_time) for _ in range(rounds)) * 1e3,
    }


def _time(step: Step, clock: Callable[[], float]) -> float:
    events = [uuid.uuid4().hex for _ in range(_EVENTS)]
    began = clock()
    for event in events:
        step(event)
    return (clock() - began) / _EVENTS


@contextmanager
def _sql(url: str) -> Iterator[tuple[Step, Step, Step]]:
    engine, names = create_engine(url), [f"bench_{uuid.uuid4().hex[:8]}" for _ in range(3)]
    claims, effects, events = names
    try:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE TABLE {claims} {_COLUMNS}"))
            connection.execute(text(f"CREATE TABLE {effects} {_COLUMNS}"))
        store = SqlStore(engine, table=events)
        yield _by_hand(engine, claims, effects), *_ours(store, effects)
    finally:
        with engine.begin() as connection:
            for name in names:
                connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
        engine.dispose()


def _by_hand(engine: Engine, claims: str, effects: str) -> Step:
    def step(event: str) -> None:
        with engine.begin() as connection:
            connection.execute(text(_CLAIM.format(table=claims)), {"id": event})
        with engine.begin() as connection:
            connection.execute(text(_CLAIM.format(table=effects)), {"id": event})
            connection.execute(text(_MARK.format(table=claims)), {"id": event})

    return step


def _sqlite(folder: str) -> tuple[Step, Step, Step]:
    kept = sqlite3.connect(f"{folder}/hand.sqlite3", isolation_level=None)
    kept.execute("PRAGMA journal_mode = WAL")
    kept.execute("PRAGMA synchronous = FULL")
    store = SqliteStore(f"{folder}/ours.sqlite3")
    for table in ("claims", "effects"):
        kept.execute(f"CREATE TABLE {table} {_COLUMNS}")
        store.database.execute(f"CREATE TABLE {table} {_COLUMNS}")

    def by_hand(event: str) -> None:
        kept.execute(_CLAIM.format(table="claims"), {"id": event})
        kept.execute("BEGIN IMMEDIATE")
        kept.execute(_CLAIM.format(table="effects"), {"id": event})
        kept.execute(_MARK.format(table="claims"), {"id": event})
        kept.execute("COMMIT")

    return (by_hand, *_ours(store, "effects"))


def _ours(store: Any, effects: str) -> tuple[Step, Step]:
    insert = _CLAIM.format(table=effects)

    def step_of(process: Any) -> Step:
        receiver = WebhookReceiver(_SECRET, store, process=process, registry=CollectorRegistry())
        receiver.on("payment.succeeded")(lambda event: store.database.execute(insert, {"id": event.id}))

        def step(event: str) -> None:
            said = {"id": event, "type": "payment.succeeded", "data": {"id": f"pi_{event}", "status": "succeeded"}}
            body = json.dumps(said).encode()
            result = receiver.receive({"Molam-Signature": sign(body, _SECRET)}, body).result
            assert result in ("handled", "stored"), result

        return step

    return step_of("now"), step_of("later")
