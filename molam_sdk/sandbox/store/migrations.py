"""The migrations that bring a database file up to the tables of this version."""

from sqlalchemy import Connection, text

from .tables import SCHEMA


def _create_tables(connection: Connection) -> None:
    SCHEMA.create_all(connection)


def _forbid_changes_to_history(connection: Connection) -> None:
    for table in ("ledger", "requests", "events"):
        for change in ("UPDATE", "DELETE"):
            connection.execute(
                text(
                    f"CREATE TRIGGER IF NOT EXISTS {table}_no_{change.lower()} BEFORE {change} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
            )


MIGRATIONS = (_create_tables, _forbid_changes_to_history)


def migrate(connection: Connection) -> None:
    """Run the migrations this database has not seen, in order, in the caller's transaction."""
    seen = int(connection.execute(text("PRAGMA user_version")).scalar_one())
    for version, migration in enumerate(MIGRATIONS[seen:], start=seen + 1):
        migration(connection)
        connection.execute(text(f"PRAGMA user_version = {version}"))
