"""SQLite through SQLAlchemy Core, in memory or in a file, one writer at a time."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool

from .copies import bytes_of, put_back
from .migrations import DamagedDatabaseError, keep_checksum, migrate
from .transaction import StoreTransaction


class DatabaseInUseError(RuntimeError):
    """Another sandbox process has this file open."""


class SandboxStore:
    """One connection behind one lock; `with store.transaction() as tx:` commits all of it or nothing.

    A file is opened in WAL mode and locked for this process, so a killed sandbox loses nothing it has
    answered and two sandboxes never share a file; `durable` says that a power cut loses nothing either. It can be
    read and written by its owner alone, since it holds keys and webhook secrets.
    """

    def __init__(self, path: str | None, durable: bool = False) -> None:
        self._path, self._durable = path, durable
        self._lock = threading.RLock()
        self._connection: Connection | None = None

    def open(self) -> None:
        """Connect and migrate; raises DatabaseInUseError, or OSError for what is no database or no whole one."""
        if self._path:
            _for_the_owner_alone(Path(self._path))
        engine = _engine(self._path, self._durable)
        try:
            self._connection = engine.connect()
            with self.transaction() as tx:
                migrate(tx.connection, from_file=self._path is not None)
        except BaseException as error:
            self.close()
            engine.dispose()
            if isinstance(error, DatabaseError):
                raise _reason(error, self._path) from None
            if isinstance(error, DamagedDatabaseError):
                raise DamagedDatabaseError(f"{self._path}: {error}") from None
            raise

    @contextmanager
    def transaction(self) -> Iterator[StoreTransaction]:
        """A write transaction; an exception rolls it back. Raises RuntimeError while the sandbox is not running."""
        with self._lock:
            if self._connection is None:
                raise RuntimeError("the sandbox is not running; start it first")
            with self._connection.begin():
                yield StoreTransaction(self._connection)

    def copy(self) -> bytes:
        """All that is in it."""
        with self._lock:
            driver = self._driver()
            with self.transaction() as tx:
                keep_checksum(tx.connection)
            return bytes_of(driver)

    def become(self, data: bytes | None) -> None:
        """Be what that copy was, or empty; raises DamagedDatabaseError, and stays as it is, for what is no copy."""
        with self._lock:
            before, driver = self.copy(), self._driver()
            try:
                if data is None:
                    with closing(sqlite3.connect(":memory:")) as empty:
                        empty.backup(driver)
                else:
                    put_back(data, driver)
                with self.transaction() as tx:
                    migrate(tx.connection, from_file=data is not None or self._path is not None)
            except DamagedDatabaseError:
                put_back(before, driver)
                raise

    def _driver(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("the sandbox is not running; start it first")
        driver: Any = self._connection.connection.driver_connection
        found: sqlite3.Connection = driver
        return found

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


def _for_the_owner_alone(path: Path) -> None:
    """Make the file if there is none, and take it from everybody else; SQLite gives its other files the same rights."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)


def _engine(path: str | None, durable: bool) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}" if path else "sqlite://",
        poolclass=StaticPool,
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": 1.0},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        sync = "synchronous=FULL" if durable else "synchronous=NORMAL"
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", sync) if path else ():
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        if driver is not None:
            driver.execute("BEGIN IMMEDIATE")

    return engine
