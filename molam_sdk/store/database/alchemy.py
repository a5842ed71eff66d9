"""PostgreSQL, MariaDB, MySQL or SQLite through SQLAlchemy, in the shop's own database."""

from __future__ import annotations

import functools
import random
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    CursorResult,
    Double,
    Engine,
    LargeBinary,
    String,
    TextClause,
    bindparam,
    text,
)
from sqlalchemy.exc import InterfaceError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from ..._forks import renew_after_fork
from .dialects import POSTGRESQL, SQLITE, Dialect, dialect_of
from .seam import LostCommitError, NoConnectionError, Result, Value, committed_apart
from .transactions import Opened, Transactions

_WAIT_SECONDS: Final = 30.0
_FIRST_PAUSE: Final = 0.001
_LONGEST_PAUSE: Final = 0.025
_VALUE: Final = re.compile(r"(?<!:):([a-z_]+)")
# asyncpg has the server guess what a value is, which it cannot for ``:now + :lease``.
_TYPES: Final[Mapping[type, Any]] = {
    float: Double(),
    bool: Boolean(),
    int: BigInteger(),
    bytes: LargeBinary(),
    str: String(),
}


class OpenedInPool(Opened[Connection]):
    """A transaction of one context, and the ORM sessions in it."""

    __slots__ = ("over", "sessions")

    def __init__(self, around: Opened[Connection] | None) -> None:
        super().__init__(around)
        self.sessions: list[Session] = []
        self.over = False


class JoinedSession(Session):
    """An ORM session in a transaction that is not its own: its ``commit`` only flushes, its ``rollback`` undoes all.

    It takes the transaction's connection when it first needs it. At the end of ``with`` it is flushed.
    """

    def __init__(self, database: AlchemyDatabase, opened: OpenedInPool, **options: Any) -> None:
        given: dict[str, Any] = {**options, "bind": None, "join_transaction_mode": "rollback_only"}
        super().__init__(**given)
        self._database, self._opened = database, opened
        opened.sessions.append(self)

    def get_bind(self, *_args: Any, **_options: Any) -> Connection:
        return self._database.connection_of(self._opened)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            super().__exit__(kind, error, frames)


class AlchemyDatabase(Transactions[OpenedInPool]):
    """The database of an SQLAlchemy engine."""

    def __init__(self, engine: Engine) -> None:
        _check(engine)
        super().__init__("molam_sqlalchemy", OpenedInPool)
        self.engine = engine
        self._dialect = dialect_of(engine.dialect.name)
        # Its drivers know by themselves whether they are in a transaction, so that this asks nothing of the server.
        self._commits_alone = self._dialect is POSTGRESQL
        driver = engine.dialect.driver
        self._by_psycopg = self._commits_alone and driver == "psycopg" and not engine.dialect.is_async
        renew_after_fork(self)

    @property
    def dialect(self) -> Dialect:
        return self._dialect

    @property
    def connection(self) -> Connection:
        """The open transaction's connection."""
        return self.connection_of(self._here())

    def connection_of(self, opened: OpenedInPool) -> Connection:
        """The connection of this transaction, which takes one where it has none."""
        if opened.over:
            raise RuntimeError("the transaction is over: a session of it can be used in its handler alone")
        if opened.connection is None:
            opened.connection = self._begun(opened)
        return opened.connection

    def session(self) -> Session:
        """An ORM session in the open transaction: its ``commit`` only flushes, its ``rollback`` undoes everything."""
        return JoinedSession(self, self._here())

    def after_fork(self) -> None:
        """Forget the parent's connections, which the parent still uses."""
        self._forget_open()
        self.engine.dispose(close=False)

    @contextmanager
    def on(self, connection: Connection) -> Iterator[None]:
        """Run on a connection whose transaction somebody else ends (Alembic's, or an AsyncConnection's)."""
        with self._opened() as opened:
            opened.connection, opened.around = connection, None
            yield

    def commit(self, statement: str, values: Mapping[str, Value] | None = None) -> Result:
        if not self._commits_alone:
            return committed_apart(self, statement, values)
        if self._by_psycopg:
            from .psycopg_alone import commit_alone

            return commit_alone(self.engine, _marked(statement), values)
        with _connected(self.engine) as connection:
            try:
                return _run(connection.execution_options(isolation_level="AUTOCOMMIT"), statement, values)
            except (OperationalError, InterfaceError) as problem:
                if not connection.invalidated:
                    connection.invalidate()
                raise LostCommitError(str(problem)) from problem

    def joined(self, transaction: object) -> AbstractContextManager[None]:
        if transaction is not None:
            return self.on(_connection_in(transaction, self.engine))
        if not self.in_transaction:
            raise ValueError(
                "no transaction of the shop's is open here that this engine knows: say which one, by "
                "client.journal.within(session)"
            )
        return self.transaction()

    def execute(self, statement: str, values: Mapping[str, Value] | None = None) -> Result:
        if self.in_transaction:
            return _run(self.connection, statement, values)
        with self.apart():
            return _run(self.connection, statement, values)

    def flush(self) -> None:
        """Write what the sessions of the open transaction still hold back."""
        for session in self._here().sessions:
            session.flush()

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def _begun(self, opened: OpenedInPool) -> Connection:
        if self._dialect is not SQLITE:
            connection = _connected(self.engine)
            connection.begin()
            return connection
        if opened.waits_for_itself:
            raise RuntimeError(
                "a transaction of this thread has the SQLite file, and this one would wait for it to end: finish the "
                "first one before"
            )
        return self._begin_writing()

    def _begin_writing(self) -> Connection:
        """A connection that holds SQLite's one lock for writers, so that no later write of it is refused.

        The wait is Python's: SQLite's own would hold up every greenlet of gevent.
        """
        connection = _connected(self.engine)
        try:
            connection.begin()
            (busy_timeout,) = connection.exec_driver_sql("PRAGMA busy_timeout").one()
            connection.exec_driver_sql("PRAGMA busy_timeout = 0")
            try:
                self._take_the_lock(connection)
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(busy_timeout)}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _take_the_lock(self, connection: Connection) -> None:
        give_up = time.monotonic() + _WAIT_SECONDS
        pause = _FIRST_PAUSE
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except OperationalError as error:
                # An engine whose own event has begun the transaction is as it should be.
                if "within a transaction" in str(error.orig):
                    return
                if "locked" not in str(error.orig) or time.monotonic() >= give_up:
                    raise
            else:
                return
            self._pause(pause * random.uniform(0.5, 1.0))  # noqa: S311  # spreads those who wait
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _commit(self, opened: OpenedInPool) -> None:
        for session in opened.sessions:
            session.flush()
        if opened.connection is None:
            return
        transaction = opened.connection.get_transaction()
        if transaction is None or not transaction.is_active:
            raise RuntimeError("the transaction was ended by somebody else: do not commit or roll back the connection")
        transaction.commit()

    def _roll_back(self, opened: OpenedInPool) -> None:
        """What was not committed is rolled back when the pool gets the connection."""

    def _let_go(self, opened: OpenedInPool) -> None:
        opened.over = True
        for session in opened.sessions:
            session.close()
        if opened.connection is not None:
            opened.connection.close()
            opened.connection = None


