"""A dedupe store in SQL through SQLAlchemy: PostgreSQL, MariaDB, MySQL or SQLite, in the shop's own database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from ._claims import Claim, Grant, Record, decide, key_of, pack, unpack

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


class SqlStore:
    """Claims in a table of the shop's database. A handler that writes through ``store.connection`` shares the
    transaction that marks the event done: both happen or neither does, also when the worker is killed.

    ``create_table`` makes the table where it is missing; leave it off where migrations do that.
    """

    transactional = True

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

    def claim(self, claim: Claim, now: float, lease_until: float) -> Grant:
        grant, token = self._look(claim, now)
        if grant.verdict != "run" or self._take(claim, now, lease_until, token):
            return grant
        # Another worker was faster between the look and the take.
        again, _ = self._look(claim, now)
        return Grant("busy", retry_after=1.0) if again.verdict == "run" else again

    def renew(self, claim: Claim, lease_until: float, finished: Sequence[str]) -> bool:
        t = self._events
        change = update(t).where(self._held_by(claim)).values(lease_until=lease_until, finished=pack(finished))
        with self._engine.begin() as connection:
            return connection.execute(change).rowcount == 1

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

    def _look(self, claim: Claim, now: float) -> tuple[Grant, str | None]:
        """What the rule says of the event as it stands, and the token that stands there."""
        t = self._events
        held = select(t.c.done, t.c.lease_until, t.c.finished, t.c.token).where(t.c.key == key_of(claim.event_id))
        object_key = _object_key(claim)
        newest = select(func.max(t.c.created)).where(t.c.object_key == object_key, t.c.done.is_(True))
        with self._engine.begin() as connection:
            row = connection.execute(held).one_or_none()
            when = None if object_key is None else connection.execute(newest).scalar_one_or_none()
        if row is None:
            return decide(claim, None, when, now), None
        return decide(claim, Record(row.done, row.lease_until, unpack(row.finished)), when, now), row.token

    def _take(self, claim: Claim, now: float, lease_until: float, token: str | None) -> bool:
        """Whether this worker got the event: by a row of its own, or by replacing the token that was seen."""
        t = self._events
        taken = {"token": claim.token, "lease_until": lease_until}
        if token is not None:
            seen = and_(
                t.c.key == key_of(claim.event_id), t.c.token == token, t.c.done.is_(False), t.c.lease_until <= now
            )
            with self._engine.begin() as connection:
                return connection.execute(update(t).where(seen).values(taken)).rowcount == 1
        names = {
            "key": key_of(claim.event_id),
            "event_id": claim.event_id,
            "event_type": claim.event_type,
            "object_key": _object_key(claim),
        }
        row = {**names, **taken, "created": claim.created, "done": False, "finished": "", "touched": now}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(t).values(row))
        except IntegrityError:
            return False
        return True

    def _held_by(self, claim: Claim) -> ColumnElement[bool]:
        t = self._events
        return and_(t.c.key == key_of(claim.event_id), t.c.token == claim.token, t.c.done.is_(False))


def _object_key(claim: Claim) -> str | None:
    return None if claim.object_id is None else key_of(claim.object_id)
