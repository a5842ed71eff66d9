"""What a durable call costs: the journal's commits beside the same by hand, and beside a DBOS workflow of one step.

SQLite in a file (WAL, FULL), and PostgreSQL where ``MOLAM_TEST_POSTGRES_URL`` names one (or one runs on this machine).
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from molam_sdk import ClientConfig, MolamClient
from molam_sdk.journal import Asked, End, KeptAnswer
from molam_sdk.store.columns import hashed_id
from molam_sdk.store.database import Database
from molam_sdk.store.entries import JournalEntries
from molam_sdk.store.entry_rows import ENTRIES, asked_values, end_values
from molam_sdk.testing import ScriptedTransport, reply

from .figures import Figures, Options

Step = Callable[[], object]

OURS, BY_HAND, CALL, PLAIN, DBOS = (
    "molam, begin and end", "the same two commits by hand", "molam, a whole durable call",
    "a call without, and two commits by hand", "DBOS, a workflow of one step",
)  # fmt: skip
POSTGRES: Final = os.environ.get("MOLAM_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
_BODY: Final = b'{"amount":100.5,"currency":"USD","capture":false,"metadata":{"order_id":"order-7"}}'
_ANSWER: Final = b'{"id":"pi_1","status":"succeeded","amount":100.5,"currency":"USD","metadata":{"order_id":"order-7"}}'
_PAID: Final = reply(
    200, {"id": "pi_1", "status": "succeeded", "amount": 100.5, "currency": "USD"}, {"X-Molam-Request-Id": "req_1"}
)
_ORDER: Final = {"amount": "100.50", "currency": "USD", "metadata": {"order_id": "order-7"}}
_END: Final = End("done", None, "200", 1, "req_1", "acc", KeptAnswer(200, {"X-Molam-Request-Id": "req_1"}, _ANSWER))
_MANY: Final = 1_000_000
_THREADS: Final = 64
_WRITTEN: Final = (
    "key_hash idempotency_key state closed operation method path body body_hash base_url account first_used attempts "
    "token lease_until".split()
)
_CHANGED: Final = (
    "state closed code request_id attempts answer_status answer_head answer_body ended lease_until".split()
)


def measure(options: Options) -> Figures:
    """Microseconds of each, one after the other in a new order every round, and what 64 threads commit a second."""
    rows: dict[str, dict[str, float]] = {}
    for name, place in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
        with contextlib.ExitStack() as stack:
            try:
                bench = stack.enter_context(place())
            except Exception as away:  # noqa: BLE001  # a database that is not here
                print(f"left out: {name} ({type(away).__name__})")
                continue
            _add(rows, name, bench, options)
    return Figures("journal", "A durable call", rows, (
        f"{options.rounds} rounds; ratios are medians over the rounds. By hand: one statement each, prepared, in one "
        "connection that commits by itself, the same columns. DBOS: its own two transactions, the step does nothing.",
    ))  # fmt: skip


class Bench:
    """A database, and how to commit in it by hand."""

    def __init__(self, database: Database, url: str, connect: Callable[[], Any], mark: str) -> None:
        self.entries = JournalEntries(database)
        self.database, self.url, self.connect, self.mark = database, url, connect, mark
        self.insert = f"INSERT INTO molam_journal ({', '.join(_WRITTEN)}) VALUES ({', '.join(mark for _ in _WRITTEN)})"
        self.update = (
            f"UPDATE molam_journal SET {', '.join(f'{name} = {mark}' for name in _CHANGED)} WHERE key_hash = {mark}"
        )

    def ours(self) -> None:
        call = _asked()
        self.entries.begin(call, 60)
        self.entries.end(call.key, call.token, _END)

    def by_hand(self, connection: Any) -> Step:
        def commit_twice() -> None:
            call, now = _asked(), time.time()
            held = {**asked_values(call), "idempotency_key": call.key, "state": "open", "closed": False}
            held |= {"first_used": now, "attempts": 0, "lease_until": now + 60}
            connection.execute(self.insert, [held[name] for name in _WRITTEN])
            ended = {**end_values(call.key, call.token, _END), "ended": now, "lease_until": 0.0}
            connection.execute(self.update, [*(ended[name] for name in _CHANGED), held["key_hash"]])

        return commit_twice

    def client(self, **options: Any) -> MolamClient:
        config = ClientConfig(api_key="sk_test_1", environment="sandbox", journal=None)
        return MolamClient(config, transport=_Answers(), **options)

    def fill(self, rows: int) -> None:
        """So many entries that ended long ago."""
        columns = [column.name for column in ENTRIES.columns if not column.nullable]
        connection = self.connect()
        if self.mark == "?":
            connection.execute("BEGIN")
            connection.executemany(
                f"INSERT INTO molam_journal ({', '.join(columns)}) VALUES ({', '.join('?' for _ in columns)})",
                (
                    [
                        hashed_id(f"old-{n}"),
                        f"old-{n}",
                        "done",
                        1,
                        "post",
                        "POST",
                        "/v1",
                        "-",
                        "https://a.test",
                        n / 1e3,
                        1,
                        "t",
                        0,
                    ]
                    for n in range(rows)
                ),
            )
            connection.execute("COMMIT")
        else:
            connection.execute(
                f"INSERT INTO molam_journal ({', '.join(columns)}) "
                "SELECT encode(sha256(('old-' || n)::bytea), 'hex'), 'old-' || n, 'done', true, 'post', 'POST', "
                "'/v1', '-', 'https://a.test', n / 1000.0, 1, 't', 0 "
                f"FROM generate_series(1, {rows}) AS n"
            )
            connection.execute("ANALYZE molam_journal")
        connection.close()


class _Answers(ScriptedTransport):
    """Answers at once, for ever."""

    def send(self, request: Any) -> Any:
        return _PAID


def _add(rows: dict[str, dict[str, float]], name: str, bench: Bench, options: Options) -> None:
    connection, client, plain = bench.connect(), bench.client(journal=bench.entries), bench.client()
    by_hand = bench.by_hand(connection)

    def call_and_commit() -> None:
        plain.create_payment_intent(_ORDER)
        by_hand()

    contestants: dict[str, Step] = {
        BY_HAND: by_hand,
        OURS: bench.ours,
        PLAIN: call_and_commit,
        CALL: lambda: client.create_payment_intent(_ORDER),
    }
    with _dbos(bench.url) as workflow:
        if workflow is not None:
            contestants[DBOS] = workflow
        taken = _race(contestants, options.rounds)
    for each, seconds in taken.items():
        row = rows.setdefault(each, {})
        row[f"{name} µs"] = median(seconds) * 1e6
        against = PLAIN if each == CALL else BY_HAND
        row[f"{name} ratio"] = median(one / hand for one, hand in zip(seconds, taken[against], strict=True))
        if DBOS in taken:
            row[f"{name} to DBOS"] = median(one / other for one, other in zip(seconds, taken[DBOS], strict=True))
    hand = _together(lambda: bench.by_hand(bench.connect()), options.seconds)
    rows[OURS][f"{name} {_THREADS} threads"] = _together(lambda: bench.ours, options.seconds)
    rows[BY_HAND][f"{name} {_THREADS} threads"] = hand
    rows[OURS][f"{name} {_THREADS} threads, ratio"] = rows[OURS][f"{name} {_THREADS} threads"] / hand
    if options.rounds > 15:
        before = _time(bench.ours)
        bench.fill(_MANY)
        rows[OURS][f"{name} with {_MANY:,} rows to few"] = median(_time(bench.ours) for _ in range(5)) / before
    connection.close()
    client.close()
    plain.close()


def _asked() -> Asked:
    key = uuid.uuid4().hex
    return Asked(
        key, key, "create_payment_intent", "POST", "/v1/connect/payment_intents", _BODY, "https://a.test", "acc"
    )


def _race(contestants: dict[str, Step], rounds: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    order, chance = list(contestants), random.Random(1)
    for _ in range(rounds):
        chance.shuffle(order)
        for name in order:
            taken[name].append(_time(contestants[name]))
    return taken


def _time(step: Step, times: int = 40) -> float:
    for _ in range(6):  # drivers prepare a statement when they see it again
        step()
    began = time.perf_counter()
    for _ in range(times):
        step()
    return (time.perf_counter() - began) / times


def _together(make: Callable[[], Step], seconds: float) -> float:
    """Durable steps a second by many threads."""
    counts, ready, stop = [0] * _THREADS, threading.Barrier(_THREADS + 1), threading.Event()

    def work(number: int) -> None:
        step = make()
        step()
        ready.wait()
        while not stop.is_set():
            step()
            counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(_THREADS)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


@contextmanager
def _sqlite() -> Iterator[Bench]:
    from molam_sdk.store.database.sqlite import SqliteDatabase

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "molam.db")

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA synchronous = FULL")
            return connection

        database = SqliteDatabase(path)
        yield Bench(database, f"sqlite:///{folder}/dbos.db", connect, "?")
        database.close()


@contextmanager
def _postgresql() -> Iterator[Bench]:
    import psycopg
    from sqlalchemy import create_engine

    from molam_sdk.store.database.alchemy import AlchemyDatabase

    name = f"molam_bench_{uuid.uuid4().hex[:8]}"
    plain = POSTGRES.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]  # our own name
        url = POSTGRES.rpartition("/")[0] + f"/{name}"
        engine = create_engine(url, pool_size=_THREADS, max_overflow=0)
        try:
            yield Bench(
                AlchemyDatabase(engine),
                url,
                lambda: psycopg.connect(url.replace("+psycopg", ""), autocommit=True),
                "%s",
            )
        finally:
            engine.dispose()
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]  # our own name


@contextmanager
def _dbos(url: str) -> Iterator[Step | None]:
    """A workflow of one step, in the same database server."""
    try:
        from dbos import DBOS as Library  # noqa: N811
    except ImportError as absent:
        print(f"left out: DBOS ({absent})")
        yield None
        return
    Library(config={"name": "bench", "system_database_url": url, "run_admin_server": False, "log_level": "ERROR"})

    @Library.step()
    def step() -> dict[str, str]:
        return {"id": "pi_1", "status": "succeeded"}

    @Library.workflow()
    def workflow() -> dict[str, str]:
        return step()

    Library.launch()
    try:
        yield workflow
    finally:
        Library.destroy()
