"""Makes the workers of a receiver's inbox, in threads and in tasks, over the store that it has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ...store import AsyncStore, Store
from ..blocking import Execution
from ..handler_calls import CallsInSteps
from ..lookups import InThread
from .async_worker import AsyncInboxWorker
from .metrics import InboxMetrics
from .on_loop import OnLoop
from .one_event import OneEvent
from .reception import with_inbox
from .worker import InboxWorker


class InboxWorkers:
    """``in_thread`` is where workers on an event loop run plain handlers; ``options`` are those of ``OneEvent``."""

    def __init__(
        self,
        store: Store | AsyncStore,
        in_thread: InThread,
        *,
        inbox_metrics: Callable[[], InboxMetrics],
        **options: Any,
    ) -> None:
        self._store, self._in_thread, self._inbox_metrics, self._options = store, in_thread, inbox_metrics, options

    def in_threads(self, threads: int, poll_seconds: float, prune: Callable[[], int]) -> InboxWorker:
        """A worker in threads; ``ValueError`` where the store has no inbox."""
        one_event = self._one_event()
        store = self._store
        runs = OnLoop(store, one_event) if isinstance(store, AsyncStore) else one_event
        return InboxWorker(runs, threads=threads, poll_seconds=poll_seconds, prune=prune)

    def in_tasks(self, tasks: int, poll_seconds: float, prune: Callable[[], Awaitable[int]]) -> AsyncInboxWorker:
        """A worker in tasks; ``ValueError`` where the store blocks, or has no inbox."""
        store = self._store
        if not isinstance(store, AsyncStore):
            raise ValueError(f"{type(store).__name__} blocks: use worker(), or a store for event loops (AsyncSqlStore)")
        one_event = self._one_event()
        return AsyncInboxWorker(
            lambda: store.step(one_event.run_next),
            tasks=tasks,
            poll_seconds=poll_seconds,
            show_figures=lambda: store.step(one_event.show_figures),
            prune=prune,
        )

    def _one_event(self) -> OneEvent:
        in_steps = isinstance(self._store, AsyncStore)
        execution = Execution(CallsInSteps(self._in_thread)) if in_steps else Execution()
        metrics = self._inbox_metrics()
        return OneEvent(with_inbox(self._store), inbox_metrics=metrics, execution=execution, **self._options)
