"""Tables are made where they are missing, widened where they are old, and refused where they are somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from molam_sdk.store.database import Column, Database, Index, SchemaError, Table, columns_of, ensure
from tests.support.databases import dropped
from tests.support.webhooks.stores import unique

FIRST = Table("", 1, (Column("key", "key", primary=True), Column("word", "word")), (Index("word", ("word",)),))


def second(first: Table) -> Table:
    columns = (*first.columns, Column("body", "bytes", nullable=True), Column("due", "time", nullable=True))
    return replace(first, version=2, columns=columns, indexes=(*first.indexes, Index("due", ("due",))))


@pytest.fixture
def first(database: Database) -> Iterator[Table]:
    """The first version of a table that nobody else has."""
    name = unique("things")
    with dropped(database, name):
        yield FIRST.named(name)


def test_a_missing_table_is_made_and_then_nothing_is_written(database: Database, first: Table) -> None:
    ensure(database, first)
    assert columns_of(database, first.name) == {"key", "word"}
    ensure(database, first, make=False)


def test_an_older_table_is_widened_and_keeps_its_rows(database: Database, first: Table) -> None:
    ensure(database, first)
    database.execute(
        database.dialect.fill("INSERT INTO \"@table\" (\"key\", word) VALUES ('k', 'w')", table=first.name)
    )
    ensure(database, second(first))
    row = database.execute(database.dialect.fill('SELECT "key", word, body, due FROM "@table"', table=first.name)).rows[
        0
    ]
    assert tuple(row) == ("k", "w", None, None)
    ensure(database, second(first), make=False)


def test_workers_of_the_older_version_go_on_writing(database: Database, first: Table) -> None:
    ensure(database, second(first))
    added = database.dialect.fill("INSERT INTO \"@table\" (\"key\", word) VALUES ('k', 'w')", table=first.name)
    assert database.execute(added).changed == 1


@pytest.mark.parametrize("there", [False, True], ids=["missing", "older"])
def test_where_migrations_make_tables_the_command_that_mends_is_named(
    database: Database, first: Table, there: bool
) -> None:
    if there:
        ensure(database, first)
    with pytest.raises(SchemaError, match=f"molam store upgrade --table {first.name}"):
        ensure(database, second(first), make=False)
    assert columns_of(database, first.name) == ({"key", "word"} if there else set())


@pytest.mark.parametrize("make", [False, True])
def test_a_newer_table_is_refused(database: Database, first: Table, make: bool) -> None:
    ensure(database, second(first))
    with pytest.raises(SchemaError, match=r"made by a newer version .* is 2, this one knows 1"):
        ensure(database, first, make=make)


def test_a_table_of_somebody_else_is_refused_and_left_as_it_is(database: Database, first: Table) -> None:
    database.execute(f"CREATE TABLE {first.name} (word VARCHAR(20))")
    with pytest.raises(SchemaError, match="is not molam-python-sdk's: it has no column key"):
        ensure(database, first)
    assert columns_of(database, first.name) == {"word"}


def test_a_lost_index_is_made_again(database: Database, first: Table) -> None:
    ensure(database, first)
    of_mysql = f" ON {first.name}" if database.dialect.name == "mysql" else ""
    database.execute(f"DROP INDEX {first.name}_word{of_mysql}")
    with pytest.raises(SchemaError):
        ensure(database, first, make=False)
    ensure(database, first)
    ensure(database, first, make=False)


@pytest.mark.parametrize("database", ["sqlite", "sqlalchemy-sqlite", "postgresql", "mariadb"], indirect=True)
def test_of_workers_that_start_together_one_makes_it_and_all_find_it(database: Database, first: Table) -> None:
    start = Barrier(6)

    def begin(_: int) -> set[str]:
        start.wait()
        ensure(database, second(first))
        return columns_of(database, first.name)

    with ThreadPoolExecutor(6) as workers:
        assert list(workers.map(begin, range(6))) == [{"key", "word", "body", "due"}] * 6


@pytest.mark.parametrize("name", ["", 'a"b', "a'b", "a`b", "a:b", "50%", "x" * 61, "a\0b"])
def test_a_name_that_cannot_be_quoted_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a table"):
        FIRST.named(name)
