"""A store in one SQLite file: the embedded default, shared by all workers of one machine."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path

from .database.schema import ensure
from .database.sqlite import SqliteDatabase
from .events import EVENTS, EventClaims
from .first_sqlite_table import renew_first_table


class SqliteStore(EventClaims):
    """Claims in a SQLite file. ``path`` must be on a local disk, writable by every worker.

    A handler that writes its own tables in the same file through ``store.connection`` shares the transaction that
    marks the event done. A few connections are kept open; a child process opens its own, so a fork is harmless.
    """

    def __init__(self, path: str | Path = "molam_webhooks.sqlite3", *, timeout_seconds: float = 30.0) -> None:
        if str(path) == ":memory:":
            raise ValueError("SqliteStore wants a file, which the workers share; MemoryStore keeps claims in memory")
        self.database = SqliteDatabase(path, timeout_seconds=timeout_seconds)
        super().__init__(self.database)
        renew_first_table(self.database)
        ensure(self.database, EVENTS)

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection of the transaction that this handler runs in: do not commit it.

        The file is locked for other writers from here to the handler's end.
        """
        return self.database.connection

    def transaction(self) -> AbstractContextManager[None]:
        if self.database.in_transaction:
            raise RuntimeError("a handler of this store is running in this thread: a second one would wait for it")
        return self.database.apart()

    def close(self) -> None:
        """Close the connections that are kept open. The store can be used again."""
        self.database.close()
