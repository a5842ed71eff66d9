"""Alembic's revisions of the stores' tables: name ``molam_sdk:store/revisions`` in ``version_locations``.

They are a branch of their own, ``molam``: ``alembic upgrade heads`` runs them beside the project's. A table by another
name than ``molam_webhook_events`` is told by ``molam_events_table = …`` in alembic.ini, one by another name than
``molam_journal`` by ``molam_journal_table = …``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context, op

from ..database.alchemy import AlchemyDatabase
from ..database.schema import Table, columns_of, ensure, write_version
from ..entry_rows import ENTRIES
from ..events import EVENTS


def raise_events_to(version: int) -> None:
    """Make or widen the table of events; one that a store has already made newer stays as it is."""
    _raise(_events().at(version))


def lower_events_to(version: int) -> None:
    """Take away what came after that version, or the whole table for 0."""
    _lower(_events(), version)


def raise_journal_to(version: int) -> None:
    """Make or widen the table of the journal; one that a client has already made newer stays as it is."""
    _raise(_journal().at(version))


def lower_journal_to(version: int) -> None:
    """Take away what came after that version, or the whole table for 0."""
    _lower(_journal(), version)


def _raise(table: Table) -> None:
    with _database() as database:
        there = columns_of(database, table.name)
        if not {column.name for column in table.columns} <= there:
            ensure(database, table)


def _lower(table: Table, version: int) -> None:
    with _database() as database:
        if version == 0:
            op.drop_table(table.name)
            return
        kept = table.at(version)
        for index in table.indexes:
            if index not in kept.indexes:
                op.drop_index(f"{table.name}_{index.name}", table.name)
        for column in table.columns:
            if column not in kept.columns:
                op.drop_column(table.name, column.name)
        write_version(database, kept)


def _events() -> Table:
    return EVENTS.named(context.config.get_main_option("molam_events_table", EVENTS.name))


def _journal() -> Table:
    return ENTRIES.named(context.config.get_main_option("molam_journal_table", ENTRIES.name))


@contextmanager
def _database() -> Iterator[AlchemyDatabase]:
    connection = op.get_bind()
    database = AlchemyDatabase(connection.engine)
    with database.on(connection):
        yield database
