"""Where things run when a delivery is awaited: coroutine functions on the loop, what blocks in a thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TypeVar

from ...webhooks import WebhookEvent
from ..event_run import EventRun
from ..subscribers import Subscriber

T = TypeVar("T")


class InThread(Protocol):
    """Runs a blocking function away from the event loop, as ``asyncio.to_thread`` does."""

    def __call__(self, function: Callable[..., T], /, *args: Any) -> Awaitable[T]: ...


class Execution:
    """Runs the steps of one delivery."""

    def __init__(self, in_thread: InThread) -> None:
        self._in_thread = in_thread

    async def run_blocking(self, function: Callable[..., T], /, *args: Any) -> T:
        """A step of the store."""
        return await self._in_thread(function, *args)

    async def run_handler(self, subscriber: Subscriber, event: WebhookEvent) -> None:
        """A handler of the merchant."""
        if subscriber.is_async:
            await subscriber.call(event)
        else:
            await self._in_thread(subscriber.call, event)

    def transaction(self, run: EventRun) -> AbstractContextManager[None]:
        """None: a transaction belongs to one thread, and coroutine functions run on the loop."""
        return nullcontext()
