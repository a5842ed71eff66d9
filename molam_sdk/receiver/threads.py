"""Threads of the receiver's own: asyncio's shared pool is small, and used by everybody else too."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, TypeVar

from .._forks import renew_after_fork
from .answers import NotRunError
from .blocking.green_end import threads_are_green
from .green_pool import GreenPool

T = TypeVar("T")


class ReceiverThreads:
    """A pool that begins with its first use, and begins anew in a child process."""

    def __init__(self, workers: int, name: str) -> None:
        self._workers, self._name = workers, name
        self._pool: Executor | None = None
        self._lock = threading.Lock()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """The parent's threads do not exist here."""
        self._pool, self._lock = None, threading.Lock()

    def __call__(self, function: Callable[..., T], /, *args: Any) -> Awaitable[T]:
        """Run it in a thread, with the caller's context variables; awaited on the running loop."""
        run = copy_context().run
        return asyncio.get_running_loop().run_in_executor(self._started(), lambda: run(function, *args))

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Run it in a thread; nobody has to wait for it."""
        return self._started().submit(function)

    def close(self) -> None:
        """Wait for what is running; the next use begins anew."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True)

    def _started(self) -> Executor:
        with self._lock:
            if self._pool is None:
                self._pool = (
                    GreenPool(self._workers)
                    if threads_are_green()
                    else ThreadPoolExecutor(self._workers, thread_name_prefix=self._name)
                )
            return self._pool


class InFlight:
    """How many deliveries are being handled, and no more than may be."""

    def __init__(self, most: int) -> None:
        self._most, self._number, self._closed = most, 0, False
        self._changed = threading.Condition()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """What the parent handles is handled there."""
        self._number, self._changed = 0, threading.Condition()

    @contextmanager
    def room(self) -> Iterator[None]:
        """Room for one delivery; ``NotRunError`` where there is none, or after ``close``."""
        with self._changed:
            if self._closed:
                raise NotRunError("stopping")
            if self._number >= self._most:
                raise NotRunError("full")
            self._number += 1
        try:
            yield
        finally:
            with self._changed:
                self._number = max(0, self._number - 1)
                self._changed.notify_all()

    def close(self) -> None:
        """Have no more room."""
        self._closed = True

    def wait_until_none(self, seconds: float) -> bool:
        """Whether all were answered within that time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._number == 0, seconds)
