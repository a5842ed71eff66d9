"""Tables that version 0.1.0 made: every claim in them counts, in place, and old workers beside new ones do no harm."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Boolean, Column, Double, Engine, Index, MetaData, String, Table, Text, insert

from molam_sdk.store import Claim, SqliteStore
from molam_sdk.store.claims import is_late
from molam_sdk.store.columns import hashed_id
from molam_sdk.store.database import SchemaError
from molam_sdk.store.sql import SqlStore
from tests.support.webhooks.stores import MARIADB_URL, POSTGRES_URL, sql_engine, sql_table

NOW = 1_800_000_000.0
DONE = Claim("evt_done", "payment.succeeded", "b", object_id="pi_1", created=NOW)
LEASED = Claim("evt_leased", "payment.succeeded", "b")
LEFT = Claim("evt_left", "payment.succeeded", "b")
URLS = {"sqlite": "sqlite:///{folder}/shop.sqlite3", "postgresql": POSTGRES_URL, "mariadb": MARIADB_URL}

# As version 0.1.0 wrote it, to the letter.
SQLITE_0_1_0 = """
CREATE TABLE IF NOT EXISTS molam_webhook_events (
    event_id TEXT PRIMARY KEY,
    event_type TEXT NOT NULL,
    object_id TEXT,
    created REAL NOT NULL,
    token TEXT NOT NULL,
    lease_until REAL NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    finished TEXT NOT NULL DEFAULT '',
    touched REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS molam_webhook_events_object ON molam_webhook_events (object_id, created);
CREATE INDEX IF NOT EXISTS molam_webhook_events_touched ON molam_webhook_events (touched);
INSERT INTO molam_webhook_events VALUES
    ('evt_done', 'payment.succeeded', 'pi_1', 1800000000.0, 'a', 0, 1, '', 1800000000.0),
    ('evt_leased', 'payment.succeeded', NULL, 1800000000.0, 'a', 1800000060.0, 0, '', 1800000000.0),
    ('evt_left', 'payment.succeeded', NULL, 1800000000.0, 'a', 0, 0, 'shop.pay', 1800000000.0);
"""


def table_0_1_0(name: str) -> Table:
    return Table(
        name,
        MetaData(),
        Column("key", String(64), primary_key=True),
        Column("event_id", String(255), nullable=False),
        Column("event_type", String(255), nullable=False),
        Column("object_key", String(64)),
        Column("created", Double, nullable=False),
        Column("token", String(32), nullable=False),
        Column("lease_until", Double, nullable=False),
        Column("done", Boolean, nullable=False),
        Column("finished", Text, nullable=False),
        Column("touched", Double, nullable=False),
        Index(f"{name}_object", "object_key", "created"),
        Index(f"{name}_touched", "touched"),
    )


def row(claim: Claim, *, lease_until: float, done: bool, finished: str = "") -> dict[str, object]:
    return {
        "key": hashed_id(claim.event_id),
        "event_id": claim.event_id,
        "event_type": claim.event_type,
        "object_key": claim.object_id and hashed_id(claim.object_id),
        "created": claim.created,
        "token": "a",
        "lease_until": lease_until,
        "done": done,
        "finished": finished,
        "touched": NOW,
    }


ROWS = [
    row(DONE, lease_until=0.0, done=True),
    row(LEASED, lease_until=NOW + 60, done=False),
    row(LEFT, lease_until=0.0, done=False, finished="shop.pay"),
]


def what_counts(store: SqliteStore | SqlStore) -> list[object]:
    """What the store says of the three events, and of one that is older than the one that was done."""
    older = Claim("evt_older", "payment.created", "b", object_id="pi_1", created=NOW - 1)
    results = [store.claim(claim, NOW, NOW + 60) for claim in (DONE, LEASED, LEFT, older)]
    return [(result.decision, result.finished, is_late(older, result.newest)) for result in results]


STILL_COUNTS = [("duplicate", (), False), ("busy", (), False), ("run", ("shop.pay",), False), ("run", (), True)]


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    file = tmp_path / "molam_webhooks.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(SQLITE_0_1_0)
    return file


@pytest.fixture(params=URLS)
def old_table(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Engine, Table]]:
    with sql_engine(URLS[request.param].format(folder=tmp_path)) as engine, sql_table(engine, "molam_test") as name:
        table = table_0_1_0(name)
        table.create(engine)
        with engine.begin() as connection:
            connection.execute(insert(table), ROWS)
        yield engine, table


def test_a_sqlite_file_of_0_1_0_is_used_on(old_file: Path) -> None:
    with closing(SqliteStore(old_file)) as store:
        assert what_counts(store) == STILL_COUNTS
    with closing(sqlite3.connect(old_file)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {"molam_webhook_events", "molam_schema"}


def test_a_renewal_that_breaks_off_leaves_the_old_file_as_it_was(
    old_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(name: str | None) -> str:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("molam_sdk.store.first_sqlite_table._hashed", torn)
        with pytest.raises(sqlite3.OperationalError):
            SqliteStore(old_file)
    with closing(SqliteStore(old_file)) as store:
        assert what_counts(store) == STILL_COUNTS


def test_a_table_of_0_1_0_is_widened_in_place(old_table: tuple[Engine, Table]) -> None:
    engine, table = old_table
    assert what_counts(SqlStore(engine, table=table.name, clock="caller")) == STILL_COUNTS


def test_a_worker_of_0_1_0_goes_on_beside_new_ones(old_table: tuple[Engine, Table]) -> None:
    engine, table = old_table
    store = SqlStore(engine, table=table.name, clock="caller")
    theirs = Claim("evt_theirs", "payment.succeeded", "b")
    with engine.begin() as connection:
        connection.execute(insert(table), [row(theirs, lease_until=NOW + 60, done=False)])
    assert store.claim(theirs, NOW, NOW + 60).decision == "busy"
    assert store.claim(theirs, NOW + 60, NOW + 120).decision == "run"
    assert store.renew(theirs, NOW + 180, ())
    assert store.done(theirs, NOW)


def test_where_migrations_make_tables_one_of_0_1_0_is_refused_and_left_as_it_is(
    old_table: tuple[Engine, Table],
) -> None:
    engine, table = old_table
    with pytest.raises(SchemaError, match=f"molam store upgrade --table {table.name}"):
        SqlStore(engine, table=table.name, create_table=False)
    with engine.begin() as connection:
        connection.execute(insert(table), [row(Claim("evt_new", "t", "b"), lease_until=0.0, done=False)])
