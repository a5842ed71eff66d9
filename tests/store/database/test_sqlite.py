"""What only the way to SQLite by the standard library does: kept connections, and waits that let others work."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from molam_sdk.store.database import columns_of
from molam_sdk.store.database.sqlite import SqliteDatabase

ROOT = Path(__file__).parents[3]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "molam.db"


@pytest.fixture
def database(file: Path) -> Iterator[SqliteDatabase]:
    with closing(SqliteDatabase(file)) as database:
        database.execute("CREATE TABLE notes (word TEXT)")
        yield database


def test_a_connection_is_kept_for_the_next_transaction(database: SqliteDatabase) -> None:
    with database.transaction():
        first = database.connection
    with database.transaction():
        assert database.connection is first


def test_a_transaction_that_executes_nothing_locks_nothing(database: SqliteDatabase) -> None:
    with database.transaction(), database.apart():
        database.execute("INSERT INTO notes VALUES ('apart')")


def test_threads_have_connections_of_their_own_and_many_are_not_kept(database: SqliteDatabase) -> None:
    start = threading.Barrier(20)

    def read() -> None:
        with database.apart():
            start.wait()
            database.execute("SELECT * FROM notes")

    def write() -> None:
        start.wait()
        database.execute("INSERT INTO notes VALUES ('a')")

    threads = [threading.Thread(target=write) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.execute("SELECT count(*) FROM notes").rows == [(20,)]
    assert 1 <= len(database._idle) <= 8


def test_a_new_file_is_its_owners_alone_and_so_are_those_beside_it(database: SqliteDatabase, file: Path) -> None:
    database.execute("INSERT INTO notes VALUES ('a')")
    for each in file.parent.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600, each


def test_a_file_that_is_there_keeps_its_rights(file: Path) -> None:
    file.touch(0o640)
    file.chmod(0o640)
    with closing(SqliteDatabase(file)):
        assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_every_commit_reaches_the_disk(database: SqliteDatabase) -> None:
    with database.transaction():
        assert database.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert database.connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_what_holds_the_lock_too_long_is_an_error_when_the_time_is_over(file: Path) -> None:
    with closing(SqliteDatabase(file, timeout_seconds=0.05)) as database, closing(sqlite3.connect(file)) as other:
        other.isolation_level = None
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            database.execute("CREATE TABLE notes (word TEXT)")
        other.execute("ROLLBACK")
        database.execute("CREATE TABLE notes (word TEXT)")


def test_a_file_that_was_replaced_is_not_written_to_behind_its_name(database: SqliteDatabase, file: Path) -> None:
    database.execute("INSERT INTO notes VALUES ('old')")
    database.close()
    for each in list(file.parent.iterdir()):
        each.unlink()
    database.execute("CREATE TABLE other (word TEXT)")
    assert columns_of(database, "notes") == set()
    with closing(sqlite3.connect(file)) as seen:
        assert seen.execute("SELECT name FROM sqlite_master").fetchall() == [("other",)]


def test_a_file_that_was_moved_while_a_connection_was_kept_is_left_alone(database: SqliteDatabase, file: Path) -> None:
    database.execute("INSERT INTO notes VALUES ('old')")
    file.rename(file.with_name("backup.db"))
    for each in ("-wal", "-shm"):
        file.with_name(file.name + each).unlink()
    database.execute("CREATE TABLE other (word TEXT)")
    with closing(sqlite3.connect(file)) as seen:
        assert seen.execute("SELECT name FROM sqlite_master").fetchall() == [("other",)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_opens_its_own_connections(database: SqliteDatabase) -> None:
    database.execute("INSERT INTO notes VALUES ('parent')")
    kept = list(database._idle)
    child = os.fork()
    if child == 0:
        try:
            database.execute("INSERT INTO notes VALUES ('child')")
            os._exit(0 if database._idle[0] not in kept else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert database.execute("SELECT word FROM notes ORDER BY word").rows == [("child",), ("parent",)]
    assert list(database._idle) == kept


def test_a_damaged_file_is_an_error_at_the_start(file: Path) -> None:
    file.write_bytes(b"this is a shopping list, and long enough to be looked at" * 100)
    with closing(SqliteDatabase(file)) as database, pytest.raises(sqlite3.DatabaseError, match="not a database"):
        database.execute("SELECT 1")


@pytest.mark.parametrize("speaker", ["sqlite", "sqlalchemy"])
def test_a_greenlet_that_waits_for_the_lock_lets_the_one_that_has_it_work(speaker: str, file: Path) -> None:
    """The first one holds the lock and hands over; the others must not stand still in C until their time is over."""
    program = [sys.executable, "-m", "tests.support.greenlets_at_a_file", speaker, str(file)]
    ran = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout.strip()) == (0, "8 rows, waited together"), ran.stderr
