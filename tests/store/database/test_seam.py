"""What every database does, whoever speaks to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from molam_sdk.store.database import Database, database_time
from tests.support.databases import dropped
from tests.support.webhooks.stores import unique


@pytest.fixture
def notes(database: Database) -> Iterator[str]:
    """A table with one column of each kind that a value can be."""
    name = unique("notes")
    types = database.dialect.types
    columns = {"word": "word", "moment": "time", "flag": "flag", "number": "count", "body": "bytes"}
    made = ", ".join(f"{column} {types[kind]}" for column, kind in columns.items())  # type: ignore[index]  # a literal
    database.execute(f"CREATE TABLE {name} ({made})")
    with dropped(database, name):
        yield name


def words(database: Database, table: str) -> list[str]:
    return sorted(row[0] for row in database.execute(f"SELECT word FROM {table}").rows)


def write(database: Database, table: str, word: str) -> None:
    database.execute(f"INSERT INTO {table} (word) VALUES (:word)", {"word": word})


def test_values_come_back_as_they_were_given(database: Database, notes: str) -> None:
    given = {"word": "50% :no é", "moment": 1_800_000_000.123456, "flag": True, "number": 2**40, "body": b"\0\xff%"}
    marks = ", ".join(f":{name}" for name in given)
    database.execute(f"INSERT INTO {notes} ({', '.join(given)}) VALUES ({marks})", given)
    [(word, moment, flag, number, body)] = database.execute(f"SELECT * FROM {notes}").rows
    assert (word, moment, bool(flag), number, bytes(body)) == tuple(given.values())


def test_a_percent_sign_in_a_statement_is_one(database: Database, notes: str) -> None:
    write(database, notes, "abc")
    found = database.execute(f"SELECT word FROM {notes} WHERE word LIKE 'a%' AND word = :word", {"word": "abc"})
    assert [tuple(row) for row in found.rows] == [("abc",)]


def test_a_change_says_how_many_rows_it_met(database: Database, notes: str) -> None:
    for word in ("a", "b", "c"):
        write(database, notes, word)
    assert (
        database.execute(f"UPDATE {notes} SET flag = :yes WHERE word <> :not_me", {"yes": True, "not_me": "a"}).changed
        == 2
    )
    assert database.execute(f"DELETE FROM {notes} WHERE word = 'x'").changed == 0


def test_a_transaction_that_fails_leaves_nothing(database: Database, notes: str) -> None:
    with suppress(ZeroDivisionError), database.transaction():
        write(database, notes, "a")
        raise ZeroDivisionError
    assert words(database, notes) == []
    with database.transaction():
        write(database, notes, "b")
    assert words(database, notes) == ["b"]


def test_a_transaction_joins_the_one_that_is_open(database: Database, notes: str) -> None:
    with suppress(ZeroDivisionError), database.transaction():
        with database.transaction():
            write(database, notes, "inner")
        write(database, notes, "outer")
        raise ZeroDivisionError
    assert words(database, notes) == []


def test_a_transaction_in_another_thread_is_another_one(database: Database, notes: str) -> None:
    if database.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer")
    with suppress(ZeroDivisionError), database.transaction():
        write(database, notes, "mine")
        other = threading.Thread(target=write, args=(database, notes, "theirs"))
        other.start()
        other.join()
        raise ZeroDivisionError
    assert words(database, notes) == ["theirs"]


@pytest.mark.parametrize("database", ["sqlite", "sqlalchemy-sqlite", "postgresql", "mariadb"], indirect=True)
def test_what_is_written_apart_stays_whatever_becomes_of_the_transaction_around_it(
    database: Database, notes: str
) -> None:
    with suppress(ZeroDivisionError), database.transaction():
        with database.apart():
            write(database, notes, "apart")
        write(database, notes, "outer")
        raise ZeroDivisionError
    assert words(database, notes) == ["apart"]


@pytest.mark.parametrize("database", ["sqlite", "sqlalchemy-sqlite"], indirect=True)
def test_a_transaction_that_would_wait_for_the_one_around_it_is_refused_at_once(database: Database, notes: str) -> None:
    began = time.monotonic()
    with database.transaction():
        write(database, notes, "outer")
        with pytest.raises(RuntimeError, match="would wait for it to end"), database.apart():
            write(database, notes, "apart")
    assert time.monotonic() - began < 10
    assert words(database, notes) == ["outer"]


def test_the_clock_is_that_of_the_world(database: Database) -> None:
    before = time.time()
    told = database_time(database)
    assert before - 0.1 <= told <= time.time() + 0.1
    assert database_time(database) >= told
