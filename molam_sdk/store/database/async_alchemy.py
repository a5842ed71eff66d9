"""The database of an SQLAlchemy AsyncEngine: the same SQL, in steps of an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import Context, ContextVar
from types import TracebackType
from typing import Final, TypeVar
from weakref import ref

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from ..._greenlets import run_step, wait_for
from .alchemy import AlchemyDatabase, JoinedSession
from .dialects import SQLITE
from .seam import Result, Value
from .transactions import Opened

T = TypeVar("T")

_LOOP_SECONDS: Final = 30.0
_is_preparing: Final[ContextVar[bool]] = ContextVar("molam_preparing", default=False)


class JoinedAsyncSession(AsyncSession):
    """An ORM session in a transaction that is not its own. At the end of ``async with`` it is flushed."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self.flush()
        finally:
            await super().__aexit__(kind, error, frames)


class AsyncAlchemyDatabase(AlchemyDatabase):
    """The database of an AsyncEngine. What a ``Database`` does is done in steps (``run_step``) alone."""

    def __init__(self, engine: AsyncEngine) -> None:
        if not isinstance(engine, AsyncEngine):
            raise TypeError(
                f"this wants an SQLAlchemy AsyncEngine, and this is {type(engine).__name__}: "
                "an Engine is for SqlStore (molam_sdk.store.sql)"
            )
        super().__init__(engine.sync_engine)
        self.async_engine = engine
        self._preparations: list[Callable[[], None]] = []
        self._loop: ref[asyncio.AbstractEventLoop] | None = None

    def prepare_later(self, step: Callable[[], None]) -> None:
        """Have this done before anything else, in the first step."""
        self._preparations.append(step)

    def ask_from_thread(self, step: Callable[[], T]) -> T | None:
        """For metrics: a scrape is on no loop, or holds up its own."""
        loop = None if self._loop is None else self._loop()
        if loop is None or not loop.is_running():
            return None
        asked = asyncio.run_coroutine_threadsafe(run_step(step), loop)
        try:
            return asked.result(_LOOP_SECONDS)
        finally:
            asked.cancel()

    def prepare(self) -> None:
        """Do what was to be done before anything else; in a step. Tasks that find it undone all do it.

        It is put off where a transaction that is open here has the SQLite file, for which it would wait.
        """
        with suppress(RuntimeError):  # outside of a step, which is said when it first waits
            self._loop = ref(asyncio.get_running_loop())
        if _is_preparing.get() or self._has_the_file():
            return
        for step in list(self._preparations):
            # In a context of its own: in no transaction that is open here, which may be rolled back.
            Context().run(_prepare, step)
            if step in self._preparations:
                self._preparations.remove(step)

    def _has_the_file(self) -> bool:
        return self.dialect is SQLITE and self.in_transaction and Opened(self._here()).waits_for_itself

    @contextmanager
    def apart(self) -> Iterator[None]:
        self.prepare()
        with super().apart():
            yield

    def execute(self, statement: str, values: Mapping[str, Value] | None = None) -> Result:
        self.prepare()
        return super().execute(statement, values)

    def commit(self, statement: str, values: Mapping[str, Value] | None = None) -> Result:
        self.prepare()
        return super().commit(statement, values)

    async def connection_awaited(self) -> AsyncConnection:
        """The open transaction's connection."""
        connection: Connection = await run_step(self.connection_of, self._here())
        return AsyncConnection(self.async_engine, connection)

    def session_awaited(self) -> AsyncSession:
        """An ORM session in the open transaction: its ``commit`` only flushes, its ``rollback`` undoes everything."""
        return JoinedAsyncSession(sync_session_class=JoinedSession, database=self, opened=self._here())

    def _pause(self, seconds: float) -> None:
        wait_for(asyncio.sleep(seconds))


def _prepare(step: Callable[[], None]) -> None:
    _is_preparing.set(True)
    step()
