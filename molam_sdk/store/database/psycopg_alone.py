"""One statement that commits by itself, given to psycopg as it is: SQLAlchemy's part of it would cost as much again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from .seam import LostCommitError, NoConnectionError, Result, Value


def commit_alone(engine: Engine, statement: str, values: Mapping[str, Value] | None) -> Result:
    """What it gives, on a connection of the engine's pool; raises as ``Database.commit`` does. ``statement`` marks its
    values as psycopg does."""
    driver, pooled = engine.dialect.loaded_dbapi, _pooled(engine)
    try:
        return _run(pooled.driver_connection, statement, values)
    except BaseException as problem:  # whatever it was: the pool gets no connection that it does not know the state of
        pooled.invalidate()
        if isinstance(problem, (driver.OperationalError, driver.InterfaceError)):
            raise LostCommitError(str(problem)) from problem
        raise
    finally:
        pooled.close()


def _run(connection: Any, statement: str, values: Mapping[str, Value] | None) -> Result:
    connection.autocommit = True  # known to the driver alone: the server is asked nothing
    cursor = connection.execute(statement, values)
    result = Result(cursor.fetchall() if cursor.description else [], cursor.rowcount)
    connection.autocommit = False
    return result


def _pooled(engine: Engine) -> PoolProxiedConnection:
    try:
        return engine.raw_connection()
    except PoolTimeoutError as error:
        raise NoConnectionError(f"no connection of the pool was free in time: {error}") from error
