"""Where things run when a delivery is awaited: coroutine functions on the loop, what blocks in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ...store import ClaimResult
from ..event_run import EventRun
from ..handler_calls import HandlerCalls, run_on
from ..lookups import InThread
from ..subscribers import Subscriber
from ..without_stop import call_without_stop

T = TypeVar("T")


class LeftStep(Generic[T]):
    """A blocking function that whoever awaits it may leave: a thread cannot be cancelled, and goes on.

    ``leave`` says whether it goes on; then ``afterwards`` is called in its thread, at its end. One that had not begun
    never will.
    """

    def __init__(self, function: Callable[..., T], args: tuple[Any, ...]) -> None:
        self._function, self._args = function, args
        self._lock = threading.Lock()
        self._running = self._over = False
        self._afterwards: Callable[[], None] | None = None

    def __call__(self) -> T | None:
        with self._lock:
            if self._over:
                return None
            self._running = True
        try:
            return call_without_stop(self._function, *self._args)
        finally:
            with self._lock:
                self._over, afterwards = True, self._afterwards
            if afterwards is not None:
                afterwards()

    def leave(self, afterwards: Callable[[], None]) -> bool:
        """Whether it is running, and will call ``afterwards`` at its end."""
        with self._lock:
            if self._running and not self._over:
                self._afterwards = afterwards
                return True
            self._over = True
            return False


class Execution:
    """Runs the steps of one delivery: handlers by ``in_thread``, steps of the store by ``in_step``.

    Two pools, so that handlers that take long cannot keep the mark of another event waiting until its lease ends.
    """

    def __init__(self, in_thread: InThread, in_step: InThread) -> None:
        self._in_thread, self.in_step = in_thread, in_step
        self._left = False

    async def begin(self, run: EventRun) -> ClaimResult:
        """Everything that is not awaited."""
        calls = HandlerCalls(run_on(asyncio.get_running_loop()))
        in_thread = self.in_step if run.only_claims else self._in_thread
        return await self._run(in_thread, run, run.begin, calls)

    async def run_awaitable(self, subscriber: Subscriber, awaitable: Any, run: EventRun) -> None:
        """What a handler gave to await, or a coroutine function."""
        await (subscriber.call(run.event_for(subscriber)) if awaitable is None else awaitable)

    async def run_step(self, run: EventRun, function: Callable[..., None], /, *args: Any) -> None:
        """A step of the store."""
        await self._run(self.in_step, run, function, *args)

    async def give_back(self, run: EventRun) -> None:
        """Give the event back; who left a thread that still runs leaves it to that thread."""
        if not self._left:
            await self.in_step(run.give_back)

    async def _run(self, in_thread: InThread, run: EventRun, function: Callable[..., T], *args: Any) -> T:
        step = LeftStep(function, args)
        try:
            result: Any = await in_thread(step)
        except asyncio.CancelledError:
            self._left = step.leave(run.give_back)
            raise
        return result  # type: ignore[no-any-return]  # a step that was not left returns what its function does
