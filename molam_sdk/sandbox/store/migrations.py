"""The migrations that bring a database file up to the tables of this version, and the check that it has them."""

import hashlib

from sqlalchemy import Connection, text

from .schema_steps import STEPS

_CHECKSUM = "schema_checksum"


class DamagedDatabaseError(OSError):
    """A file that this version cannot serve: made by a newer one, or changed by another hand."""


def migrate(connection: Connection, from_file: bool = True) -> None:
    """Run the steps this database has not seen, in the caller's transaction; raises DamagedDatabaseError."""
    seen = int(connection.execute(text("PRAGMA user_version")).scalar_one())
    if seen > len(STEPS):
        raise DamagedDatabaseError(
            f"made by a newer sandbox (schema {seen}, this one knows {len(STEPS)}); update molam-python-sdk"
        )
    if from_file and seen == len(STEPS):
        _check(connection)
        return
    for version, step in enumerate(STEPS[seen:], start=seen + 1):
        step(connection)
        connection.execute(text(f"PRAGMA user_version = {version}"))
    if from_file:
        keep_checksum(connection)


def keep_checksum(connection: Connection) -> None:
    """Write down what the tables are, so that another hand's change is seen when they come from a file."""
    keep = text("INSERT OR REPLACE INTO texts VALUES (:name, :value)")
    connection.execute(keep, {"name": _CHECKSUM, "value": _checksum(connection)})


def _check(connection: Connection) -> None:
    """Whether the pages are whole and the tables, indexes and triggers are those that the last step left."""
    found = str(connection.execute(text("PRAGMA quick_check(1)")).scalar_one())
    if found != "ok":
        raise DamagedDatabaseError(f"damaged: {found}")
    kept = text("SELECT value FROM texts WHERE name = :name")
    if connection.execute(kept, {"name": _CHECKSUM}).scalar_one_or_none() != _checksum(connection):
        raise DamagedDatabaseError("its tables are not those of this version; another hand has changed them")


def _checksum(connection: Connection) -> str:
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")).all()
    return hashlib.sha256(repr([tuple(row) for row in rows]).encode()).hexdigest()