def _check(engine: object) -> None:
    if not isinstance(engine, Engine):
        raise TypeError(
            f"a store wants an SQLAlchemy Engine, and this is {type(engine).__name__}: an AsyncEngine is for "
            "AsyncSqlStore (molam_sdk.store.async_sql), or give this one an Engine on the same database (create_engine)"
        )
    levels = (
        engine.get_execution_options().get("isolation_level"),
        getattr(engine.dialect, "_on_connect_isolation_level", None),
    )
    if "AUTOCOMMIT" in levels:
        raise ValueError(
            "this engine is in AUTOCOMMIT, where nothing can be committed together: give the store another one, "
            "engine.execution_options(isolation_level='READ COMMITTED') for instance"
        )


def _connected(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except PoolTimeoutError as error:
        raise NoConnectionError(f"no connection of the pool was free in time: {error}") from error


def _connection_in(transaction: object, engine: Engine) -> Connection:
    """The connection of a session's or a connection's transaction, which must be one of the journal's database."""
    if not isinstance(transaction, Session | Connection):
        raise ValueError(f"within wants a Session or a Connection of SQLAlchemy's, not {type(transaction).__name__}")
    connection = transaction.connection() if isinstance(transaction, Session) else transaction
    if connection.engine.url != engine.url:
        raise ValueError(
            f"this transaction is in {connection.engine.url!r} and the journal in {engine.url!r}: what stands in two "
            "databases cannot be committed together"
        )
    return connection


def _run(connection: Connection, statement: str, values: Mapping[str, Value] | None) -> Result:
    try:
        cursor = _executed(connection, statement, dict(values or {}))
    except StatementError as error:
        # Its text would quote them, and they are a payment's. Where the engine is the merchant's, so is its setting.
        error.hide_parameters, error.params = True, None
        raise
    rows: list[Any] = [tuple(row) for row in cursor] if cursor.returns_rows else []
    return Result(rows, cursor.rowcount)


def _executed(connection: Connection, statement: str, given: dict[str, Value]) -> CursorResult[Any]:
    if connection.dialect.driver == "asyncpg":
        kinds = tuple((name, type(value)) for name, value in given.items())
        return connection.execute(_typed(statement, kinds), given)
    if given and connection.dialect.paramstyle == "pyformat":
        # As the driver wants it: nothing is compiled, which costs more than a driver's part of a statement.
        return connection.exec_driver_sql(_marked(statement), given)
    return connection.execute(_clause(statement), given)


@functools.lru_cache(512)
def _marked(statement: str) -> str:
    """The statement with its values marked as psycopg and PyMySQL mark them."""
    return _VALUE.sub(r"%(\1)s", statement.replace("%", "%%"))


@functools.lru_cache(512)
def _clause(statement: str) -> TextClause:
    return text(statement)


@functools.lru_cache(512)
def _typed(statement: str, kinds: tuple[tuple[str, type], ...]) -> TextClause:
    known = [
        (name, _TYPES[kind]) for name, kind in kinds if kind in _TYPES and re.search(rf"(?<!:):{name}\b", statement)
    ]
    return text(statement).bindparams(*(bindparam(name, type_=kind) for name, kind in known))
