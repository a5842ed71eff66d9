"""A number of permits on one event loop, waited for in order and in time."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar


class Closable(Protocol):
    """What can be handed over to whoever waits, and must be closed if it arrives too late."""

    def close(self) -> None: ...


ClosableT = TypeVar("ClosableT", bound=Closable)


@dataclass(frozen=True, slots=True)
class Grant(Generic[ClosableT]):
    """What came of waiting: a ``permit`` to release, or an ``item`` handed over instead, or neither of them."""

    permit: bool = False
    item: ClosableT | None = None


_PERMIT: Final[Grant[Any]] = Grant(permit=True)
_REFUSED: Final[Grant[Any]] = Grant()


class Semaphore(Generic[ClosableT]):
    """A semaphore whose ``acquire`` ends in time: asyncio's own may lose a permit when a wait is given up."""

    def __init__(self, limit: int) -> None:
        self._limit = self._free = limit
        self._waiting: deque[asyncio.Future[Grant[ClosableT]]] = deque()

    async def acquire(self, seconds: float) -> Grant[ClosableT]:
        """A permit, if one is free within that time; or what was handed over instead of one."""
        if self._free:
            self._free -= 1
            return _PERMIT
        if seconds <= 0:
            return _REFUSED
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Grant[ClosableT]] = loop.create_future()
        self._waiting.append(waiter)
        timer = loop.call_later(seconds, _settle, waiter, _REFUSED)
        try:
            return await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():  # granted in the very moment of the cancellation
                self._give_back(waiter.result())
            raise
        finally:
            timer.cancel()
            with contextlib.suppress(ValueError):
                self._waiting.remove(waiter)

    def release(self) -> None:
        """Pass the permit to whoever has waited longest."""
        if not self._grant(_PERMIT):
            self._free += 1

    @property
    def is_wanted(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    def hand_over(self, item: ClosableT) -> bool:
        """Give whoever has waited longest what a permit would have got them; False if nobody waits."""
        return self._grant(Grant(item=item))

    def refuse_waiting(self) -> None:
        """End the wait of everybody who waits now, without a permit."""
        for waiter in self._waiting:
            _settle(waiter, _REFUSED)

    def _give_back(self, grant: Grant[ClosableT]) -> None:
        if grant.permit:
            self.release()
        elif grant.item is not None:
            grant.item.close()

    def _grant(self, grant: Grant[ClosableT]) -> bool:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(grant)
                return True
        return False


def _settle(waiter: asyncio.Future[Grant[ClosableT]], grant: Grant[ClosableT]) -> None:
    if not waiter.done():
        waiter.set_result(grant)
