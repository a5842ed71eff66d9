"""The table that ``SqliteStore`` made in version 0.1.0, brought to the shape that all stores share."""

from __future__ import annotations

from typing import Final

from .columns import hashed_id
from .database.schema import columns_of, ensure
from .database.sqlite import SqliteDatabase
from .events import EVENTS

_OLD: Final = "molam_webhook_events_0_1_0"
_SET_ASIDE: Final = 'ALTER TABLE "molam_webhook_events" RENAME TO "molam_webhook_events_0_1_0"'
_FORGET_INDEX: Final = 'DROP INDEX IF EXISTS "molam_webhook_events_@index"'
_COPY: Final = """
INSERT INTO "molam_webhook_events" ("key", event_id, event_type, object_key, created, token, lease_until, done,
                                    finished, touched)
SELECT molam_hashed(event_id), event_id, event_type, molam_hashed(object_id), created, token, lease_until, done,
       finished, touched
FROM "molam_webhook_events_0_1_0"
"""


def renew_first_table(database: SqliteDatabase) -> None:
    """Move the claims of 0.1.0, whose rows stood under their ids, into a new table, all of them or none."""
    if not _is_old(database):
        return
    with database.transaction():
        # Workers that start together all find it old: the first one does it.
        connection = database.connection
        if not _is_old(database):
            return
        connection.create_function("molam_hashed", 1, _hashed)
        database.execute(_SET_ASIDE)
        for index in ("object", "touched"):
            database.execute(database.dialect.fill(_FORGET_INDEX, index=index))
        ensure(database, EVENTS)
        database.execute(_COPY)
        database.execute(f'DROP TABLE "{_OLD}"')


def _hashed(name: str | None) -> str | None:
    return None if name is None else hashed_id(name)


def _is_old(database: SqliteDatabase) -> bool:
    columns = columns_of(database, EVENTS.name)
    return "event_id" in columns and "key" not in columns
