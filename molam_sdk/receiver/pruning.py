"""Old events forgotten about once an hour, beside the answers: nobody waits for it, and its failure fails nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Final

from .._thread_end import let_go_here
from ..store import AsyncStore, Store
from .answers import DeliveryResult
from .metrics import logger
from .settings import Later
from .threads import ReceiverThreads

_PRUNE_EVERY: Final = 3600.0


class Pruning:
    """Forgets events of a store that are older than ``retention_seconds``, in threads of ``in_step``."""

    def __init__(
        self,
        store: Store | AsyncStore,
        in_step: ReceiverThreads,
        *,
        retention_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._store, self._in_step = store, in_step
        self._retention, self._clock = retention_seconds, clock
        self._due_at = 0.0
        self._on_loops = LeftTasks()

    def run(self) -> int:
        """Forget them now; how many. Not for a store for event loops."""
        return self._store.prune(self._before())  # type: ignore[return-value]  # of a store that blocks

    async def run_awaited(self) -> int:
        """The same on an event loop, for either kind of store."""
        if isinstance(self._store, AsyncStore):
            return await self._store.prune(self._before())
        return await self._in_step(self.run)

    def run_if_due(self, result: DeliveryResult, later: Later | None) -> None:
        """Once an hour, after an event was handled: by ``later`` if there is one, else in a thread, or a task."""
        if result != "handled" or self._clock() < self._due_at:
            return
        self._due_at = self._clock() + _PRUNE_EVERY
        if isinstance(self._store, AsyncStore):
            self._on_loops.start(self._quietly_awaited)
        elif later is None:
            self._in_step.submit(self._quietly_and_leave)
        else:
            later(self._quietly)

    async def wait_until_none(self, seconds: float) -> bool:
        """Whether all that were begun on this loop ended within that time."""
        return await self._on_loops.wait_until_none(seconds)

    def _before(self) -> float:
        return self._clock() - self._retention

    def _quietly_and_leave(self) -> None:
        self._quietly()
        let_go_here(self._store)

    def _quietly(self) -> None:
        try:
            self.run()
        except Exception:  # noqa: BLE001  # the event is handled: old rows can wait
            logger.exception("webhook events not pruned")

    async def _quietly_awaited(self) -> None:
        try:
            await self.run_awaited()
        except Exception:  # noqa: BLE001  # the event is handled: old rows can wait
            logger.exception("webhook events not pruned")


class LeftTasks:
    """Tasks of an event loop that nobody awaits."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, coroutine: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin it on the running loop, with no context variable of this one's: it outlives the delivery."""
        task = Context().run(lambda: asyncio.get_running_loop().create_task(coroutine()))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def wait_until_none(self, seconds: float) -> bool:
        """Whether all that were begun on this loop ended within that time."""
        here = {task for task in self._running if task.get_loop() is asyncio.get_running_loop()}
        return not here or not (await asyncio.wait(here, timeout=seconds))[1]
