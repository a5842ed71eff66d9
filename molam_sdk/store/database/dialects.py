"""What differs between databases, as a table: everything else is written once, in SQL that all of them take.

Statements quote names with ``"``, mark values by ``:name`` and parts that differ by ``@part``, which ``fill`` fills in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["key", "name", "word", "time", "flag", "count", "text", "bytes"]
"""What a column holds: a hash (64 characters), a name (255), a word (32), Unix seconds, …"""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of database says it.

    ``clock`` is Unix seconds by the server's clock; None where server and workers are one machine. ``lock`` and
    ``unlock`` let one worker at a time change tables; empty where the transaction does it by itself.
    """

    name: str
    quote: str
    types: Mapping[Kind, str]
    clock: str | None
    insert_new: str
    if_new: str
    skip_locked: str
    columns: str
    indexes: str
    lock: str
    unlock: str = ""
    table_options: str = ""

    @property
    def has_clock(self) -> bool:
        """Whether the server's clock may differ from the workers'."""
        return self.clock is not None

    @property
    def now(self) -> str:
        """Unix seconds as an expression, by the clock that all workers share."""
        return self.clock or "((julianday('now') - 2440587.5) * 86400.0)"

    def fill(self, statement: str, **names: str) -> str:
        """The statement with ``@now`` and other names of parts filled in, and names quoted as this database does."""
        for part, text in {"now": self.now, **names}.items():
            statement = statement.replace(f"@{part}", text)
        return statement if self.quote == '"' else statement.replace('"', self.quote)


SQLITE: Final = Dialect(
    name="sqlite",
    quote='"',
    types={
        "key": "VARCHAR(64)", "name": "VARCHAR(255)", "word": "VARCHAR(32)", "time": "DOUBLE",
        "flag": "BOOLEAN", "count": "INTEGER", "text": "TEXT", "bytes": "BLOB",
    },
    clock=None,
    insert_new="INSERT OR IGNORE INTO",
    if_new="",
    skip_locked="",
    columns="SELECT name FROM pragma_table_info(:table)",
    indexes="SELECT name FROM pragma_index_list(:table)",
    lock="",
)  # fmt: skip
POSTGRESQL: Final = Dialect(
    name="postgresql",
    quote='"',
    types={
        "key": "VARCHAR(64)", "name": "VARCHAR(255)", "word": "VARCHAR(32)", "time": "DOUBLE PRECISION",
        "flag": "BOOLEAN", "count": "BIGINT", "text": "TEXT", "bytes": "BYTEA",
    },
    clock="CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)",
    insert_new="INSERT INTO",
    if_new=" ON CONFLICT DO NOTHING",
    skip_locked=" FOR UPDATE SKIP LOCKED",
    columns=(
        "SELECT attname FROM pg_attribute"
        " WHERE attrelid = to_regclass(quote_ident(CAST(:table AS TEXT))) AND attnum > 0 AND NOT attisdropped"
    ),
    indexes=(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE i.indrelid = to_regclass(quote_ident(CAST(:table AS TEXT)))"
    ),
    lock="SELECT pg_advisory_xact_lock(7095612930)",
)  # fmt: skip
MYSQL: Final = Dialect(
    name="mysql",
    quote="`",
    types={
        "key": "VARCHAR(64)", "name": "VARCHAR(255)", "word": "VARCHAR(32)", "time": "DOUBLE",
        "flag": "BOOL", "count": "BIGINT", "text": "LONGTEXT", "bytes": "LONGBLOB",
    },
    # UTC has no hour that comes twice, which UNIX_TIMESTAMP(NOW(6)) has each autumn.
    clock="(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1e6)",
    insert_new="INSERT IGNORE INTO",
    if_new="",
    # It has SKIP LOCKED, but takes gap locks with it: workers that lease at once would deadlock with those that store.
    skip_locked="",
    columns=(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = :table"
    ),
    indexes=(
        "SELECT DISTINCT index_name FROM information_schema.statistics"
        " WHERE table_schema = DATABASE() AND table_name = :table"
    ),
    lock="SELECT GET_LOCK('molam_schema', 60)",
    unlock="SELECT RELEASE_LOCK('molam_schema')",
    table_options=" CHARACTER SET utf8mb4",
)  # fmt: skip

_BY_NAME: Final[Mapping[str, Dialect]] = {
    "sqlite": SQLITE,
    "postgresql": POSTGRESQL,
    "mysql": MYSQL,
    "mariadb": MYSQL,
}


def dialect_of(name: str) -> Dialect:
    """The dialect by the name that SQLAlchemy or Django gives it; ``ValueError`` for a database we do not speak to."""
    found = _BY_NAME.get(name)
    if found is None:
        raise ValueError(f"{name} is no database for a store: use PostgreSQL, MariaDB, MySQL or SQLite")
    return found
