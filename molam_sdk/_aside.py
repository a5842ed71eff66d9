"""One function run aside, in a daemon thread, and waited for by any number of callers, each as long as it can."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from typing import Generic, TypeVar

T = TypeVar("T")


class Aside(Generic[T]):
    """What a function answers, or the ``problem`` it raised, once it is ``done``.

    It sees the context variables of whoever had it started.

    The thread is a daemon: a function that hangs must not keep the process from ending. No lock is held while one
    starts, and what is waited on is made anew each time, so that it is green where threads have become green.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self.began = time.monotonic()
        self._function = function
        self._answers: list[T] = []
        self.problem: BaseException | None = None
        self._done = threading.Event()
        self._when_done: deque[Callable[[], None]] = deque()

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._done.is_set()

    def start(self, name: str) -> None:
        """Have it run; at once, where the process can start no thread."""
        run = copy_context().run
        try:
            threading.Thread(target=run, args=(self.run,), name=name, daemon=True).start()
        except RuntimeError:
            self.run()
        except KeyError as problem:  # from Thread.start, which loses what a signal handler raised into it
            raise (problem.__context__ or problem) from None

    def run(self) -> None:
        """Run it here, then tell whoever waits."""
        try:
            self._answers.append(self._function())
        except BaseException as problem:  # noqa: BLE001 - whoever waits for the result is told
            self.problem = problem
        finally:
            self._done.set()
            self._tell()

    def wait(self, seconds: float) -> bool:
        """Whether it ended within that time."""
        return self._done.wait(seconds)

    def when_done(self, tell: Callable[[], None]) -> None:
        """Have ``tell`` called once it has ended, in the thread that ended it, or at once."""
        self._when_done.append(tell)
        if self.done:
            self._tell()

    def result(self) -> T:
        """Its answer, or what it raised."""
        if self.problem is not None:
            raise self.problem
        return self._answers[0]

    def _tell(self) -> None:
        while self._when_done:  # whoever pops one calls it: each is called once, whichever thread comes first
            try:
                tell = self._when_done.popleft()
            except IndexError:
                return
            tell()
