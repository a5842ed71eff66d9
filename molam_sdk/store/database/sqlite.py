"""SQLite by the standard library: one file in WAL, connections kept, no wait that stands still in C."""

from __future__ import annotations

import os
import random
import sqlite3
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, TypeVar

from ..._forks import renew_after_fork
from .dialects import SQLITE, Dialect
from .seam import Result, Value, committed_apart
from .transactions import Opened, Transactions

T = TypeVar("T")

_KEPT: Final = 8
_FIRST_PAUSE: Final = 0.001
_LONGEST_PAUSE: Final = 0.025

# What a child process inherited: never used and never closed there, since the parent still uses it.
_inherited: list[deque[sqlite3.Connection]] = []


_Opened = Opened[sqlite3.Connection]


class SqliteDatabase(Transactions[_Opened]):
    """A SQLite file. Who finds it locked waits up to ``timeout_seconds`` by ``time.sleep``, which gevent makes green:
    SQLite's own wait would hold up the very greenlet that has the lock.
    """

    def __init__(self, path: str | Path, *, timeout_seconds: float = 30.0) -> None:
        super().__init__("molam_sqlite", _Opened)
        self._path = str(path)
        self._timeout = timeout_seconds
        self._idle: deque[sqlite3.Connection] = deque()
        self._make_private()
        self._file = _identity(self._path)
        renew_after_fork(self)
        self._closing = weakref.finalize(self, _close_all, self._idle)

    @property
    def dialect(self) -> Dialect:
        return SQLITE

    @property
    def connection(self) -> sqlite3.Connection:
        """The open transaction's connection. The file is locked for other writers from here to its end."""
        opened = self._here()
        return opened.connection or self._begun(opened)

    def after_fork(self) -> None:
        """Leave the parent's connections alone; a child opens its own."""
        _inherited.append(self._idle)
        self._idle = deque()
        self._forget_open()
        self._closing.detach()
        self._closing = weakref.finalize(self, _close_all, self._idle)

    def close(self) -> None:
        """Close what is kept open. The database can be used again: it opens what it needs."""
        _close_all(self._idle)

    def commit(self, statement: str, values: Mapping[str, Value] | None = None) -> Result:
        return committed_apart(self, statement, values)

    def joined(self, transaction: object) -> AbstractContextManager[None]:
        """A file has no transaction of the shop's but a handler's; without one, what is joined is committed alone."""
        if transaction is not None:
            raise ValueError(
                f"a journal in a SQLite file joins no {type(transaction).__name__}: name it by an SQLAlchemy engine, "
                "and give a Session or a Connection of the same engine"
            )
        return self.transaction()

    def execute(self, statement: str, values: Mapping[str, Value] | None = None) -> Result:
        if self.in_transaction:
            return _run(self.connection, statement, values)
        if statement.startswith("SELECT"):
            return self._read(statement, values)
        with self.apart():
            return _run(self.connection, statement, values)

    def _read(self, statement: str, values: Mapping[str, Value] | None) -> Result:
        """A query on its own needs no lock: in WAL nobody holds it up, and it holds up nobody."""
        reading = _Opened(None)
        reading.connection = self._connection()
        try:
            return self._patiently(lambda connection: _run(connection, statement, values), reading.connection)
        finally:
            self._let_go(reading)

    def _begun(self, opened: _Opened) -> sqlite3.Connection:
        if opened.waits_for_itself:
            raise RuntimeError(
                f"a transaction of this thread is writing to {self._path}, and this one would wait for it to end: "
                "finish the first one before"
            )
        # Known before it has the lock: whatever tears this, apart() finds it and closes it.
        connection = opened.connection = self._connection()
        try:
            # Immediate: a transaction that reads first and writes later would lose against any other writer.
            self._patiently(lambda one: one.execute("BEGIN IMMEDIATE"), connection)
        except BaseException:
            self._roll_back(opened)
            raise
        return connection

    def _connection(self) -> sqlite3.Connection:
        """One that was kept, or a new one; none that still writes to a file that was moved away or replaced."""
        there = _identity(self._path)
        if there != self._file:
            self._file = there
            _close_all(self._idle)
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        # One thread at a time has a connection, but not always the same one.
        connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._patiently(lambda one: one.execute("PRAGMA journal_mode = WAL").fetchall(), connection)
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _patiently(self, step: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection) -> T:
        """The step, tried again while somebody else has the lock; ``OperationalError`` when the time is over."""
        give_up = time.monotonic() + self._timeout
        pause = _FIRST_PAUSE
        while True:
            try:
                return step(connection)
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() >= give_up:
                    raise
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # spreads those who wait
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _commit(self, opened: _Opened) -> None:
        if opened.connection is not None:
            self._patiently(lambda one: one.execute("COMMIT"), opened.connection)

    def _roll_back(self, opened: _Opened) -> None:
        connection, opened.connection = opened.connection, None
        if connection is not None:
            # Closing rolls back, also where the connection is past saying so.
            connection.close()

    def _let_go(self, opened: _Opened) -> None:
        connection, opened.connection = opened.connection, None
        if connection is None:
            return
        # One that is still in a transaction was torn out of rolling it back.
        if len(self._idle) < _KEPT and not connection.in_transaction:
            self._idle.append(connection)
        else:
            connection.close()

    def _make_private(self) -> None:
        """A new file is its owner's alone; one that is there keeps the rights that it has."""
        try:
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            return
        except OSError as error:
            raise sqlite3.OperationalError(f"unable to open database file {self._path}: {error.strerror}") from error


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  # asked before each transaction: Path costs more than the question
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _run(connection: sqlite3.Connection, statement: str, values: Mapping[str, Value] | None) -> Result:
    cursor = connection.execute(statement, values or {})
    return Result(cursor.fetchall(), cursor.rowcount)


def _close_all(idle: deque[sqlite3.Connection]) -> None:
    while idle:
        idle.pop().close()
