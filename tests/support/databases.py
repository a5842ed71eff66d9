"""Every database that stores stand on, as a ``Database``, with tables of its own that are gone afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from molam_sdk.store.database import Database
from molam_sdk.store.database.alchemy import AlchemyDatabase
from molam_sdk.store.database.sqlite import SqliteDatabase
from tests.support.webhooks.stores import MARIADB_URL, POSTGRES_URL, sql_engine

DatabaseMaker = Callable[[Path], AbstractContextManager[Database]]


@contextmanager
def _sqlite(folder: Path) -> Iterator[Database]:
    with closing(SqliteDatabase(folder / "molam.db")) as database:
        yield database


def _alchemy(url: str) -> DatabaseMaker:
    @contextmanager
    def make(folder: Path) -> Iterator[Database]:
        with sql_engine(url.format(folder=folder)) as engine:
            yield AlchemyDatabase(engine)

    return make


@contextmanager
def _django(folder: Path) -> Iterator[Database]:
    from tests.support.webhooks.django_project import migrated

    with migrated():
        from molam_sdk.contrib.django.database import DjangoDatabase

        yield DjangoDatabase("default")


DATABASES: dict[str, DatabaseMaker] = {
    "sqlite": _sqlite,
    "sqlalchemy-sqlite": _alchemy("sqlite:///{folder}/molam.db"),
    "postgresql": _alchemy(POSTGRES_URL),
    "mariadb": _alchemy(MARIADB_URL),
    "django": _django,
}


@contextmanager
def dropped(database: Database, *tables: str) -> Iterator[None]:
    """Tables that are gone afterwards, and their versions with them."""
    try:
        yield
    finally:
        for table in tables:
            database.execute(f"DROP TABLE IF EXISTS {table}")
            if _has_versions(database):
                database.execute("DELETE FROM molam_schema WHERE component = :table", {"table": table})


def _has_versions(database: Database) -> bool:
    from molam_sdk.store.database import columns_of

    return bool(columns_of(database, "molam_schema"))
