"""A store in SQL through SQLAlchemy: PostgreSQL, MariaDB, MySQL or SQLite, in the shop's own database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Double,
    Engine,
    Index,
    MetaData,
    String,
    Table,
    Text,
    and_,
    create_engine,
    delete,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError

from .._forks import renew_after_fork
from .claims import Claim
from .columns import hashed_id
from .rows import EventRow, RowStore

__all__ = ["SqlStore", "events_table"]


def events_table(metadata: MetaData, name: str = "molam_webhook_events") -> Table:
    """The table, for a project's own metadata and migrations (Alembic).

    Keys are SHA-256 of ids: MariaDB and MySQL take ``evt_a``, ``EVT_A`` and ``evt_a `` for the same text.
    """
    return Table(
        name,
        metadata,
        Column("key", String(64), primary_key=True),
        Column("event_id", String(255), nullable=False),
        Column("event_type", String(255), nullable=False),
        Column("object_key", String(64)),
        Column("created", Double, nullable=False),
        Column("token", String(32), nullable=False),
        Column("lease_until", Double, nullable=False),
        Column("done", Boolean, nullable=False),
        Column("finished", Text, nullable=False),
        Column("touched", Double, nullable=False),
        Index(f"{name}_object", "object_key", "created"),
        Index(f"{name}_touched", "touched"),
    )


class SqlStore(RowStore):
    """Claims in a table of the shop's database. A handler that writes through ``store.connection`` shares the
    transaction that marks the event done: both happen or neither does, also when the worker is killed.

    ``create_table`` makes the table where it is missing; leave it off where migrations do that.
    """

    def __init__(self, engine: Engine | str, *, table: str = "molam_webhook_events", create_table: bool = True) -> None:
        self._engine = create_engine(engine, pool_pre_ping=True) if isinstance(engine, str) else engine
        self._events = events_table(MetaData(), table)
        self._open: ContextVar[Connection | None] = ContextVar("molam_webhook_connection", default=None)
        renew_after_fork(self)
        if create_table:
            self._create_table()

    def after_fork(self) -> None:
        """Forget the parent's connections, which the parent still uses."""
        self._engine.dispose(close=False)

    @property
    def connection(self) -> Connection:
        """The connection of the transaction that this handler runs in: do not commit it."""
        connection = self._open.get()
        if connection is None:
            raise RuntimeError("no transaction is open here: only handlers that are no coroutines run in one")
        return connection

    def done(self, claim: Claim, now: float) -> bool:
        shared = self._open.get()
        change = update(self._events).where(self._held_by(claim)).values(done=True, touched=now)
        with nullcontext(shared) if shared is not None else self._engine.begin() as connection:
            return connection.execute(change).rowcount == 1

    def prune(self, before: float) -> int:
        t = self._events
        with self._engine.begin() as connection:
            return connection.execute(delete(t).where(and_(t.c.touched < before, t.c.lease_until < before))).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._engine.begin() as connection:
            token = self._open.set(connection)
            try:
                yield
            finally:
                self._open.reset(token)

    def _create_table(self) -> None:
        try:
            self._events.create(self._engine, checkfirst=True)
        except DBAPIError:
            # Workers that start together all find it missing; the first one makes it.
            if not inspect(self._engine).has_table(self._events.name):
                raise

    def _read_row(self, claim: Claim) -> tuple[EventRow | None, float | None]:
        t = self._events
        held = select(t.c.token, t.c.done, t.c.lease_until, t.c.finished).where(self._is_event(claim))
        object_key = _object_key(claim)
        newest = select(func.max(t.c.created)).where(t.c.object_key == object_key, t.c.done.is_(True))
        with self._engine.begin() as connection:
            row = connection.execute(held).one_or_none()
            when = None if object_key is None else connection.execute(newest).scalar_one_or_none()
        return None if row is None else EventRow(*row), when

    def _insert_row(self, claim: Claim, now: float, lease_until: float) -> bool:
        row = {
            "key": hashed_id(claim.event_id),
            "event_id": claim.event_id,
            "event_type": claim.event_type,
            "object_key": _object_key(claim),
            "created": claim.created,
            "token": claim.token,
            "lease_until": lease_until,
            "done": False,
            "finished": "",
            "touched": now,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(self._events).values(row))
        except IntegrityError:
            return False
        return True

    def _take_over_row(self, claim: Claim, now: float, lease_until: float, token: str) -> bool:
        t = self._events
        seen = and_(self._is_event(claim), t.c.token == token, t.c.done.is_(False), t.c.lease_until <= now)
        return self._update_one(seen, token=claim.token, lease_until=lease_until)

    def _renew_row(self, claim: Claim, lease_until: float, finished: str) -> bool:
        return self._update_one(self._held_by(claim), lease_until=lease_until, finished=finished)

    def _update_one(self, where: ColumnElement[bool], **columns: str | float) -> bool:
        with self._engine.begin() as connection:
            return connection.execute(update(self._events).where(where).values(columns)).rowcount == 1

    def _held_by(self, claim: Claim) -> ColumnElement[bool]:
        t = self._events
        return and_(self._is_event(claim), t.c.token == claim.token, t.c.done.is_(False))

    def _is_event(self, claim: Claim) -> ColumnElement[bool]:
        return self._events.c.key == hashed_id(claim.event_id)


def _object_key(claim: Claim) -> str | None:
    return None if claim.object_id is None else hashed_id(claim.object_id)
