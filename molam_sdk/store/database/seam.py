"""The seam that every way to a database implements: SQL goes in, rows come out, blocking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

from ..._interruption import raised_from_outside
from .dialects import Dialect

T = TypeVar("T")


class LostCommitError(Exception):
    """A database went away while it committed: what was written may be there, or not. Its cause is what it raised."""


Value = str | bytes | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement gave: its rows, and how many rows it changed."""

    rows: Sequence[Sequence[Any]]
    changed: int


class NoConnectionError(Exception):
    """No connection to the database was free in time: it is not away, and nothing was done."""


class Database(Protocol):
    """A database, whoever speaks to it. Every method blocks.

    A transaction takes a connection when it first needs one, so one that executes nothing costs nothing.
    """

    @property
    def dialect(self) -> Dialect:
        """What this kind of database says differently."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Join the transaction that is open in this context; where there is none, one from here to the end."""
        ...

    def apart(self) -> AbstractContextManager[None]:
        """A transaction of its own, committed at its end whatever becomes of one that is open around it.

        ``RuntimeError`` where it would wait for the one around it (SQLite has one writer).
        """
        ...

    def commit(self, statement: str, values: Mapping[str, Value] | None = None) -> Result:
        """Run one statement and commit it, whatever transaction is open around it: in one round trip where it can.

        ``LostCommitError`` where it may have been committed all the same; whatever else is raised: it was not.
        """
        ...

    def joined(self, transaction: object) -> AbstractContextManager[None]:
        """Join the transaction of the shop's own: the one that is given, or that is open in this context.

        ``ValueError`` where there is none, or it is of another database.
        """
        ...

    def execute(self, statement: str, values: Mapping[str, Value] | None = None) -> Result:
        """Run one statement, as the dialect's ``fill`` gives it, in the open transaction or in one of its own."""
        ...


@runtime_checkable
class SteppedDatabase(Protocol):
    """A database that can only be asked in steps of an event loop: what would ask it before the first waits for it."""

    def prepare_later(self, step: Callable[[], None]) -> None:
        """Have this done before anything else, in the first step."""
        ...

    def ask_from_thread(self, step: Callable[[], T]) -> T | None:
        """What the step gives on the event loop that used the database last, for a thread that has none; None where no
        such loop runs. ``TimeoutError`` where it does not come to it."""
        ...


def committed_apart(database: Database, statement: str, values: Mapping[str, Value] | None) -> Result:
    """``Database.commit`` by a transaction of its own: begun, run and committed."""
    result: Result | None = None
    try:
        with database.apart():
            result = database.execute(statement, values)
    except Exception as problem:
        if result is None or raised_from_outside(problem):
            raise
        raise LostCommitError(str(problem)) from problem
    return result


def database_time(database: Database) -> float:
    """Unix seconds by the clock that all workers share."""
    return float(database.execute(database.dialect.fill("SELECT @now")).rows[0][0])
