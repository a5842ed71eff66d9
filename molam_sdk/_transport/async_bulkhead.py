"""A limit of calls in flight per group of operations, for the asyncio client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Final

from .._core.call import Call
from .async_slots import Slots
from .bulkhead import bulkhead_full

_FREE: Final = nullcontext()


class AsyncBulkheads:
    """One counter per limited group; a full one refuses at once, or after ``wait`` seconds."""

    def __init__(self, limits: Mapping[str, int], wait: float) -> None:
        self._wait = wait
        self._slots: dict[str, Slots[Any]] = {group: Slots(limit) for group, limit in limits.items()}

    def slot(self, call: Call[Any]) -> AbstractAsyncContextManager[None]:
        """A place in the group of this call, for as long as the ``async with`` lasts."""
        slots = self._slots.get(call.invocation.operation.group)
        return _FREE if slots is None else self._limited(slots, call)

    @asynccontextmanager
    async def _limited(self, slots: Slots[Any], call: Call[Any]) -> AsyncIterator[None]:
        if not await slots.acquire(min(self._wait, call.time_left())):
            call.settle(bulkhead_full(call))
            call.result()
        try:
            yield
        finally:
            slots.release()
