"""A number of places on one event loop, to be waited for in order and in time."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Any, Generic, Protocol, TypeVar


class Closable(Protocol):
    """What can be passed on to whoever waits, and must not be left lying."""

    def close(self) -> None: ...


ClosableT = TypeVar("ClosableT", bound=Closable)


class Slots(Generic[ClosableT]):
    """A semaphore whose ``acquire`` ends in time: asyncio's own may lose a slot when a wait is given up."""

    def __init__(self, limit: int) -> None:
        self._limit = self._free = limit
        self._waiting: deque[asyncio.Future[bool | ClosableT]] = deque()

    @property
    def unused(self) -> bool:
        """Whether nobody holds a slot."""
        return self._free == self._limit

    async def acquire(self, seconds: float) -> bool | ClosableT:
        """Whether a slot was free within that time; or what was passed on instead of one."""
        if self._free:
            self._free -= 1
            return True
        if seconds <= 0:
            return False
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool | ClosableT] = loop.create_future()
        self._waiting.append(waiter)
        timer = loop.call_later(seconds, _settle, waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled() and (given := waiter.result()):  # in the very moment of the cancellation
                if isinstance(given, bool):
                    self.release()
                else:
                    given.close()
            raise
        finally:
            timer.cancel()
            with contextlib.suppress(ValueError):
                self._waiting.remove(waiter)

    def release(self) -> None:
        """Hand the slot to whoever has waited longest."""
        if not self._give(True):
            self._free += 1

    def pass_on(self, thing: ClosableT) -> bool:
        """Give whoever has waited longest what a slot would have got them; False if nobody waits."""
        return self._give(thing)

    def refuse_waiting(self) -> None:
        """Whoever waits has waited in vain."""
        for waiter in self._waiting:
            _settle(waiter)

    def _give(self, given: bool | ClosableT) -> bool:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(given)
                return True
        return False


def _settle(waiter: asyncio.Future[Any]) -> None:
    if not waiter.done():
        waiter.set_result(False)
