"""Code that blocks, run between the awaits of an event loop: what it waits for is awaited, and the loop goes on.

SQLAlchemy does so with all of its own code, and recognises these greenlets as its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

from greenlet import getcurrent, greenlet

P = ParamSpec("P")
T = TypeVar("T")


class Step(greenlet):
    """Blocking code under way. It shares the context variables of the task that runs it."""

    __sqlalchemy_greenlet_provider__ = True

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function, getcurrent())
        self.gr_context = getcurrent().gr_context


class _Given:
    """What was given to ``wait_for``. All else that is awaited is a driver's, in the middle of its protocol."""

    __slots__ = ("awaitable",)

    def __init__(self, awaitable: Awaitable[Any]) -> None:
        self.awaitable = awaitable

    def close(self) -> None:
        """Have nobody await it."""
        if asyncio.iscoroutine(self.awaitable):
            self.awaitable.close()


async def run_step(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """What the function returns. Whatever it gives to ``wait_for`` is awaited here.

    Who is cancelled while a database answers gets the answer all the same, and the cancellation where the function next
    waits for something else, or at its end: what is torn would leave SQLite locked. A second one tears.
    """
    step = Step(function)
    cancelled: asyncio.CancelledError | None = None
    result: Any = step.switch(*args, **kwargs)
    while not step.dead:
        try:
            if not isinstance(result, _Given):
                given, error = await _whole(result)
                cancelled = error or cancelled
            elif cancelled is None:
                given = await result.awaitable
            else:
                result.close()
                raised, cancelled = cancelled, None
                raise raised
        except BaseException as problem:  # noqa: BLE001  # raised where it is waited for
            result = step.throw(type(problem), problem, problem.__traceback__)
        else:
            result = step.switch(given)
    if cancelled is not None:
        raise cancelled
    return result  # type: ignore[no-any-return]  # of a greenlet that is dead: what its function returned


async def _whole(awaitable: Awaitable[T]) -> tuple[T, asyncio.CancelledError | None]:
    """What is awaited gives, and the cancellation that came meanwhile."""
    future = asyncio.ensure_future(awaitable)
    try:
        return await asyncio.shield(future), None
    except asyncio.CancelledError as error:
        if future.cancelled():
            raise
        return await future, error


def wait_for(awaitable: Awaitable[T]) -> T:
    """What is awaited gives; only in code that ``run_step`` runs."""
    step = getcurrent()
    if not isinstance(step, Step) or step.parent is None:
        close = getattr(awaitable, "close", None)
        if close is not None:
            close()
        raise RuntimeError("this waits for an event loop: call it by run_step there")
    return step.parent.switch(_Given(awaitable))  # type: ignore[no-any-return]  # run_step gives what the awaitable gave


def in_step() -> bool:
    """Whether this code may ``wait_for`` something."""
    return isinstance(getcurrent(), Step)
