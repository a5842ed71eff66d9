"""A limit of calls in flight per group of operations: payouts cannot starve checkouts."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

from ..._core.call import Call
from ..._forks import renew_after_fork
from ..bulkhead import bulkhead_full

_FREE: Final = nullcontext()


class Bulkheads:
    """One semaphore per limited group; a full one refuses at once, or after ``wait`` seconds."""

    def __init__(self, limits: Mapping[str, int], wait: float) -> None:
        self._limits = dict(limits)
        self._wait = wait
        self._semaphores: dict[str, threading.Semaphore] = {}
        self.after_fork()
        renew_after_fork(self)

    def slot(self, call: Call[Any]) -> AbstractContextManager[None]:
        """A place in the group of this call, for as long as the ``with`` lasts."""
        semaphore = self._semaphores.get(call.invocation.operation.group)
        return _FREE if semaphore is None else self._limited(semaphore, call)

    def after_fork(self) -> None:
        """The parent's calls in flight are not the child's."""
        self._semaphores = {group: threading.Semaphore(limit) for group, limit in self._limits.items()}

    @contextmanager
    def _limited(self, semaphore: threading.Semaphore, call: Call[Any]) -> Iterator[None]:
        wait = min(self._wait, call.time_left())
        if not semaphore.acquire(timeout=wait) if wait > 0 else not semaphore.acquire(blocking=False):
            call.settle(bulkhead_full(call))
            call.result()
        try:
            yield
        finally:
            semaphore.release()
