"""SQLite through SQLAlchemy Core, in memory or in a file, one writer at a time."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool

from .migrations import migrate
from .transaction import StoreTransaction


class DatabaseInUseError(RuntimeError):
    """Another sandbox process has this file open."""


class SandboxStore:
    """One connection behind one lock; `with store.transaction() as tx:` commits all of it or nothing.

    A file is opened in WAL mode and locked for this process, so a killed sandbox loses nothing it has
    answered and two sandboxes never share a file.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._connection: Connection | None = None

    def open(self) -> None:
        """Connect and migrate; raises DatabaseInUseError, or OSError for what is no database."""
        engine = _engine(self._path)
        try:
            self._connection = engine.connect()
            with self.transaction() as tx:
                migrate(tx.connection)
        except BaseException as error:
            self.close()
            engine.dispose()
            if isinstance(error, DatabaseError):
                raise _reason(error, self._path) from None
            raise

    @contextmanager
    def transaction(self) -> Iterator[StoreTransaction]:
        """A write transaction; an exception rolls it back. Raises RuntimeError while the sandbox is not running."""
        with self._lock:
            if self._connection is None:
                raise RuntimeError("the sandbox is not running; start it first")
            with self._connection.begin():
                yield StoreTransaction(self._connection)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection.engine.dispose()
            self._connection = None


def _reason(error: DatabaseError, path: str | None) -> Exception:
    if "locked" in str(error.orig):
        return DatabaseInUseError(f"{path} is in use by another sandbox")
    return OSError(f"{path}: {error.orig}")


def _engine(path: str | None) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}" if path else "sqlite://",
        poolclass=StaticPool,
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": 1.0},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=NORMAL") if path else ():
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        if driver is not None:
            driver.execute("BEGIN IMMEDIATE")

    return engine
