"""Under gevent: greenlets in place of a pool's threads."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from importlib import import_module
from typing import Any, Final, TypeVar

T = TypeVar("T")
_LOOK_SECONDS: Final = 0.005


class GreenPool(Executor):
    """A greenlet for each call, in the thread that makes it; at most ``workers`` run at a time.

    The idle ones of a ``ThreadPoolExecutor`` belong to the thread that was first to use it, and wait in a queue that no
    other thread can wake them from: neither to work, nor to end.
    """

    def __init__(self, workers: int) -> None:
        self._places: Any = import_module("gevent.lock").Semaphore(workers)
        self._running: set[Future[Any]] = set()

    def submit(self, function: Callable[..., T], /, *args: Any, **named: Any) -> Future[T]:
        """Begin it when there is a place."""
        ended: Future[T] = Future()
        self._running.add(ended)
        ended.add_done_callback(self._running.discard)
        import_module("gevent").spawn(self._run, ended, lambda: function(*args, **named))
        return ended

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for what was begun, also by greenlets of another thread."""
        while wait and self._running:
            time.sleep(_LOOK_SECONDS)

    def _run(self, ended: Future[T], call: Callable[[], T]) -> None:
        with self._places:
            if not ended.set_running_or_notify_cancel():
                return
            try:
                returned = call()
            except BaseException as error:  # noqa: BLE001  # raised where it is waited for
                ended.set_exception(error)
            else:
                ended.set_result(returned)
