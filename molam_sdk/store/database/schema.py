"""Tables as data: made where they are missing, widened where an older version made them, refused otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from .dialects import Dialect, Kind
from .seam import Database, SteppedDatabase, Value


class SchemaError(Exception):
    """A table is missing, or another version made it. The message names the command that mends it."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and the version it came with: after the first one nullable, so that older workers can go on writing."""

    name: str
    kind: Kind
    nullable: bool = False
    primary: bool = False
    since: int = 1


@dataclass(frozen=True, slots=True)
class Index:
    """An index; its full name is the table's with this one behind it."""

    name: str
    columns: tuple[str, ...]
    since: int = 1
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ours, and its version."""

    name: str
    version: int
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...] = ()

    def named(self, name: str) -> Table:
        """The same table by another name, which must be one that can be quoted."""
        if not name or any(mark in name for mark in "\"`'\0:%") or len(name) > 60:
            raise ValueError(f"{name!r} is no name of a table")
        return replace(self, name=name)

    def at(self, version: int) -> Table:
        """The table as that version had it."""
        columns = tuple(column for column in self.columns if column.since <= version)
        indexes = tuple(index for index in self.indexes if index.since <= version)
        return replace(self, version=version, columns=columns, indexes=indexes)


# Which version made each table; a row per table.
_VERSIONS: Final = Table("molam_schema", 1, (Column("component", "key", primary=True), Column("version", "count")))
_FIND_VERSION: Final = 'SELECT version FROM "molam_schema" WHERE component = :component'
_SET_VERSION: Final = 'UPDATE "molam_schema" SET version = :version WHERE component = :component'
_ADD_VERSION: Final = '@insert_new "molam_schema" (component, version) VALUES (:component, :version)@if_new'
_CREATE: Final = 'CREATE TABLE "@table" (@columns)@options'
_ADD_COLUMN: Final = 'ALTER TABLE "@table" ADD COLUMN @column'
_ADD_INDEX: Final = 'CREATE @kind "@index" ON "@table" (@columns)'


def ensure(database: Database, table: Table, *, make: bool = True) -> None:
    """See to it that the table is of this version; ``make`` lets this make or widen it. ``SchemaError`` if it is not.

    Nothing is written, and no right to make tables is needed, where it is as it should be. A database that is asked in
    steps of an event loop is asked with the first one.
    """
    if isinstance(database, SteppedDatabase):
        database.prepare_later(lambda: _ensure(database, table, make=make))
    else:
        _ensure(database, table, make=make)


def _ensure(database: Database, table: Table, *, make: bool) -> None:
    if _is_current(database, table):
        return
    if not make:
        raise SchemaError(
            f"the table {table.name} is missing or was made by an older version of molam-python-sdk: "
            f"run `molam store upgrade --table {table.name}` or your migrations (`manage.py migrate`, "
            "`alembic upgrade heads`; docs/inbox.md, Tables)"
        )
    dialect = database.dialect
    with database.transaction():
        if dialect.lock:
            database.execute(dialect.lock)
        try:
            # Workers that start together all find it missing: the first one makes it.
            if not _is_current(database, table):
                _make(database, _VERSIONS)
                _make(database, table)
                write_version(database, table)
        finally:
            if dialect.unlock:
                database.execute(dialect.unlock)


def _is_current(database: Database, table: Table) -> bool:
    """Whether the table has all its columns and indexes; ``SchemaError`` if a newer version made it."""
    made_by = _version_of(database, table)
    if made_by is not None and made_by > table.version:
        raise SchemaError(
            f"the table {table.name} was made by a newer version of molam-python-sdk (its version is {made_by}, this "
            f"one knows {table.version}): run `pip install --upgrade molam-python-sdk` here"
        )
    missing = {column.name for column in table.columns} - columns_of(database, table.name)
    return not missing and not (_index_names(table) - _indexes_of(database, table))


def columns_of(database: Database, table: str) -> set[str]:
    """The names of a table's columns; none where there is no such table."""
    return {str(row[0]) for row in database.execute(database.dialect.columns, {"table": table}).rows}


def _version_of(database: Database, table: Table) -> int | None:
    if not columns_of(database, _VERSIONS.name):
        return None
    found = database.execute(database.dialect.fill(_FIND_VERSION), {"component": table.name}).rows
    return int(found[0][0]) if found else None


def _indexes_of(database: Database, table: Table) -> set[str]:
    return {str(row[0]) for row in database.execute(database.dialect.indexes, {"table": table.name}).rows}


def _index_names(table: Table) -> set[str]:
    return {f"{table.name}_{index.name}" for index in table.indexes}


def _make(database: Database, table: Table) -> None:
    """Make the table, or add the columns and indexes that it lacks."""
    dialect = database.dialect
    there = columns_of(database, table.name)
    if there:
        _widen(database, table, there)
    else:
        columns = ", ".join(_definition(column, dialect) for column in table.columns)
        options = dialect.table_options
        database.execute(dialect.fill(_CREATE, table=table.name, columns=columns, options=options))
    indexes = _indexes_of(database, table)
    for index in table.indexes:
        name = f"{table.name}_{index.name}"
        if name not in indexes:
            columns = ", ".join(f'"{column}"' for column in index.columns)
            kind = "UNIQUE INDEX" if index.unique else "INDEX"
            database.execute(dialect.fill(_ADD_INDEX, kind=kind, index=name, table=table.name, columns=columns))


def _widen(database: Database, table: Table, there: set[str]) -> None:
    missing = [column for column in table.columns if column.name not in there]
    strange = [column.name for column in missing if not column.nullable]
    if strange:
        raise SchemaError(
            f"the table {table.name} is not molam-python-sdk's: it has no column {', '.join(strange)}. "
            f"Give the store another table by table=…"
        )
    dialect = database.dialect
    for column in missing:
        definition = _definition(column, dialect)
        database.execute(dialect.fill(_ADD_COLUMN, table=table.name, column=definition))


def _definition(column: Column, dialect: Dialect) -> str:
    ending = "" if column.nullable else " NOT NULL PRIMARY KEY" if column.primary else " NOT NULL"
    return f'"{column.name}" {dialect.types[column.kind]}{ending}'


def write_version(database: Database, table: Table) -> None:
    """Note of which version the table is."""
    values: dict[str, Value] = {"component": table.name, "version": table.version}
    if database.execute(database.dialect.fill(_SET_VERSION), values).changed:
        return
    dialect = database.dialect
    add = dialect.fill(_ADD_VERSION, insert_new=dialect.insert_new, if_new=dialect.if_new)
    database.execute(add, values)
