"""A limit of calls in flight per group of operations, for the asyncio client."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Final

from .._core.call import Call
from .bulkhead import bulkhead_full

_FREE: Final = nullcontext()


class AsyncBulkheads:
    """One counter per limited group; a full one refuses at once, or after ``wait`` seconds."""

    def __init__(self, limits: Mapping[str, int], wait: float) -> None:
        self._wait = wait
        self._slots = {group: _Slots(limit) for group, limit in limits.items()}

    def slot(self, call: Call[Any]) -> AbstractAsyncContextManager[None]:
        """A place in the group of this call, for as long as the ``async with`` lasts."""
        slots = self._slots.get(call.operation.endpoint.group)
        return _FREE if slots is None else self._limited(slots, call)

    @asynccontextmanager
    async def _limited(self, slots: _Slots, call: Call[Any]) -> AsyncIterator[None]:
        if not await slots.acquire(min(self._wait, call.time_left())):
            call.settle(bulkhead_full(call))
            call.result()
        try:
            yield
        finally:
            slots.release()


class _Slots:
    """A semaphore whose ``acquire`` ends in time: asyncio's own may lose a slot when a wait is given up."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: deque[asyncio.Future[bool]] = deque()

    async def acquire(self, seconds: float) -> bool:
        """Whether a slot was free within that time."""
        if self._free:
            self._free -= 1
            return True
        if seconds <= 0:
            return False
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiting.append(waiter)
        timer = loop.call_later(seconds, _settle, waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled() and waiter.result():
                self.release()  # it came in the very moment of the cancellation
            raise
        finally:
            timer.cancel()
            with contextlib.suppress(ValueError):
                self._waiting.remove(waiter)

    def release(self) -> None:
        """Hand the slot to whoever has waited longest."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(True)
                return
        self._free += 1


def _settle(waiter: asyncio.Future[bool]) -> None:
    if not waiter.done():
        waiter.set_result(False)
