"""How a run calls handlers: in a thread, where what must be awaited waits for the end, or in steps of an event loop."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from .._to_its_end import to_its_end
from .latest import RunCoroutine
from .lookups import InThread
from .without_stop import call_without_stop

P = ParamSpec("P")
T = TypeVar("T")


class HandlerCalls:
    """Calls of a run in a thread."""

    awaits_at_once = False
    """Whether a coroutine function is run where it stands in the plan, in the store's transaction."""

    def __init__(self, run_coroutine: RunCoroutine) -> None:
        self._run_coroutine = run_coroutine

    @property
    def run_coroutine(self) -> RunCoroutine:
        """Waits, in a thread, for a coroutine that runs on a loop elsewhere."""
        return self._run_coroutine

    def blocking(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What a function returns that may block."""
        return function(*args, **kwargs)

    def wait_for(self, awaitable: Awaitable[T]) -> T:
        """What is awaited gives."""
        coroutine = awaitable if inspect.iscoroutine(awaitable) else _awaited(awaitable)
        return self.run_coroutine(coroutine)  # type: ignore[no-any-return]  # of any coroutine


class CallsInSteps(HandlerCalls):
    """Calls of a run in steps of an event loop: what is awaited is awaited at once, what blocks is in a thread.

    A function that was begun comes to its end, also where the run is cancelled meanwhile: it may still write.
    """

    awaits_at_once = True

    def __init__(self, in_thread: InThread) -> None:
        self._in_thread = in_thread

    @property
    def run_coroutine(self) -> RunCoroutine:
        return run_on(asyncio.get_running_loop())

    def blocking(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.wait_for(to_its_end(self._in_thread(lambda: call_without_stop(function, *args, **kwargs))))

    def wait_for(self, awaitable: Awaitable[T]) -> T:
        from .._greenlets import wait_for

        return wait_for(awaitable)


def run_on(loop: asyncio.AbstractEventLoop) -> RunCoroutine:
    """Has coroutines of a thread run on this loop, and waits for them."""
    return lambda coroutine: asyncio.run_coroutine_threadsafe(coroutine, loop).result()


def away_from_loop(function: Callable[P, T]) -> Callable[P, T]:
    """The function, in a thread where this is a step of an event loop, which would stand still while it blocks."""
    if "greenlet" not in sys.modules:
        return function
    from .._greenlets import in_step, wait_for

    def in_thread(*args: P.args, **kwargs: P.kwargs) -> T:
        return wait_for(to_its_end(asyncio.to_thread(function, *args, **kwargs)))

    return in_thread if in_step() else function


async def _awaited(awaitable: Awaitable[T]) -> T:
    return await awaitable
