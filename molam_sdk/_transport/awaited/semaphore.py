"""A number of permits on one event loop, waited for in order and in time."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic, Protocol, TypeVar
from weakref import ref

# Whoever waits looks again by itself: a permit whose holder was torn away is given back by nobody.
_LOOKS_EVERY: Final = 0.25


class Closable(Protocol):
    """What can be handed over to whoever waits, and must be closed if it arrives too late."""

    def close(self) -> None: ...


ClosableT = TypeVar("ClosableT", bound=Closable)


class Permit:
    """Held by whoever has it, for ``time_left()`` seconds at most."""

    __slots__ = ("__weakref__", "time_left")

    def __init__(self, time_left: Callable[[], float]) -> None:
        self.time_left = time_left


@dataclass(frozen=True, slots=True)
class Grant(Generic[ClosableT]):
    """What came of waiting: a ``permit`` to release, or an ``item`` handed over instead, or neither of them."""

    permit: Permit | None = None
    item: ClosableT | None = None


_REFUSED: Final[Grant[Any]] = Grant()


class _Waiting(Generic[ClosableT]):
    """One who waits for the permit."""

    __slots__ = ("permit", "told")

    def __init__(self, permit: Permit) -> None:
        self.permit = permit
        self.told: asyncio.Future[Grant[ClosableT]] = asyncio.get_running_loop().create_future()


class Semaphore(Generic[ClosableT]):
    """A semaphore whose ``acquire`` ends in time: asyncio's own may lose a permit when a wait is given up.

    Permits are held weakly: one that an exception tore away, between any two lines, comes back when it is forgotten,
    and counts no longer than its time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: dict[int, ref[Permit]] = {}
        self._waiting: deque[_Waiting[ClosableT]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def acquire(self, seconds: float, time_left: Callable[[], float]) -> Grant[ClosableT]:
        """A permit, if one is free within ``seconds``; or what was handed over instead of one. ``time_left``: how long
        it may be held."""
        permit = Permit(time_left)
        if len(self._taken) < self._limit or self._some_have_expired():
            self._give(permit)
            return Grant(permit)
        if seconds <= 0:
            return _REFUSED
        waiting: _Waiting[ClosableT] = _Waiting(permit)
        self._waiting.append(waiting)
        try:
            return await self._told(waiting, seconds)
        except BaseException:
            self._give_back(waiting)
            raise
        finally:
            with contextlib.suppress(ValueError):
                self._waiting.remove(waiting)

    def release(self, permit: Permit) -> None:
        """Pass the permit to whoever has waited longest."""
        self._taken.pop(id(permit), None)
        self._pass_on()

    @property
    def taken(self) -> int:
        """How many permits are held."""
        return len(self._taken)

    @property
    def is_wanted(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    def hand_over(self, item: ClosableT) -> bool:
        """Give whoever has waited longest what a permit would have got them; False if nobody waits."""
        waiting = self._next()
        if waiting is not None:
            waiting.told.set_result(Grant(item=item))
        return waiting is not None

    def refuse_waiting(self) -> None:
        """End the wait of everybody who waits now, without a permit."""
        for waiting in self._waiting:
            if not waiting.told.done():
                waiting.told.set_result(_REFUSED)

    async def _told(self, waiting: _Waiting[ClosableT], seconds: float) -> Grant[ClosableT]:
        self._loop = loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not waiting.told.done() and (left := until - loop.time()) > 0:
            await asyncio.wait({waiting.told}, timeout=min(left, _LOOKS_EVERY))
            if not waiting.told.done() and self._some_have_expired():
                self._pass_on()
        return waiting.told.result() if waiting.told.done() else _REFUSED

    def _give(self, permit: Permit) -> None:
        number = id(permit)
        self._taken[number] = ref(permit, partial(self._was_torn_away, number))

    def _give_back(self, waiting: _Waiting[ClosableT]) -> None:
        """What was granted in the very moment in which the wait was given up."""
        if not waiting.told.cancel():
            grant = waiting.told.result()
            if grant.permit is not None:
                self.release(grant.permit)
            elif grant.item is not None:
                grant.item.close()

    def _was_torn_away(self, number: int, _permit: ref[Permit]) -> None:
        """Called wherever the permit is forgotten; in any thread, if that is the garbage collector's doing."""
        self._taken.pop(number, None)
        if self._waiting and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the event loop has ended, and nobody waits any more
                self._loop.call_soon_threadsafe(self._pass_on)

    def _some_have_expired(self) -> bool:
        for number, known in tuple(self._taken.items()):
            permit = known()
            if permit is None or permit.time_left() <= 0:
                self._taken.pop(number, None)
        return len(self._taken) < self._limit

    def _pass_on(self) -> None:
        while len(self._taken) < self._limit and (waiting := self._next()) is not None:
            self._give(waiting.permit)
            waiting.told.set_result(Grant(waiting.permit))

    def _next(self) -> _Waiting[ClosableT] | None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.told.done():
                return waiting
        return None
