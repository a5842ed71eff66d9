"""`molam store`: the tables in which webhook events and the journal are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import click

from ..store.database import Database, Table, columns_of, ensure
from ..store.database.sqlite import SqliteDatabase
from ..store.entries import ENTRIES
from ..store.events import EVENTS
from ..store.first_sqlite_table import renew_first_table
from ..store.opening import opened_database
from .opened import store_option, told

_TABLES: Final[Mapping[str, Table]] = {EVENTS.name: EVENTS, ENTRIES.name: ENTRIES}


@click.group()
def store() -> None:
    """The tables of the SDK in your database."""


@store.command()
@store_option
@click.option("--table", help="Only this one; else that of webhook events, and the journal's where there is one.")
@click.option("--like", type=click.Choice(tuple(_TABLES)), help="What a table of another name is for.")
def upgrade(where: str, table: str | None, like: str | None) -> None:
    """Make the tables, or widen those of an older version in place; workers of that version can go on meanwhile."""
    with told(), opened_database(where) as database:
        for each in _wanted(database, table, like):
            if isinstance(database, SqliteDatabase) and each is EVENTS:
                renew_first_table(database)
            ensure(database, each)
            click.echo(f"{each.name}: version {each.version}")


def _wanted(database: Database, table: str | None, like: str | None) -> list[Table]:
    if table is not None:
        pattern = _TABLES[like or (table if table in _TABLES else EVENTS.name)]
        return [pattern if table == pattern.name else pattern.named(table)]
    return [each for each in _TABLES.values() if each is EVENTS or columns_of(database, each.name)]
