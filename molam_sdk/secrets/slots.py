"""What is kept of each kid, of a bounded number of kids."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from .._forks import renew_after_fork
from .kept import KeptSecret

T = TypeVar("T")


class Slots(Generic[T]):
    """A ``KeptSecret`` for each kid, made when it is first asked for; ``size`` at most."""

    def __init__(self, make: Callable[[str], KeptSecret[T]], size: int) -> None:
        self._make = make
        self._size = size
        self._slots: OrderedDict[str, KeptSecret[T]] = OrderedDict()
        self._lock = threading.Lock()
        renew_after_fork(self)

    def of(self, kid: str) -> KeptSecret[T]:
        """What is kept of this kid."""
        slot = self._slots.get(kid)
        if slot is not None:
            return slot
        fresh = self._make(kid)
        with self._lock:
            slot = self._slots.setdefault(kid, fresh)
            if len(self._slots) > self._size:
                self._drop_one(kid)
        return slot

    def forget(self, kid: str) -> None:
        """Keep nothing of it any more."""
        with self._lock:
            self._slots.pop(kid, None)

    def after_fork(self) -> None:
        """A lock that the parent held at the fork would stay locked here for ever."""
        self._lock = threading.Lock()

    def _drop_one(self, kept: str) -> None:
        """Kids that nobody has go first, so that made-up ones push out no real one."""
        others = [kid for kid in self._slots if kid != kept]
        stranger = next((kid for kid in others if self._slots[kid].age() is None), None)
        self._slots.pop(stranger or next(iter(others), kept))
