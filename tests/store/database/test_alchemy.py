"""What only the way through SQLAlchemy does: connections of a pool, ORM sessions, and transactions others end."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import Final

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from molam_sdk.store.database import Database
from molam_sdk.store.database.alchemy import AlchemyDatabase
from tests.support.databases import dropped

pytestmark = pytest.mark.parametrize("database", ["sqlalchemy-sqlite", "postgresql", "mariadb"], indirect=True)


SHIPMENTS: Final = f"molam_test_shipments_{os.getpid()}"  # another process runs these tests at the same time


class Base(DeclarativeBase):
    """The shop's models."""


class Shipment(Base):
    """What a shop writes."""

    __tablename__ = SHIPMENTS
    id: Mapped[int] = mapped_column(primary_key=True)


@pytest.fixture
def shop(database: Database) -> AlchemyDatabase:
    assert isinstance(database, AlchemyDatabase)
    return database


@pytest.fixture(autouse=True)
def shipments(shop: AlchemyDatabase) -> object:
    Base.metadata.create_all(shop.engine)
    with dropped(shop, Shipment.__tablename__):
        yield


def shipped(shop: AlchemyDatabase) -> list[int]:
    return [row[0] for row in shop.execute(f"SELECT id FROM {SHIPMENTS} ORDER BY id").rows]


def test_an_engine_that_commits_by_itself_is_refused(shop: AlchemyDatabase) -> None:
    for engine in (
        create_engine(shop.engine.url, isolation_level="AUTOCOMMIT"),
        shop.engine.execution_options(isolation_level="AUTOCOMMIT"),
    ):
        with pytest.raises(ValueError, match="AUTOCOMMIT"):
            AlchemyDatabase(engine)
    level = "SERIALIZABLE" if shop.dialect.name == "sqlite" else "READ COMMITTED"
    AlchemyDatabase(shop.engine.execution_options(isolation_level=level))


def test_an_engine_that_must_be_awaited_is_refused_with_what_to_give_instead(shop: AlchemyDatabase) -> None:
    class AsyncEngine:
        """As SQLAlchemy's, whose drivers are not installed here."""

    with pytest.raises(TypeError, match=r"this is AsyncEngine: .*create_engine"):
        AlchemyDatabase(AsyncEngine())  # type: ignore[arg-type]  # what a shop may give


def test_a_transaction_that_executes_nothing_takes_no_connection(shop: AlchemyDatabase) -> None:
    taken = shop.engine.pool.checkedout  # type: ignore[attr-defined]  # of QueuePool
    with shop.transaction():
        assert taken() == 0
        shop.execute("SELECT 1")
        assert taken() == 1
    assert taken() == 0


@pytest.mark.parametrize("commits", [False, True])
def test_what_an_orm_session_holds_is_written_with_the_transaction(shop: AlchemyDatabase, commits: bool) -> None:
    with shop.transaction():
        session = shop.session()
        session.add(Shipment(id=1))
        if commits:
            session.commit()
    assert shipped(shop) == [1]


def test_an_orm_session_that_committed_is_undone_with_the_transaction(shop: AlchemyDatabase) -> None:
    with suppress(ZeroDivisionError), shop.transaction():
        session = shop.session()
        session.add(Shipment(id=1))
        session.commit()
        raise ZeroDivisionError
    assert shipped(shop) == []


def test_an_orm_session_that_rolls_back_undoes_everything_and_says_so(shop: AlchemyDatabase) -> None:
    def ship() -> None:
        with shop.transaction():
            shop.execute(f"INSERT INTO {SHIPMENTS} VALUES (1)")
            session = shop.session()
            session.add(Shipment(id=2))
            session.flush()
            session.rollback()

    with pytest.raises(RuntimeError, match="was ended by somebody else"):
        ship()
    assert shipped(shop) == []


def test_a_connection_that_the_caller_committed_is_not_taken_for_a_transaction(shop: AlchemyDatabase) -> None:
    def ship() -> None:
        with shop.transaction():
            shop.execute(f"INSERT INTO {SHIPMENTS} VALUES (1)")
            shop.connection.commit()

    with pytest.raises(RuntimeError, match="was ended by somebody else"):
        ship()


def test_writers_of_one_sqlite_file_wait_for_each_other(shop: AlchemyDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    if shop.dialect.name != "sqlite":
        pytest.skip("only SQLite has one writer")
    waits = threading.Event()
    pause = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: (waits.set(), pause(seconds)))
    impatient = AlchemyDatabase(create_engine(shop.engine.url, connect_args={"timeout": 0}))
    second = threading.Thread(target=impatient.execute, args=(f"INSERT INTO {SHIPMENTS} VALUES (2)",))
    with shop.transaction():
        shop.execute(f"INSERT INTO {SHIPMENTS} VALUES (1)")
        second.start()
        assert waits.wait(10)
    second.join()
    assert shipped(shop) == [1, 2]
    with impatient.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 0
    impatient.engine.dispose()


def test_a_sqlite_engine_keeps_the_timeout_that_the_shop_gave_it(shop: AlchemyDatabase) -> None:
    if shop.dialect.name != "sqlite":
        pytest.skip("only SQLite has such a timeout")
    with shop.transaction():
        assert shop.connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 5000


def test_an_engine_that_begins_sqlites_transactions_itself_is_served_too(shop: AlchemyDatabase) -> None:
    """SQLAlchemy's own recipe for savepoints in SQLite begins by an event."""
    if shop.dialect.name != "sqlite":
        pytest.skip("a recipe for SQLite")
    event.listen(shop.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    with shop.transaction():
        shop.execute(f"INSERT INTO {SHIPMENTS} VALUES (1)")
    assert shipped(shop) == [1]


def test_what_commits_by_itself_leaves_the_shops_own_transactions_alone(shop: AlchemyDatabase) -> None:
    """PostgreSQL's driver is told to commit by itself, and its connection goes back to the pool of the shop."""
    one = create_engine(shop.engine.url, pool_size=1, max_overflow=0)
    alone = AlchemyDatabase(one)
    for statement in (f"INSERT INTO {SHIPMENTS} VALUES (1)", f"INSERT INTO {SHIPMENTS} VALUES (1)"):
        with suppress(DBAPIError, *([one.dialect.loaded_dbapi.Error] if one.driver == "psycopg" else [])):
            alone.commit(statement)
        with one.connect() as connection:
            connection.exec_driver_sql(f"INSERT INTO {SHIPMENTS} VALUES (2)")
            connection.rollback()
    assert shipped(shop) == [1]
    one.dispose()
