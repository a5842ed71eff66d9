"""Cancels what runs on an event loop at a chosen one of its awaits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from typing import Any


class Countdown:
    """Calls ``cancel`` once, when something suspends for the n-th time."""

    def __init__(self, number: int, cancel: Callable[[], object]) -> None:
        self.left, self._cancel = number, cancel

    @property
    def reached(self) -> bool:
        """Whether it was called."""
        return self.left <= 0

    def count(self) -> None:
        """Something suspends."""
        self.left -= 1
        if self.left == 0:
            self._cancel()


class Counted:
    """Awaits a coroutine, and counts where it suspends."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], countdown: Countdown) -> None:
        self._coroutine, self._countdown = coroutine, countdown

    def __await__(self) -> Generator[Any, Any, Any]:
        running = self._coroutine.__await__()
        problem: BaseException | None = None
        while True:
            try:
                suspended = next(running) if problem is None else running.throw(problem)
            except StopIteration as end:
                return end.value
            self._countdown.count()
            problem = None
            try:
                yield suspended
            except BaseException as error:
                problem = error


@contextmanager
def every_task_counted(countdown: Countdown) -> Iterator[None]:
    """Every task that is begun meanwhile on this loop is counted too."""

    async def counted(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return await Counted(coroutine, countdown)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(lambda on, coroutine, **options: asyncio.Task(counted(coroutine), loop=on, **options))
    try:
        yield
    finally:
        loop.set_task_factory(None)
