"""A store from what a shell or a setting can say: a path, or an SQLAlchemy URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .database import Database
from .database.addresses import check_path, engine_at
from .database.sqlite import SqliteDatabase
from .events import EVENTS, EventClaims
from .sqlite import SqliteStore

if TYPE_CHECKING:
    from sqlalchemy import Engine

_SQLITE: Final = "sqlite:///"


@contextmanager
def opened_store(where: str, table: str = EVENTS.name, *, create_table: bool = False) -> Iterator[EventClaims]:
    """The store at a path, ``sqlite:///path`` or an SQLAlchemy URL, closed at the end.

    ``ValueError`` where there is nothing, unless ``create_table``; ``SchemaError`` where its table is too old.
    """
    path = where.removeprefix(_SQLITE)
    if "://" in path:
        with _sql_store(where, table, create_table) as store:
            yield store
        return
    check_path(path)
    if table != EVENTS.name:
        with _sql_store(f"{_SQLITE}{path}", table, create_table) as store:
            yield store
        return
    if not create_table and not Path(path).exists():
        raise ValueError(f"there is no file {path}")
    sqlite = SqliteStore(path)
    try:
        yield sqlite
    finally:
        sqlite.close()


@contextmanager
def opened_database(where: str) -> Iterator[Database]:
    """The database at a path, ``sqlite:///path`` or an SQLAlchemy URL, whatever tables are in it; closed at the end."""
    path = where.removeprefix(_SQLITE)
    if "://" not in path:
        sqlite = SqliteDatabase(check_path(path))
        try:
            yield sqlite
        finally:
            sqlite.close()
        return
    with _engine(where) as engine:
        from .database.alchemy import AlchemyDatabase

        yield AlchemyDatabase(engine)


@contextmanager
def _sql_store(url: str, table: str, create_table: bool) -> Iterator[EventClaims]:
    with _engine(url) as engine:
        from .sql import SqlStore

        yield SqlStore(engine, table=table, create_table=create_table)


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    engine = engine_at(url)
    try:
        yield engine
    finally:
        engine.dispose()
