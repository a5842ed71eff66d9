"""A limit of calls in flight per group of operations: payouts cannot starve checkouts."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from itertools import takewhile
from types import TracebackType
from typing import Any, Final
from weakref import ref

from ..._core.call import Call
from ..._forks import renew_after_fork
from ..bulkhead import bulkhead_full
from ..origin import clock

_FREE: Final = nullcontext()

# Whoever waits looks again by itself: a place whose holder was torn away is given back by nobody.
_LOOKS_EVERY: Final = 0.1


class Bulkheads:
    """A number of places per limited group; a full one refuses at once, or after ``wait`` seconds."""

    def __init__(self, limits: Mapping[str, int], wait: float) -> None:
        self._limits = dict(limits)
        self._wait = wait
        self._groups: dict[str, _Group] = {}
        self.after_fork()
        renew_after_fork(self)

    def slot(self, call: Call[Any]) -> AbstractContextManager[None]:
        """A place in the group of this call, for as long as the ``with`` lasts."""
        group = self._groups.get(call.invocation.operation.group)
        return _FREE if group is None else _Place(group, call, self._wait)

    def after_fork(self) -> None:
        """The parent's calls in flight are not the child's."""
        self._groups = {group: _Group(limit) for group, limit in self._limits.items()}


class _Group:
    """The places of one group, without a lock: those have one who came first, and have not gone.

    A place is held by a call that lives and whose deadline has not passed: an exception that is raised into a call
    between any two lines cannot lose one.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._came: dict[int, ref[_Place]] = {}  # in the order of coming; adding and removing is atomic
        self._waiting: deque[threading.Event] = deque()

    def __len__(self) -> int:
        return len(self._came)

    def take(self, place: _Place) -> bool:
        """Whether there was one. Whoever comes when all are taken leaves again at once."""
        number = id(place)
        self._came[number] = ref(place, partial(self._came.pop, number))
        if len(self._came) <= self._limit or self._holders_before(place) < self._limit:
            return True
        self._came.pop(number, None)
        return False

    def give_back(self, place: _Place) -> None:
        """Free a place, and wake whoever has waited longest."""
        self._came.pop(id(place), None)
        with suppress(IndexError):
            self._waiting.popleft().set()

    def _holders_before(self, place: _Place) -> int:
        before = takewhile(lambda other: other is not place, (known() for known in tuple(self._came.values())))
        return sum(other is not None and other.call.time_left() > 0 for other in before)

    def wait(self, seconds: float) -> None:
        """Until a place may have fallen free."""
        bell = threading.Event()  # made where it is waited on, so that it is green where threads have become green
        self._waiting.append(bell)
        try:
            bell.wait(min(seconds, _LOOKS_EVERY))
        finally:
            with suppress(ValueError):
                self._waiting.remove(bell)


class _Place:
    """A place in a group, for as long as the ``with`` lasts."""

    __slots__ = ("__weakref__", "_group", "_wait", "call")

    def __init__(self, group: _Group, call: Call[Any], wait: float) -> None:
        self._group = group
        self._wait = wait
        self.call = call

    def __enter__(self) -> None:
        until = clock() + min(self._wait, self.call.time_left())
        while not self._group.take(self):
            left = until - clock()
            if left <= 0:
                self.call.settle(bulkhead_full(self.call))
                self.call.result()
            self._group.wait(left)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._group.give_back(self)
