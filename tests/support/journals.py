"""Every store of a journal, made on the real thing, and what time does to it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from molam_sdk.journal import Asked, End, Entry, FullJournalStore, KeptAnswer, MemoryJournal, Wanted
from molam_sdk.store.columns import hashed_id
from molam_sdk.store.database import Database
from molam_sdk.store.entries import JournalEntries
from tests.support.databases import DATABASES, dropped
from tests.support.webhooks.stores import sql_engine

DONE = End("done", None, "201", 1, "req_1", "acc", KeptAnswer(201, {"X-Molam-Request-Id": "req_1"}, b'{"id":"pi_1"}'))
REFUSED = End("refused", "rejected", "402", 1, "req_2", "acc", KeptAnswer(402, {}, b'{"error":{"code":"no"}}'))
FREE = End("free", "not_sent", "network_error", 1)
OPEN = End("open", "unknown", "timeout", 1)


def asked(key: str = "order-7", **changes: Any) -> Asked:
    """A call that wants to begin, with a token of its own."""
    facts: dict[str, Any] = {
        "key": key,
        "token": uuid.uuid4().hex,
        "operation": "create_refund",
        "method": "POST",
        "path": "/v1/connect/refunds",
        "body": b'{"payment_id":"pi_1"}',
        "base_url": "https://api.test",
        "account": "acc",
    }
    return Asked(**(facts | changes))


@dataclass
class Bench:
    """A store, and a way to let time pass for one entry: ``aged`` moves its first use, ``expired`` ends its lease."""

    store: FullJournalStore
    aged: Callable[[str, float], None]
    expired: Callable[[str], None]
    set: Callable[[str, str, Any], None]

    def entry(self, key: str = "order-7") -> Entry:
        found = self.store.find(key)
        assert found is not None
        return found

    def keys(self) -> set[str]:
        """Every key, page by page."""
        found, wanted = set[str](), Wanted()
        while page := self.store.page(wanted):
            found |= {entry.key for entry in page}
            wanted = Wanted(after=page[-1])
        return found

    def left(self, end: End, key: str = "order-7", **changes: Any) -> Entry:
        """An entry that ended so."""
        begun = asked(key, **changes)
        self.store.begin(begun, 60)
        assert self.store.end(key, begun.token, end)
        return self.entry(key)


@contextmanager
def memory(_folder: Path) -> Iterator[Bench]:
    """In a dict."""
    store = MemoryJournal()

    def change(key: str, **columns: Any) -> None:
        from dataclasses import replace

        entry, until = store._entries[key]
        until = columns.pop("until", until)
        store._entries[key] = (replace(entry, **columns), until)

    yield Bench(
        store,
        lambda key, seconds: change(key, first_used_at=time.time() - seconds),
        lambda key: change(key, until=0.0),
        lambda key, column, value: change(key, **{column: value}),
    )


def _on(make: Callable[[Path], AbstractContextManager[Database]]) -> Callable[[Path], AbstractContextManager[Bench]]:
    @contextmanager
    def bench(folder: Path) -> Iterator[Bench]:
        name = f"molam_journal_{uuid.uuid4().hex[:10]}"
        with make(folder) as database, dropped(database, name):
            yield bench_of(database, name)

    return bench


def bench_of(database: Database, table: str = "molam_journal") -> Bench:
    """The journal in a table of this database."""

    def change(key: str, assignment: str, **values: Any) -> None:
        statement = f'UPDATE "{table}" SET {assignment} WHERE key_hash = :key'
        database.execute(database.dialect.fill(statement), {"key": hashed_id(key), **values})

    return Bench(
        JournalEntries(database, table=table),
        lambda key, seconds: change(key, "first_used = @now - :seconds", seconds=seconds),
        lambda key: change(key, "lease_until = 0"),
        lambda key, column, value: change(key, f"{column} = :value", value=value),
    )


BENCHES: dict[str, Callable[[Path], AbstractContextManager[Bench]]] = {
    "memory": memory,
    **{name: _on(make) for name, make in DATABASES.items() if name != "django"},
}


@contextmanager
def a_database(url: str) -> Iterator[str]:
    """The URL of an empty place in this database, which is gone afterwards with whoever is still connected to it."""
    name = f"molam_{uuid.uuid4().hex[:12]}"
    postgres = url.startswith("postgresql")
    with sql_engine(url) as engine:
        kind = "SCHEMA" if postgres else "DATABASE"
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE {kind} {name}")
        try:
            place = f"?options=-csearch_path%3D{name}&application_name={name}"
            yield url + place if postgres else url.rpartition("/")[0] + "/" + name
        finally:
            with engine.begin() as connection:
                connection.exec_driver_sql(f"DROP {kind} {name}" + (" CASCADE" if postgres else ""))


def wait_until_left(url: str, seconds: float = 30.0) -> None:
    """Until PostgreSQL has heard that those who were killed are gone, and has rolled back what they had begun."""
    name = url.rpartition("=")[2]
    give_up = time.monotonic() + seconds
    with sql_engine(url.partition("?")[0]) as engine:
        while time.monotonic() < give_up:
            with engine.begin() as connection:
                asked_for = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name")
                if connection.execute(asked_for, {"name": name}).scalar() == 0:
                    return
    raise AssertionError(f"backends of {name} are still there after {seconds:g} s")
