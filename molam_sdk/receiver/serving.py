"""How deliveries are served on an event loop: the store in threads, or in steps where it is one for event loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from ..store import AsyncStore
from . import awaited, blocking
from .delivery import IncomingDelivery, WebhookAnswer
from .event_run import EventRun
from .handler_calls import CallsInSteps
from .lookups import InThread

T = TypeVar("T")


class Serving(Protocol):
    """Serves deliveries on an event loop."""

    async def in_step(self, function: Callable[..., T], /, *args: Any) -> T:
        """What a function returns that blocks while it asks the store."""
        ...

    async def serve(self, delivery: IncomingDelivery, run: EventRun) -> WebhookAnswer:
        """Answer a delivery: handled, or why not."""
        ...


class InThreads:
    """``in_thread`` is for plain handlers, ``in_step`` for the store."""

    def __init__(self, in_thread: InThread, in_step: InThread) -> None:
        self._in_thread, self._in_step = in_thread, in_step

    async def in_step(self, function: Callable[..., T], /, *args: Any) -> T:
        return await self._in_step(function, *args)

    async def serve(self, delivery: IncomingDelivery, run: EventRun) -> WebhookAnswer:
        return await awaited.serve(delivery, run, awaited.Execution(self._in_thread, self._in_step))


class InSteps:
    """``in_thread`` is for plain handlers; everything else runs on the loop."""

    def __init__(self, store: AsyncStore, in_thread: InThread) -> None:
        self._store, self._in_thread = store, in_thread

    async def in_step(self, function: Callable[..., T], /, *args: Any) -> T:
        return await self._store.step(function, *args)

    async def serve(self, delivery: IncomingDelivery, run: EventRun) -> WebhookAnswer:
        execution = blocking.Execution(CallsInSteps(self._in_thread))
        return await self._store.step(blocking.serve, delivery, run, execution)
