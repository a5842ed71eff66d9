"""A number of places on one event loop, to be waited for in order, and in time."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque


class Slots:
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

    def refuse_waiting(self) -> None:
        """Whoever waits has waited in vain."""
        for waiter in self._waiting:
            _settle(waiter)


def _settle(waiter: asyncio.Future[bool]) -> None:
    if not waiter.done():
        waiter.set_result(False)
