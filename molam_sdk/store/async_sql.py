"""A store in SQL through SQLAlchemy's asyncio: PostgreSQL, MariaDB, MySQL or SQLite, in the shop's own database."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from .._greenlets import run_step
from .async_store import AsyncEventClaims
from .claims import Clock
from .database.async_alchemy import AsyncAlchemyDatabase
from .database.schema import ensure
from .events import EVENTS
from .sql import ClaimsWithSessions

__all__ = ["AsyncSqlStore"]


class AsyncSqlStore(AsyncEventClaims):
    """Claims in a table of the shop's database, for handlers that are coroutines. One that writes through
    ``await store.connection()`` or ``store.session()`` shares the transaction that marks the event done: both happen or
    neither does, also when the worker is killed. Plain functions run in a thread, where it cannot be used.

    ``engine`` belongs to one event loop, as every AsyncEngine. ``create_table`` makes the table where it is missing,
    and widens one that an older version made, with the first event or by ``prepare``; leave it off where migrations do
    that. ``clock="caller"`` has leases go by the receiver's clock, for tests that hold it.
    """

    def __init__(
        self,
        engine: AsyncEngine | str,
        *,
        table: str = EVENTS.name,
        create_table: bool = True,
        clock: Clock = "server",
    ) -> None:
        self._engine = create_async_engine(engine, pool_pre_ping=True) if isinstance(engine, str) else engine
        self.database = AsyncAlchemyDatabase(self._engine)
        super().__init__(ClaimsWithSessions(self.database, table, clock))
        ensure(self.database, EVENTS.named(table), make=create_table)

    async def prepare(self) -> None:
        """See to the table; call it at the start to hear of a ``SchemaError`` before an event comes."""
        await run_step(self.database.prepare)

    async def connection(self) -> AsyncConnection:
        """The connection of the transaction that this handler runs in: do not commit it."""
        return await self.database.connection_awaited()

    def session(self) -> AsyncSession:
        """An ORM session in the transaction that this handler runs in.

        It is flushed before the event is marked, whether the handler commits it or not; its ``commit`` only flushes.
        """
        return self.database.session_awaited()
