"""A limit of calls in flight per group of operations: payouts cannot starve checkouts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Final

from ..._core.call import Call
from ..bulkhead import bulkhead_full
from .semaphore import Semaphore

_FREE: Final = nullcontext()


class Bulkheads:
    """One semaphore per limited group; a full one refuses at once, or after ``wait`` seconds."""

    def __init__(self, limits: Mapping[str, int], wait: float) -> None:
        self._wait = wait
        self._semaphores: dict[str, Semaphore[Any]] = {group: Semaphore(limit) for group, limit in limits.items()}

    def slot(self, call: Call[Any]) -> AbstractAsyncContextManager[None]:
        """A place in the group of this call, for as long as the ``async with`` lasts."""
        semaphore = self._semaphores.get(call.invocation.operation.group)
        return _FREE if semaphore is None else self._limited(semaphore, call)

    @asynccontextmanager
    async def _limited(self, semaphore: Semaphore[Any], call: Call[Any]) -> AsyncIterator[None]:
        grant = await semaphore.acquire(min(self._wait, call.time_left()))
        if not grant.permit:
            call.settle(bulkhead_full(call))
            call.result()
        try:
            yield
        finally:
            semaphore.release()
