"""A limit of calls in flight per group of operations: payouts cannot starve checkouts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from types import TracebackType
from typing import Any, Final

from ..._core.call import Call
from ..bulkhead import bulkhead_full
from .semaphore import Permit, Semaphore

_FREE: Final = nullcontext()


class Bulkheads:
    """One semaphore per limited group; a full one refuses at once, or after ``wait`` seconds."""

    def __init__(self, limits: Mapping[str, int], wait: float) -> None:
        self._wait = wait
        self._semaphores: dict[str, Semaphore[Any]] = {group: Semaphore(limit) for group, limit in limits.items()}

    def slot(self, call: Call[Any]) -> AbstractAsyncContextManager[None]:
        """A place in the group of this call, for as long as the ``async with`` lasts."""
        semaphore = self._semaphores.get(call.invocation.operation.group)
        return _FREE if semaphore is None else _Place(semaphore, call, self._wait)


class _Place:
    """A place in a group. It is free again when nobody holds this any more, whatever tore the ``async with``."""

    __slots__ = ("_call", "_permit", "_semaphore", "_wait")

    def __init__(self, semaphore: Semaphore[Any], call: Call[Any], wait: float) -> None:
        self._semaphore = semaphore
        self._call = call
        self._wait = wait
        self._permit: Permit | None = None

    async def __aenter__(self) -> None:
        call = self._call
        grant = await self._semaphore.acquire(min(self._wait, call.time_left()), call.time_left)
        self._permit = grant.permit
        if self._permit is None:
            call.settle(bulkhead_full(call))
            call.result()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._permit is not None:
            self._semaphore.release(self._permit)
