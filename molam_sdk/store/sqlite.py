"""A store in one SQLite file: the embedded default, shared by all workers of one machine."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Final

from .claims import Claim, ClaimResult, StoredEvent, decide
from .columns import pack_names, unpack_names

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS molam_webhook_events (
    event_id TEXT PRIMARY KEY,
    event_type TEXT NOT NULL,
    object_id TEXT,
    created REAL NOT NULL,
    token TEXT NOT NULL,
    lease_until REAL NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    finished TEXT NOT NULL DEFAULT '',
    touched REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS molam_webhook_events_object ON molam_webhook_events (object_id, created);
CREATE INDEX IF NOT EXISTS molam_webhook_events_touched ON molam_webhook_events (touched);
"""
_FIND: Final = "SELECT done, lease_until, finished FROM molam_webhook_events WHERE event_id = ?"
_NEWEST: Final = "SELECT max(created) FROM molam_webhook_events WHERE object_id = ? AND done = 1"
_TAKE: Final = """
INSERT INTO molam_webhook_events (event_id, event_type, object_id, created, token, lease_until, touched)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (event_id) DO UPDATE SET token = excluded.token, lease_until = excluded.lease_until
"""
_RENEW: Final = """
UPDATE molam_webhook_events SET lease_until = ?, finished = ? WHERE event_id = ? AND token = ? AND done = 0
"""
_DONE: Final = """
UPDATE molam_webhook_events SET done = 1, touched = ? WHERE event_id = ? AND token = ? AND done = 0
"""
_PRUNE: Final = "DELETE FROM molam_webhook_events WHERE touched < ? AND lease_until < ?"


class SqliteStore:
    """Claims in a SQLite file. ``path`` must be on a local disk, writable by every worker.

    A handler that writes its own tables in the same file through ``store.connection`` shares the transaction that
    marks the event done. Connections are opened for each step and never kept, so a fork is harmless.
    """

    transactional = True

    def __init__(self, path: str | Path = "molam_webhooks.sqlite3", *, timeout_seconds: float = 30.0) -> None:
        self._path = str(path)
        if self._path == ":memory:":
            raise ValueError("SqliteStore wants a file, which the workers share; MemoryStore keeps claims in memory")
        self._timeout = timeout_seconds
        self._open = threading.local()
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection of the transaction that this handler runs in: do not commit it.

        The file is locked for other writers from here to the handler's end.
        """
        if not getattr(self._open, "active", False):
            raise RuntimeError("no transaction is open here: only handlers that are no coroutines run in one")
        if self._open.connection is None:
            connection = self._connect()
            # Immediate: a transaction that reads first and writes later would lose against any other writer.
            connection.execute("BEGIN IMMEDIATE")
            self._open.connection = connection
        shared: sqlite3.Connection = self._open.connection
        return shared

    def claim(self, claim: Claim, now: float, lease_until: float) -> ClaimResult:
        with self._writing() as connection:
            row = connection.execute(_FIND, (claim.event_id,)).fetchone()
            stored = StoredEvent(bool(row[0]), row[1], unpack_names(row[2])) if row else None
            newest = connection.execute(_NEWEST, (claim.object_id,)).fetchone()[0]
            result = decide(claim, stored, newest, now)
            if result.decision == "run":
                values = (claim.event_id, claim.event_type, claim.object_id, claim.created)
                connection.execute(_TAKE, (*values, claim.token, lease_until, now))
            return result

    def renew(self, claim: Claim, lease_until: float, finished: Sequence[str]) -> bool:
        values = (lease_until, pack_names(finished), claim.event_id, claim.token)
        with self._writing() as connection:
            return connection.execute(_RENEW, values).rowcount == 1

    def done(self, claim: Claim, now: float) -> bool:
        shared = getattr(self._open, "active", False)
        with nullcontext(self.connection) if shared else self._writing() as connection:
            return connection.execute(_DONE, (now, claim.event_id, claim.token)).rowcount == 1

    def prune(self, before: float) -> int:
        with self._writing() as connection:
            return connection.execute(_PRUNE, (before, before)).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if getattr(self._open, "active", False):
            raise RuntimeError("a handler of this store is running in this thread: a second one would wait for it")
        self._open.active, self._open.connection = True, None
        try:
            yield
            self._end("COMMIT")
        except BaseException:
            self._end("ROLLBACK")
            raise
        finally:
            self._open.active = False

    def _end(self, statement: str) -> None:
        connection: sqlite3.Connection | None = self._open.connection
        if connection is not None:
            self._open.connection = None
            with closing(connection):
                connection.execute(statement)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=self._timeout, isolation_level=None)
