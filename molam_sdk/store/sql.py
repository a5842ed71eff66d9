"""A store in SQL through SQLAlchemy: PostgreSQL, MariaDB, MySQL or SQLite, in the shop's own database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    Engine,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.mysql import LONGBLOB, LONGTEXT
from sqlalchemy.orm import Session

from .claims import Claim, Clock
from .database.addresses import engine_at
from .database.alchemy import AlchemyDatabase
from .database.dialects import Kind
from .database.schema import ensure
from .events import EVENTS, EventClaims

__all__ = ["SqlStore", "events_table"]

_TYPES: Final[Mapping[Kind, Any]] = {
    "key": String(64),
    "name": String(255),
    "word": String(32),
    "time": Double(),
    "flag": Boolean(),
    "count": BigInteger(),
    "text": Text().with_variant(LONGTEXT(), "mysql", "mariadb"),
    "bytes": LargeBinary().with_variant(LONGBLOB(), "mysql", "mariadb"),
}


def events_table(metadata: MetaData, name: str = EVENTS.name) -> Table:
    """The table, for a project's own metadata and migrations (Alembic).

    Keys are SHA-256 of ids: MariaDB and MySQL take ``evt_a``, ``EVT_A`` and ``evt_a `` for the same text.
    """
    table = EVENTS.named(name)
    columns = [
        Column(column.name, _TYPES[column.kind], primary_key=column.primary, nullable=column.nullable)
        for column in table.columns
    ]
    indexes = [Index(f"{name}_{index.name}", *index.columns, unique=index.unique) for index in table.indexes]
    return Table(name, metadata, *columns, *indexes)


class ClaimsWithSessions(EventClaims):
    """Claims whose mark comes after what the ORM sessions of the open transaction hold back."""

    def __init__(self, database: AlchemyDatabase, table: str = EVENTS.name, clock: Clock = "server") -> None:
        super().__init__(database, table, clock)
        self.database = database

    def done(self, claim: Claim, now: float) -> bool:
        if self.database.in_transaction:
            self.database.flush()
        return super().done(claim, now)


class SqlStore(ClaimsWithSessions):
    """Claims in a table of the shop's database. A handler that writes through ``store.connection`` or
    ``store.session()`` shares the transaction that marks the event done: both happen or neither does, also when the
    worker is killed.

    ``create_table`` makes the table where it is missing, and widens one that an older version made; leave it off where
    migrations do that. ``clock="caller"`` has leases go by the receiver's clock, for tests that hold it.
    """

    def __init__(
        self,
        engine: Engine | str,
        *,
        table: str = EVENTS.name,
        create_table: bool = True,
        clock: Clock = "server",
    ) -> None:
        self._engine = engine_at(engine) if isinstance(engine, str) else engine
        super().__init__(AlchemyDatabase(self._engine), table, clock)
        ensure(self.database, EVENTS.named(table), make=create_table)

    @property
    def connection(self) -> Connection:
        """The connection of the transaction that this handler runs in: do not commit it."""
        return self.database.connection

    def session(self) -> Session:
        """An ORM session in the transaction that this handler runs in.

        It is flushed before the event is marked, whether the handler commits it or not; its ``commit`` only flushes.
        """
        return self.database.session()
